/* SPDX-License-Identifier: MIT */
/* mgen-gen: generate music with a trained model. */
#include "cli/cli.h"

#include <mgen/model.h>
#include <mgen/sample.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 32 };

static struct {
    mg_generate_job job;
    int64_t count;
    cli_row rows[MOST_ROWS];
} me = {.count = 1};

/* ---- what a model of performances is told ---- */

static const char *parse_density(const char *text, void *value)
{
    mg_control_values *values = value;
    char *end;
    values->density = strtod(text, &end);
    values->is_given[MG_DENSITY] = true;
    return end == text || *end || !(values->density >= 0) ? "is no number of notes a second" : NULL;
}

static const char *parse_pitches(const char *text, void *value)
{
    static const char wrong[] = "is no list of 12 weights, of C, C# .. B, that are not negative";
    mg_control_values *values = value;
    for (int i = 0; i < MG_PITCH_CLASSES; i++) {
        char *end;
        double weight = values->pitches[i] = strtod(text, &end);
        if (end == text || *end != (i + 1 < MG_PITCH_CLASSES ? ',' : '\0') || !(weight >= 0 && weight <= 1e9))
            return wrong;
        text = end + 1;
    }
    values->is_given[MG_PITCHES] = true;
    return NULL;
}

/* ---- the tool ---- */

static bool is_usable(cli *c)
{
    if (!me.job.model_path) return cli_refuse(c, "which model? name it with -m");
    if (!me.job.output || !*me.job.output) return cli_refuse(c, "where to? name a folder with -o");
    if (strcmp(me.job.output, "-")) return true;
    if (me.count != 1) return cli_refuse(c, "-o -: standard output takes one piece, not %lld", (long long)me.count);
    return cli_gives_bytes(c);
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-gen", .summary = "generate music with a trained model", .synopsis = "-m MODEL -o FOLDER|-"};
    const cli_row first[] = {
        {.kind = CLI_SECTION, .help = "What to generate"},
        {.letter = 'm', .name = "model", .kind = CLI_TEXT, .value = &me.job.model_path, .arg = "MODEL.safetensors",
         .help = "the model, as mgen-train writes it"},
        {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.job.output, .arg = "FOLDER",
         .help = "where the files go, 0001.mid and so on; - for one piece on standard output"},
        {.letter = 'n', .name = "count", .kind = CLI_INT, .value = &me.count, .arg = "N", .low = 0, .high = 1e9,
         .help = "number of pieces; a piece does not depend on it"},
        {.name = "primer", .kind = CLI_TEXT, .value = &me.job.primer_path, .arg = "FILE",
         .help = "MIDI, ABC or record file whose first piece every piece begins with"},
        {.name = "primer-melody", .kind = CLI_TEXT, .value = &me.job.primer_melody, .arg = "LIST",
         .help = "the same as a list of sixteenths: a pitch, -1 for note off, -2 for no event: '[60, -2, 62, -1]'"},
        {.name = "density", .kind = CLI_PARSED, .value = &me.job.controls, .parse = parse_density, .arg = "N",
         .fallback = "left out", .help = "notes a second, for a performance model that was trained with a density"},
        {.name = "pitch-histogram", .kind = CLI_PARSED, .value = &me.job.controls, .parse = parse_pitches,
         .arg = "W,...", .fallback = "left out",
         .help = "weights of the 12 pitch classes from C, for one that was trained with a pitch histogram"},
    };
    cli c;
    size_t n = sizeof first / sizeof *first;
    memcpy(me.rows, first, sizeof first);
    me.job.options = mg_generate_defaults();
    cli_add_options(me.rows, n, mg_generate_rows, &me.job.options);
    if (!cli_start(&c, &about, me.rows, argc, argv) || !is_usable(&c)) return c.exit;
    mg_error why = {0};
    me.job.count = (uint64_t)me.count;
    me.job.tool = about.name;
    me.job.may_replace = c.force;
    me.job.has_provenance = !c.no_provenance;
    cli_heed_seal(&c, me.job.model_path);
    mg_status status = mg_generate(&me.job, mg_model_find, cli_run(&c), &why);
    return cli_finish(&c, status, &why);
}
