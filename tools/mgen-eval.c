/* SPDX-License-Identifier: MIT */
/* mgen-eval: what is measured of a piece, and how two sets compare. */
#include "cli/cli.h"
#include "cli/music.h"

#include <mgen/metric.h>
#include <mgen/model.h>
#include <mgen/sample.h>

enum { MAX_AGAINST = 64 };

static struct {
    mg_eval_options options;
    const char *against[MAX_AGAINST];
    bool metrics, list;
    mg_likelihood_options likelihood;
} me;

static const char *add_against(const char *text, void *value)
{
    (void)value;
    if (me.options.n_against == MAX_AGAINST) return "comes too often";
    me.against[me.options.n_against++] = text;
    return NULL;
}

static const char *const meanings[] = {"strict", "compat", NULL};

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to do"},
    {.name = "metrics", .kind = CLI_FLAG, .value = &me.metrics,
     .help = "write a metrics record for each piece (the default, unless sets are compared)"},
    {.name = "against", .kind = CLI_PARSED, .parse = add_against, .arg = "PATH", .fallback = "none",
     .help = "compare the pieces with those of a reference set (file or folder; may be given several times)"},
    {.name = "list", .kind = CLI_FLAG, .value = &me.list, .stands_alone = true,
     .help = "list every metric: name, unit, range, definition, source"},
    {.name = "likelihood", .kind = CLI_TEXT, .value = &me.likelihood.model_path, .arg = "MODEL.safetensors",
     .help = "how probable a model finds the pieces, each and together, instead of metrics"},
    {.kind = CLI_SECTION, .help = "What to measure"},
    {.name = "split", .kind = CLI_TEXT, .value = &me.likelihood.split, .arg = "NAME", .fallback = "all",
     .help = "with --likelihood: only pieces that are said to be of this split (train, valid, test)"},
    {.name = "only", .kind = CLI_TEXT, .value = &me.options.only, .arg = "NAME,...",
     .help = "only these metrics"},
    {.name = "meaning", .kind = CLI_CHOICE, .value = &me.options.meaning, .arg = "WHICH", .choices = meanings,
     .help = "how to define what MusPy defines: strict, or compat for its very numbers"},
    {.name = "resamples", .kind = CLI_INT, .value = &me.options.resamples, .arg = "N", .low = 100, .high = 1e6,
     .help = "bootstrap samples, and permutations, of a comparison"},
    CLI_MUSIC_ROWS(me.options.pieces),
    {0}};
/* clang-format on */

static bool is_usable(cli *c)
{
    static const char *const others[] = {"against", "only", "meaning", "metrics"};
    const bool wants_likelihood = me.likelihood.model_path != NULL;
    if (me.likelihood.split && !wants_likelihood) return cli_refuse(c, "--split: goes with --likelihood");
    for (size_t i = 0; wants_likelihood && i < sizeof others / sizeof *others; i++)
        if (cli_is_given(c, others[i])) return cli_refuse(c, "--%s: --likelihood measures nothing else", others[i]);
    return true;
}

static mg_status measure(cli *c, mg_source *source, mg_error *why)
{
    if (!me.likelihood.model_path) return mg_eval_run(&me.options, source, cli_run(c), why);
    me.likelihood.pieces = me.options.pieces;
    me.likelihood.paths = c->paths;
    me.likelihood.n_paths = c->n_paths;
    me.likelihood.resamples = me.options.resamples;
    cli_heed_seal(c, me.likelihood.model_path);
    return mg_likelihood_run(&me.likelihood, mg_model_find, source, cli_run(c), why);
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-eval", .summary = "measure music, and compare sets of it", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, folders of them, and records.", .wants_input = true, .wants_music = true};
    cli c;
    me.options = mg_eval_defaults();
    if (!cli_start(&c, &about, rows, argc, argv) || !is_usable(&c)) return c.exit;
    mg_error why = {0};
    mg_source *source = NULL;
    mg_status status;
    if (me.list) return status = mg_eval_list(cli_run(&c), &why), cli_finish(&c, status, &why);
    me.options.paths = c.paths;
    me.options.n_paths = c.n_paths;
    me.options.against = me.against;
    me.options.writes_pieces = me.metrics || me.options.n_against == 0;
    status = cli_source(&c, &source, &why);
    if (!status) status = measure(&c, source, &why);
    mg_source_close(source);
    return cli_finish(&c, status, &why);
}
