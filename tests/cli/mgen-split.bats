#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-split: assignments of files, splits of records, clusters kept together.
bats_require_minimum_version 1.5.0
load helpers

# 60 roll pieces, each of its own, as records.
make_rolls() {
    jq -nc '{train: [range(60) as $i | [[60 + $i % 12], [40 + ($i / 12 | floor)], [30 + $i % 7]]]}' >rolls.json
    mgen-prep -q --no-provenance -e roll88 --roll-grid 1 rolls.json >rolls
    [ "$(wc -l <rolls)" -eq 60 ]
}

counts() { jq -r '.split // empty' "$1" | sort | uniq -c | awk '{ print $2, $1 }' | tr '\n' ' '; }

@test "files get an assignment each, and the ratio holds about" {
    make_rolls
    mgen-split --ratio 2:1:1 rolls.json >out
    valid_records out
    [ "$(jq -r 'select(.kind == "assignment") | .path' out | sort -u | wc -l)" -eq 60 ]
    train=$(jq -r 'select(.split == "train") | 1' out | wc -l)
    [ "$train" -ge 20 ] && [ "$train" -le 40 ]
}

@test "a seed draws anew, a ratio of nothing gives nothing" {
    make_rolls
    mgen-split --no-provenance rolls.json >one
    mgen-split --no-provenance --seed 2 rolls.json >two
    run ! cmp -s one two
    mgen-split --no-provenance --ratio 1:0:1 rolls.json >out
    [ "$(jq -r .split out | sort -u | tr '\n' ' ')" = 'test train ' ]
    mgen-split --no-provenance --ratio 0:0:3 rolls.json >out
    [ "$(jq -r .split out | sort -u)" = test ]
}

@test "records pass with split and family set, content last" {
    make_rolls
    mgen-split --no-provenance <rolls >out 2>err
    valid_records out
    [ ! -s err ]
    diff <(jq -c 'del(.split)' rolls) <(jq -c 'del(.split, .family)' out)
    run bash -c "jq -c keys_unsorted out | sort -u"
    assert_output '["kind","id","path","encoding","vocab_hash","resolution","low","high","split","family","meta","frames"]'
    mgen-split --no-provenance --seed 9 <out | mgen-split --no-provenance | diff out -
}

@test "a record and its file agree, in any order and at any number of threads" {
    make_rolls
    mgen-split --no-provenance rolls.json >files
    shuf rolls | mgen-split --no-provenance -j 3 >records
    diff <(jq -r '[.path, .split] | @tsv' files | sort) <(jq -r '[.path, .split] | @tsv' records | sort)
}

@test "parts and copies stay with their piece" {
    make_rolls
    mgen-prep -q --no-provenance -e roll88 --roll-grid 1 --transpose -2:2 rolls.json | mgen-split --no-provenance --ratio 1:1:1 >out
    [ "$(wc -l <out)" -eq 300 ]
    [ -z "$(jq -r '[.path, .split] | @tsv' out | sort -u | cut -f 1 | uniq -d)" ]
}

# clusters of SIZE pieces each, from rolls.json#1 on, shuffled
make_clusters() {
    local first=1 n=0
    for size in "$@"; do
        n=$((n + 1))
        jq -nc --argjson first $first --argjson size "$size" --arg id "$(printf '%032x' $n)" \
            '{kind: "cluster", id: $id, members: [range($first; $first + $size) | "rolls.json#\(.)"], keep: "x"}'
        first=$((first + size))
    done | shuf >clusters
}

@test "no cluster is cut, and large ones are shared out" {
    make_rolls
    make_clusters 20 10 10 5 5 5 5
    mgen-split --no-provenance --ratio 2:1:1 --clusters clusters rolls.json >out
    valid_records out
    [ "$(counts out)" = 'test 15 train 30 valid 15 ' ]
    [ "$(jq -r '[.family, .split] | @tsv' out | sort -u | wc -l)" -eq 7 ]
    shuf clusters | mgen-split --no-provenance --ratio 2:1:1 --clusters - rolls.json | cmp out -
    mgen-split --no-provenance --ratio 2:1:1 --clusters clusters <rolls | jq -r '[.path, .split] | @tsv' | sort >records
    jq -r '[.path, .split] | @tsv' out | sort | diff - records
}

@test "clusters that share a member are one family" {
    make_rolls
    make_clusters 10 10 10 10 10 10
    jq -nc '{kind: "cluster", id: "ffffffffffffffffffffffffffffffff", members: ["rolls.json#1", "rolls.json#11", "rolls.json#60"], keep: "x"}' >>clusters
    mgen-split --no-provenance --ratio 1:1:1 --clusters clusters rolls.json >out
    [ "$(jq -r 'select(.path | test("#(1|11|20|55)$")) | .split' out | sort -u | wc -l)" -eq 1 ]
    [ "$(jq -r .family out | sort -u | wc -l)" -eq 4 ]
    [ "$(jq -r 'select(.path == "rolls.json#60") | .family' out)" = 00000000000000000000000000000001 ]
}

@test "duplicates that mgen-dedup finds stay together" {
    mkdir in
    for i in 1 2 3 4 5 6 7 8; do cp "$MGEN_ROOT/tests/fuzz/corpus/midi/plain" in/$i.mid; done
    mgen-dedup --clusters in >clusters
    mgen-split --no-provenance --clusters clusters in >out
    [ "$(jq -r .family out | sort -u | wc -l)" -eq 1 ]
    [ "$(jq -r .family out | sort -u)" = "$(jq -r 'select(.kind == "cluster") | .id' clusters)" ]
}

@test "broken clusters and contradictions are refused" {
    make_rolls
    echo '{"kind":"cluster","id":"12"}' >clusters
    run -1 mgen-split --clusters clusters rolls.json
    assert_output --partial 'a cluster without id or members (clusters, line 1)'
    run -3 mgen-split --clusters no-such-file rolls.json
    run -2 bash -c 'mgen-split --clusters - <rolls'
    run -2 mgen-split --ratio 8:1 rolls.json
    run -2 mgen-split --ratio 0:0:0 rolls.json
    run -2 mgen-split --ratio=-1:1:1 rolls.json
}
