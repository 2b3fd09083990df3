/* SPDX-License-Identifier: MIT */
/* A corpus from the inside. */
#ifndef TRAIN_CORPUS_H
#define TRAIN_CORPUS_H

#include <mgen/train.h>

/* Steps start .. start + length of a record; bit c of left_out: control c is not given. */
typedef struct { uint32_t record, start, length, left_out; } mg_example;

typedef struct {
    mg_example *examples;
    size_t n, capacity, pieces;
    uint64_t steps;
} mg_example_list;

struct mg_corpus {
    const mg_pack *pack;
    const mg_encoding *encoding;
    mg_hash hash;
    int64_t length;          /* of the longest example */
    mg_controls controls;
    mg_example_list list[MG_SPLITS];
    /* gathered while reading */
    double *first;           /* how often a piece begins with a token; of rolls, how often each pitch sounds at first */
    double bpm_sum;
    size_t n_bpm, n_pieces;
    int64_t resolution;      /* that of all records, 0 where they differ */
    bool has_grids;          /* they differ */
    mg_buffer licences;      /* names seen, each on a line */
};

#endif
