/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
static mg_status work(void *user, mg_job *job) {
    (void)user; mg_json *r;
    MG_TRY(mg_item_record(&job->item,&r,&job->why));
    mg_json_free(r);
    mg_json_writer j = mg_record_begin(&job->out, "test"); mg_record_put_path(&j, "path", job->item.path); mg_record_end(&j);
    return MG_OK; }
int main(int argc, char **argv)
{
    static const cli_about about = {.name = "mgen-info", .summary = "say what a file or a corpus is", .synopsis = "[FILE|FOLDER|-]...", .wants_input = true};
    cli c;
    cli_row rows[] = {{0}};
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    mg_error why = {0}; mg_source *s;
    mg_status st = cli_source(&c, &s, &why);
    mg_flow f = {.work = work};
    if (!st) st = mg_flow_run(&f, s, cli_run(&c), &why), mg_source_close(s);
    return cli_finish(&c, st, &why);
}
