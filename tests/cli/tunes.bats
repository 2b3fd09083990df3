#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tunes of share/tunes are what their README says.
load helpers

@test "at least sixty tunes are read without a repair, so every bar adds up" {
    mgen-info --each --repairs --strict --no-provenance "$TUNES" >out
    [ "$(jq -r 'select(.kind != "info")' out | wc -l)" -eq 0 ]
    [ "$(wc -l <out)" -ge 60 ]
}

@test "every tune says title, composer, origin, rhythm, meter, tempo and key" {
    for file in "$TUNES"/*.abc; do
        n=$(grep -c '^X:' "$file")
        for field in T C O R M L Q K; do
            [ "$(grep -c "^$field:." "$file")" -eq "$n" ] || { echo "$file: $field:"; return 1; }
        done
    done
}

@test "in songs every note has a syllable or holds one" {
    run awk '
        FNR == 1 { music = "" }
        /^w:/ {
            line = $0; sub(/^w:/, "", line)
            syllables = gsub(/_/, " ", line)
            gsub(/-/, " ", line)
            syllables += split(line, parts, /[ \t]+/) - (line ~ /^[ \t]/) - (line ~ /[ \t]$/)
            notes = gsub(/[A-Ga-g]/, "", music)
            if (notes != syllables) { print FILENAME ":" FNR ": " notes " notes, " syllables " syllables"; bad = 1 }
            checked++
        }
        !/^[A-Za-z]:/ { music = $0 }
        END { print checked " lines"; exit bad || checked < 100 }' "$TUNES"/{hymns,carols,songs}.abc
    assert_success
}

@test "no tune is there twice, also in another key or tempo" {
    [ "$(mgen-dedup --no-provenance "$TUNES" | wc -l)" -eq 0 ]
}

@test "their licence is found" {
    [ "$(mgen-info --each --no-provenance "$TUNES" | jq -r .licence | sort -u)" = CC0-1.0 ]
}
