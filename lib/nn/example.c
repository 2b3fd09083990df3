/* SPDX-License-Identifier: MIT */
/* A piece as models see it: what goes in at each step, and what is to be predicted there. */
#include <mgen/nn.h>

int64_t mg_example_steps(const mg_encoding *e, const int32_t *tokens, size_t n)
{
    if (!e->is_roll) return (int64_t)n + (e->start >= 0) + (e->end >= 0) - 1;
    return mg_encoding_steps(e, tokens, n) - 1;
}

/* Token i of a piece with its start token, where there is one, before x1 .. xn and its end token behind. */
static int32_t token_at(const mg_encoding *e, const int32_t *tokens, size_t n, int64_t i)
{
    if (e->start >= 0 && i-- == 0) return e->start;
    return i < (int64_t)n ? tokens[i] : e->end;
}

static void fill_tokens(const mg_encoding *e, const int32_t *tokens, size_t n, int64_t start, int64_t length,
                        int32_t *input, int32_t *target)
{
    for (int64_t t = 0; t < length; t++) {
        if (input) input[t] = token_at(e, tokens, n, start + t);
        target[t] = token_at(e, tokens, n, start + t + 1);
    }
}

/* Frame f is the input of step f and the target of step f - 1. */
static void fill_frames(const mg_encoding *e, const int32_t *tokens, size_t n, int64_t start, int64_t length,
                        mg_real *input, mg_real *target)
{
    int64_t keys = e->vocab, frame = -start;
    for (size_t i = 0; i < n && frame <= length; i++) {
        int64_t key = tokens[i] - e->low;
        if (tokens[i] == MG_FRAME_END) {
            frame++;
            continue;
        }
        if (frame >= 0 && frame < length) input[frame * keys + key] = 1;
        if (frame >= 1) target[(frame - 1) * keys + key] = 1;
    }
}

void mg_example_fill(const mg_encoding *e, const int32_t *tokens, size_t n, int64_t start, int64_t length, void *input,
                     void *target)
{
    if (e->is_roll) fill_frames(e, tokens, n, start, length, input, target);
    else fill_tokens(e, tokens, n, start, length, input, target);
}
