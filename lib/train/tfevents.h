/* SPDX-License-Identifier: MIT */
/* A file of events for TensorBoard. */
#ifndef TRAIN_TFEVENTS_H
#define TRAIN_TFEVENTS_H

#include <mgen/base.h>

typedef struct { const char *name; double value; } mg_scalar_value;

/* A new file in the folder, which is made if it is not there. MG_IO. */
typedef struct mg_events mg_events;
mg_status mg_events_open(const char *folder, mg_events **events, mg_error *why);
void mg_events_close(mg_events *events);
const char *mg_events_path(const mg_events *events);
/* Scalars of a step, written at once, so that they can be seen while training goes on. */
mg_status mg_events_add(mg_events *events, int64_t step, const mg_scalar_value *values, size_t n, mg_error *why);

#endif
