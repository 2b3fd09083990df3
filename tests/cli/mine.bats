#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# share/experiments/mine.mk: the whole chain on somebody's own music, and only what is missing.
bats_require_minimum_version 1.5.0
load helpers

# Two spaces, since make takes words apart; a broken file, since folders are wild.
make_music() {
    mkdir -p 'my  music/old'
    cp "$TUNES"/jigs.abc 'my  music/'
    cp "$TUNES"/hymns.abc 'my  music/old/'
    echo broken >'my  music/broken.mid'
}

mine() {
    make -f "$MGEN_ROOT/share/experiments/mine.mk" PATH="$PATH" CORPUS='my  music' PIECES=3 GEN='--steps 64' \
        TRAIN='--hidden 8 --layers 1 --max-steps 4' "$@"
}

@test "a folder with spaces in its name goes through the whole chain" {
    make_music
    mine >out
    for f in card clusters prepared records steps pieces comparison copies; do valid_records "mine/$f.ndjson"; done
    [ "$(jq -r 'select(.kind == "error") | .path' mine/card.ndjson)" = 'my  music/broken.mid' ]
    [ "$(jq -r 'select(.kind == "card") | .pieces' mine/card.ndjson)" -eq 20 ]
    [ "$(jq -r 'select(.kind == "piece") | .split' mine/records.ndjson | sort -u | paste -sd ' ')" = 'train valid' ]
    [ "$(ls mine/pieces)" = $'0001.mid\n0002.mid\n0003.mid' ]
    [ "$(jq -r 'select(.kind == "comparison") | "\(.n_a) \(.set_b)"' mine/comparison.ndjson)" = '3 mine/prepared.ndjson' ]
    grep -q 'families of duplicates' out && grep -q 'equal a whole piece' out && grep -q 'parts or pieces were left out' out
}

@test "what is done is not done again, what is missing is" {
    make_music
    mine >out
    find mine -type f -printf '%p %T@\n' | sort >before
    mine >again
    diff before <(find mine -type f -printf '%p %T@\n' | sort)
    run ! grep -q '^mgen-' again
    rm mine/comparison.ndjson
    mine >again
    [ "$(grep -o '^mgen-[a-z]*' again)" = mgen-eval ]
    [ -s mine/comparison.ndjson ]
}

@test "training that was stopped goes on" {
    make_music
    mine mine/records.ndjson >out
    (cd mine && mgen-train -q --model lstm --hidden 8 --layers 1 --max-steps 2 -o model.safetensors records.ndjson >steps.ndjson.part)
    mine mine/steps.ndjson >out
    grep -q 'mgen-train --resume' out
    [ "$(jq -r 'select(.kind == "step") | .step' mine/steps.ndjson | paste -sd ' ')" = '1 2 3 4' ]
}

@test "what a kill left half-written is not taken for done, nor results of another corpus" {
    make_music
    mkdir mine
    head -n 3 "$TUNES/jigs.abc" >mine/records.ndjson.part
    mine mine/records.ndjson >out
    [ "$(jq -s 'map(select(.kind == "piece")) | length' mine/records.ndjson)" -gt 10 ]
    [ ! -e mine/records.ndjson.part ]
    run mine CORPUS="$TUNES"
    assert_failure
    assert_output --partial "holds what was made of $PWD/my  music"
    run mine CORPUS=nowhere OUT=other
    assert_failure
    assert_output --partial 'is not there'
    [ ! -e other ]
}

@test "a home folder is found, no folder is refused" {
    make_music
    export HOME=$PWD
    mine CORPUS='~/my  music' mine/card.ndjson >out
    [ "$(jq -r 'select(.kind == "card") | .path' mine/card.ndjson)" = "$PWD/my  music" ]
    run mine CORPUS= OUT=other
    assert_failure
    assert_output --partial 'CORPUS=FOLDER'
    [ ! -e other ]
}
