/* SPDX-License-Identifier: MIT */
/* The fixtures of models and optimisers: a folder with fixture.json, weights, inputs and expect (all safetensors). A
   runner hands over what it computed as "WHAT/TENSOR"; the checks are then made from that. */
#ifndef TESTS_PARITY_FIXTURE_H
#define TESTS_PARITY_FIXTURE_H

#include "tests/parity/parity.h"

#include <mgen/nn.h>

typedef struct {
    char *name;
    double *values;
    size_t n;
    mg_error trouble; /* of what could not be computed */
} fixture_value;

typedef struct {
    const char *path, *model;
    const mg_json *config, *train, *checks;
    mg_json *json;
    mg_tensors *weights, *inputs, *expect;
    fixture_value *got;
    size_t n_got, got_capacity;
} fixture;

mg_status fixture_open(const char *folder, fixture *fx, mg_error *why); /* what it is; */
mg_status fixture_open_tensors(const char *folder, fixture *fx, mg_error *why); /* and its numbers */
void fixture_close(fixture *fx);
bool fixture_has(const fixture *fx, const char *what);
/* Take n doubles as a result; they are copied. */
mg_status fixture_give(fixture *fx, const char *what, const char *tensor, const double *values, size_t n,
                       mg_error *why);
mg_status fixture_give_tensor(fixture *fx, const char *what, const char *tensor, mg_tensor t, mg_error *why);
/* All parameters as the weights after training. */
mg_status fixture_give_weights(fixture *fx, const mg_tensor_set *params, mg_error *why);
/* Why nothing can be given for a check: it fails with that. */
mg_status fixture_give_trouble(fixture *fx, const char *what, const mg_error *trouble, mg_error *why);
/* Numbers of an input from element `from` on, into a tensor of either type. MG_BAD_DATA where there are not enough. */
mg_status fixture_copy(const mg_stored *stored, size_t from, mg_tensor to, mg_error *why);
bool fixture_is_index(const mg_stored *stored);
/* Every check of the fixture: passed, failed, or unsupported where nothing was given for it. `trouble`: the runner
   failed with it. */
void fixture_check(parity *p, fixture *fx, const mg_error *trouble);

/* A graph, planned and bound to parameters. */
typedef struct {
    mg_plan *plan;
    mg_real **params;
    mg_instance *run;
} machine;
/* Takes the graph; NULL: there was no memory for one. */
mg_status machine_open(machine *m, mg_graph *g, const mg_tensor_set *params, mg_error *why);
void machine_close(machine *m); /* in any case */

/* A runner for a model's fixtures. */
typedef mg_status (*fixture_runner)(fixture *fx, mg_error *why);
mg_status run_sequence(fixture *fx, mg_error *why);  /* sequence.c */
mg_status run_ops(fixture *fx, mg_error *why);       /* ops.c */
mg_status run_gan(fixture *fx, mg_error *why);       /* gan.c */
mg_status run_optim(fixture *fx, mg_error *why);     /* optim.c */
mg_status run_schedules(fixture *fx, mg_error *why);

#endif
