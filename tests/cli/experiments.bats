#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# share/experiments: published benchmarks from data to a number, step by step, and the tunes that are embedded.
bats_require_minimum_version 1.5.0
load helpers

# A data set in the form of the JSON chorales: pieces as lists of frames, frames as lists of pitches.
make_rolls() {
    jq -nc '[range(14) | . as $p | [range(20) | [60 + (. + $p) % 5, 67 + (. * $p) % 4]]] |
        {train: .[:8], valid: .[8:11], test: .[11:]}' >rolls.json
}

rolls() {
    make -f "$MGEN_ROOT/share/experiments/$1-lstm.mk" PATH="$PATH" DATA=rolls.json OUT=out \
        TRAIN='--hidden 8 --input-layer 4 --max-steps 4' "${@:2}"
}

@test "a benchmark of rolls goes from its data to a test likelihood, and a second run does nothing" {
    make_rolls
    rolls jsb TRANSPOSE=-1:1 >shown
    for f in records steps test; do valid_records "out/$f.ndjson"; done
    # the training pieces in three transpositions, the others as they are
    [ "$(jq -r 'select(.kind == "roll") | .split' out/records.ndjson | sort | uniq -c | awk '{print $2 $1}' | paste -sd ' ')" = 'test3 train24 valid3' ]
    jq -e 'select(.kind == "likelihood") | .split == "test" and .pieces == 3 and .predictions == 57' out/test.ndjson
    grep -q "test NLL $(jq -r 'select(.kind == "likelihood") | .metrics.nll_nats_per_frame.value * 1000 | round / 1000' out/test.ndjson)" shown
    find out -type f -printf '%p %T@\n' | sort >before
    rolls jsb TRANSPOSE=-1:1 >again
    diff before <(find out -type f -printf '%p %T@\n' | sort)
    run ! grep -q '^mgen-' again
    rolls jsb -n >/dev/null
}

@test "every benchmark of rolls has a preset that trains, and says where its data are if they are not there" {
    make_rolls
    for name in nottingham piano; do
        rm -rf out
        rolls "$name" >shown
        grep -q '^published: ' shown
    done
    run -2 make -f "$MGEN_ROOT/share/experiments/jsb-lstm.mk" DATA=none.mat
    assert_output --partial "DATA=none.mat: is not there"
}

@test "the embedded tunes and performances go through the whole chain" {
    small=(PATH="$PATH" PIECES=2 GEN='--steps 64' TRAIN='--hidden 8 --layers 1 --max-steps 2' OUT=out)
    make -f "$MGEN_ROOT/share/experiments/tunes-lstm.mk" "${small[@]}" >shown
    grep -q 'equal a whole piece' shown
    rm -rf out
    make -f "$MGEN_ROOT/share/experiments/performance-lstm.mk" "${small[@]}" CORPUS="$TUNES/carols.abc" GEN='--seconds 5' >shown
    jq -e 'select(.kind == "output") | .seconds <= 5' out/pieces.ndjson
}

# verdicts NAME=VALUE...: what the demo says of a training, a comparison and copies; good ones, but for what is given.
verdicts() {
    local loss=0.8 p=0.3 low=-0.5 copies='' "$@"
    echo "{\"kind\":\"step\",\"valid_loss\":2} {\"kind\":\"step\",\"valid_loss\":$loss} {\"kind\":\"step\",\"loss\":0}" >steps
    echo "{\"kind\":\"comparison\",\"metrics\":{\"pitch_range\":{\"a\":19,\"b\":13,\"p_holm\":$p,\"ci95\":$([ "$low" = none ] && echo null || echo "[$low,2]")}}}" >comparison
    for c in $copies; do echo "{\"kind\":\"match\",\"a\":\"$c\"}"; done >copies
    jq -nr -f <(cat "$MGEN_ROOT/share/experiments/demo.jq"; echo '| "\(.result) \(.verdict)"') steps comparison copies | paste -sd,
}

@test "a result of the demo outside its range is called worse" {
    good='best validation loss ok,pitch_range ok,copies of the corpus ok'
    [ "$(verdicts)" = "$good" ]
    [ "$(verdicts loss=0.9)" = "${good/loss ok/loss WORSE}" ]
    # it takes both: an interval without 0, and a small p
    [ "$(verdicts low=0.1)" = "$good" ] && [ "$(verdicts p=0.01)" = "$good" ]
    [ "$(verdicts low=0.1 p=0.01)" = "${good/range ok/range WORSE}" ]
    [ "$(verdicts low=none)" = "${good/range ok/range WORSE}" ]
    [ "$(verdicts copies=1.mid)" = "${good/corpus ok/corpus WORSE}" ]
}

@test "a demo of a model that has learned nothing goes through, and says so" {
    TRAIN='--hidden 8 --layers 1 --max-steps 2' "$MGEN_ROOT/share/experiments/demo.sh" out >shown
    grep -q '^WORSE than it should be: best validation loss, .*pitch_range' shown
    run ! grep -q 'Nothing is worse' shown
    # what stands in the last table is there
    sed -n '/^Everything is in/,$p' shown | tail -n +2 | grep -oE '[a-z]+(\.[a-z]+|/)' | sort >named
    [ "$(wc -l <named)" -eq 12 ]
    while read -r name; do [ -s "out/$name" ] || { echo "$name"; return 1; }; done <named
}
