/* SPDX-License-Identifier: MIT */
/* What can be said about a training. */
#include <mgen/train.h>

#include <stddef.h>

static const char *const precisions[] = {[MG_FLOAT32] = "float32", [MG_BFLOAT16] = "bfloat16", NULL};

#define AT(member) offsetof(mg_train_options, member)

const mg_option mg_train_data_rows[] = {
    {"batch", MG_OPTION_INT, AT(batch), {32}, 1, 1 << 16, NULL, "N", "examples a step"},
    {"length", MG_OPTION_INT, AT(length), {256}, 2, 1 << 16, NULL, "N",
     "most tokens or frames of an example; longer pieces are cut"},
    {"valid", MG_OPTION_REAL, AT(valid), {0.1}, 0, 0.9, NULL, "SHARE",
     "pieces held out for validation, where the records name no split"},
    {"density", MG_OPTION_CHOICE, AT(controls.mode[MG_DENSITY]), {0}, 0, 0, mg_control_modes, "MODE",
     "tell a model of performances how many notes a second come; optional: with and without"},
    {"pitch_histogram", MG_OPTION_CHOICE, AT(controls.mode[MG_PITCHES]), {0}, 0, 0, mg_control_modes, "MODE",
     "tell it the shares of the pitch classes that come"},
    {"carry", MG_OPTION_FLAG, AT(carry), {0}, 0, 0, NULL, NULL,
     "let the examples of a piece follow each other, each beginning in the state that the one before ended in"},
    {"precision", MG_OPTION_CHOICE, AT(precision), {MG_FLOAT32}, 0, 0, precisions, "KIND",
     "what matrix products are made of; bfloat16 is several times as quick where the processor has AMX, and close; "
     "weights, sums and updates are float32 in any case"},
    {"shards", MG_OPTION_INT, AT(shards), {0}, 0, 64, NULL, NULL, NULL},
    {0},
};

const mg_option mg_train_stop_rows[] = {
    {"epochs", MG_OPTION_INT, AT(epochs), {100}, 0, 1e9, NULL, "N", "times that all examples are seen; 0: no limit"},
    {"max_steps", MG_OPTION_INT, AT(max_steps), {0}, 0, 1e15, NULL, "N", "steps in all; 0: no limit"},
    {"max_seconds", MG_OPTION_REAL, AT(max_seconds), {0}, 0, 1e9, NULL, "S", "time of this run; 0: no limit"},
    {"patience", MG_OPTION_INT, AT(patience), {10}, 0, 1e9, NULL, "N",
     "epochs without a better validation loss after which it stops; 0: it does not"},
    {0},
};

const mg_option mg_train_tell_rows[] = {
    {"report", MG_OPTION_INT, AT(report), {10}, 1, 1e9, NULL, "N", "steps between two step records"},
    {"save_seconds", MG_OPTION_REAL, AT(save_seconds), {30}, 0, 1e9, NULL, "S", "time between two checkpoints"},
    {0},
};

mg_train_options mg_train_defaults(void)
{
    mg_train_options o;
    mg_options_default(mg_train_data_rows, &o);
    mg_options_default(mg_train_stop_rows, &o);
    mg_options_default(mg_train_tell_rows, &o);
    return o;
}

/* As Magenta trains its melody models. */
mg_optim mg_train_optim_defaults(void)
{
    mg_optim o = mg_optim_defaults();
    o.clip = 3;
    return o;
}
