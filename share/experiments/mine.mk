# SPDX-License-Identifier: MIT
# The whole chain on your own music: data card, duplicates, records, model, pieces, comparison, copies.
#
#   make -f share/experiments/mine.mk CORPUS=~/music
#
# OUT=mine              folder of the results; a step whose result is there is not done again
# ENCODING=melody38     performance388 for what was played, polyphony259 for chords on a grid; see mgen-prep --help
# PREP='...'            further options of mgen-prep, TRAIN='...' of mgen-train, GEN='...' of mgen-gen
# PIECES=20 SEED=1      how many new pieces, and the seed of everything
#
# Ctrl-C stops training, the same command goes on with it. The tools are those of this repository if they are built, else
# those that are installed.

OUT      ?= mine
ENCODING ?= melody38
PIECES   ?= 20
SEED     ?= 1
PREP     ?=
TRAIN    ?=
GEN      ?=

SHELL       := bash
.SHELLFLAGS := -o pipefail -c
here   := $(dir $(lastword $(MAKEFILE_LIST)))
export PATH := $(abspath $(here)/../../build/bin):$(PATH)
# The folder as bash has it: its name may hold spaces, and a ~ that no shell has expanded.
export MUSIC := $(CORPUS)
music  := "$${MUSIC/\#\~\//$$HOME/}"
# A wild folder has files that are broken: they are told in the card, and no reason to stop.
wild   := --lenient --allow-errors 100%
o      := $(OUT)

ifneq ($(words $o),1)
$(error OUT=$o: make knows no names with spaces)
endif

.PHONY: all show corpus
.DELETE_ON_ERROR:
.PRECIOUS: $o/model.safetensors
all: show

# What a step writes gets its name when it is whole, so that a kill leaves nothing that looks done.
whole = > $@.part && mv $@.part $@

# Results of one corpus are not taken for those of another.
corpus:
	@[ -e $(music) ] || { echo "CORPUS=$$MUSIC: is not there; say which music: make -f $(lastword $(MAKEFILE_LIST)) CORPUS=FOLDER" >&2; exit 2; }
	@mkdir -p $o
	@[ -e $o/.corpus ] || realpath -- $(music) > $o/.corpus
	@[ "$$(cat $o/.corpus)" = "$$(realpath -- $(music))" ] || { echo "$o holds what was made of $$(cat $o/.corpus): give another OUT, or remove it" >&2; exit 2; }

$o/card.ndjson: | corpus
	mgen-info --card $(wild) $(music) $(whole)

$o/clusters.ndjson: | corpus
	mgen-dedup --clusters $(wild) $(music) $(whole)

$o/prepared.ndjson: | corpus
	mgen-prep -e $(ENCODING) --drop-duplicates --seed $(SEED) $(wild) $(PREP) $(music) $(whole)

# A family of duplicates never stands on both sides of the split.
$o/records.ndjson: $o/prepared.ndjson $o/clusters.ndjson
	mgen-split -q --ratio 9:1:0 --seed $(SEED) --clusters $o/clusters.ndjson $(wild) $o/prepared.ndjson $(whole)

$o/steps.ndjson: $o/records.ndjson
	if [ -e $o/model.state ]; then mgen-train --resume $(TRAIN) -o $o/model.safetensors >> $@.part; else \
	  mgen-train --model lstm --seed $(SEED) --force $(TRAIN) -o $o/model.safetensors $o/records.ndjson > $@.part; fi
	mv $@.part $@

$o/pieces.ndjson: $o/steps.ndjson
	rm -rf $o/pieces
	mgen-gen -m $o/model.safetensors -n $(PIECES) --seed $(SEED) $(GEN) -o $o/pieces $(whole)

# With what the model knows of the music: melodies with melodies, not with chords.
$o/comparison.ndjson: $o/pieces.ndjson
	mgen-eval --seed $(SEED) $(wild) --against $o/prepared.ndjson $o/pieces $(whole)

$o/copies.ndjson: $o/pieces.ndjson
	mgen-dedup $(wild) --against $o/prepared.ndjson $o/pieces $(whole)

show: $o/card.ndjson $o/comparison.ndjson $o/copies.ndjson
	@echo
	@mgen-info --records --table $o/card.ndjson
	@jq -rs 'map(select(.kind == "cluster")) | "\(length) families of duplicates, \(map(.members | length) | add // 0) pieces in them"' $o/clusters.ndjson
	@jq -rs 'map(select(.kind == "dropped") | .reason) | group_by(.) | map("\(length) \(.[0])") | "\(map(split(" ")[0] | tonumber) | add // 0) parts or pieces were left out: \(join(", "))"' $o/prepared.ndjson
	@jq -rs 'map(select(.kind == "piece" or .kind == "roll")) | "\(length) training records, \(map(select(.split == "valid")) | length) of them for validation"' $o/records.ndjson
	@mgen-info --curve train_loss,valid_loss $o/steps.ndjson
	@mgen-info --records --table $o/comparison.ndjson
	@jq -rs 'map(select(.kind == "match")) | "\(map(.a) | unique | length) of the new pieces equal a whole piece of the corpus"' $o/copies.ndjson
	@echo 'Everything is in $o: card, clusters, prepared, records, model, steps, pieces, comparison, copies.'
	@echo 'To listen:  mgen-render -o $o/sound $o/pieces'
