/* SPDX-License-Identifier: MIT */
/* mgen-info: what a file, a corpus and this machine are. */
#include "cli/cli.h"
#include "cli/music.h"

#include <mgen/kernel.h>
#include <mgen/metric.h>
#include <mgen/synth.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CURVES = 8 };

static struct {
    mg_inspect_options inspect;
    mg_picture_options picture;
    bool is_roll, is_system, is_records, is_verify;
    const char *curve_names[MOST_CURVES];
    char *curve_text;
    size_t n_curves;
    int64_t width;
} me;

static const char *parse_curves(const char *text, void *value)
{
    (void)value;
    mg_free(me.curve_text);
    me.n_curves = 0;
    me.curve_text = mg_strdup(text);
    for (char *name = me.curve_text ? strtok(me.curve_text, ",") : NULL; name; name = strtok(NULL, ",")) {
        if (me.n_curves == MOST_CURVES) return "names more than 8 curves";
        me.curve_names[me.n_curves++] = name;
    }
    return me.n_curves ? NULL : "names no curve";
}

static const char *parse_bars(const char *text, void *value)
{
    mg_picture_options *o = value;
    char *end;
    long long first = strtoll(text, &end, 10), last = first;
    if (end == text) return "is not of the form A-B";
    if (*end == '-') last = strtoll(end + 1, &end, 10);
    if (*end || first < 1 || last < first) return "is not of the form A-B with 1 <= A <= B";
    o->first_bar = first;
    o->last_bar = last;
    return NULL;
}

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to say"},
    {.name = "each", .kind = CLI_FLAG, .value = &me.inspect.each,
     .help = "an info record for every piece, rather than a card of all"},
    {.name = "card", .kind = CLI_FLAG, .value = &me.inspect.card,
     .help = "a card, also of a single file"},
    {.name = "piano-roll", .kind = CLI_FLAG, .value = &me.is_roll, .help = "draw the piano-roll of every piece"},
    {.name = "curve", .kind = CLI_PARSED, .arg = "NAME,...", .parse = parse_curves, .fallback = "none",
     .help = "draw these values of step records, as in loss,valid_loss"},
    {.name = "verify", .kind = CLI_FLAG, .value = &me.is_verify,
     .help = "check that each file is as it was written, and that what it names as its origin is what it was"},
    {.name = "records", .kind = CLI_FLAG, .value = &me.is_records, .help = "give the records of packed sets back"},
    {.name = "system", .kind = CLI_FLAG, .value = &me.is_system, .stands_alone = true,
     .help = "this machine: processor, speeds (measured now), libraries, sound fonts"},
    {.kind = CLI_SECTION, .help = "Pictures"},
    {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.picture.svg, .arg = "FILE",
     .help = "draw into an SVG file instead of the terminal"},
    {.name = "bars", .kind = CLI_PARSED, .value = &me.picture, .arg = "A-B", .parse = parse_bars,
     .fallback = "the first 64, all in an SVG", .help = "bars of the piano-roll, from 1"},
    {.name = "width", .kind = CLI_INT, .value = &me.width, .arg = "COLUMNS", .low = 0, .high = 1000,
     .fallback = "the terminal's, or 100", .help = "width of pictures in columns"},
    CLI_MUSIC_ROWS(me.inspect.pieces),
    {0}};
/* clang-format on */

/* ---- this machine ---- */

static const struct { const char *name; const char *(*version)(void); } libraries[] = {
    {"products", mg_product_library}, {"jansson", mg_json_library},     {"libsndfile", mg_sound_library},
    {"fluidsynth", mg_fluid_library}, {"libebur128", mg_loudness_library}, {"xxhash", mg_hash_library},
    {"zlib", mg_inflate_library},
};

/* Products of many rows and of few, beside the peak of the class in use on one core and on all. */
static mg_status put_products(mg_json_writer *json, int cores, const double peak[2])
{
    static const int of_rows[] = {1024, 8};
    mg_json_array_begin(json, "products");
    for (size_t i = 0; i < sizeof of_rows / sizeof *of_rows; i++) {
        double one, all;
        MG_TRY(mg_product_gflops(of_rows[i], 1, &one));
        MG_TRY(mg_product_gflops(of_rows[i], cores, &all));
        mg_json_object_begin(json, NULL);
        mg_json_put_int(json, "rows", of_rows[i]);
        mg_json_put_real(json, "gflops", one);
        mg_json_put_real(json, "gflops_all", all);
        mg_json_put_real(json, "of_peak", one / peak[0]);
        mg_json_put_real(json, "of_peak_all", all / peak[1]);
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
    return MG_OK;
}

static mg_status put_speeds(mg_json_writer *json, int cores)
{
    enum { FAR = 256 << 20 }; /* bytes: more than the caches hold */
    double peak[2] = {0}, one_gbs, all_gbs;
    mg_json_array_begin(json, "classes");
    for (int cpu = 0; cpu <= (int)mg_cpu_best(); cpu++) {
        double one = mg_peak_gflops((mg_cpu)cpu, 1), all = mg_peak_gflops((mg_cpu)cpu, cores);
        if (cpu == (int)mg_cpu_class()) peak[0] = one, peak[1] = all;
        mg_json_object_begin(json, NULL);
        mg_json_put_text(json, "class", mg_cpu_name((mg_cpu)cpu));
        mg_json_put_real(json, "gflops", one);
        mg_json_put_real(json, "gflops_all", all);
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
    mg_json_object_begin(json, "bfloat16");
    mg_json_put_real(json, "gflops", mg_peak_bf16_gflops(1));
    mg_json_put_real(json, "gflops_all", mg_peak_bf16_gflops(cores));
    mg_json_object_end(json);
    MG_TRY(put_products(json, cores, peak));
    MG_TRY(mg_peak_read_gbs(1, FAR, &one_gbs));
    MG_TRY(mg_peak_read_gbs(cores, FAR / (size_t)cores, &all_gbs));
    mg_json_put_real(json, "read_gbs", one_gbs);
    mg_json_put_real(json, "read_gbs_all", all_gbs);
    return MG_OK;
}

static void put_fonts(mg_json_writer *json)
{
    mg_buffer path = {0};
    mg_json_array_begin(json, "soundfonts");
    for (size_t n = 0; mg_soundfont_find(n, &path); n++) mg_json_put_text(json, NULL, path.data);
    mg_json_array_end(json);
    mg_buffer_free(&path);
}

static mg_status describe_system(mg_run *run, mg_error *why)
{
    mg_buffer out = {0};
    int cores = mg_cores();
    mg_json_writer json = mg_record_begin(&out, "system");
    mg_json_put_text(&json, "version", MG_VERSION);
    mg_json_put_text(&json, "cpu", mg_cpu_model());
    mg_json_put_int(&json, "cores", cores);
    mg_json_put_text(&json, "class", mg_cpu_name(mg_cpu_class()));
    mg_status status = put_speeds(&json, cores);
    mg_json_object_begin(&json, "libraries");
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        mg_json_put_text(&json, libraries[i].name, libraries[i].version());
    mg_json_object_end(&json);
    put_fonts(&json);
    mg_record_end(&json);
    status = status ? mg_fail(why, status, "out of memory") : mg_run_emit(run, &out, why);
    mg_buffer_free(&out);
    return status;
}

/* ---- the tool ---- */

/* One file, and no folder, was named: or one came through a pipe. */
static bool is_one(const cli *c)
{
    struct stat about;
    if (c->names_file || c->n_paths > 1) return false;
    return c->n_paths == 0 || stat(c->paths[0], &about) || !S_ISDIR(about.st_mode);
}

static bool is_usable(cli *c)
{
    int modes = me.is_roll + (me.n_curves > 0) + me.is_verify + me.is_records + me.is_system;
    if (modes + (me.inspect.each || me.inspect.card) > 1 || (me.inspect.each && me.inspect.card))
        return cli_refuse(c, "one thing at a time: each, card, piano-roll, curve, verify, records or system");
    if (me.picture.svg && !me.is_roll && !me.n_curves)
        return cli_refuse(c, "--output is for pictures: --piano-roll or --curve");
    if (cli_is_given(c, "bars") && !me.is_roll) return cli_refuse(c, "--bars is for --piano-roll");
    if (cli_is_given(c, "width") && !me.is_roll && !me.n_curves)
        return cli_refuse(c, "--width is for pictures: --piano-roll or --curve");
    if (me.is_system && (c->n_paths || c->names_file)) return cli_refuse(c, "--system takes no inputs");
    c->finds = me.is_records || me.n_curves ? MG_FIND_RECORDS : MG_FIND_MUSIC | (me.is_roll ? 0 : MG_FIND_OTHERS);
    if (me.is_verify) c->finds |= MG_FIND_RECORDS;
    me.inspect.is_one = is_one(c);
    me.inspect.path = c->n_paths == 1 ? c->paths[0] : NULL;
    me.picture.pieces = me.inspect.pieces;
    me.picture.style = cli_style(STDOUT_FILENO, me.width);
    me.picture.may_replace = c->force;
    me.picture.title = me.inspect.path;
    if (me.is_roll || me.n_curves) cli_gives_medium(c);
    return true;
}

static mg_status work(cli *c, mg_error *why)
{
    mg_source *source;
    mg_run *run = cli_run(c);
    if (me.is_system) return describe_system(run, why);
    MG_TRY(cli_source(c, &source, why));
    mg_status status = me.is_roll      ? mg_roll_run(&me.picture, source, run, why)
                       : me.n_curves   ? mg_curve_run(&me.picture, me.curve_names, me.n_curves, source, run, why)
                       : me.is_verify  ? mg_provenance_run(source, run, why)
                       : me.is_records ? mg_records_run(source, run, why)
                                       : mg_inspect_run(&me.inspect, source, run, why);
    mg_source_close(source);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-info", .summary = "say what a file or a corpus is", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, roll data sets, records, packed sets, models, sound files, and in folders "
                 "all of these but records, as they would count music twice. A single file of music is told piece by "
                 "piece; several files, folders and records are summed up in a card.",
        .wants_input = true};
    cli c;
    mg_error why = {0};
    me.inspect.pieces.read = mg_read_defaults();
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    if (!is_usable(&c)) return c.exit;
    mg_status status = work(&c, &why);
    mg_free(me.curve_text);
    return cli_finish(&c, status, &why);
}
