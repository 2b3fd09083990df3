# SPDX-License-Identifier: MIT
# The JSB chorales (Boulanger-Lewandowski et al. 2012), a frame a quarter: an LSTM and
# its test likelihood. rolls.mk has the steps and the variables.
#
#   make -f share/experiments/jsb-lstm.mk DATA=.../JSB_Chorales.mat

DATA      ?= $(firstword $(wildcard ../shared/data/polymusic/JSB_Chorales.mat) JSB_Chorales.mat)
OUT       ?= jsb-lstm
PRESET     = $(if $(filter-out 0:0,$(TRANSPOSE)),jsb-transposed,jsb)
PUBLISHED := LSTM 8.45 (Bai et al. 2018)

include $(dir $(lastword $(MAKEFILE_LIST)))rolls.mk
