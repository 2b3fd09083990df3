# SPDX-License-Identifier: MIT
# The embedded tunes: an LSTM of melodies, what it plays, how that compares, what it copied. mine.mk has the steps and the
# variables.
#
#   make -f share/experiments/tunes-lstm.mk

here   := $(dir $(lastword $(MAKEFILE_LIST)))
CORPUS ?= $(here)../tunes
OUT    ?= tunes-lstm
TRAIN  ?= --batch 8

include $(here)mine.mk
