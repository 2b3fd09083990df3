# SPDX-License-Identifier: MIT
# Music and training records made here, so that tests need no files.

# melodies N: N records of melody38, pairs of equal notes that walk up and down a scale.
melodies() {
    awk -v n="$1" 'BEGIN {
        split("0 2 4 5 7 9 11 12 14 16 17 19", scale, " ")
        for (i = 0; i < n; i++) {
            printf "{\"kind\":\"piece\",\"id\":\"%032d\",\"path\":\"tune%d\",\"encoding\":\"melody38\",\"vocab_hash\":\"\",\"meta\":{\"bpm\":%d},\"tokens\":[", i, i, 90 + i % 40
            x = i * 7919 + 17; place = i % 12
            for (k = 0; k < 24 + i % 5 * 8; k++) {
                x = (x * 1103515245 + 12345) % 2147483648
                place += int(x / 65536) % 3 - 1
                if (place < 0) place = 0
                if (place > 11) place = 11
                note = 14 + scale[place + 1]
                printf "%s%d,%d", k ? "," : "", note, note
            }
            print "]}"
        }
    }'
}

# rolls N: N records of frames, triads that move by steps.
rolls() {
    awk -v n="$1" 'BEGIN {
        for (i = 0; i < n; i++) {
            printf "{\"kind\":\"roll\",\"id\":\"%032d\",\"path\":\"roll%d\",\"resolution\":4,\"low\":21,\"high\":108,\"frames\":[", i, i
            for (k = 0; k < 24; k++) {
                base = 48 + (i + int(k / 4) * 2) % 12
                printf "%s[%d,%d,%d]", k ? "," : "", base, base + 4, base + 7
            }
            print "]}"
        }
    }'
}

# big_endian N: four bytes, the most significant first, for printf.
big_endian() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)); }

# tune PITCH...: a MIDI file of quarters at 96 ticks, 0 being a rest; at 120 bpm in 4/4.
tune() {
    local track='' rest=0 delta
    for pitch in "$@"; do
        [ "$pitch" -eq 0 ] && { rest=$((rest + 96)); continue; }
        delta=$(printf '\\x%02x\\x%02x' $((128 | rest >> 7)) $((rest & 127)))
        track+="$delta$(printf '\\x90\\x%02x\\x40\\x60\\x80\\x%02x\\x40' "$pitch" "$pitch")"
        rest=0
    done
    track+='\x00\xff\x2f\x00'
    printf "MThd\0\0\0\6\0\0\0\1\0\140MTrk$(big_endian $((${#track} / 4)))$track"
}

# eight bars in C, five pitch classes
long_tune() { tune 60 62 64 65 67 65 64 62 60 62 64 65 67 65 64 62 60 62 64 65 67 65 64 62 60 62 64 65 67 65 64 "$@"; }
