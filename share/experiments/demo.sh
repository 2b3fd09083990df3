#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole chain on the embedded tunes, each command shown before it runs. `make demo` calls it from the repository; an
# installed mgen runs it anywhere:  share/experiments/demo.sh [FOLDER FOR RESULTS]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tunes=$here/tunes
results=${1:-mgen-demo}
mkdir -p "$results"
tunes=$(realpath --relative-to="$results" "$tunes")
cd "$results"
rm -rf tunes.safetensors* tunes.state tunes.data steps.ndjson pieces pieces.ndjson copy.abc ./*.svg ./*.wav

if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Show a command, then run it.
run() { printf '\n$ %s\n' "$1"; eval "$1"; }

say "1. What is in the corpus"
run "mgen-info --table $tunes"

say "2. One tune, seen and heard"
run "mgen-info --piano-roll --bars 1-16 '$tunes/jigs.abc#1'"
run "mgen-info --piano-roll -o tune.svg '$tunes/jigs.abc#1'"
run "mgen-render --table --chords -o tune.wav '$tunes/jigs.abc#1'"

say "3. Jigs against hymns: what tells them apart"
run "mgen-eval --table $tunes/jigs.abc --against $tunes/hymns.abc --only notes_per_second,pitch_range,ioi_entropy,note_length_entropy,groove_consistency,scale_consistency,pitch_class_entropy"

say "4. Duplicates: a tune written down a tone higher is found"
run "sed -n '/^X:1\$/,/^\$/p' $tunes/reels.abc | sed 's/^K:.*/& transpose=2/' > copy.abc"
run "mgen-dedup --table --against $tunes copy.abc"

say "5. An LSTM learns the tunes"
run "mgen-prep -q $tunes | mgen-train --model lstm --batch 8 -o tunes.safetensors > steps.ndjson"
run "mgen-info --curve train_loss,valid_loss steps.ndjson"

say "6. It plays new ones, which are measured against the corpus"
run "mgen-gen -m tunes.safetensors -n 16 -o pieces > pieces.ndjson"
run "mgen-eval --table --against $tunes --only notes_per_quarter,pitch_range,ioi_entropy,groove_consistency,scale_consistency,pitch_class_entropy pieces.ndjson"
run "mgen-info --piano-roll --bars 1-16 pieces/0001.mid"

say "7. Are they copies?"
run "mgen-dedup --table --against $tunes pieces"
[ -n "$(mgen-dedup --no-provenance -q --against "$tunes" pieces | head -n 1)" ] || echo "No piece equals a tune of the corpus."

say "8. One of them, to listen to"
run "mgen-render --table -o piece.wav pieces/0001.mid"

say "Everything is in $PWD"
cat <<END
  tunes.safetensors   the model            steps.ndjson    its losses
  pieces/             16 new tunes         pieces.ndjson   what made them
  tune.wav, tune.svg  a tune of the corpus, heard and drawn
  piece.wav           a new one
END
