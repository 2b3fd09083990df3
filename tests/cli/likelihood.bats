#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# mgen-eval --likelihood: how probable a trained model finds music.
load helpers
load melodies
bats_require_minimum_version 1.5.0

# split NAME: the records that come, said to be of a split.
split() { jq -c --arg s "$1" '.split = $s'; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    if [ ! -e "$BATS_FILE_TMPDIR/m.safetensors" ]; then
        melodies 40 >all
        { sed -n 1,30p all | split train; sed -n 31,36p all | split valid; sed -n 37,40p all | split test; } >"$BATS_FILE_TMPDIR/set"
        mgen-train -q --hidden 16 --embedding 8 --lr 0.02 --max-steps 40 --batch 8 -o "$BATS_FILE_TMPDIR/m.safetensors" \
            "$BATS_FILE_TMPDIR/set" >"$BATS_FILE_TMPDIR/steps"
        rm all
    fi
    cp "$BATS_FILE_TMPDIR/m.safetensors" "$BATS_FILE_TMPDIR/set" "$BATS_FILE_TMPDIR/steps" .
}

# near A B: the same to six digits.
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 1e-6 * (b < 0 ? -b : b)) }'; }

@test "each piece has a record, and the set one that pools them" {
    mgen-eval --likelihood m.safetensors set >records
    valid_records records
    [ "$(kinds records)" = $'1 likelihood\n40 metrics\n1 run' ]
    [ "$(jq -r 'select(.kind == "metrics") | .path' records | head -n 2)" = $'tune0\ntune1' ]
    tokens=$(jq -s 'map(.tokens | length) | add' set)
    [ "$(jq 'select(.kind == "likelihood") | .predictions' records)" -eq "$tokens" ]
    near "$(jq -s 'map(select(.kind == "metrics").metrics.nll_nats) | add' records)" \
        "$(jq "select(.kind == \"likelihood\") | .metrics.nll_nats_per_token.value * $tokens" records)"
    jq -se 'last.metrics | map_values(.ci95[0] < .value and .value < .ci95[1]) | all' records
    jq -se 'last | .calibration | .error >= 0 and .error <= 1 and (.bins | map(.count) | add) == '"$tokens" records
    near "$(jq -s 'last.metrics | .nll_nats_per_second.value / .nll_bits_per_second.value' records)" 0.6931471805599453
}

@test "it is the loss that training validates by" {
    mgen-eval --likelihood m.safetensors --split valid set >records
    [ "$(kinds records)" = $'1 likelihood\n6 metrics\n1 run' ]
    near "$(jq -s 'map(.valid_loss // empty) | min' steps)" "$(jq -s 'last.metrics.nll_nats_per_token.value' records)"
}

@test "a split that no piece is of, and other options, are refused" {
    run -1 mgen-eval --likelihood m.safetensors --split nothing set
    assert_output --partial "no piece is said to be of the split 'nothing'"
    run -2 mgen-eval --split test set
    assert_output --partial "--split: goes with --likelihood"
    for option in '--against set' '--only pitch_range' '--meaning strict' --metrics; do
        # shellcheck disable=SC2086
        run -2 mgen-eval --likelihood m.safetensors set $option
        assert_output --partial "mgen-eval: ${option% *}: --likelihood measures nothing else"
    done
    run -3 mgen-eval --likelihood none.safetensors set
}

@test "threads change nothing, nor does the form in which a piece comes" {
    for j in 1 3 7; do mgen-eval --no-provenance -j$j --likelihood m.safetensors set >$j; done
    cmp 1 3
    cmp 1 7
    mgen-gen --no-provenance -m m.safetensors -n 3 --steps 300 -o out >/dev/null
    nats() { mgen-eval --no-provenance --likelihood m.safetensors "$@" | jq -s 'map(select(.kind == "metrics").metrics.nll_nats) | add'; }
    near "$(nats out)" "$(for f in out/*.mid; do nats "$f"; done | jq -s add)"
    near "$(nats - <set)" "$(nats set)"
    mgen-train -q --hidden 8 --max-steps 1 -o other.safetensors - <set >/dev/null # whose set is packed
    near "$(nats other.data)" "$(nats set)"
}

@test "what the model cannot say is an error, and the others go on" {
    rolls 2 >rolls
    { head -n 3 set; echo '{"kind":"piece","id":"","path":"empty","encoding":"melody38","vocab_hash":"","tokens":[]}'; cat rolls; } >mixed
    run -1 --separate-stderr mgen-eval --likelihood m.safetensors mixed
    [ "$(kinds <(echo "$output"))" = $'3 error\n1 likelihood\n3 metrics\n1 run' ]
    jq -s 'map(select(.kind == "error").error)' <<<"$output" >errors
    grep -q 'nothing is left to predict' errors
    grep -q 'two notes sound' errors
    run -1 mgen-eval --likelihood m.safetensors rolls
    assert_output --partial "there is no piece to be heard"
}

@test "rolls count frames, all but the first, on the model's grid" {
    rolls 12 | mgen-train -q --hidden 16 --batch 4 --max-steps 3 -o r.safetensors >/dev/null
    rolls 3 | mgen-eval --likelihood r.safetensors >records
    valid_records records
    jq -se 'last | .predictions == 69 and .metrics.nll_nats_per_token == null and
        (.metrics.nll_nats_per_frame.value | . > 0) and .calibration.of == "every key of a frame"' records
    jq -se 'map(select(.kind == "metrics"))[0] | .metrics.nll_nats_per_frame * 23 - .metrics.nll_nats | . < 1e-9 and . > -1e-9' records
    rolls 3 | sed 's/"resolution":4/"resolution":2/' >coarse
    run -1 mgen-eval --likelihood r.safetensors coarse
    assert_output --partial "a grid of 2 steps a quarter, where the model has 4"
}

@test "a piece that is unlike the others is pointed out" {
    { head -n 20 set; echo '{"kind":"piece","id":"","path":"odd","encoding":"melody38","vocab_hash":"","tokens":[37,2,37,2,37,2,1,37,1,2,1,37]}'; } >odd
    mgen-eval --likelihood m.safetensors odd | jq -se 'last.outliers | .count >= 1 and .first[0].path == "odd" and .first[0].value > .fences[1]'
}

@test "a model that is not finite is refused with 4" {
    printf '\0\0\300\177' | dd of=m.safetensors bs=1 seek=$(($(stat -c %s m.safetensors) - 4)) conv=notrunc status=none
    run -4 mgen-eval --likelihood m.safetensors set
}
