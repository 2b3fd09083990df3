#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-eval: metrics of pieces, comparison of sets, from files and from records.
bats_require_minimum_version 1.5.0
load helpers

midi() { echo "$MGEN_ROOT/tests/fuzz/corpus/midi/$1"; }

# Folders a/ and b/ of tunes that differ: b's are lower and slower.
two_sets() {
    mkdir -p a b
    local i
    for i in 1 2 3 4 5 6; do
        tune $((60 + i)) 24 >"a/$i.mid"
        tune $((40 + 2 * i)) $((40 + i)) >"b/$i.mid"
    done
}

# tune PITCH TICKS: four rising notes of that length, 96 ticks a quarter, as a MIDI file.
tune() {
    printf 'MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\44'
    local i
    for i in 0 2 4 5; do
        printf '%b' "\\0000\\x90\\x$(printf %x $(($1 + i)))\\0100\\x$(printf %x "$2")\\x80\\x$(printf %x $(($1 + i)))\\0100"
    done
    printf '\0\377\57\0'
}

@test "a piece has a metrics record with every strict metric" {
    mgen-eval "$(midi plain)" >out
    valid_records out
    run jq -r 'select(.kind == "metrics") | .metrics | length' out
    assert_output "$(mgen-eval --list | jq -r 'select(.kind == "metric") | select(.meanings | index("strict")) | .name' | wc -l)"
}

@test "nulls have reasons, and only they" {
    mgen-eval "$(midi plain)" "$(midi zero)" >out
    run jq -r 'select(.kind == "metrics") | ([.metrics | to_entries[] | select(.value == null) | .key] | sort) ==
        (.null_reasons | keys | sort)' out
    assert_output "$(printf 'true\ntrue')"
}

@test "the list follows its schema and names each metric once" {
    mgen-eval --list >out
    valid_records out
    [ -z "$(jq -r .name out | sort | uniq -d)" ]
}

@test "docs/METRICS.md is what --list says" {
    mgen-eval --list --no-provenance | jq -nrf "$MGEN_ROOT/docs/metrics.jq" >metrics.md
    diff metrics.md "$MGEN_ROOT/docs/METRICS.md"
}

@test "--only selects, in the order given, once each" {
    run bash -c "mgen-eval --no-provenance --only polyphony,n_notes,polyphony $(midi plain) | jq -c '.metrics | keys_unsorted'"
    assert_output '["polyphony","n_notes"]'
}

@test "an unknown metric names the nearest one" {
    run -2 mgen-eval --only pitch_rnage "$(midi plain)"
    assert_output --partial "did you mean 'pitch_range'?"
    run -2 mgen-eval --only polyphony_rate_threshold_1 "$(midi plain)"
    assert_output --partial 'no strict meaning'
    mgen-eval --meaning compat --only polyphony_rate_threshold_1 "$(midi plain)" >out
    valid_records out
}

@test "strict and compat differ where a note ends on a beat" {
    tune 60 96 >x.mid
    run bash -c "mgen-eval --no-provenance --only empty_beat_rate,n_bars x.mid | jq -c .metrics"
    assert_output '{"empty_beat_rate":0,"n_bars":1}'
    run bash -c "mgen-eval --no-provenance --meaning compat --only groove_consistency x.mid | jq -c .metrics"
    assert_output '{"groove_consistency":0.9895833333333334}'
}

@test "a file on standard input, and records that name files, are measured" {
    tune 60 24 >x.mid
    mgen-eval --no-provenance x.mid | jq -c .metrics >want
    mgen-eval --no-provenance <x.mid | jq -c .metrics | diff want -
    echo '{"kind":"output","path":"x.mid","seed":1}' | mgen-eval --no-provenance | jq -c .metrics | diff want -
    printf '%s\n' '{"kind":"run"}' '{"kind":"novel","path":"y"}' '{"kind":"output","path":"x.mid"}' |
        mgen-eval --no-provenance - | jq -c .metrics | diff want -
}

@test "a broken file is an error record, the others are measured" {
    tune 60 24 >x.mid
    echo nothing >y.mid
    run -1 --separate-stderr mgen-eval --no-provenance x.mid y.mid
    echo "$output" >out
    valid_records out
    assert_equal "$(kinds out)" "$(printf '1 error\n1 metrics')"
}

@test "sets are compared, the most distant metrics first" {
    two_sets
    mgen-eval a --against b >out
    valid_records out
    assert_equal "$(kinds out)" "$(printf '1 comparison\n1 run')"
    run jq -r 'select(.kind == "comparison") | [.set_a, .set_b, .n_a, .n_b,
        (.metrics.pitch_mean | .a, .b, .nulls_a)] | @csv' out
    assert_output '"a","b",6,6,66.25,49.75,0'
    run jq -r 'select(.kind == "comparison") | [.metrics[] | .distance // 0 | fabs] | . == (sort | reverse)' out
    assert_output true
    run jq -r 'select(.kind == "comparison") | .metrics.pitch_mean |
        .distance > 0 and .ci95[0] > 0 and .p < 0.01 and .p_holm >= .p' out
    assert_output true
    run jq -r 'select(.kind == "comparison") | .metrics.velocity_mean.distance, .null_reasons.velocity_mean' out
    assert_output "$(printf 'null\nthe reference does not vary')"
}

@test "a set against itself does not differ" {
    two_sets
    run bash -c "mgen-eval --no-provenance b --against b | jq -r '[.metrics[] | .distance // 0, 1 - (.p // 1)] | unique | @csv'"
    assert_output 0
}

@test "threads change nothing, the seed does" {
    two_sets
    for j in 1 2 5; do mgen-eval --no-provenance -j $j a --against b >out-$j; done
    cmp out-1 out-2
    cmp out-1 out-5
    mgen-eval --no-provenance --seed 2 a --against b >other
    run ! cmp -s out-1 other
    diff <(jq -c '.metrics[] | .distance' out-1) <(jq -c '.metrics[] | .distance' other)
}

@test "several references make one, and --metrics keeps the pieces" {
    two_sets
    mgen-eval --metrics a --against b --against a >out
    valid_records out
    assert_equal "$(kinds out)" "$(printf '1 comparison\n6 metrics\n1 run')"
    run jq -c 'select(.kind == "comparison") | [.n_b, .set_b]' out
    assert_output '[12,"b and 1 more"]'
}

@test "metrics records stand for their pieces" {
    two_sets
    mgen-eval a >a.ndjson
    mgen-eval b >b.ndjson
    mgen-eval --no-provenance a --against b | jq -c .metrics >want
    mgen-eval --no-provenance a.ndjson --against b.ndjson | jq -c .metrics | diff want -
    jq -c 'select(.kind == "metrics")' a.ndjson | mgen-eval --no-provenance --against b | jq -c .metrics | diff want -
    jq -Sc . a.ndjson | mgen-eval --no-provenance --against b | jq -c .metrics | diff want -
    mgen-eval --no-provenance a.ndjson | diff <(grep '"kind":"metrics"' a.ndjson) -
    run -1 --separate-stderr mgen-eval --meaning compat a.ndjson
    [[ $output == *"with the meaning 'strict', not 'compat'"* ]]
}

@test "without a piece on one side there is nothing to compare" {
    two_sets
    mkdir empty
    run -1 mgen-eval a --against empty
    assert_output --partial 'no piece in the reference set'
    run -1 mgen-eval empty --against a
    assert_output --partial 'no piece to compare'
}

@test "real jigs and reels differ from songs with chords in polyphony" {
    need "$DATA/cre-irish"
    mgen-eval --no-provenance -q "$DATA/cre-irish" --against "$DATA/pop909" --only polyphony,n_notes >out || true
    run jq -r 'select(.kind == "comparison") | .metrics.polyphony | .a < 1.2 and .b > 2 and .ci95[1] < 0 and .p_holm < 0.01' out
    assert_output true
}

@test "on a terminal a comparison is a grid" {
    two_sets
    NO_COLOR=1 script -qec "stty cols 66; mgen-eval a --against b" /dev/null </dev/null | tr -d '\r' >out
    run grep -A 1 '^  metrics' out
    assert_line --regexp '^ +a +b +distance'
    run grep '^    pitch_mean ' out
    assert_line --regexp '^    pitch_mean +66\.25 +49\.75 '
    [ -z "$(awk '/^  metrics/ { is_grid = 1 } /^  null_reasons/ { is_grid = 0 } is_grid && length > 66' out)" ]
}

@test "a comparison is interrupted" {
    interrupted mgen-eval --against "$TUNES" --resamples 1000000 "$TUNES/jigs.abc"
}
