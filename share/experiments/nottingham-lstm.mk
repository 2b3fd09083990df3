# SPDX-License-Identifier: MIT
# The folk tunes with chords, Nottingham (Boulanger-Lewandowski et al. 2012): an LSTM and
# its test likelihood. rolls.mk has the steps and the variables.
#
#   make -f share/experiments/nottingham-lstm.mk DATA=.../Nottingham.mat

DATA      ?= $(firstword $(wildcard ../shared/data/polymusic/Nottingham.mat) Nottingham.mat)
OUT       ?= nottingham-lstm
PRESET    := nottingham
PUBLISHED := LSTM 3.29 (Bai et al. 2018)

include $(dir $(lastword $(MAKEFILE_LIST)))rolls.mk
