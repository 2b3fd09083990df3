/* SPDX-License-Identifier: MIT */
/* Pictures of what a source holds: piano-rolls of its pieces, curves of its step records. */
#include "plot/draw.h"

#include <string.h>

enum { MOST_BARS = 64 };

/* ---- piano-rolls ---- */

typedef struct {
    const mg_picture_options *options;
    mg_out *out;
    uint64_t n_pieces;
} rolls;

static void add_title(mg_buffer *title, const mg_piece *piece, const mg_roll_view *view, int64_t bars)
{
    const char *name = mg_json_get_string(mg_json_get(piece->record, "meta"), "title", piece->score->title);
    mg_buffer_add_text(title, piece->path);
    if (*name) mg_buffer_print(title, ": %s", name);
    if (view->first_bar <= 1 && view->last_bar >= bars) return;
    mg_buffer_print(title, " (bars %lld-%lld of %lld)", (long long)(view->first_bar > 0 ? view->first_bar : 1),
                    (long long)(view->last_bar < bars ? view->last_bar : bars), (long long)bars);
}

/* Into job->result, a buffer, which is written in the order of the inputs. */
static mg_status draw_piece(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    const rolls *r = user;
    mg_buffer title = {0}, *picture = job->result;
    bool is_svg = r->options->svg != NULL;
    if (is_svg && picture->length > 0) return MG_OK; /* a second piece: write_picture refuses it */
    int64_t bars = mg_score_bars(piece->score);
    if (r->options->first_bar > bars)
        return mg_fail(why, MG_BAD_DATA, "there is no bar %lld: it has %lld", (long long)r->options->first_bar,
                       (long long)bars);
    mg_roll_view view = {.first_bar = r->options->first_bar, .last_bar = r->options->last_bar};
    if (view.last_bar == 0) view.last_bar = is_svg ? bars : (view.first_bar > 0 ? view.first_bar : 1) + MOST_BARS - 1;
    add_title(&title, piece, &view, bars);
    view.title = title.data;
    mg_status status = is_svg ? mg_plot_roll_svg(picture, piece->score, &view)
                              : mg_plot_roll_text(picture, piece->score, &view, &r->options->style);
    if (!is_svg) mg_buffer_add_char(picture, '\n');
    status = title.failed || picture->failed ? MG_NO_MEMORY : status;
    mg_buffer_free(&title);
    return status ? mg_fail(why, status, "out of memory") : MG_OK;
}

static mg_status draw_input(void *user, mg_job *job)
{
    const rolls *r = user;
    job->result = mg_alloc_zero(1, sizeof(mg_buffer));
    if (!job->result) return mg_fail(&job->why, MG_NO_MEMORY, "out of memory");
    return mg_job_pieces(job, &r->options->pieces, draw_piece, user);
}

static mg_status write_picture(void *user, mg_job *job, mg_error *why)
{
    rolls *r = user;
    const mg_buffer *picture = job->result;
    if (!picture || picture->length == 0) return MG_OK;
    if (r->options->svg && (job->tally.pieces > 1 || r->n_pieces++ > 0))
        return mg_fail(why, MG_BAD_ARGUMENT, "%s: one SVG holds one piece; FILE#N names one of several in a file",
                       r->options->svg);
    return mg_out_write(r->out, picture->data, picture->length, why);
}

static void free_picture(void *result)
{
    if (result) mg_buffer_free(result);
    mg_free(result);
}

mg_status mg_roll_run(const mg_picture_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    rolls r = {.options = options};
    mg_flow flow = {.work = draw_input, .collect = write_picture, .release = free_picture, .user = &r};
    MG_TRY(mg_out_open(options->svg ? options->svg : "-", options->may_replace, &r.out, why));
    mg_status status = mg_flow_run(&flow, source, run, why);
    if (!status && options->svg && r.n_pieces == 0) status = mg_fail(why, MG_BAD_DATA, "there is nothing to draw");
    if (status) return mg_out_abandon(r.out), status;
    return mg_out_commit(r.out, why);
}

/* ---- curves ---- */

static mg_status read_steps(mg_source *source, mg_run *run, mg_curves *curves, mg_error *why)
{
    mg_item item;
    mg_status status;
    while (!(status = mg_source_next(source, &item, why))) {
        mg_json *record = NULL;
        mg_error trouble = item.trouble;
        run->tally.inputs++;
        if (!trouble.status) trouble.status = mg_item_record(&item, &record, &trouble);
        if (!trouble.status && !record) mg_fail(&trouble, MG_UNSUPPORTED, "no records");
        if (record) mg_curves_take(curves, record);
        mg_json_free(record);
        if (trouble.status == MG_NO_MEMORY) status = MG_NO_MEMORY;
        else if (trouble.status) status = mg_fail_in(why, trouble.status, item.path, &trouble);
        mg_item_clear(&item);
        if (status) return status;
        MG_TRY(mg_run_progress(run, &(mg_progress){.what = "records", .done = run->tally.inputs}));
    }
    return status == MG_END ? MG_OK : status;
}

mg_status mg_curve_run(const mg_picture_options *options, const char *const *names, size_t n, mg_source *source,
                       mg_run *run, mg_error *why)
{
    mg_curves *curves;
    mg_out *out;
    MG_TRY(mg_curves_new(names, n, &curves, why));
    mg_status status = read_steps(source, run, curves, why);
    if (!status) status = mg_out_open(options->svg ? options->svg : "-", options->may_replace, &out, why);
    if (!status) status = mg_curves_write(curves, options, out, why);
    mg_curves_free(curves);
    return status;
}
