/* SPDX-License-Identifier: MIT */
/* The list of models, and finding one in it. */
#include <mgen/model.h>

#include "models/model_list.h"

#include <string.h>

#define MODEL(name) extern const mg_model mg_model_##name;
MG_MODEL_LIST(MODEL)
#undef MODEL

static const mg_model *const models[] = {
#define MODEL(name) &mg_model_##name,
    MG_MODEL_LIST(MODEL)
#undef MODEL
    NULL
};

const char *const mg_model_names[] = {
#define MODEL(name) #name,
    MG_MODEL_LIST(MODEL)
#undef MODEL
    NULL
};

const mg_model *mg_model_at(size_t i) { return i < sizeof models / sizeof *models ? models[i] : NULL; }

const mg_model *mg_model_find(const char *name)
{
    for (size_t i = 0; models[i]; i++)
        if (strcmp(models[i]->name, name) == 0) return models[i];
    return NULL;
}
