/* SPDX-License-Identifier: MIT */
/* All models, one row each: MODEL(name) is mg_model_NAME in models/NAME.c. */
#ifndef MODELS_MODEL_LIST_H
#define MODELS_MODEL_LIST_H

#define MG_MODEL_LIST(MODEL) \
    MODEL(lstm)

#endif
