#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Large corpora: many files of every kind, the broken ones among them, and very many records.
bats_require_minimum_version 1.5.0
load ../cli/helpers
load ../cli/melodies

# peak COMMAND...: its memory at most, in KiB, into the file peak.
peak() {
    "$@" &
    local pid=$! now most=0
    while now=$(awk '/^VmHWM/ { print $2 }' /proc/$pid/status 2>/dev/null) && [ -n "$now" ]; do
        most=$now
        sleep 0.02
    done
    echo "$most" >peak
    wait $pid
}

# Folders of real music, copied until there are five thousand files.
five_thousand() {
    mkdir corpus
    for copy in 1 2; do
        for folder in nasty-midi abc-small nottingham groove cre-irish pop909 freedoom-multitrack piano-midi-de; do
            cp -R "$DATA/$folder" "corpus/$folder-$copy"
        done
    done
    [ "$(find corpus -type f | wc -l)" -ge 5000 ]
}

@test "five thousand files of every kind go through the pipes, alike with one thread and two" {
    need "$DATA/nasty-midi"
    five_thousand
    wild=(--no-provenance --lenient --allow-errors 100%)
    for j in 1 2; do
        mgen-prep -q -j $j "${wild[@]}" -e performance388 corpus >records-$j
        mgen-info -q -j $j "${wild[@]}" - <records-$j >info-$j
        jq -c 'select(.kind == "piece")' records-$j | mgen-eval -q -j $j "${wild[@]}" - >metrics-$j
        mgen-dedup -q -j $j "${wild[@]}" --clusters corpus >clusters-$j
        mgen-info -q -j $j "${wild[@]}" --card corpus >card-$j
    done
    for file in records info metrics clusters card; do cmp $file-1 $file-2; done
    valid_records info-1
    valid_records card-1
    kinds records-1
    # each input is prepared, dropped or an error
    [ "$(jq -r 'select(.kind == "card") | .pieces' card-1)" -gt 5000 ]
    [ "$(jq -r 'select(.kind == "piece") | .id' records-1 | wc -l)" -eq "$(jq -r 'select(.kind == "metrics") | .path' metrics-1 | wc -l)" ]
}

@test "the memory of a training does not grow with the corpus" {
    is_sanitised && skip "AddressSanitizer keeps what is freed"
    train=(mgen-train -q --max-steps 60 --epochs 0 --hidden 16 --valid 0)
    melodies 4000 >few
    for ((i = 0; i < 50; i++)); do cat few; done >many
    for set in few many; do
        peak "${train[@]}" -o $set.safetensors $set >/dev/null # spooled
        mv peak $set-records
        peak "${train[@]}" -o again.safetensors --force $set.data >/dev/null # mapped
        mv peak $set-packed
    done
    for way in records packed; do
        echo "$way: $(cat few-$way) KiB for 4,000 records, $(cat many-$way) KiB for 200,000"
        # besides the model, one batch and 64 MiB
        [ "$(cat many-$way)" -lt $(($(cat few-$way) + 32768)) ]
    done
    [ "$(stat -c %s many.data)" -gt $((65536 * 1024)) ]
}

@test "a million records through a pipe do not grow memory" {
    melodies 1000 >thousand
    for tool in "mgen-prep" "mgen-eval --only pitch_range" "mgen-split" "mgen-info"; do
        for n in 20 1000; do
            # shellcheck disable=SC2086
            peak $tool -q --no-provenance - < <(for ((i = 0; i < n; i++)); do cat thousand; done) | tail -n 1 >/dev/null
            mv peak peak-$n
        done
        echo "$tool: $(cat peak-20) KiB for 20,000 records, $(cat peak-1000) KiB for a million"
        [ "$(cat peak-1000)" -lt $(($(cat peak-20) + 8192)) ]
    done
}
