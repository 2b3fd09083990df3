#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Models and PyTorch: weights go there by their names, and come back. PEERS names a python that has torch and safetensors.
load helpers
load melodies

# nats MODEL: of each piece of set, as mgen-eval finds them.
nats() { mgen-eval -q --no-provenance --likelihood "$1" set | jq -sc 'map(select(.kind == "metrics").metrics.nll_nats)'; }

# near A B: two lists, the same to five digits.
near() { jq -ne --argjson a "$1" --argjson b "$2" '[$a, $b] | length == 2 and (transpose | all((.[0] - .[1] | fabs) <= 1e-5 * .[0]))'; }

@test "PyTorch reads an LSTM, finds the same likelihoods, and what it learns is read here" {
    [ "${PEERS:-}" ] || skip "PEERS names no python with torch and safetensors"
    command -v "$PEERS"
    "$PEERS" -c 'from importlib.util import find_spec as f; exit(not (f("torch") and f("safetensors")))' || skip "$PEERS has no torch or no safetensors"
    melodies 6 >set
    for input in embedding onehot; do
        mgen-train -q --force --input $input --hidden 12 --layers 2 --max-steps 2 -o m.safetensors set >steps
        "$PEERS" "$MGEN_ROOT/tests/cli/torch_lstm.py" m.safetensors set changed.safetensors >theirs
        near "$(nats m.safetensors)" "$(jq -c .before theirs)"
        near "$(nats changed.safetensors)" "$(jq -c .after theirs)"
        jq -e '.before[0] > .after[0] * 1.01' theirs
        mgen-gen -q --no-provenance -m changed.safetensors --force -o out
    done
}
