/* SPDX-License-Identifier: MIT */
/* A look-ahead limiter. For each frame the gain that its peak allows, g; held at its least for as long as the limiter
   looks ahead, let go slowly; the mean of that over the same time is the gain. Since every value in the mean is at
   most the g of the frame that leaves, no peak passes, and since it is a mean, it moves without a corner.

   Peaks between samples are seen by a half-sample interpolation (8 taps of a windowed sinc), so they are known four
   frames late: the delay is that much longer than the mean. */
#include <mgen/audio.h>

#include <math.h>

enum { TAPS = 8, LATE = TAPS / 2, MOST_CHANNELS = 8 };
static const double look_ahead_s = 0.005, release_s = 0.15;

struct mg_limiter {
    int channels, mean, delay, hold; /* frames: length of the mean, of the delay, of the hold (delay + 1) */
    float gain, ceiling, release;
    float taps[TAPS];
    float *line;                     /* [delay][channels]: what waits */
    float *reduction;                /* [mean]: 1 - gain before the mean */
    float *least;                    /* [hold]: rising reductions, for the sliding maximum */
    int64_t *least_at;
    int64_t at;                      /* frames so far */
    int n_least, first_least, n_reducing;
    float let_go, most;
    double sum;                      /* of reduction */
    float past[TAPS][MOST_CHANNELS];
};

mg_status mg_limiter_new(int rate, int channels, double gain_db, double ceiling_db, mg_limiter **result, mg_error *why)
{
    *result = NULL;
    mg_limiter *l = mg_alloc_zero(1, sizeof *l);
    if (!l) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    l->channels = channels;
    l->mean = (int)(rate * look_ahead_s) + 1;
    l->delay = l->mean + LATE;
    l->hold = l->delay + 1;
    l->gain = (float)pow(10, gain_db / 20);
    l->ceiling = (float)pow(10, ceiling_db / 20);
    l->release = (float)exp(-1 / (release_s * rate));
    double sum = 0, taps[TAPS];
    for (int i = 0; i < TAPS; i++) {
        double x = i - LATE + 0.5;
        taps[i] = sin(M_PI * x) / (M_PI * x) * (0.5 + 0.5 * cos(M_PI * x / (LATE + 0.5)));
        sum += taps[i];
    }
    for (int i = 0; i < TAPS; i++) l->taps[i] = (float)(taps[i] / sum);
    l->line = mg_alloc_zero((size_t)l->delay * (size_t)channels, sizeof *l->line);
    l->reduction = mg_alloc_zero((size_t)l->mean, sizeof *l->reduction);
    l->least = mg_alloc_zero((size_t)l->hold, sizeof *l->least);
    l->least_at = mg_alloc_zero((size_t)l->hold, sizeof *l->least_at);
    if (!l->line || !l->reduction || !l->least || !l->least_at)
        return mg_limiter_free(l), mg_fail(why, MG_NO_MEMORY, "out of memory");
    *result = l;
    return MG_OK;
}

void mg_limiter_free(mg_limiter *l)
{
    if (!l) return;
    mg_free(l->line);
    mg_free(l->reduction);
    mg_free(l->least);
    mg_free(l->least_at);
    mg_free(l);
}

int mg_limiter_delay(const mg_limiter *l) { return l->delay; }
double mg_limiter_most_db(const mg_limiter *l) { return -20 * log10(fmax(1 - (double)l->most, 1e-10)); }

/* The peak of the newest frame and of the point between the frames four and three before it. */
static float peak_of(mg_limiter *l, const float *frame)
{
    float *newest = l->past[l->at % TAPS], peak = 0;
    for (int c = 0; c < l->channels; c++) {
        newest[c] = frame[c];
        float between = 0;
        for (int i = 0; i < TAPS; i++) between += l->taps[i] * l->past[(l->at + 1 + i) % TAPS][c];
        peak = fmaxf(peak, fmaxf(fabsf(frame[c]), fabsf(between)));
    }
    return peak;
}

/* The greatest reduction wanted within the hold: a queue of falling values. */
static float held(mg_limiter *l, float wanted)
{
    while (l->n_least > 0) {
        int last = (l->first_least + l->n_least - 1) % l->hold;
        if (l->least[last] > wanted) break;
        l->n_least--;
    }
    if (l->n_least > 0 && l->least_at[l->first_least] <= l->at - l->hold) {
        l->first_least = (l->first_least + 1) % l->hold;
        l->n_least--;
    }
    int end = (l->first_least + l->n_least) % l->hold;
    l->least[end] = wanted;
    l->least_at[end] = l->at;
    l->n_least++;
    return l->least[l->first_least];
}

static float mean_of(mg_limiter *l, float reduction)
{
    float *slot = &l->reduction[l->at % l->mean];
    l->n_reducing += (reduction > 0) - (*slot > 0);
    l->sum += (double)reduction - (double)*slot;
    *slot = reduction;
    if (l->n_reducing == 0) l->sum = 0; /* so that nothing is left of rounding */
    return (float)(l->sum / l->mean);
}

void mg_limiter_process(mg_limiter *l, float *samples, size_t frames)
{
    for (size_t f = 0; f < frames; f++, samples += l->channels) {
        for (int c = 0; c < l->channels; c++) samples[c] *= l->gain;
        float peak = peak_of(l, samples), wanted = peak > l->ceiling ? 1 - l->ceiling / peak : 0;
        l->let_go = fmaxf(held(l, wanted), l->let_go * l->release);
        if (l->let_go < 1e-6f) l->let_go = 0;
        float reduction = mean_of(l, l->let_go), *waiting = l->line + (l->at % l->delay) * l->channels;
        l->most = fmaxf(l->most, reduction);
        for (int c = 0; c < l->channels; c++) {
            float out = waiting[c] * (1 - reduction);
            waiting[c] = samples[c];
            samples[c] = out;
        }
        l->at++;
    }
}
