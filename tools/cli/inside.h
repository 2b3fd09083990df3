/* SPDX-License-Identifier: MIT */
/* What the files of this room share with each other, and with nobody else. */
#ifndef CLI_INSIDE_H
#define CLI_INSIDE_H

#include "cli/cli.h"

#include <stdio.h>

enum { CLI_PROGRESS_AUTO, CLI_PROGRESS_NONE, CLI_PROGRESS_JSON };

/* cli.c: leave with 3. Returns false. */
bool cli_out_of_memory(cli *c);

/* options.c */
bool cli_read_options(cli *c);

/* help.c */
typedef enum { CLI_HELP_TEXT, CLI_HELP_JSON, CLI_HELP_MDOC, CLI_HELP_BASH, CLI_HELP_ZSH } cli_help_form;
void cli_help(const cli *c, cli_help_form form, FILE *to);
void cli_usage(const cli *c, FILE *to);
/* The default of a row as text; false where it has none to show. */
bool cli_default(const cli_row *row, char *text, size_t size);

/* progress.c */
typedef struct cli_progress cli_progress;
cli_progress *cli_progress_new(const cli *c);
void cli_progress_show(cli_progress *progress, const mg_progress *now);
void cli_progress_clear(cli_progress *progress); /* wipe the line before other words */
void cli_progress_free(cli_progress *progress);

/* signals.c */
void cli_signals_start(void);
int cli_signal_caught(void); /* 0: none */

/* table.c: records for people */
typedef struct cli_table cli_table;
cli_table *cli_table_new(void);
mg_status cli_table_line(void *table, const char *text, size_t length, mg_error *why);
mg_status cli_table_end(cli_table *table, mg_error *why);

#endif
