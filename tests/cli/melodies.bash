# SPDX-License-Identifier: MIT
# Training records made here: tests of training need no files.

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
