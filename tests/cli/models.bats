#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The model of docs/ADDING-A-MODEL.md, as it stands there, becomes part of the tools, learns and makes music.
load helpers
load melodies
bats_require_minimum_version 1.5.0

code() { sed -n 's/^    //p; /^$/p' "$MGEN_ROOT/docs/ADDING-A-MODEL.md"; }

# with_models TOOL: the tool with the models of this folder, by the flags of the build.
with_models() {
    local build=$MGEN_ROOT/${BUILD:-build} here=$PWD cc
    read -ra cc < <(sed 's/ baseline.*//' "$build/flags")
    # shellcheck disable=SC2046
    (cd "$MGEN_ROOT" && "${cc[0]}" -I"$here" "${cc[@]:1}" -Werror -o "$here/$1" "tools/$1.c" "$here"/models/*.c \
        models/lstm.c "$build"/obj/tools/cli/*.o "$build/lib/libmgen.a" \
        $(pkg-config --libs jansson libxxhash sndfile fluidsynth libebur128 zlib) -ldnnl -lm)
}

@test "the model of the page learns and makes music" {
    mkdir models
    code | sed -n '/^\/\* SPDX/,/^#define/p' | sed '$d' >models/pairs.c
    code | sed -n '/^#define MG_MODEL_LIST/,/MODEL(pairs)/p' >models/model_list.h
    cp "$MGEN_ROOT/models/list.c" models
    with_models mgen-train
    with_models mgen-gen
    melodies 40 | ./mgen-train -q --model pairs --width 16 --lr 0.02 --report 1 --max-steps 40 -o m.safetensors >steps
    jq -se 'map(select(.kind == "step") | .loss) | .[-1] < .[0] - 0.5' steps
    ./mgen-gen -m m.safetensors -n 2 --steps 32 -o out >records
    valid_records records
    [ "$(ls out)" = $'0001.mid\n0002.mid' ]
    rolls 5 >rolls
    run -2 ./mgen-train -q --model pairs -o r.safetensors rolls
    assert_output --partial "pairs: takes tokens, no rolls"
    run -2 ./mgen-train -q --model pairs --preset jsb -o r.safetensors rolls
    assert_output --partial "--model: the preset is of a lstm"
}
