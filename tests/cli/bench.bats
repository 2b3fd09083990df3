#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# make bench: what it measures are records. How fast is no test.
load helpers
load melodies

bench() { DATA=$PWD/data ROUNDS=1 PEERS=$1 "$MGEN_ROOT/tests/bench/run" "$2"; }

@test "measurements follow their schema, also where there is nothing to measure or no peer" {
    bench false 'prep|render' >out
    valid_records out
    jq -se 'length == 2 and all(.[]; .note and (has("value") | not))' out
    mkdir data
    long_tune >data/long.mid
    bench false prep >out
    valid_records out
    jq -se 'length == 2 and all(.[]; .value > 0 and .unit == "s" and (.note | test("not installed")))' out
}

@test "a peer's value and the ratio stand beside ours" {
    mkdir data
    long_tune >data/long.mid
    bench true prep >out
    valid_records out
    jq -se 'all(.[]; .peer_value > 0 and .ratio > 0 and .rounds == 3)' out
}
