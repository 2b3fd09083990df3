/* SPDX-License-Identifier: MIT */
/* parity [--root DIR] DIR...: run every check found below the folders, a record a line, a summary on standard error.
   Fails if a check failed, or if there was none at all. */
#include "tests/parity/parity.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const parity_area *const areas[] = {&parity_models, &parity_symbolic, &parity_midi_stats, NULL};

/* ---- records ---- */

static void flush(parity *p)
{
    if (p->out.failed) exit(3);
    fwrite(p->out.data, 1, p->out.length, stdout);
    mg_buffer_clear(&p->out);
}

/* The path below the folder that is walked, or that folder's own name. */
static const char *below(const parity *p, const char *path)
{
    size_t n = strlen(p->base);
    while (n > 1 && p->base[n - 1] == '/') n--;
    if (strncmp(path, p->base, n) || strlen(path) <= n + 1) {
        const char *slash = strrchr(path, '/');
        return slash && slash[1] ? slash + 1 : path;
    }
    return path + n + strspn(path + n, "/");
}

void parity_report(parity *p, const char *fixture, const char *check, const parity_result *r)
{
    mg_json_writer json = mg_record_begin(&p->out, "check");
    mg_record_put_path(&json, "fixture", below(p, fixture));
    mg_json_put_text(&json, "check", check);
    mg_json_put_bool(&json, "passed", r->passed);
    mg_json_put_real(&json, "max_abs", r->max_abs);
    mg_json_put_real(&json, "max_rel", r->max_rel);
    mg_json_put_text(&json, "worst", r->worst ? r->worst : "");
    if (r->why) mg_json_put_text(&json, "error", r->why);
    mg_record_end(&json);
    if (r->passed) p->passed++;
    else p->failed++;
    flush(p);
}

void parity_unsupported(parity *p, const char *fixture, const char *check, const char *why)
{
    mg_json_writer json = mg_record_begin(&p->out, "unsupported");
    mg_record_put_path(&json, "fixture", below(p, fixture));
    mg_json_put_text(&json, "check", check);
    mg_json_put_text(&json, "why", why);
    mg_record_end(&json);
    p->unsupported++;
    flush(p);
}

void parity_compare(parity_result *result, char worst[128], const char *name, const double *got, const double *want,
                    size_t n, double rtol, double atol)
{
    static double worst_share; /* of its tolerance, of the worst so far */
    if (!result->worst) worst_share = -1;
    for (size_t i = 0; i < n; i++) {
        double off = fabs(got[i] - want[i]), share = off / (atol + rtol * fabs(want[i]));
        if (isnan(got[i]) && isnan(want[i])) continue;
        if (isnan(share)) share = INFINITY;
        if (!(share <= 1)) result->passed = false;
        if (off > result->max_abs || isnan(off)) result->max_abs = isnan(off) ? INFINITY : off;
        if (want[i] != 0 && off / fabs(want[i]) > result->max_rel) result->max_rel = off / fabs(want[i]);
        if (share <= worst_share) continue;
        worst_share = share;
        snprintf(worst, 128, "%s[%zu]", name, i);
        result->worst = worst;
    }
}

/* ---- the walk ---- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool offered(parity *p, const char *path, bool folder)
{
    for (int i = 0; areas[i]; i++)
        if (areas[i]->take(p, path, folder)) return true;
    return false;
}

/* Programs and their documentation are no fixtures. */
static bool is_aside(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".md") || !strcmp(dot, ".py") || !strcmp(dot, ".txt"));
}

static void walk(parity *p, const char *path)
{
    struct dirent **names;
    if (offered(p, path, true)) return;
    int n = scandir(path, &names, NULL, alphasort), untaken = 0;
    for (int i = 0; i < n; i++) {
        mg_buffer inner = {0};
        mg_buffer_print(&inner, "%s/%s", path, names[i]->d_name);
        if (inner.failed) exit(3);
        if (names[i]->d_name[0] == '.') {
        } else if (is_folder(inner.data)) {
            walk(p, inner.data);
        } else if (!offered(p, inner.data, false)) {
            untaken += !is_aside(names[i]->d_name);
        }
        mg_buffer_free(&inner);
        free(names[i]);
    }
    if (n >= 0) free(names);
    if (untaken) parity_unsupported(p, path, "*", "no area takes it");
}

/* The nearest folder above `path` that holds data/. */
static const char *find_root(const char *path)
{
    static char at[4096];
    if (!realpath(path, at)) return NULL;
    for (;;) {
        char data[4200];
        snprintf(data, sizeof data, "%s/data", at);
        if (is_folder(data)) return at;
        char *slash = strrchr(at, '/');
        if (!slash || slash == at) return NULL;
        *slash = '\0';
    }
}

int main(int argc, char **argv)
{
    parity p = {0};
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--root") == 0) {
        p.root = argv[2];
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: parity [--root DIR] DIR...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        if (!is_folder(argv[i])) {
            fprintf(stderr, "parity: %s: no such folder\n", argv[i]);
            return 3;
        }
        if (!p.root || first == 1) p.root = find_root(argv[i]);
        p.base = argv[i];
        walk(&p, argv[i]);
    }
    mg_buffer_free(&p.out);
    fprintf(stderr, "parity: %llu passed, %llu failed, %llu unsupported\n", (unsigned long long)p.passed,
            (unsigned long long)p.failed, (unsigned long long)p.unsupported);
    if (fflush(stdout) || ferror(stdout)) return 3;
    return p.failed || !(p.passed + p.unsupported) ? 1 : 0;
}
