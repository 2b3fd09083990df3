/* SPDX-License-Identifier: MIT */
/* What a model is told beside each token: features of the piece so far, then controls of the music to come. */
#include <mgen/nn.h>

int64_t mg_features_width(const mg_encoding *e, const mg_controls *controls)
{
    return e->n_features + mg_controls_width(controls);
}

void mg_features_put(const mg_encoding *e, const mg_controls *controls, const mg_grammar *so_far,
                     const mg_control_values *values, mg_real *out)
{
    if (e->n_features) e->features(e, so_far, out);
    mg_controls_put(controls, values, out + e->n_features);
}

/* ---- of a piece ---- */

typedef struct {
    const mg_encoding *e;
    const mg_controls *controls;
    uint32_t left_out;
    const int32_t *tokens;
    size_t said;        /* tokens that the grammar has followed */
    size_t first;       /* of those that are foreseen */
    mg_grammar grammar;
    mg_real *out;
} walk;

/* Step i foresees token first + i, so those before it were said. */
static void put_step(void *user, size_t i, const mg_control_values *measured)
{
    walk *w = user;
    mg_control_values values = *measured;
    for (int c = 0; c < MG_CONTROLS; c++) values.is_given[c] = !(w->left_out >> c & 1);
    for (; w->e->n_features && w->said < w->first + i; w->said++) w->e->follow(w->e, &w->grammar, w->tokens[w->said]);
    mg_features_put(w->e, w->controls, &w->grammar, &values,
                    w->out + (int64_t)i * mg_features_width(w->e, w->controls));
}

void mg_features_fill(const mg_encoding *e, const mg_controls *controls, uint32_t left_out, const int32_t *tokens,
                      size_t n, int64_t start, int64_t length, mg_real *out)
{
    walk w = {.e = e, .controls = controls, .left_out = left_out, .tokens = tokens, .out = out,
              .first = (size_t)start + (e->start < 0)};
    bool measures = mg_controls_width(controls) > 0;
    if (measures) mg_controls_measure(e, tokens, n, w.first, (size_t)length, put_step, &w);
    for (size_t i = 0; !measures && i < (size_t)length; i++) put_step(&w, i, &(mg_control_values){0});
}
