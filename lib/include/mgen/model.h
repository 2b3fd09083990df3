/* SPDX-License-Identifier: MIT */
/** The models that there are. */
#ifndef MGEN_MODEL_H
#define MGEN_MODEL_H

#include <mgen/nn.h>

MG_PUBLIC_BEGIN

const mg_model *mg_model_find(const char *name); /**< NULL if there is none */
const mg_model *mg_model_at(size_t i);           /**< NULL past the end */
/** Their names, ended by NULL. */
extern const char *const mg_model_names[];

MG_PUBLIC_END
#endif
