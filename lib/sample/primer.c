/* SPDX-License-Identifier: MIT */
/* What pieces begin with: read from a file or a list, written in the model's encoding; and the signs under which it
   stands (tempo, meter, key), put over what goes on from it. */
#include "sample/sample.h"

#include <math.h>
#include <string.h>

void sample_primer_clear(sample_primer *p)
{
    mg_buffer_free(&p->tokens);
    mg_score_free(p->signs);
    mg_free(p->file);
    *p = (sample_primer){0};
}

/* ---- signs ---- */

typedef enum { TEMPOS, METERS, KEYS, SIGNS } sign; /* items of each begin with their tick */
static const size_t sizes[SIGNS] = {sizeof(mg_tempo), sizeof(mg_meter), sizeof(mg_key)};

/* Where a tick of one score lies in another: as many quarters in, or as many seconds. */
typedef struct {
    const mg_score *from, *to;
    mg_clock *from_clock, *to_clock; /* NULL where quarters are counted */
} moving;

static int64_t moved(const moving *m, int64_t tick)
{
    if (m->to_clock) return mg_clock_tick(m->to_clock, mg_clock_seconds(m->from_clock, tick));
    return llround((double)tick * m->to->ticks_per_quarter / m->from->ticks_per_quarter);
}

static int64_t tick_at(const char *item) { return *(const int64_t *)(const void *)item; }

/* Those that stand no later than `end`, in place of what the other score has. */
static mg_status copy_signs(const moving *m, sign which, int64_t end, mg_score *to, mg_error *why)
{
    const void *const lists[SIGNS] = {m->from->tempos, m->from->meters, m->from->keys};
    const size_t counts[SIGNS] = {m->from->n_tempos, m->from->n_meters, m->from->n_keys};
    void **const to_lists[SIGNS] = {(void **)&to->tempos, (void **)&to->meters, (void **)&to->keys};
    size_t *const to_counts[SIGNS] = {&to->n_tempos, &to->n_meters, &to->n_keys};
    size_t n = 0, size = sizes[which];
    const char *list = lists[which];
    while (n < counts[which] && tick_at(list + n * size) <= end) n++;
    char *copy = mg_alloc(n, size);
    if (!copy) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (n) memcpy(copy, list, n * size);
    for (size_t i = 0; i < n; i++) *(int64_t *)(void *)(copy + i * size) = moved(m, tick_at(list + i * size));
    mg_free(*to_lists[which]);
    *to_lists[which] = copy;
    *to_counts[which] = n;
    return MG_OK;
}

static mg_status keep_signs(sample_primer *p, const mg_score *score, mg_error *why)
{
    mg_score *signs = p->signs = mg_score_new();
    if (!signs) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    signs->ticks_per_quarter = score->ticks_per_quarter;
    signs->smpte_rate_num = score->smpte_rate_num;
    signs->smpte_rate_den = score->smpte_rate_den;
    moving still = {.from = score, .to = signs};
    bool has_quarters = score->ticks_per_quarter > 0; /* else no tempo or meter means anything */
    for (int which = has_quarters ? TEMPOS : SIGNS; which < SIGNS; which++)
        MG_TRY(copy_signs(&still, (sign)which, mg_score_last_note(score) - 1, signs, why));
    if (signs->n_tempos > 0 && signs->tempos[signs->n_tempos - 1].us_per_quarter > 0)
        p->bpm = 6e7 / signs->tempos[signs->n_tempos - 1].us_per_quarter;
    return MG_OK;
}

mg_status sample_primer_sign(const sample_primer *p, const mg_encoding *e, bool with_tempos, mg_score *score,
                             mg_error *why)
{
    moving m = {.from = p->signs, .to = score};
    bool counts_beats = e->steps_per_quarter > 0;
    mg_status status = MG_OK;
    if (!p->signs) return MG_OK;
    if (!counts_beats) {
        m.from_clock = mg_clock_new(m.from);
        m.to_clock = mg_clock_new(score);
        if (!m.from_clock || !m.to_clock) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    if (!status) status = copy_signs(&m, KEYS, INT64_MAX, score, why);
    if (!status && counts_beats) status = copy_signs(&m, METERS, INT64_MAX, score, why);
    if (!status && counts_beats && with_tempos && p->signs->n_tempos)
        status = copy_signs(&m, TEMPOS, INT64_MAX, score, why);
    mg_clock_free(m.from_clock);
    mg_clock_free(m.to_clock);
    return status;
}

double sample_primer_bar(const sample_primer *p)
{
    if (!p->signs || p->signs->n_meters == 0) return 4;
    const mg_meter *meter = &p->signs->meters[p->signs->n_meters - 1];
    return 4.0 * meter->numerator / meter->denominator;
}

/* ---- from a file ---- */

typedef struct {
    sample_primer *p;
    const mg_encoding *encoding;
    int resolution;
    bool is_over, is_found; /* the first piece was seen; and was good */
} search;

static mg_status take_hash(sample_primer *p, const mg_item *item, const mg_piece *piece, mg_error *why)
{
    const char *file = piece->file ? piece->file : strcmp(item->path, "-") ? item->path : NULL;
    if (!file || item->content.data) {
        p->hash = piece->bytes ? mg_hash_bytes(piece->bytes, piece->size) : mg_hash_bytes(item->line, item->length);
        return MG_OK;
    }
    p->file = mg_strdup(file);
    return p->file ? mg_hash_file(file, &p->hash, why) : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

static mg_status take(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    search *s = user;
    if (s->is_over) return MG_OK;
    s->is_over = true;
    if (piece->score->n_notes == 0) return mg_fail(why, MG_BAD_DATA, "a piece without notes is no primer");
    mg_error inner = {0};
    mg_status status = s->encoding->encode(s->encoding, piece->score, s->resolution, &s->p->tokens, &inner);
    if (status)
        return mg_fail(why, status, "%s; mgen-prep -e %s makes what the model knows of a piece, and its records are "
                       "primers too", inner.text, s->encoding->name);
    MG_TRY(keep_signs(s->p, piece->score, why));
    MG_TRY(take_hash(s->p, &job->item, piece, why));
    s->is_found = true;
    return MG_OK;
}

/* What was wrong with a piece stands in its error record. */
static mg_status say_no_primer(const char *path, const mg_buffer *records, mg_error *why)
{
    mg_json *record = NULL;
    const char *end = records->length ? memchr(records->data, '\n', records->length) : NULL;
    if (!end || mg_json_parse(records->data, (size_t)(end - records->data), &record, NULL))
        return mg_fail(why, MG_BAD_DATA, "%s: holds no music", path);
    mg_error inner;
    mg_fail(&inner, MG_BAD_DATA, "%s", mg_json_get_string(record, "error", "cannot be read"));
    mg_json_free(record);
    return mg_fail_in(why, MG_BAD_DATA, path, &inner);
}

/* One input after the other, until one holds music or is found to be broken. */
static mg_status look_through(search *s, mg_source *source, const char *path, mg_error *why)
{
    mg_piece_options reading = {.read = mg_read_defaults()};
    mg_job job = {0};
    mg_status status = MG_OK;
    while (!status && !s->is_over && job.out.length == 0) {
        status = mg_source_next(source, &job.item, why);
        if (!status && job.item.trouble.status) {
            *why = job.item.trouble;
            status = why->status;
        }
        if (!status && (status = mg_job_pieces(&job, &reading, take, s)))
            status = mg_fail_in(why, status, path, &job.why);
        mg_item_clear(&job.item);
    }
    if (status == MG_END || (!status && !s->is_found)) status = say_no_primer(path, &job.out, why);
    mg_buffer_free(&job.out);
    return status;
}

mg_status sample_primer_read(sample_primer *p, const char *path, const mg_encoding *e, int resolution, mg_error *why)
{
    search s = {.p = p, .encoding = e, .resolution = resolution};
    mg_source_options options = {.paths = &path, .n_paths = 1, .finds = MG_FIND_MUSIC | MG_FIND_RECORDS};
    mg_source *source;
    MG_TRY(mg_source_open(&options, &source, why));
    mg_status status = look_through(&s, source, path, why);
    mg_source_close(source);
    return status;
}

/* ---- from a list ---- */

/* As events of a melody, which are -2 .. 127 from 0. */
static mg_status read_list(const char *list, mg_buffer *events, mg_error *why)
{
    mg_json *json = NULL;
    mg_status status = mg_json_parse(list, strlen(list), &json, NULL);
    bool is_list = !status && mg_json_kind_of(json) == MG_JSON_ARRAY && mg_json_count(json) > 0;
    for (size_t i = 0; is_list && i < mg_json_count(json); i++) {
        int64_t event;
        is_list = mg_json_int(mg_json_at(json, i), &event) && event >= -2 && event <= 127;
        if (is_list) mg_buffer_add(events, &(int32_t){(int32_t)event + 2}, sizeof(int32_t));
    }
    mg_json_free(json);
    if (status == MG_NO_MEMORY || events->failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (is_list) return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "not a list of -2, -1 and pitches, [60, -2, 62, -1]");
}

mg_status sample_primer_parse(sample_primer *p, const char *list, const mg_encoding *e, int resolution, double bpm,
                              mg_error *why)
{
    const mg_encoding *melody = mg_encoding_find("melody130");
    mg_buffer events = {0};
    mg_score *score = NULL;
    mg_error inner = {0};
    mg_status status = read_list(list, &events, &inner);
    if (!status)
        status = melody->decode(melody, (const int32_t *)(const void *)events.data, events.length / sizeof(int32_t),
                                bpm, melody->steps_per_quarter, &score, &inner);
    if (!status && score->n_notes == 0) status = mg_fail(&inner, MG_BAD_ARGUMENT, "a list without notes");
    if (!status) status = e->encode(e, score, resolution, &p->tokens, &inner);
    mg_score_free(score);
    mg_buffer_free(&events);
    if (status == MG_BAD_DATA) status = MG_BAD_ARGUMENT; /* the encoding's word for what it cannot say */
    return status ? mg_fail_in(why, status, "--primer-melody", &inner) : MG_OK;
}
