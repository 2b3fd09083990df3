/* SPDX-License-Identifier: MIT */
/* From a score to a sound file: play into a temporary file and measure, find the level, write. */
#include "synth/play.h"
#include "synth/spool.h"

#include <math.h>
#include <string.h>

enum { PEDALS_UP_S = 2, PIECE = 4096, MOST_TRIES = 6 };
static const double fade_s = 0.02, near_lu = 0.05, most_gain_db = 40, most_limiting_db = 14;

typedef struct {
    const mg_render_options *options;
    mg_rendering *result;
    spool spool;
} job;

mg_render_options mg_render_defaults(void)
{
    return (mg_render_options){.rate = 44100, .channels = 2, .format = MG_WAV, .depth = MG_PCM_16, .max_seconds = 1800,
                               .loudness_lufs = -18, .gain_db = 0, .ceiling_dbtp = -1};
}

/* ---- playing ---- */

static void lift_pedals(engine *player)
{
    for (int c = 0; c < 16; c++) {
        player->act(player, &(play_event){.what = PLAY_CONTROL, .channel = (uint8_t)c, .number = 64}, 0);
        player->act(player, &(play_event){.what = PLAY_CONTROL, .channel = (uint8_t)c, .number = 123}, 0);
    }
}

/* Stereo to the channels wanted, in place. */
static void fold(float *block, int frames, int channels)
{
    for (int i = 0; channels == 1 && i < frames; i++) block[i] = 0.5f * (block[2 * i] + block[2 * i + 1]);
}

static void fade(float *block, int frames, int channels, int64_t left, int64_t over)
{
    for (int i = 0; i < frames; i++) {
        if (left - i >= over) continue;
        for (int c = 0; c < channels; c++) block[i * channels + c] *= (float)(left - i) / (float)over;
    }
}

/* All events in blocks, then the tail until nothing sounds. */
static mg_status play(job *j, const play_list *list, engine *player, mg_loudness *meter, mg_error *why)
{
    int rate = j->options->rate, channels = j->options->channels;
    int64_t limit = (int64_t)(j->options->max_seconds * rate), last = list->n ? list->events[list->n - 1].frame : 0;
    if (list->is_cut) last = limit; /* there is more, though perhaps not yet */
    if (last + PLAY_LONGEST_TAIL_S * rate < limit) limit = last + PLAY_LONGEST_TAIL_S * rate;
    size_t next = 0;
    bool are_up = false;
    for (int64_t start = 0; start < limit; start += PLAY_BLOCK) {
        float block[2 * PLAY_BLOCK] = {0};
        if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
        int frames = limit - start < PLAY_BLOCK ? (int)(limit - start) : PLAY_BLOCK;
        while (next < list->n && list->events[next].frame < start + PLAY_BLOCK) {
            player->act(player, &list->events[next], (int)(list->events[next].frame - start));
            next++;
        }
        if (!are_up && start > last + PEDALS_UP_S * rate) lift_pedals(player), are_up = true;
        if (!player->is_silent(player)) player->render(player, block);
        else if (next == list->n && !list->is_cut) break;
        fold(block, frames, channels);
        fade(block, frames, channels, limit - start, (int64_t)(fade_s * rate));
        MG_TRY(mg_loudness_add(meter, block, (size_t)frames, why));
        MG_TRY(spool_add(&j->spool, block, (size_t)frames, why));
    }
    return spool_end(&j->spool, why);
}

static mg_status play_score(job *j, const mg_synth *synth, const mg_score *score, mg_loudness *meter, mg_error *why)
{
    const mg_render_options *o = j->options;
    play_list list;
    engine *player = NULL;
    MG_TRY(play_list_make(score, o->rate, (int64_t)(o->max_seconds * o->rate), o->has_chords, &list, why));
    mg_status status = synth_engine(synth, o->rate, &list, &player, why);
    if (!status) status = play(j, &list, player, meter, why);
    j->result->is_cut = list.is_cut;
    if (player) player->free(player);
    play_list_free(&list);
    return status;
}

/* ---- writing and measuring what would be written ---- */

typedef struct {
    double gain_db, ceiling_db, trim_db; /* the trim comes after the limiter */
    bool is_limited;
} plan;

/* Where a pass over the samples leads: into a file or into a meter. */
typedef mg_status (*receiver)(void *user, const float *samples, size_t frames, mg_error *why);

static mg_status to_meter(void *user, const float *samples, size_t frames, mg_error *why)
{
    return mg_loudness_add(user, samples, frames, why);
}

static mg_status to_file(void *user, const float *samples, size_t frames, mg_error *why)
{
    return mg_sound_write(user, samples, frames, why);
}

static void scale(float *samples, size_t count, double gain_db)
{
    float gain = (float)pow(10, gain_db / 20);
    for (size_t i = 0; gain_db != 0 && i < count; i++) samples[i] *= gain;
}

static mg_status pass_plain(const job *j, const plan *level, receiver receive, void *user, mg_error *why)
{
    float samples[PIECE];
    size_t most = PIECE / (size_t)j->options->channels, n;
    for (int64_t at = 0; at < j->spool.frames; at += (int64_t)n) {
        MG_TRY(spool_read(&j->spool, at, samples, most, &n, why));
        scale(samples, n * (size_t)j->options->channels, level->gain_db);
        MG_TRY(receive(user, samples, n, why));
        if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
    }
    return MG_OK;
}

/* The limiter's delay is taken out again: its first frames are dropped, and silence pushes the last ones through. */
static mg_status pass_limited(const job *j, const plan *level, mg_limiter *limiter, receiver receive, void *user,
                              mg_error *why)
{
    float samples[PIECE];
    int channels = j->options->channels, drop = mg_limiter_delay(limiter);
    size_t most = PIECE / (size_t)channels, n;
    for (int64_t at = 0, left = j->spool.frames; left > 0; at += (int64_t)most) {
        memset(samples, 0, sizeof samples);
        MG_TRY(spool_read(&j->spool, at, samples, most, &n, why));
        mg_limiter_process(limiter, samples, most);
        size_t from = (size_t)drop < most ? (size_t)drop : most, frames = most - from;
        drop -= (int)from;
        if ((int64_t)frames > left) frames = (size_t)left;
        scale(samples + from * (size_t)channels, frames * (size_t)channels, level->trim_db);
        MG_TRY(receive(user, samples + from * (size_t)channels, frames, why));
        left -= (int64_t)frames;
        if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
    }
    return MG_OK;
}

static mg_status pass(const job *j, const plan *level, receiver receive, void *user, mg_error *why)
{
    const mg_render_options *o = j->options;
    if (!level->is_limited) return pass_plain(j, level, receive, user, why);
    mg_limiter *limiter;
    MG_TRY(mg_limiter_new(o->rate, o->channels, level->gain_db, level->ceiling_db, &limiter, why));
    mg_status status = pass_limited(j, level, limiter, receive, user, why);
    j->result->limited_db = mg_limiter_most_db(limiter);
    mg_limiter_free(limiter);
    return status;
}

static mg_status measure(const job *j, const plan *level, double *lufs, double *peak, mg_error *why)
{
    mg_loudness *meter;
    MG_TRY(mg_loudness_new(j->options->rate, j->options->channels, &meter, why));
    mg_status status = pass(j, level, to_meter, meter, why);
    *lufs = mg_loudness_integrated(meter);
    *peak = mg_loudness_true_peak(meter);
    mg_loudness_free(meter);
    return status;
}

/* ---- level ---- */

/* Gain and limiter work against each other: repeated until the loudness is met under the ceiling, or as much was
   limited as music bears. */
static mg_status find_limited(const job *j, plan *level, double target, double *lufs, double *peak, mg_error *why)
{
    double ceiling = j->options->ceiling_dbtp, most = level->gain_db + most_limiting_db;
    level->is_limited = true;
    level->ceiling_db = ceiling - 0.1;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        MG_TRY(measure(j, level, lufs, peak, why));
        double short_by = isfinite(target) && isfinite(*lufs) ? target - *lufs : 0, over = fmax(*peak - ceiling, 0);
        if ((fabs(short_by) < near_lu || level->gain_db + short_by > most) && over == 0) break;
        if (tries == MOST_TRIES - 1) break;
        level->gain_db = fmin(level->gain_db + short_by, most);
        level->ceiling_db -= over * 1.05;
    }
    level->trim_db = -fmax(*peak - ceiling, 0); /* whatever was missed */
    *lufs += level->trim_db;
    *peak += level->trim_db;
    return MG_OK;
}

static mg_status find_level(const job *j, plan *level, double *lufs, double *peak, mg_error *why)
{
    const mg_render_options *o = j->options;
    bool has_target = isfinite(o->loudness_lufs) && isfinite(*lufs);
    double target = has_target ? o->loudness_lufs + o->gain_db : NAN;
    level->gain_db = fmin(has_target ? target - *lufs : o->gain_db, most_gain_db);
    if (*peak + level->gain_db > o->ceiling_dbtp) return find_limited(j, level, target, lufs, peak, why);
    *lufs += level->gain_db;
    *peak += level->gain_db;
    return MG_OK;
}

static mg_status write_file(const job *j, const plan *level, mg_out *out, mg_error *why)
{
    const mg_render_options *o = j->options;
    mg_sound_writer *writer;
    mg_sound_spec spec = {.format = o->format, .depth = o->depth, .rate = o->rate, .channels = o->channels,
                          .frames = j->spool.frames, .comment = o->comment};
    MG_TRY(mg_sound_create(out, &spec, &writer, why));
    mg_status status = pass(j, level, to_file, writer, why);
    if (status) return mg_sound_free(writer), status;
    return mg_sound_finish(writer, why);
}

mg_status mg_render(const mg_synth *synth, const mg_score *score, const mg_render_options *options, mg_out *out,
                    const char *beside, mg_rendering *rendering, mg_error *why)
{
    *rendering = (mg_rendering){0};
    mg_loudness *meter = NULL;
    job *j = mg_alloc_zero(1, sizeof *j);
    if (!j) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    j->options = options;
    j->result = rendering;
    plan level = {0};
    mg_status status = spool_open(&j->spool, beside, options->channels, why);
    if (!status) status = mg_loudness_new(options->rate, options->channels, &meter, why);
    if (!status) status = play_score(j, synth, score, meter, why);
    if (!status) {
        rendering->loudness_lufs = mg_loudness_integrated(meter);
        rendering->peak_dbtp = mg_loudness_true_peak(meter);
        status = find_level(j, &level, &rendering->loudness_lufs, &rendering->peak_dbtp, why);
    }
    if (!status) status = write_file(j, &level, out, why);
    rendering->seconds = (double)j->spool.frames / options->rate;
    rendering->gain_db = level.gain_db + level.trim_db;
    mg_loudness_free(meter);
    spool_close(&j->spool);
    mg_free(j);
    return status;
}
