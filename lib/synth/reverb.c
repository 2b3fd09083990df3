/* SPDX-License-Identifier: MIT */
/* A feedback delay network (Jot and Chaigne, AES Convention 90, 1991): eight delays whose lengths share no factor,
   mixed by a Householder matrix, each with the gain that lets it fall 60 dB in the reverberation time and a low-pass,
   since air and walls swallow the highs. */
#include "synth/reverb.h"

#include <math.h>
#include <string.h>

enum { LINES = 8 };
static const double line_s[LINES] = {.0297, .0371, .0411, .0437, .0533, .0617, .0677, .0743};
static const double reverberation_s = 1.5, before_s = .012, highs_hz = 4200;
static const float wet = .34f, quiet = 1e-6f;

struct reverb {
    float *memory;              /* of all lines, and of the pre-delay */
    float *line[LINES], *before;
    int length[LINES], at[LINES], before_length, before_at;
    float gain[LINES], state[LINES], damping;
    int n_quiet, enough;        /* frames since anything was heard; more than it takes to go through a line */
};

reverb *reverb_new(int rate)
{
    reverb *r = mg_alloc_zero(1, sizeof *r);
    if (!r) return NULL;
    size_t total = 0;
    for (int k = 0; k < LINES; k++) {
        r->length[k] = (int)(line_s[k] * rate) | 1;
        r->gain[k] = (float)pow(10, -3 * (double)r->length[k] / (reverberation_s * rate));
        total += (size_t)r->length[k];
    }
    r->before_length = (int)(before_s * rate) + 1;
    r->damping = (float)(1 - exp(-2 * M_PI * fmin(highs_hz, 0.4 * rate) / rate));
    r->n_quiet = r->enough = rate / 8;
    r->memory = mg_alloc_zero(total + (size_t)r->before_length, sizeof *r->memory);
    if (!r->memory) return reverb_free(r), NULL;
    r->before = r->memory;
    float *next = r->memory + r->before_length;
    for (int k = 0; k < LINES; k++) {
        r->line[k] = next;
        next += r->length[k];
    }
    return r;
}

void reverb_free(reverb *r)
{
    if (!r) return;
    mg_free(r->memory);
    mg_free(r);
}

bool reverb_is_silent(const reverb *r) { return r->n_quiet >= r->enough; }

/* What little is left is forgotten, so that silence is silence (and no denormal number slows the loop). */
static void forget(reverb *r)
{
    memset(r->before, 0, (size_t)r->before_length * sizeof *r->before);
    for (int k = 0; k < LINES; k++) {
        memset(r->line[k], 0, (size_t)r->length[k] * sizeof **r->line);
        r->state[k] = 0;
    }
}

void reverb_render(reverb *r, voice_mix *mix)
{
    float loudest = 0;
    for (int i = 0; i < PLAY_BLOCK; i++) loudest = fmaxf(loudest, fabsf(mix->wet[i]));
    if (loudest == 0 && reverb_is_silent(r)) return;
    for (int i = 0; i < PLAY_BLOCK; i++) {
        float in = r->before[r->before_at], tap[LINES], sum = 0;
        r->before[r->before_at] = mix->wet[i];
        if (++r->before_at == r->before_length) r->before_at = 0;
        for (int k = 0; k < LINES; k++) {
            r->state[k] += r->damping * (r->line[k][r->at[k]] * r->gain[k] - r->state[k]);
            tap[k] = r->state[k];
            sum += tap[k];
        }
        for (int k = 0; k < LINES; k++) {
            r->line[k][r->at[k]] = (k % 2 ? -in : in) + tap[k] - sum * (2.0f / LINES);
            if (++r->at[k] == r->length[k]) r->at[k] = 0;
        }
        float left = wet * (tap[0] - tap[2] + tap[4] - tap[6]), right = wet * (tap[1] - tap[3] + tap[5] - tap[7]);
        mix->left[i] += left;
        mix->right[i] += right;
        loudest = fmaxf(loudest, fmaxf(fabsf(left), fabsf(right)));
    }
    r->n_quiet = loudest < quiet ? r->n_quiet + PLAY_BLOCK : 0;
    if (reverb_is_silent(r)) forget(r);
}
