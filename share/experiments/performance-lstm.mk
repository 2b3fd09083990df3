# SPDX-License-Identifier: MIT
# Piano performances as Magenta's Performance RNN has them, with a smaller LSTM, so that two cores do in half an hour;
# TRAIN='--preset performance' is the published size. mine.mk has the steps and the variables.
#
#   make -f share/experiments/performance-lstm.mk CORPUS=.../piano-midi-de

here     := $(dir $(lastword $(MAKEFILE_LIST)))
CORPUS   ?= ../shared/data/piano-midi-de
OUT      ?= performance-lstm
ENCODING := performance388
TRAIN    ?= --preset performance --hidden 256 --layers 2 --max-seconds 1500
GEN      ?= --seconds 60

include $(here)mine.mk
