/* SPDX-License-Identifier: MIT */
/* Match records. */
#include <mgen/match.h>

void mg_match_write(mg_buffer *out, const mg_match *match)
{
    mg_json_writer json = mg_record_begin(out, "match");
    mg_record_put_path(&json, "a", match->a);
    mg_record_put_path(&json, "b", match->b);
    mg_json_put_real(&json, "score", match->score);
    mg_json_put_real(&json, "p", match->p);
    mg_json_put_text(&json, "kind_of_match", match->kind);
    mg_json_put_int(&json, "transpose", match->transpose);
    mg_json_put_real(&json, "time_ratio", match->time_ratio);
    mg_json_array_begin(&json, "spans");
    for (size_t i = 0; i < match->n_spans; i++) {
        const mg_passage *span = &match->spans[i];
        mg_json_object_begin(&json, NULL);
        mg_json_put_real(&json, "a_start", span->a_start);
        mg_json_put_real(&json, "a_end", span->a_end);
        mg_json_put_real(&json, "b_start", span->b_start);
        mg_json_put_real(&json, "b_end", span->b_end);
        mg_json_put_text(&json, "unit", "s");
        mg_json_object_end(&json);
    }
    mg_json_array_end(&json);
    mg_record_end(&json);
}
