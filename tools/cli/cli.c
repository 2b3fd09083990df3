/* SPDX-License-Identifier: MIT */
/* The frame of every tool: start, inputs, records, finish. */
#include "cli/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- options that all tools share ---- */

static const char *parse_shard(const char *text, void *value)
{
    uint32_t *shard = ((uint32_t **)value)[0], *shards = ((uint32_t **)value)[1];
    char *end;
    unsigned long i = strtoul(text, &end, 10);
    if (*end != '/') return "is not of the form I/N";
    unsigned long n = strtoul(end + 1, &end, 10);
    if (*end || i < 1 || i > n || n > 1000000) return "is not of the form I/N with 1 <= I <= N";
    *shard = (uint32_t)i;
    *shards = (uint32_t)n;
    return NULL;
}

static const char *parse_allowed(const char *text, void *value)
{
    cli *c = value;
    char *end;
    c->allowed = strtod(text, &end);
    c->allowed_is_share = end != text && *end == '%';
    if (c->allowed_is_share) c->allowed /= 100, end++;
    bool is_good = end != text && !*end && c->allowed >= 0 && c->allowed <= (c->allowed_is_share ? 1 : 1e18);
    return is_good ? NULL : "is neither a number nor a percentage up to 100%";
}

typedef struct {
    bool help, json, mdoc, bash, zsh, version;
    uint32_t *shard[2];
} asked;

static const char *const progress_modes[] = {"auto", "none", "json", NULL};

/* The tool's rows and the shared ones, in c->rows. */
static bool join_rows(cli *c, const cli_row *own, asked *a)
{
    a->shard[0] = &c->shard;
    a->shard[1] = &c->shards;
    const cli_row inputs[] = {
        {.kind = CLI_SECTION, .help = "Inputs"},
        {.letter = '0', .name = "files0-from", .kind = CLI_TEXT, .value = &c->names_file, .arg = "FILE",
         .help = "read further paths from FILE (- for standard input), each ended by a NUL"},
        {.name = "shard", .kind = CLI_PARSED, .value = a->shard, .arg = "I/N", .parse = parse_shard,
         .help = "take the I-th of N parts of the inputs, chosen by a hash of the path"},
        {.name = "lenient", .kind = CLI_FLAG, .value = &c->lenient,
         .help = "do not count an input as failed because a repair lost part of its data"},
        {.name = "allow-errors", .kind = CLI_PARSED, .value = c, .arg = "N|N%", .parse = parse_allowed,
         .fallback = "0", .help = "call it a success if at most that many inputs failed"},
    };
    const cli_row shared[] = {
        {.kind = CLI_SECTION, .help = "Outputs"},
        {.name = "force", .kind = CLI_FLAG, .value = &c->force, .help = "replace outputs that exist"},
        {.name = "table", .kind = CLI_FLAG, .value = &c->wants_table,
         .help = "write a table for people, as on a terminal, where records would be written"},
        {.name = "no-provenance", .kind = CLI_FLAG, .value = &c->no_provenance, .help = "leave out the run record"},
        {.kind = CLI_SECTION, .help = "How to run"},
        {.letter = 'j', .name = "threads", .kind = CLI_INT, .value = &c->threads, .arg = "N", .low = 1, .high = 1024,
         .fallback = "all cores", .help = "threads; the result does not depend on it"},
        {.name = "seed", .kind = CLI_INT, .value = &c->seed, .arg = "N", .low = 0, .high = 9e18,
         .help = "seed of everything random"},
        {.name = "progress", .kind = CLI_CHOICE, .value = &c->progress, .arg = "MODE", .choices = progress_modes,
         .help = "how to show progress on standard error"},
        {.letter = 'q', .name = "quiet", .kind = CLI_FLAG, .value = &c->quiet, .help = "say only what went wrong"},
        {.letter = 'v', .name = "verbose", .kind = CLI_COUNT, .value = &c->verbose, .help = "say more"},
        {.kind = CLI_SECTION, .help = "Help"},
        {.letter = 'h', .name = "help", .kind = CLI_FLAG, .value = &a->help, .help = "show this help"},
        {.letter = 'V', .name = "version", .kind = CLI_FLAG, .value = &a->version, .help = "show the version"},
        {.name = "help-json", .kind = CLI_FLAG, .value = &a->json, .help = "the options as JSON"},
        {.name = "help-mdoc", .kind = CLI_FLAG, .value = &a->mdoc, .help = "the options as a man page section"},
        {.name = "help-bash", .kind = CLI_FLAG, .value = &a->bash, .help = "completion for bash"},
        {.name = "help-zsh", .kind = CLI_FLAG, .value = &a->zsh, .help = "completion for zsh"},
    };
    size_t n_own = 0, n_inputs = c->about->reads ? sizeof inputs / sizeof *inputs : 0;
    size_t n_shared = sizeof shared / sizeof *shared;
    while (own[n_own].name || own[n_own].kind == CLI_SECTION) n_own++;
    c->n_rows = n_own + n_inputs + n_shared;
    c->rows = mg_alloc(c->n_rows, sizeof *c->rows);
    if (!c->rows) return cli_out_of_memory(c);
    memcpy(c->rows, own, n_own * sizeof *own);
    memcpy(c->rows + n_own, inputs, n_inputs * sizeof *inputs);
    memcpy(c->rows + n_own + n_inputs, shared, sizeof shared);
    return true;
}

/* ---- start ---- */

static void end(cli *c)
{
    cli_progress_free(c->progress_line);
    mg_free(c->rows);
    c->progress_line = NULL;
    c->rows = NULL;
}

/* With a standard descriptor closed, the next file opened would take its place and get what was not meant for it. */
static void guard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) _exit(3);
}

/* Flush what went to stdout through stdio; 3 if it did not get there. */
static int flushed(const cli *c, int status)
{
    if (!fflush(stdout) && !ferror(stdout)) return status;
    fprintf(stderr, "%s: standard output: %s\n", c->about->name, strerror(errno));
    return 3;
}

static bool answer(cli *c, const asked *a)
{
    const bool wanted[] = {a->help, a->json, a->mdoc, a->bash, a->zsh};
    for (int form = CLI_HELP_TEXT; form <= CLI_HELP_ZSH; form++)
        if (wanted[form]) {
            cli_help(c, (cli_help_form)form, stdout);
            c->exit = flushed(c, 0);
            return true;
        }
    if (!a->version) return false;
    printf("%s (mgen) %s\n", c->about->name, MG_VERSION);
    c->exit = flushed(c, 0);
    return true;
}

/* --help among the arguments is answered even if something else is wrong, and shows the defaults unchanged: so it is
   looked for before the values are set. */
static void find_help(int argc, char **argv, asked *a)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) a->help = true;
}

static bool stands_alone(const cli *c)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].stands_alone && *(bool *)c->rows[i].value) return true;
    return false;
}

bool cli_start(cli *c, const cli_about *about, const cli_row *rows, int argc, char **argv)
{
    asked a = {0};
    guard_descriptors();
    /* Giving memory back after every file and taking it again for the next costs a third of the time of reading it. */
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    *c = (cli){.about = about, .argc = argc, .argv = argv, .threads = mg_cores(), .seed = 1, .started_s = mg_now_s()};
    if (!join_rows(c, rows, &a)) return false;
    find_help(argc, argv, &a);
    mg_error why;
    if (answer(c, &a) || !cli_read_options(c) || answer(c, &a)) return end(c), false;
    if (mg_cpu_check_wish(&why)) return cli_refuse(c, "%s", why.text);
    if (!about->reads && c->n_paths) return cli_refuse(c, "%s: takes no inputs", c->paths[0]);
    if (about->wants_input && c->n_paths == 0 && !c->names_file && !stands_alone(c) && isatty(STDIN_FILENO)) {
        cli_usage(c, stderr);
        fprintf(stderr, "%s: name files or folders, or feed records through a pipe; --help says more\n", about->name);
        c->exit = 2;
        return end(c), false;
    }
    cli_signals_start();
    c->progress_line = cli_progress_new(c);
    return c->progress_line || cli_out_of_memory(c);
}

mg_status cli_source(cli *c, mg_source **source, mg_error *why)
{
    mg_source_options options = {.paths = c->paths, .n_paths = c->n_paths, .names_file = c->names_file,
                                 .shard = c->shard, .shards = c->shards, .finds = c->finds};
    return mg_source_open(&options, source, why);
}

/* ---- records ---- */

/* Whoever reads need not wait longer than that for a record that is done. */
static void flush_when_due(cli *c)
{
    static const double patience_s = 0.2;
    double now_s = mg_now_s();
    if (!c->stdout_records || now_s - c->flushed_s < patience_s) return;
    c->flushed_s = now_s;
    mg_out_flush(c->stdout_records);
}

static mg_status to_stdout(void *user, const char *text, size_t length, mg_error *why)
{
    cli *c = user;
    MG_TRY(mg_out_write(c->stdout_records, text, length, why));
    MG_TRY(mg_out_write(c->stdout_records, "\n", 1, why));
    flush_when_due(c);
    return MG_OK;
}

static void flush_records(void *user)
{
    const cli *c = user;
    if (c->stdout_records) mg_out_flush(c->stdout_records);
}

/* As a table, where progress may stand in the line. */
static mg_status to_table(void *user, const char *text, size_t length, mg_error *why)
{
    cli *c = user;
    cli_progress_clear(c->progress_line);
    return cli_table_line(c->table, text, length, why);
}

/* A pipe that nobody reads any more is noticed before there is something to write. */
static bool is_read(const cli *c)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return !c->stdout_records || poll(&out, 1, 0) <= 0 || !(out.revents & POLLERR);
}

static bool show_progress(void *user, const mg_progress *now)
{
    cli *c = user;
    flush_when_due(c);
    if (!is_read(c)) raise(SIGPIPE);
    cli_progress_show(c->progress_line, now);
    return true;
}

static void put_argv_b64(mg_json_writer *json, const cli *c)
{
    mg_json_array_begin(json, "argv_b64");
    for (int i = 1; i < c->argc; i++) {
        mg_buffer code = {0};
        mg_base64_add(&code, c->argv[i], strlen(c->argv[i]));
        mg_json_put_text(json, NULL, code.data ? code.data : "");
        mg_buffer_free(&code);
    }
    mg_json_array_end(json);
}

static mg_status write_run_record(cli *c, mg_error *why)
{
    mg_buffer text = {0};
    char started[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    mg_json_writer json = mg_json_to(&text);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "kind", "run");
    mg_json_put_text(&json, "tool", c->about->name);
    mg_json_put_text(&json, "version", MG_VERSION);
    mg_json_array_begin(&json, "argv");
    bool are_text = true;
    for (int i = 1; i < c->argc; i++) {
        mg_json_put_text(&json, NULL, c->argv[i]);
        are_text &= mg_utf8_is_valid(c->argv[i], strlen(c->argv[i]));
    }
    mg_json_array_end(&json);
    if (!are_text) put_argv_b64(&json, c);
    mg_json_put_int(&json, "seed", c->seed);
    mg_json_put_text(&json, "started", started);
    mg_json_object_end(&json);
    mg_status status = text.failed ? MG_NO_MEMORY : c->run.out.line(c->run.out.user, text.data, text.length, why);
    mg_buffer_free(&text);
    return status;
}

static mg_status open_records(cli *c, mg_error *why)
{
    if (c->wants_table || isatty(STDOUT_FILENO)) {
        if (!(c->table = cli_table_new())) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        c->run.out = (mg_sink){to_table, c, NULL};
        return MG_OK;
    }
    MG_TRY(mg_out_open("-", true, &c->stdout_records, why));
    c->run.out = (mg_sink){to_stdout, c, flush_records};
    return c->no_provenance ? MG_OK : write_run_record(c, why);
}

static mg_status first_line(void *user, const char *text, size_t length, mg_error *why)
{
    cli *c = user;
    if (!c->stdout_records && !c->table) MG_TRY(open_records(c, why));
    return c->run.out.line(c->run.out.user, text, length, why);
}

/* Where standard output takes no records, only what went wrong is told. */
static mg_status only_errors(void *user, const char *text, size_t length, mg_error *why)
{
    static const char error[] = "{\"kind\":\"error\"";
    mg_json *record;
    if (length < sizeof error || memcmp(text, error, sizeof error - 1)) return MG_OK;
    MG_TRY(mg_json_parse(text, length, &record, why));
    const cli *c = user;
    const char *path = mg_json_get_string(record, "path", ""), *reason = mg_json_get_string(record, "error", "");
    cli_progress_clear(c->progress_line);
    fprintf(stderr, "%s: ", c->about->name);
    if (strncmp(reason, path, strlen(path))) fprintf(stderr, "%s: ", path);
    fprintf(stderr, "%s\n", reason);
    mg_json_free(record);
    return MG_OK;
}

void cli_gives_medium(cli *c) { c->gives_medium = true; }

bool cli_gives_bytes(cli *c)
{
    cli_gives_medium(c);
    return !isatty(STDOUT_FILENO) || cli_refuse(c, "-o -: standard output is a terminal, not a file or a pipe");
}

mg_run *cli_run(cli *c)
{
    if (c->is_running) return &c->run;
    c->is_running = true;
    c->run.threads = (int)c->threads;
    c->run.seed = (uint64_t)c->seed;
    c->run.out = (mg_sink){c->gives_medium ? only_errors : first_line, c, flush_records};
    c->run.progress = show_progress;
    c->run.progress_user = c;
    return &c->run;
}

/* ---- finish ---- */

void cli_say(const cli *c, const char *format, ...)
{
    if (c->quiet) return;
    va_list args;
    va_start(args, format);
    cli_progress_clear(c->progress_line);
    fprintf(stderr, "%s: ", c->about->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void cli_heed_seal(const cli *c, const char *path)
{
    bool is_broken;
    if (!mg_seal_is_broken(path, &is_broken, NULL) && is_broken)
        cli_say(c, "%s: is no longer what was written: its seal is broken (mgen-info --verify)", path);
}

void cli_show(const cli *c, const char *text)
{
    if (c->quiet) return;
    cli_progress_clear(c->progress_line);
    fputs(text, stderr);
}

bool cli_is_watched(const cli *c) { return !c->quiet && isatty(STDERR_FILENO); }

bool cli_refuse(cli *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", c->about->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry '%s --help'.\n", c->about->name);
    va_end(args);
    end(c);
    c->exit = 2;
    return false;
}

bool cli_out_of_memory(cli *c)
{
    fprintf(stderr, "%s: out of memory\n", c->about->name);
    end(c);
    c->exit = 3;
    return false;
}

static int exit_of(mg_status status)
{
    switch (status) {
    case MG_OK:
    case MG_END: return 0;
    case MG_BAD_DATA:
    case MG_UNSUPPORTED:
    case MG_TOO_LARGE: return 1;
    case MG_BAD_ARGUMENT: return 2;
    case MG_BAD_NUMBER: return 4;
    case MG_STOPPED: return 128 + (cli_signal_caught() ? cli_signal_caught() : 2);
    default: return 3;
    }
}

/* Whether more inputs failed than were allowed to. */
static bool failed_too_many(const cli *c)
{
    const mg_tally *t = &c->run.tally;
    double failed = (double)t->failed + (c->lenient ? 0 : (double)t->lossy);
    return failed > (c->allowed_is_share ? c->allowed * (double)t->inputs : c->allowed);
}

static void say_tally(const cli *c)
{
    const mg_tally *t = &c->run.tally;
    if (t->failed)
        cli_say(c, "%llu of %llu inputs failed", (unsigned long long)t->failed, (unsigned long long)t->inputs);
    if (t->lossy && !c->lenient)
        cli_say(c, "%llu of %llu inputs lost data in a repair (--lenient accepts that)",
                (unsigned long long)t->lossy, (unsigned long long)t->inputs);
    if (c->about->wants_music && t->inputs && !t->failed && !t->pieces)
        cli_say(c, "there is no music in %llu input%s", (unsigned long long)t->inputs, t->inputs == 1 ? "" : "s");
    if (t->dropped && !t->kept)
        cli_say(c, "nothing was kept: the dropped records say why");
    if (t->left_out)
        cli_say(c, "%llu of %llu notes are in no record (meta.left_out says it of each)",
                (unsigned long long)t->left_out, (unsigned long long)t->notes);
    if (c->verbose)
        cli_say(c, "%llu inputs, %llu pieces, %llu dropped, %llu records; %.2f s on %d threads (%s)",
                (unsigned long long)t->inputs, (unsigned long long)t->pieces, (unsigned long long)t->dropped,
                (unsigned long long)t->records, mg_now_s() - c->started_s, (int)c->threads,
                mg_cpu_name(mg_cpu_class()));
}

int cli_finish_found(cli *c, bool found, mg_status status, const mg_error *why)
{
    mg_error closing = {0};
    mg_status closed = MG_OK;
    bool has_opened = c->table || c->stdout_records;
    if (!status && c->is_running && !c->gives_medium && !has_opened) closed = open_records(c, &closing);
    if (c->table) closed = cli_table_end(c->table, &closing);
    if (c->stdout_records && !closed) {
        closed = mg_out_commit(c->stdout_records, &closing);
        if (!closed && close(STDOUT_FILENO)) closed = mg_fail_errno(&closing, "standard output");
    }
    if (!status && closed) {
        status = closed;
        why = &closing;
    }
    cli_progress_clear(c->progress_line);
    if (status && status != MG_CLOSED && status != MG_STOPPED && status != MG_END) {
        fprintf(stderr, "%s: %s", c->about->name, why->text[0] ? why->text : mg_status_text(status));
        fprintf(stderr, why->where[0] ? " (%s)\n" : "%s\n", why->where);
    }
    say_tally(c);
    end(c);
    int code = flushed(c, exit_of(status));
    return code ? code : found || failed_too_many(c) ? 1 : 0;
}

int cli_finish(cli *c, mg_status status, const mg_error *why) { return cli_finish_found(c, false, status, why); }
