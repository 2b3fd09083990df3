/* SPDX-License-Identifier: MIT */
/* How far a long run is: a line on the terminal with rate and time left, or JSON for scripts. */
#include "cli/inside.h"

#include <string.h>
#include <unistd.h>

struct cli_progress {
    int mode;
    const char *tool;
    double start_s, last_s;
    bool is_shown;
    mg_progress last; /* that was told and not shown; what NULL: none */
};

enum { FIRST_AFTER_MS = 700, EVERY_MS = 200, JSON_EVERY_MS = 1000 };

cli_progress *cli_progress_new(const cli *c)
{
    cli_progress *p = mg_alloc_zero(1, sizeof *p);
    if (!p) return NULL;
    bool is_person = isatty(STDERR_FILENO) && !c->quiet;
    p->mode = c->progress == CLI_PROGRESS_AUTO && !is_person ? CLI_PROGRESS_NONE : c->progress;
    p->tool = c->about->name;
    p->start_s = mg_now_s();
    return p;
}

static void add_time(char text[32], double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s < 60) snprintf(text, 32, "%lds", s);
    else if (s < 3600) snprintf(text, 32, "%ldm%02lds", s / 60, s % 60);
    else snprintf(text, 32, "%ldh%02ldm", s / 3600, s / 60 % 60);
}

/* Of the whole, how much is done; 0: unknown. */
static double share_of(const mg_progress *now)
{
    return now->total ? (double)now->done / (double)now->total : now->share;
}

static void show_json(const mg_progress *now, double rate, double left_s)
{
    mg_buffer out = {0};
    mg_json_writer json = mg_record_begin(&out, "progress");
    mg_json_put_text(&json, "what", now->what);
    mg_json_put_int(&json, "done", (int64_t)now->done);
    if (now->total) mg_json_put_int(&json, "total", (int64_t)now->total);
    mg_json_put_real(&json, "per_s", rate);
    if (share_of(now) > 0) mg_json_put_real(&json, "eta_s", left_s);
    if (now->note) mg_json_put_text(&json, "note", now->note);
    mg_record_end(&json);
    if (!out.failed) fputs(out.data, stderr);
    mg_buffer_free(&out);
}

static void show_line(const cli_progress *p, const mg_progress *now, double rate, double left_s)
{
    char left[32];
    fprintf(stderr, "\r\033[K%s: %llu", p->tool, (unsigned long long)now->done);
    if (now->total) fprintf(stderr, "/%llu", (unsigned long long)now->total);
    fprintf(stderr, " %s", now->what);
    if (share_of(now) > 0) fprintf(stderr, " (%.0f%%)", 100 * share_of(now));
    fprintf(stderr, ", %.3g/s", rate);
    if (share_of(now) > 0) {
        add_time(left, left_s);
        fprintf(stderr, ", %s left", left);
    }
    if (now->note) fprintf(stderr, ", %s", now->note);
    fflush(stderr);
}

void cli_progress_show(cli_progress *p, const mg_progress *now)
{
    if (p->mode == CLI_PROGRESS_NONE) return;
    int wait_ms = p->mode == CLI_PROGRESS_JSON ? JSON_EVERY_MS : p->is_shown ? EVERY_MS : FIRST_AFTER_MS;
    double t = mg_now_s();
    bool is_last = now->total && now->done >= now->total && p->is_shown;
    double since_s = p->last_s ? p->last_s : p->start_s;
    p->last = *now;
    p->last.note = NULL; /* which is not ours to keep */
    if (!is_last && (t - since_s) * 1000 < wait_ms) return;
    p->last.what = NULL;
    double rate = (double)now->done / (t - p->start_s + 1e-9);
    double share = share_of(now), left_s = share > 0 ? (t - p->start_s) * (1 - share) / share : 0;
    if (p->mode == CLI_PROGRESS_JSON) show_json(now, rate, left_s);
    else show_line(p, now, rate, left_s);
    p->last_s = t;
    p->is_shown = true;
}

void cli_progress_clear(cli_progress *p)
{
    if (p && p->is_shown && p->mode == CLI_PROGRESS_AUTO) fputs("\r\033[K", stderr);
}

/* Scripts are told how it ended. */
void cli_progress_free(cli_progress *p)
{
    if (p && p->mode == CLI_PROGRESS_JSON && p->last.what) {
        double rate = (double)p->last.done / (mg_now_s() - p->start_s + 1e-9);
        show_json(&p->last, rate, 0);
    }
    cli_progress_clear(p);
    mg_free(p);
}
