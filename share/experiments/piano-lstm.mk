# SPDX-License-Identifier: MIT
# The classical piano, Piano-midi.de (Boulanger-Lewandowski et al. 2012): an LSTM and
# its test likelihood. rolls.mk has the steps and the variables.
#
#   make -f share/experiments/piano-lstm.mk DATA=.../Piano_midi.mat

DATA      ?= $(firstword $(wildcard ../shared/data/polymusic/Piano_midi.mat) Piano_midi.mat)
OUT       ?= piano-lstm
PRESET    := piano
PUBLISHED := LSTM 9.03, RNN-HF 7.66

include $(dir $(lastword $(MAKEFILE_LIST)))rolls.mk
