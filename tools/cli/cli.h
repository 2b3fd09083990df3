/* SPDX-License-Identifier: MIT */
/** The command line, the same for every tool: options are rows of a table, which also yields help, man page section,
    completion and --help-json; inputs, records, progress, signals and exit status are handled once, here.

    A tool is: rows, cli_start, one call of the library, cli_finish. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <mgen/data.h>
#include <mgen/plot.h>

typedef enum {
    CLI_FLAG,    /**< bool *: set by being there */
    CLI_COUNT,   /**< int *: counts how often */
    CLI_INT,     /**< int64_t *, within low .. high */
    CLI_REAL,    /**< double *, within low .. high */
    CLI_TEXT,    /**< const char ** */
    CLI_CHOICE,  /**< int *: index into `choices` */
    CLI_PARSED,  /**< const char *(*parse)(const char *text, void *value): NULL or what is wrong */
    CLI_SECTION  /**< no option: the heading of those that follow, in `help` */
} cli_kind;

/** One option. The help text says what it does, in a few words, with the unit. The default is read from the value
    before the command line is, so it stands in one place; a number out of its range says that nothing is set. */
typedef struct {
    char letter;       /**< 0: none */
    const char *name;
    cli_kind kind;
    void *value;
    const char *arg;   /**< name of the argument in the help, NULL for flags */
    const char *help;
    double low, high;  /**< CLI_INT, CLI_REAL; both 0: any */
    const char *const *choices; /**< CLI_CHOICE, ended by NULL */
    const char *(*parse)(const char *text, void *value);
    const char *fallback; /**< what the help calls the default, where the value does not say it */
    bool stands_alone;    /**< CLI_FLAG: with it no input is wanted */
    bool is_given;        /**< set by cli_start, in its own rows */
} cli_row;

/** Rows for the options of a configuration (mg_option), from rows[n] on: those with a help text, '-' for '_' in their
    names, values in `config`. Returns the number of rows then. `rows` and the names live as long as the process. */
size_t cli_add_options(cli_row *rows, size_t n, const mg_option *options, void *config);

/** What a tool says of itself. */
typedef struct {
    const char *name;
    const char *summary;  /**< one line, as in apropos */
    const char *synopsis; /**< arguments after the options: "[FILE|FOLDER|-]..." */
    const char *reads;    /**< what the paths and the records may be, a sentence for the help; NULL: there are none */
    bool wants_input;     /**< goes through a source; with neither paths nor a pipe it prints its usage */
    bool wants_music;     /**< inputs without any music are worth a word */
} cli_about;

typedef struct {
    const cli_about *about;
    int exit;             /**< the status with which to leave when cli_start says so */
    /* the options that all tools share */
    bool quiet, force, wants_table, no_provenance, lenient;
    int verbose;
    int64_t threads, seed;
    const char *names_file;
    uint32_t shard, shards;
    int progress;         /**< cli_progress_auto .. */
    double allowed;       /**< failed inputs that are no failure: a number, or a share if allowed_is_share */
    bool allowed_is_share;
    /* what is left */
    const char *const *paths;
    size_t n_paths;
    unsigned finds;       /**< what is taken from folders, MG_FIND_...; 0, as cli_start leaves it: music */
    /* behind the curtain */
    mg_out *stdout_records;
    double started_s, flushed_s;
    struct cli_table *table;
    struct cli_progress *progress_line;
    cli_row *rows;
    size_t n_rows;
    int argc;
    char **argv;
    mg_run run;
    bool is_running, gives_medium;
} cli;

/** Read the command line and set up signals, progress and records. False: leave with c->exit (help was shown, or the
    usage was wrong and that was said). `rows` is the tool's own table, ended by a row without a name. */
bool cli_start(cli *c, const cli_about *about, const cli_row *rows, int argc, char **argv);

/** Set the value of the flag, text or choice `name` alone, as far as the command line gives it rightly: for options
    that set the defaults of others. Before cli_start, which reads it again. False when out of memory. */
bool cli_peek(const cli_row *rows, const char *name, int argc, char **argv);

/** Whether the command line has the option, be it with the default's value. */
bool cli_is_given(const cli *c, const char *name);

/** The inputs that the command line names. */
mg_status cli_source(cli *c, mg_source **source, mg_error *why);
/** What the library is handed: threads, seed, sink, progress. The run record goes before the first record; where there
    is none, cli_finish writes it. */
mg_run *cli_run(cli *c);
/** Standard output takes a medium (a picture, WAV), no records; errors are told on standard error. Before cli_run. */
void cli_gives_medium(cli *c);
/** The same for one that is no text. False, and refused, where standard output is a terminal. */
bool cli_gives_bytes(cli *c);

/** Say what went wrong, if anything did, close the records, and give the exit status. */
int cli_finish(cli *c, mg_status status, const mg_error *why);
/** As cli_finish, for a gate or an audit that found something (exit 1) though nothing failed. */
int cli_finish_found(cli *c, bool found, mg_status status, const mg_error *why);

/** A line for people on standard error, "mgen-prep: ...", unless -q. */
void cli_say(const cli *c, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

/** The same as it stands, of several lines. */
void cli_show(const cli *c, const char *text);
/** Says so where a file that was sealed is no longer what was written; one that cannot be read is for its reader. */
void cli_heed_seal(const cli *c, const char *path);
/** Whether somebody looks: standard error is a terminal, and -q was not given. */
bool cli_is_watched(const cli *c);

/** What a descriptor, standard output as a rule, can show: `width` columns (0: the terminal's), Unicode where the
    locale says UTF-8, colours on a terminal unless NO_COLOR is set. */
mg_plot_style cli_style(int fd, int64_t width);

/** The usage was wrong: say why, point to --help, and leave with 2. */
bool cli_refuse(cli *c, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

#endif
