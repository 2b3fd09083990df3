/* SPDX-License-Identifier: MIT */
/* The area of models, optimisers and schedules: which runner a fixture wants. */
#include "tests/parity/fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct { const char *model; fixture_runner run; } runners[] = {
    {"lstm", run_sequence},
    {"ops", run_ops},
    {"wavegan", run_gan},
    {"specgan", run_gan},
    {"optim", run_optim},
    {"schedules", run_schedules},
};

static fixture_runner find(const char *model)
{
    for (size_t i = 0; i < sizeof runners / sizeof *runners; i++)
        if (strcmp(runners[i].model, model) == 0) return runners[i].run;
    return NULL;
}

static bool take(parity *p, const char *path, bool is_folder)
{
    char name[4200];
    fixture fx;
    mg_error why = {0};
    snprintf(name, sizeof name, "%s/fixture.json", path);
    if (!is_folder || access(name, R_OK)) return false;
    why.status = fixture_open(path, &fx, &why);
    if (why.status) {
        parity_report(p, path, "open", &(parity_result){.why = why.text});
    } else if (!find(fx.model)) {
        for (size_t i = 0; i < mg_json_count(fx.checks); i++)
            parity_unsupported(p, path, mg_json_get_string(mg_json_at(fx.checks, i), "name", "?"),
                               "there is no such model");
    } else {
        why.status = fixture_open_tensors(path, &fx, &why);
        if (!why.status) why.status = find(fx.model)(&fx, &why);
        fixture_check(p, &fx, &why);
    }
    fixture_close(&fx);
    return true;
}

const parity_area parity_models = {"models", take};
