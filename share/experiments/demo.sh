#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole chain on the embedded tunes, each command shown before it runs. `make demo` calls it from the repository; an
# installed mgen runs it anywhere:  share/experiments/demo.sh [FOLDER FOR RESULTS]
# TRAIN='...' are the options of mgen-train. At the end stands what is worse than it should be, which is no failure.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tunes=$here/tunes
results=${1:-mgen-demo} train=${TRAIN:---batch 8 --dropout 0.4}
mkdir -p "$results"
tunes=$(realpath --relative-to="$results" "$tunes")
experiments=$(realpath --relative-to="$results" "$here/experiments")
cd "$results"
rm -rf pieces tunes.{safetensors,state,data} {tune,piece}.{svg,wav} loss.svg

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
run "mgen-prep -q $tunes | mgen-train --model lstm $train -o tunes.safetensors > steps.ndjson"
run "mgen-info --curve train_loss,valid_loss steps.ndjson"
run "mgen-info --curve train_loss,valid_loss -o loss.svg steps.ndjson"

say "6. It plays new ones, which are measured against the corpus"
run "mgen-gen -m tunes.safetensors -n 16 --top-p 0.95 -o pieces > pieces.ndjson"
run "mgen-eval --against $tunes --only notes_per_quarter,pitch_range,ioi_entropy,groove_consistency,scale_consistency,pitch_class_entropy pieces.ndjson > comparison.ndjson"
run "mgen-info --records --table comparison.ndjson"
run "mgen-info --piano-roll --bars 1-16 pieces/0001.mid"
run "mgen-info --piano-roll -o piece.svg pieces/0001.mid"

say "7. Are they copies?"
run "mgen-dedup --against $tunes pieces > copies.ndjson"

say "8. One of them, to listen to"
run "mgen-render --table -o piece.wav pieces/0001.mid"

say "9. What came of it"
run "jq -nc -f $experiments/demo.jq steps.ndjson comparison.ndjson copies.ndjson > results.ndjson"
run "mgen-info --records --table results.ndjson"
worse=$(jq -rs 'map(select(.verdict == "WORSE").result) | join(", ")' results.ndjson)
if [ "$worse" ]; then say "WORSE than it should be: $worse"; else say "Nothing is worse than it should be."; fi

say "Everything is in $PWD"
cat <<END
  tune.wav, tune.svg    a tune of the corpus, heard and drawn
  tunes.safetensors     the model
  steps.ndjson          its losses          loss.svg            drawn
  pieces/               16 new tunes        pieces.ndjson       what made them
  comparison.ndjson     how they differ     copies.ndjson       which of them equal a tune
  piece.wav, piece.svg  one of them, heard and drawn
  results.ndjson        what came of it, beside what should
END
