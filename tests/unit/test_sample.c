/* SPDX-License-Identifier: MIT */
/* Sampling: choices follow their probabilities and masks, pieces depend on nothing but their number. */
#include "tests/unit/tap.h"

#include <mgen/model.h>
#include <mgen/sample.h>

#include "sample/streams.h"

enum { N = 6, DRAWS = 40000 };
static const mg_real logits[N] = {0, 2, -1, 1, 2, -3};

/* Shares of many draws against the softmax over the numbers that `kept` marks. */
static void check_shares(mg_sampling s, const bool *allowed, const bool *kept)
{
    int32_t order[N];
    double share[N] = {0}, want[N], total = 0;
    mg_random random = mg_random_at(11, "draw", 0);
    for (int i = 0; i < DRAWS; i++) share[mg_sample_category(&s, logits, N, allowed, order, &random)] += 1.0 / DRAWS;
    for (int i = 0; i < N; i++) total += want[i] = kept[i] ? exp((double)logits[i] / s.temperature) : 0;
    for (int i = 0; i < N; i++) {
        double p = want[i] / total;
        CHECK(fabs(share[i] - p) <= 4 * sqrt(p * (1 - p) / DRAWS)); /* four deviations */
        if (!kept[i]) CHECK(share[i] == 0);
    }
}

static void choices_follow_probabilities(void)
{
    static const bool all[N] = {true, true, true, true, true, true}, some[N] = {true, false, true, true, false, true};
    static const bool two[N] = {false, true, false, false, true, false};
    static const bool three[N] = {false, true, false, true, true, false};
    check_shares((mg_sampling){1, 0, 1}, NULL, all);
    check_shares((mg_sampling){0.5, 0, 1}, NULL, all);
    check_shares((mg_sampling){3, 0, 1}, some, some);
    check_shares((mg_sampling){1, 2, 1}, NULL, two);
    check_shares((mg_sampling){2, 3, 1}, NULL, three);
    check_shares((mg_sampling){1, 0, 0.7}, NULL, two); /* each of the two has .37 */
    check_shares((mg_sampling){1, 100, 1}, NULL, all);
}

static void certainty_takes_the_first_of_equals(void)
{
    int32_t order[N];
    mg_random random = mg_random_at(1, "draw", 0);
    static const bool not_one[N] = {true, false, true, true, true, true};
    mg_sampling sure = {0, 0, 1}, top = {1, 1, 1}, nucleus = {1, 0, 0};
    for (int i = 0; i < 50; i++) {
        CHECK_INT(mg_sample_category(&sure, logits, N, NULL, order, &random), 1);
        CHECK_INT(mg_sample_category(&sure, logits, N, not_one, order, &random), 4);
        CHECK_INT(mg_sample_category(&top, logits, N, NULL, order, &random), 1);
        CHECK_INT(mg_sample_category(&nucleus, logits, N, NULL, order, &random), 1);
    }
}

/* Not only the same shares: the same draws, whose sums run in the same order. */
static void enough_is_as_good_as_all(void)
{
    static const bool some[N] = {true, false, true, true, false, true};
    int32_t order[N];
    for (int64_t k = 4; k <= 7; k++)
        for (uint64_t i = 0; i < 2000; i++) {
            mg_sampling all = {0.7, 0, 1}, top = {0.7, k, 1};
            mg_random x = mg_random_at(5, "draw", i), y = x;
            const bool *allowed = k < N ? some : NULL;
            CHECK_INT(mg_sample_category(&top, logits, N, allowed, order, &x),
                      mg_sample_category(&all, logits, N, allowed, order, &y));
        }
}

static void bits_follow_probabilities(void)
{
    mg_sampling s = {2, 0, 1}, sure = {0, 0, 1};
    mg_random random = mg_random_at(3, "bits", 0);
    double share[N] = {0};
    bool bits[N];
    for (int i = 0; i < DRAWS; i++) {
        mg_sample_bits(&s, logits, N, bits, &random);
        for (int k = 0; k < N; k++) share[k] += (double)bits[k] / DRAWS;
    }
    for (int k = 0; k < N; k++) {
        double p = 1 / (1 + exp(-(double)logits[k] / 2));
        CHECK(fabs(share[k] - p) <= 4 * sqrt(p * (1 - p) / DRAWS));
    }
    mg_sample_bits(&sure, logits, N, bits, &random);
    for (int k = 0; k < N; k++) CHECK(bits[k] == (logits[k] > 0));
}

/* ---- streams ---- */

static mg_controls controls; /* of those that are made */

static mg_trained *untrained(const char *encoding, const char *settings)
{
    mg_error why = {0};
    const mg_model *model = mg_model_find("lstm");
    const mg_encoding *e = mg_encoding_find(encoding);
    void *config = mg_model_config(model);
    mg_json *json;
    mg_trained *t;
    char hash[33];
    REQUIRE(e && config && mg_json_parse(settings, strlen(settings), &json, &why) == MG_OK);
    REQUIRE(mg_options_read(model->options, json, config, &why) == MG_OK);
    mg_data_form form = {e->is_roll ? 0 : e->vocab, e->n_features + mg_controls_width(&controls)};
    mg_model_adapt(model, config, form);
    REQUIRE(mg_trained_new(model, config, 1, &t, &why) == MG_OK);
    REQUIRE(mg_encoding_vocab_hash(e, hash, &why) == MG_OK);
    mg_free(t->encoding), mg_free(t->vocab_hash);
    t->controls = controls;
    t->encoding = mg_strdup(encoding), t->vocab_hash = mg_strdup(hash);
    mg_json_free(json);
    mg_free(config);
    return t;
}

static void run(mg_streams *s, uint64_t first, size_t n, mg_buffer *tokens)
{
    mg_error why = {0};
    for (size_t i = 0; i < n; i++) mg_buffer_clear(&tokens[i]);
    CHECK_INT(mg_streams_run(s, first, n, tokens, &why), MG_OK);
}

static bool same(const mg_buffer *a, const mg_buffer *b)
{
    return a->length == b->length && (a->length == 0 || !memcmp(a->data, b->data, a->length));
}

static void check_streams(const char *encoding, const char *settings)
{
    mg_error why = {0};
    mg_trained *t = untrained(encoding, settings);
    mg_generation generation = {.sampling = {1, 0, 1}, .steps = 40, .seed = 5};
    mg_streams *s;
    mg_buffer all[MG_STREAMS] = {{0}}, some[MG_STREAMS] = {{0}};
    REQUIRE(mg_streams_new(t, &generation, MG_STREAMS, &s, &why) == MG_OK);
    run(s, 100, MG_STREAMS, all);
    CHECK(!same(&all[0], &all[1]));
    run(s, 103, 2, some); /* other neighbours, another row, and what came before forgotten */
    CHECK(same(&some[0], &all[3]) && same(&some[1], &all[4]));
    mg_streams_free(s);
    for (int rows = 1; rows <= 3; rows += 2) { /* smaller groups */
        REQUIRE(mg_streams_new(t, &generation, rows, &s, &why) == MG_OK);
        run(s, 105, (size_t)rows, some);
        CHECK(same(&some[0], &all[5]) && (rows == 1 || same(&some[2], &all[7])));
        mg_streams_free(s);
    }
    /* What was said makes music of closed notes. */
    const mg_encoding *e = mg_encoding_find(encoding);
    for (int i = 0; i < MG_STREAMS; i++) {
        mg_score *score;
        size_t n = all[i].length / sizeof(int32_t);
        REQUIRE(e->decode(e, (const int32_t *)(const void *)all[i].data, n, 120, 0, &score, &why) == MG_OK);
        for (size_t k = 0; k < score->n_notes; k++) CHECK(score->notes[k].end > score->notes[k].start);
        mg_score_free(score);
    }
    /* A primer stands first, and is gone on from. */
    generation.primer = (const int32_t *)(const void *)all[0].data;
    generation.n_primer = all[0].length / sizeof(int32_t);
    REQUIRE(mg_streams_new(t, &generation, MG_STREAMS, &s, &why) == MG_OK);
    run(s, 100, 2, some);
    for (int i = 0; i < 2; i++) {
        CHECK(some[i].length > all[0].length);
        CHECK(!memcmp(some[i].data, all[0].data, all[0].length));
    }
    CHECK(!same(&some[0], &some[1]));
    mg_streams_free(s);
    for (int i = 0; i < MG_STREAMS; i++) mg_buffer_free(&all[i]), mg_buffer_free(&some[i]);
    mg_trained_free(t);
}

static void pieces_stand_alone(void)
{
    check_streams("melody38", "{\"hidden\":16,\"embedding\":8}");
    check_streams("performance388", "{\"hidden\":16,\"input\":\"onehot\",\"layers\":1}");
    check_streams("polyphony259", "{\"hidden\":16,\"embedding\":8,\"attention\":4}");
    check_streams("roll88", "{\"hidden\":16}");
    check_streams("melody-lookback40", "{\"hidden\":16,\"input\":\"features\"}");
    check_streams("melody-key40", "{\"hidden\":16,\"embedding\":8,\"residual\":true}");
}

/* A melody of C, C held, E and silence goes along: its pitch begins each step, and what is drawn stands below. */
static void an_injected_primer_goes_along(void)
{
    enum { STEP_END = 2, NEW = 3, HELD = 131 };
    static const int32_t melody[] = {NEW + 72, STEP_END, HELD + 72, STEP_END, NEW + 76, STEP_END, STEP_END};
    static const int32_t top[] = {NEW + 72, HELD + 72, NEW + 76};
    mg_error why = {0};
    mg_trained *t = untrained("polyphony259", "{\"hidden\":16,\"embedding\":8}");
    const mg_encoding *e = mg_encoding_find("polyphony259");
    mg_generation generation = {.sampling = {1, 0, 1}, .steps = 200, .seed = 5, .primer = melody,
                                .n_primer = sizeof melody / sizeof *melody, .injects = true};
    mg_streams *s;
    mg_buffer tokens[MG_STREAMS] = {{0}};
    int n_filled = 0;
    ((mg_real *)mg_tensor_set_find(&t->params, "output.bias")->data)[e->end] = 2; /* it would like to end */
    REQUIRE(mg_streams_new(t, &generation, MG_STREAMS, &s, &why) == MG_OK);
    run(s, 0, MG_STREAMS, tokens);
    for (int i = 0; i < MG_STREAMS; i++) {
        mg_grammar grammar = {0};
        const int32_t *said = (const int32_t *)(const void *)tokens[i].data;
        size_t step = 0, begin = 0, n = tokens[i].length / sizeof *said;
        for (size_t k = 0; k < n; k++) {
            CHECK(e->allows(e, &grammar, said[k]));
            e->follow(e, &grammar, said[k]);
            if (step < 3 && k == begin) CHECK_INT(said[k], top[step]);
            if (step < 3 && k > begin) n_filled += said[k] != STEP_END;
            if (said[k] == STEP_END) step++, begin = k + 1;
        }
        CHECK(step >= 4);
        mg_buffer_free(&tokens[i]);
    }
    CHECK(n_filled > 0);
    mg_streams_free(s);
    mg_trained_free(t);
}

/* ---- what models are told ---- */

static void what_is_told_changes_what_is_said(void)
{
    mg_error why = {0};
    mg_trained *t = untrained("performance388", "{\"hidden\":16}");
    mg_generation generation = {.sampling = {1, 0, 1}, .steps = 2000, .seed = 5};
    mg_streams *s;
    mg_buffer said[3] = {{0}};
    generation.controls.is_given[MG_DENSITY] = true;
    CHECK_INT(mg_streams_new(t, &generation, 1, &s, &why), MG_BAD_ARGUMENT);
    mg_trained_free(t);
    controls = (mg_controls){{[MG_DENSITY] = MG_CONTROL_OPTIONAL}};
    t = untrained("performance388", "{\"hidden\":16}");
    for (int i = 0; i < 3; i++) {
        generation.controls.is_given[MG_DENSITY] = i > 0;
        generation.controls.density = 100 * i - 100;
        REQUIRE(mg_streams_new(t, &generation, 1, &s, &why) == MG_OK);
        run(s, 0, 1, &said[i]);
        mg_streams_free(s);
    }
    CHECK(!same(&said[0], &said[1]) && !same(&said[1], &said[2]) && !same(&said[0], &said[2]));
    mg_trained_free(t);
    controls.mode[MG_DENSITY] = MG_CONTROL_GIVEN;
    t = untrained("performance388", "{\"hidden\":16}");
    generation.controls.is_given[MG_DENSITY] = false;
    CHECK_INT(mg_streams_new(t, &generation, 1, &s, &why), MG_BAD_ARGUMENT);
    t->controls = (mg_controls){{0}}; /* a file that lies of its width */
    CHECK_INT(mg_streams_new(t, &generation, 1, &s, &why), MG_BAD_DATA);
    mg_trained_free(t);
    controls = (mg_controls){{0}};
    for (int i = 0; i < 3; i++) mg_buffer_free(&said[i]);
}

/* What an encoding does not allow is never said, however likely the model finds it. */
static void masks_hold(void)
{
    mg_error why = {0};
    mg_trained *t = untrained("performance388", "{\"hidden\":16,\"embedding\":8}");
    const mg_encoding *e = mg_encoding_find("performance388");
    mg_generation generation = {.sampling = {5, 0, 1}, .steps = 300, .seed = 2};
    mg_streams *s;
    mg_buffer tokens[MG_STREAMS] = {{0}};
    REQUIRE(mg_streams_new(t, &generation, MG_STREAMS, &s, &why) == MG_OK);
    run(s, 0, MG_STREAMS, tokens);
    for (int i = 0; i < MG_STREAMS; i++) {
        mg_grammar grammar = {0};
        const int32_t *said = (const int32_t *)(const void *)tokens[i].data;
        for (size_t k = 0; k < tokens[i].length / sizeof *said; k++) {
            CHECK(e->allows(e, &grammar, said[k]));
            e->follow(e, &grammar, said[k]);
        }
        mg_buffer_free(&tokens[i]);
    }
    mg_streams_free(s);
    mg_trained_free(t);
}

/* Written as MIDI and read again, strictly: every note-on has its note-off, and none without the model's word lasts. */
static void check_closed(const mg_encoding *e, const int32_t *tokens, size_t n)
{
    mg_error why = {0};
    mg_score *score, *again;
    mg_buffer bytes = {0};
    mg_read_options strict = mg_read_defaults();
    strict.is_strict = true;
    REQUIRE(e->decode(e, tokens, n, 120, 0, &score, &why) == MG_OK);
    REQUIRE(mg_midi_write(score, &bytes, &why) == MG_OK);
    REQUIRE(mg_midi_read(bytes.data, bytes.length, &strict, &again, &why) == MG_OK);
    CHECK_INT(again->unclosed + again->orphan_offs + again->zero_length, 0);
    CHECK_INT(again->n_notes, score->n_notes);
    for (size_t i = 0; i < again->n_notes; i++) CHECK(again->notes[i].end > again->notes[i].start);
    mg_score_free(score), mg_score_free(again), mg_buffer_free(&bytes);
}

/* Whatever is said, be it nonsense that no grammar allows. */
static void no_note_hangs(void)
{
    enum { LENGTH = 600 };
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        for (uint64_t seed = 0; seed < 40; seed++) {
            mg_random random = mg_random_at(seed, "nonsense", k);
            int32_t tokens[LENGTH];
            for (int i = 0; i < LENGTH; i++) tokens[i] = (int32_t)mg_random_below(&random, (uint32_t)e->vocab + 50);
            check_closed(e, tokens, LENGTH);
        }
    }
}

/* The tokens from the n-th last step of the grid on: how long a piece is counts in the encoding's own time. */
static void pieces_end_on_time(void)
{
    mg_error why = {0};
    static const char *const encodings[] = {"melody38", "polyphony259", "performance388", "roll88"};
    for (int k = 0; k < 4; k++) {
        mg_trained *t = untrained(encodings[k], "{\"hidden\":8,\"embedding\":4}");
        const mg_encoding *e = mg_encoding_find(encodings[k]);
        mg_generation generation = {.sampling = {1, 0, 1}, .steps = 150, .seed = 4};
        mg_streams *s;
        mg_buffer tokens[MG_STREAMS] = {{0}};
        REQUIRE(mg_streams_new(t, &generation, MG_STREAMS, &s, &why) == MG_OK);
        run(s, 0, MG_STREAMS, tokens);
        for (int i = 0; i < MG_STREAMS; i++) {
            const int32_t *said = (const int32_t *)(const void *)tokens[i].data;
            size_t n = tokens[i].length / sizeof *said;
            bool has_ended = k == 1 && mg_encoding_steps(e, said, n) < 150; /* by its END, which is not said */
            CHECK(has_ended || mg_encoding_steps(e, said, n) >= 150);
            CHECK(n > 0 && mg_encoding_steps(e, said, n - 1) < 150); /* and no token longer than that */
            check_closed(e, said, n);
            mg_buffer_free(&tokens[i]);
        }
        mg_streams_free(s);
        mg_trained_free(t);
    }
}

static void odd_numbers_are_not_played(void)
{
    mg_error why = {0};
    static const char *const encodings[] = {"melody38", "roll88"};
    for (int k = 0; k < 2; k++) {
        mg_trained *t = untrained(encodings[k], "{\"hidden\":8}");
        mg_generation generation = {.sampling = {1, 0, 1}, .steps = 20};
        mg_streams *s;
        mg_buffer tokens[2] = {{0}};
        ((mg_real *)mg_tensor_set_find(&t->params, "output.bias")->data)[5] = (mg_real)NAN;
        REQUIRE(mg_streams_new(t, &generation, 2, &s, &why) == MG_OK);
        CHECK_INT(mg_streams_run(s, 0, 2, tokens, &why), MG_BAD_NUMBER);
        mg_streams_free(s);
        mg_trained_free(t);
        mg_buffer_free(&tokens[0]), mg_buffer_free(&tokens[1]);
    }
}

/* Nothing would ever end it but the stop, which was asked for before. */
static void stops_are_heard(void)
{
    mg_error why = {0};
    mg_trained *t = untrained("performance388", "{\"hidden\":8,\"embedding\":4}");
    mg_generation generation = {.sampling = {1, 0, 1}, .steps = INT64_MAX};
    mg_streams *s;
    mg_buffer tokens = {0};
    REQUIRE(mg_streams_new(t, &generation, 1, &s, &why) == MG_OK);
    mg_stop_ask();
    CHECK_INT(mg_streams_run(s, 0, 1, &tokens, &why), MG_STOPPED);
    mg_stop_forget();
    mg_streams_free(s);
    mg_trained_free(t);
    mg_buffer_free(&tokens);
}

/* ---- beam search ---- */

/* Logits that are far from even, so that a choice weighs. */
static mg_trained *bold(const char *encoding)
{
    mg_trained *t = untrained(encoding, "{\"hidden\":16,\"embedding\":8}");
    mg_tensor *w = mg_tensor_set_find(&t->params, "output.weight");
    for (int64_t i = 0; i < mg_shape_count(&w->shape); i++) ((mg_real *)w->data)[i] *= 12;
    return t;
}

/* Log-likelihood of a piece, by one graph over all of it; of frames without the first. */
static double log_likelihood(const mg_trained *t, const mg_encoding *e, const int32_t *tokens, size_t n)
{
    mg_error why = {0};
    int64_t steps = e->is_roll ? mg_encoding_steps(e, tokens, n) - 1 : (int64_t)n + (e->end >= 0), frame = 0;
    mg_graph *g = mg_model_graph(t->model, t->config, (mg_use){MG_LIKELIHOOD, 0, 1, steps, false});
    mg_plan *plan;
    mg_real **params, sum = 0;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_model_bind(mg_plan_graph(plan), &t->params, &params, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, params, 1, &run, &why) == MG_OK);
    void *in = mg_instance_input(run, e->is_roll ? "roll" : "tokens").data;
    void *out = mg_instance_input(run, "targets").data;
    for (int64_t i = 0; !e->is_roll && i < steps; i++) {
        ((int32_t *)in)[i] = i ? tokens[i - 1] : e->start;
        ((int32_t *)out)[i] = i < (int64_t)n ? tokens[i] : e->end;
    }
    for (size_t i = 0; e->is_roll && i < n; i++) {
        int64_t at = frame * e->vocab + tokens[i] - e->low;
        if (tokens[i] == MG_FRAME_END) frame++;
        else if (frame < steps) ((mg_real *)in)[at] = 1;
        if (tokens[i] != MG_FRAME_END && frame > 0) ((mg_real *)out)[at - e->vocab] = 1;
    }
    for (int64_t i = 0; i < steps; i++) ((mg_real *)mg_instance_input(run, "mask").data)[i] = 1;
    REQUIRE(mg_instance_run(run, &why) == MG_OK);
    for (int64_t i = 0; i < steps; i++) sum -= ((const mg_real *)mg_instance_output(run, "nll").data)[i];
    mg_instance_free(run), mg_plan_free(plan), mg_free(params);
    return (double)sum;
}

/* The first frame of a roll by itself: from nothing every key is as likely as not. */
static double first_log_likelihood(const mg_encoding *e) { return e->is_roll ? e->vocab * log(0.5) : 0; }

static mg_generation beams(int64_t beam, int64_t branch, int64_t beam_steps)
{
    return (mg_generation){.sampling = {1, 0, 1}, .steps = 30, .seed = 3, .beam = beam, .branch = branch,
                           .beam_steps = beam_steps};
}

/* What a row has counted up is what its tokens are worth: inputs, states and tokens were moved about together. */
static void beams_know_what_they_are_worth(void)
{
    mg_error why = {0};
    static const char *const encodings[] = {"melody38", "performance388", "roll88"};
    static const int64_t turns[] = {1, 4, 7, 30};
    for (int k = 0; k < 12; k++) {
        mg_trained *t = bold(encodings[k % 3]);
        mg_generation g = beams(3, 4, turns[k / 3]);
        mg_streams *s;
        mg_buffer tokens = {0};
        REQUIRE(mg_streams_new(t, &g, 1, &s, &why) == MG_OK);
        run(s, 9, 1, &tokens);
        double best = -INFINITY;
        for (int row = 0; row < s->rows; row++) best = fmax(best, s->stream[row].log_likelihood);
        size_t n = tokens.length / sizeof(int32_t);
        double want = log_likelihood(t, s->encoding, (const int32_t *)(const void *)tokens.data, n) +
                      first_log_likelihood(s->encoding);
        CHECK_NEAR(best, want, 1e-4);
        mg_buffer_free(&tokens), mg_streams_free(s), mg_trained_free(t);
    }
}

static void beams_find_what_is_likely(void)
{
    mg_error why = {0};
    mg_trained *t = bold("melody38");
    const mg_encoding *e = mg_encoding_find("melody38");
    const mg_generation searches[] = {beams(1, 1, 1), beams(1, 6, 1), beams(6, 6, 1)};
    double mean[3] = {0};
    enum { PIECES = 8 };
    for (int k = 0; k < 3; k++) {
        mg_streams *s;
        mg_buffer tokens[PIECES] = {{0}}, alone = {0};
        REQUIRE(mg_streams_new(t, &searches[k], PIECES, &s, &why) == MG_OK);
        run(s, 20, PIECES, tokens);
        run(s, 23, 1, &alone); /* a piece depends on its number alone */
        CHECK(same(&alone, &tokens[3]) && !same(&tokens[0], &tokens[1]));
        for (int i = 0; i < PIECES; i++) {
            CHECK_INT(tokens[i].length / sizeof(int32_t), 30);
            mean[k] += log_likelihood(t, e, (const int32_t *)(const void *)tokens[i].data, 30) / PIECES;
            mg_buffer_free(&tokens[i]);
        }
        mg_buffer_free(&alone), mg_streams_free(s);
    }
    CHECK(mean[1] > mean[0] + 5 && mean[2] > mean[1]);
    mg_trained_free(t);
}

/* Where a piece may end before the others, it is one among them until the last. */
static void beams_may_end_early(void)
{
    mg_error why = {0};
    mg_trained *t = untrained("polyphony259", "{\"hidden\":8,\"embedding\":4}");
    const mg_encoding *e = mg_encoding_find("polyphony259");
    mg_real *bias = mg_tensor_set_find(&t->params, "output.bias")->data;
    bias[e->end] = 5, bias[e->step_end] = 6;
    mg_generation g = beams(4, 3, 2);
    mg_streams *s;
    mg_buffer tokens[MG_STREAMS] = {{0}};
    int ended = 0;
    REQUIRE(mg_streams_new(t, &g, MG_STREAMS, &s, &why) == MG_OK);
    run(s, 0, MG_STREAMS, tokens);
    for (int i = 0; i < MG_STREAMS; i++) {
        const int32_t *said = (const int32_t *)(const void *)tokens[i].data;
        int64_t steps = mg_encoding_steps(e, said, tokens[i].length / sizeof *said);
        CHECK(steps <= 30);
        ended += steps < 30;
        mg_buffer_free(&tokens[i]);
    }
    CHECK(ended > 0);
    mg_streams_free(s), mg_trained_free(t);
}

/* A primer is read by all rows, and no turn ends within it. */
static void beams_go_on_from_primers(void)
{
    mg_error why = {0};
    mg_trained *t = bold("melody38");
    static const int32_t primer[] = {14, 0, 16, 0, 18};
    mg_generation g = beams(2, 3, 4);
    g.primer = primer, g.n_primer = 5;
    mg_streams *s;
    mg_buffer tokens = {0};
    REQUIRE(mg_streams_new(t, &g, 1, &s, &why) == MG_OK);
    run(s, 0, 1, &tokens);
    CHECK_INT(tokens.length / sizeof(int32_t), 35);
    CHECK(!memcmp(tokens.data, primer, sizeof primer));
    mg_streams_free(s), mg_trained_free(t), mg_buffer_free(&tokens);
}

/* ---- likelihood ---- */

/* Pieces of all lengths around those of parts, random in everything. */
static size_t random_piece(const mg_encoding *e, uint64_t number, int32_t *tokens)
{
    static const int lengths[] = {2, 127, 128, 129, 300, 40, 257, 3};
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    mg_random random = mg_random_at(number, "piece", 0);
    size_t n = 0;
    for (int i = 0; i < lengths[number % LENGTHS]; i++) {
        if (!e->is_roll) tokens[n++] = (int32_t)mg_random_below(&random, (uint32_t)e->vocab);
        for (int key = e->low; e->is_roll && key <= e->high; key += 1 + (int)mg_random_below(&random, 60))
            tokens[n++] = key;
        if (e->is_roll) tokens[n++] = MG_FRAME_END;
    }
    return n;
}

static void check_hearing(const char *encoding, const char *settings)
{
    enum { MOST = 300 * 90 };
    static int32_t tokens[MG_STREAMS][MOST];
    mg_error why = {0};
    mg_trained *t = untrained(encoding, settings);
    const mg_encoding *e = mg_encoding_find(encoding);
    mg_listener *listener;
    mg_calibration calibration = {0}, again = {0};
    mg_heard pieces[MG_STREAMS], alone;
    uint64_t noted = 0, predictions = 0;
    REQUIRE(mg_listener_new(t, &listener, &why) == MG_OK);
    for (uint64_t i = 0; i < MG_STREAMS; i++)
        pieces[i] = (mg_heard){.tokens = tokens[i], .n = random_piece(e, i, tokens[i])};
    CHECK_INT(mg_listener_hear(listener, pieces, MG_STREAMS, &calibration, &why), MG_OK);
    for (int i = 0; i < MG_STREAMS; i++) {
        CHECK_INT(pieces[i].predictions, mg_example_steps(e, tokens[i], pieces[i].n));
        CHECK_NEAR(pieces[i].nats, -log_likelihood(t, e, tokens[i], pieces[i].n), 2e-5);
        alone = (mg_heard){.tokens = tokens[i], .n = pieces[i].n};
        CHECK_INT(mg_listener_hear(listener, &alone, 1, &again, &why), MG_OK);
        CHECK_NEAR(alone.nats, pieces[i].nats, 1e-6);
        predictions += (uint64_t)pieces[i].predictions;
    }
    for (int i = 0; i < MG_BINS; i++) noted += calibration.count[i];
    CHECK_INT(noted, predictions * (uint64_t)(e->is_roll ? e->vocab : 1));
    mg_listener_free(listener), mg_trained_free(t);
}

static void parts_are_heard_as_the_whole(void)
{
    check_hearing("melody38", "{\"hidden\":16,\"embedding\":8}");
    check_hearing("performance388", "{\"hidden\":16,\"input\":\"onehot\",\"layers\":1}");
    check_hearing("polyphony259", "{\"hidden\":8,\"embedding\":8,\"attention\":4,\"dropout\":0.5}");
    check_hearing("roll88", "{\"hidden\":16}");
}

/* A model that says the same at every step, whatever was before: token 5 with probability 3/4, right every second
   time. */
static void calibration_is_what_came(void)
{
    enum { LENGTH = 400 };
    mg_error why = {0};
    mg_trained *t = untrained("melody38", "{\"hidden\":8,\"embedding\":4}");
    mg_tensor *w = mg_tensor_set_find(&t->params, "output.weight"), *b = mg_tensor_set_find(&t->params, "output.bias");
    memset(w->data, 0, (size_t)mg_shape_count(&w->shape) * sizeof(mg_real));
    memset(b->data, 0, (size_t)mg_shape_count(&b->shape) * sizeof(mg_real));
    ((mg_real *)b->data)[5] = (mg_real)log(3.0 * 37);
    int32_t tokens[LENGTH];
    for (int i = 0; i < LENGTH; i++) tokens[i] = i % 2 ? 5 : 9;
    mg_heard piece = {.tokens = tokens, .n = LENGTH};
    mg_calibration c = {0};
    mg_listener *listener;
    REQUIRE(mg_listener_new(t, &listener, &why) == MG_OK);
    CHECK_INT(mg_listener_hear(listener, &piece, 1, &c, &why), MG_OK);
    CHECK_NEAR(piece.nats, -LENGTH / 2 * (log(0.75) + log(0.25 / 37)), 1e-5);
    CHECK_INT(c.count[7], LENGTH);
    CHECK_NEAR(c.predicted[7], 0.75 * LENGTH, 1e-5);
    CHECK_NEAR(c.observed[7], 0.5 * LENGTH, 0);
    CHECK_NEAR(mg_calibration_error(&c), 0.25, 1e-5);
    c.count[0] = LENGTH, c.predicted[0] = 0.1 * LENGTH, c.observed[0] = 0.15 * LENGTH;
    CHECK_NEAR(mg_calibration_error(&c), 0.15, 1e-5);
    CHECK_NEAR(mg_calibration_error(&(mg_calibration){0}), 0, 0);
    mg_listener_free(listener), mg_trained_free(t);
}

static void what_cannot_be_heard_is_told(void)
{
    mg_error why = {0};
    mg_trained *t = untrained("melody38", "{\"hidden\":8,\"embedding\":4}");
    static const int32_t tokens[] = {14, 0, 16};
    mg_heard piece = {.tokens = tokens, .n = 3};
    mg_calibration c = {0};
    mg_listener *listener;
    CHECK_FAILING_ALLOCATIONS(mg_listener_new(t, &listener, &why));
    mg_stop_ask();
    CHECK_INT(mg_listener_hear(listener, &piece, 1, &c, &why), MG_STOPPED);
    mg_stop_forget();
    mg_listener_free(listener);
    ((mg_real *)mg_tensor_set_find(&t->params, "output.bias")->data)[5] = (mg_real)NAN;
    REQUIRE(mg_listener_new(t, &listener, &why) == MG_OK);
    CHECK_INT(mg_listener_hear(listener, &piece, 1, &c, &why), MG_BAD_NUMBER);
    mg_listener_free(listener);
    mg_free(t->encoding);
    t->encoding = mg_strdup("melody130");
    CHECK_INT(mg_listener_new(t, &listener, &why), MG_BAD_DATA);
    mg_trained_free(t);
}

static void misfits_are_refused(void)
{
    mg_error why = {0};
    mg_generation generation = {.sampling = {1, 0, 1}, .steps = 4};
    mg_streams *s;
    mg_trained *t = untrained("melody38", "{\"hidden\":8,\"embedding\":4}");
    mg_free(t->encoding);
    t->encoding = mg_strdup("melody130"); /* another vocabulary */
    CHECK_INT(mg_streams_new(t, &generation, MG_STREAMS, &s, &why), MG_BAD_DATA);
    CHECK(!s);
    mg_free(t->encoding);
    t->encoding = mg_strdup("smoke signals");
    CHECK_INT(mg_streams_new(t, &generation, MG_STREAMS, &s, &why), MG_UNSUPPORTED);
    mg_free(t->encoding);
    t->encoding = mg_strdup("melody38");
    CHECK_FAILING_ALLOCATIONS(mg_streams_new(t, &generation, MG_STREAMS, &s, &why));
    mg_streams_free(s);
    generation = beams(2, 2, 1);
    CHECK_FAILING_ALLOCATIONS(mg_streams_new(t, &generation, 1, &s, &why));
    mg_buffer tokens = {0};
    CHECK_FAILING_ALLOCATIONS((mg_buffer_free(&tokens), mg_streams_run(s, 0, 1, &tokens, &why)));
    mg_buffer_free(&tokens);
    mg_streams_free(s);
    mg_trained_free(t);
}

int main(void)
{
    TEST("choices follow temperature, top-k, top-p and the mask", choices_follow_probabilities);
    TEST("the most likely of equals is the first", certainty_takes_the_first_of_equals);
    TEST("the k most likely of k or fewer are drawn as all are", enough_is_as_good_as_all);
    TEST("bits follow their probabilities", bits_follow_probabilities);
    TEST("a piece depends on its number, not on its neighbours, and a primer is gone on from", pieces_stand_alone);
    TEST("an injected primer goes along, step by step, and pieces last as long as it", an_injected_primer_goes_along);
    TEST("what a model is told changes what it says", what_is_told_changes_what_is_said);
    TEST("nothing is said that the encoding does not allow", masks_hold);
    TEST("a piece ends when the steps of its grid are used up", pieces_end_on_time);
    TEST("no note hangs, whatever is said", no_note_hangs);
    TEST("logits that are not finite end a piece", odd_numbers_are_not_played);
    TEST("a group stops when asked to", stops_are_heard);
    TEST("what a beam has counted is what its tokens are worth", beams_know_what_they_are_worth);
    TEST("beam search finds likelier pieces, whose number alone they depend on", beams_find_what_is_likely);
    TEST("a beam may end before the others", beams_may_end_early);
    TEST("beams go on from a primer", beams_go_on_from_primers);
    TEST("a piece heard in parts is as likely as in one, whatever is beside it", parts_are_heard_as_the_whole);
    TEST("calibration is what was predicted against what came", calibration_is_what_came);
    TEST("likelihoods that are not finite, and misfits, are told", what_cannot_be_heard_is_told);
    TEST("models that do not fit their encoding are refused", misfits_are_refused);
    return tap_end();
}
