/* SPDX-License-Identifier: MIT */
/* Batches: which examples go together, and their numbers. */
#include "train/corpus.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

enum { GROUP = 16 }; /* batches among which examples are sorted by length */

static void shuffle(uint32_t *items, size_t n, size_t width, mg_random *random)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = mg_random_below(random, (uint32_t)i);
        for (size_t k = 0; k < width; k++) {
            uint32_t kept = items[(i - 1) * width + k];
            items[(i - 1) * width + k] = items[j * width + k];
            items[j * width + k] = kept;
        }
    }
}

/* Longest first, by counting: equal lengths keep their order. */
static bool sort_by_length(const mg_example_list *list, uint32_t *order, size_t n, int64_t longest)
{
    uint32_t *sorted = mg_alloc(n, sizeof *sorted);
    size_t *place = mg_alloc_zero((size_t)longest + 2, sizeof *place);
    bool ok = sorted && place;
    if (ok) {
        for (size_t i = 0; i < n; i++) place[longest - (int64_t)list->examples[order[i]].length + 1]++;
        for (int64_t l = 0; l < longest; l++) place[l + 1] += place[l];
        for (size_t i = 0; i < n; i++) sorted[place[longest - (int64_t)list->examples[order[i]].length]++] = order[i];
        memcpy(order, sorted, n * sizeof *order);
    }
    mg_free(sorted);
    mg_free(place);
    return ok;
}

/* Whole batches for n examples, all places free. */
static uint32_t *places(size_t n, size_t batch)
{
    size_t all = (n + batch - 1) / batch * batch;
    uint32_t *order = mg_alloc(all, sizeof *order);
    for (size_t i = 0; order && i < all; i++) order[i] = MG_NO_EXAMPLE;
    return order;
}

uint32_t *mg_corpus_order(const mg_corpus *c, mg_split split, int64_t batch, uint64_t seed, uint64_t epoch)
{
    const mg_example_list *list = &c->list[split];
    size_t group = GROUP * (size_t)batch;
    uint32_t *order = places(list->n, (size_t)batch);
    if (!order) return NULL;
    mg_random random = mg_random_at(seed, "order", epoch);
    for (size_t i = 0; i < list->n; i++) order[i] = (uint32_t)i;
    shuffle(order, list->n, 1, &random);
    for (size_t from = 0; from < list->n; from += group) {
        size_t n = list->n - from < group ? list->n - from : group;
        if (!sort_by_length(list, order + from, n, c->length)) return mg_free(order), NULL;
        shuffle(order + from, n / (size_t)batch, (size_t)batch, &random); /* whole batches; the rest stays behind */
    }
    return order;
}

/* ---- lanes ---- */

/* The first example of every piece; how many. */
static size_t find_firsts(const mg_example_list *list, uint32_t *firsts)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->examples[i].start == 0) firsts[n++] = (uint32_t)i;
    return n;
}

/* Example i of n, counted through the lanes one after the other, lies in lane i batch / n. */
static void lay(const mg_example_list *list, const uint32_t *firsts, size_t n_pieces, size_t batch, uint32_t *order)
{
    size_t lane = 0, row = 0, i = 0;
    for (size_t p = 0; p < n_pieces; p++)
        for (size_t x = firsts[p]; x == firsts[p] || (x < list->n && list->examples[x].start > 0); x++, i++) {
            size_t here = i * batch / list->n;
            if (here != lane) lane = here, row = 0;
            order[row++ * batch + lane] = (uint32_t)x;
        }
}

uint32_t *mg_corpus_lanes(const mg_corpus *c, mg_split split, int64_t batch, uint64_t seed, uint64_t epoch)
{
    const mg_example_list *list = &c->list[split];
    uint32_t *order = places(list->n, (size_t)batch), *firsts = mg_alloc(list->n, sizeof *firsts);
    mg_random random = mg_random_at(seed, "order", epoch);
    if (order && firsts) {
        size_t n = find_firsts(list, firsts);
        shuffle(firsts, n, 1, &random);
        lay(list, firsts, n, (size_t)batch, order);
    } else mg_free(order), order = NULL;
    mg_free(firsts);
    return order;
}

/* ---- numbers ---- */

enum { TARGETS, MASK, INPUT, FEATURES };

/* The next of 8, 12, 16, 24, 32 ..., but no more than the longest example has. */
static int64_t padded(int64_t length, int64_t longest)
{
    int64_t n = 8;
    while (n < length) n = n % 3 ? n / 2 * 3 : n / 3 * 4;
    return n < longest ? n : longest;
}

static int64_t width_of(const mg_corpus *c) { return c->encoding->is_roll ? c->encoding->vocab : 1; }

mg_status mg_batch_new(const mg_corpus *c, int64_t examples, mg_batch *batch, mg_error *why)
{
    bool is_roll = c->encoding->is_roll;
    int64_t length = c->length;
    mg_type type = is_roll ? MG_REAL : MG_INDEX;
    mg_shape shape = MG_SHAPE(examples, length, width_of(c));
    if (!is_roll) shape.rank = 2;
    int64_t features = mg_corpus_form(c).features;
    *batch = (mg_batch){.examples = examples, .n_parts = features ? 4 : 3};
    batch->parts[TARGETS].name = "targets";
    batch->parts[MASK].name = "mask";
    batch->parts[INPUT].name = is_roll ? "roll" : "tokens";
    batch->parts[FEATURES].name = "features";
    mg_status status = mg_tensor_make(type, &shape, &batch->parts[TARGETS].tensor, why);
    if (!status) status = mg_tensor_make(type, &shape, &batch->parts[INPUT].tensor, why);
    if (!status) status = mg_tensor_make(MG_REAL, &MG_SHAPE(examples, length), &batch->parts[MASK].tensor, why);
    if (!status && features)
        status = mg_tensor_make(MG_REAL, &MG_SHAPE(examples, length, features), &batch->parts[FEATURES].tensor, why);
    batch->continues = mg_alloc_zero((size_t)examples, sizeof *batch->continues);
    if (!status && !batch->continues) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (status) mg_batch_free(batch);
    return status;
}

void mg_batch_free(mg_batch *batch)
{
    for (int i = 0; i < batch->n_parts; i++) mg_tensor_clear(&batch->parts[i].tensor);
    mg_free(batch->continues);
    *batch = (mg_batch){0};
}

static void *row_of(const mg_batch *batch, int part, int64_t row)
{
    const mg_tensor *t = &batch->parts[part].tensor;
    size_t size = (size_t)(mg_shape_count(&t->shape) / batch->examples) * mg_type_size(t->type);
    return (char *)t->data + (size_t)row * size;
}

static mg_status fill_row(mg_batch *batch, const mg_corpus *c, int64_t row, const mg_example *x, mg_error *why)
{
    size_t n = mg_pack_length(c->pack, x->record);
    int32_t *tokens = mg_alloc(n, sizeof *tokens);
    if (!tokens) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_pack_tokens(c->pack, x->record, tokens);
    mg_example_fill(c->encoding, tokens, n, x->start, x->length, row_of(batch, INPUT, row),
                    row_of(batch, TARGETS, row));
    if (mg_corpus_form(c).features)
        mg_features_fill(c->encoding, &c->controls, x->left_out, tokens, n, x->start, x->length,
                         row_of(batch, FEATURES, row));
    mg_real *mask = (mg_real *)batch->parts[MASK].tensor.data + row * batch->length;
    for (int64_t t = 0; t < x->length; t++) mask[t] = 1;
    batch->targets += (double)x->length;
    batch->continues[row] = x->start > 0;
    mg_free(tokens);
    return MG_OK;
}

mg_status mg_batch_fill(mg_batch *batch, const mg_corpus *c, mg_split split, const uint32_t *examples, size_t n,
                        mg_error *why)
{
    const mg_example_list *list = &c->list[split];
    int64_t longest = 1;
    for (size_t i = 0; i < n; i++)
        if (examples[i] != MG_NO_EXAMPLE && list->examples[examples[i]].length > longest)
            longest = list->examples[examples[i]].length;
    batch->length = padded(longest, c->length);
    batch->targets = 0;
    memset(batch->continues, 0, (size_t)batch->examples * sizeof *batch->continues);
    for (int i = 0; i < batch->n_parts; i++) {
        mg_tensor *t = &batch->parts[i].tensor;
        t->shape.dim[1] = batch->length;
        memset(t->data, 0, (size_t)mg_shape_count(&t->shape) * mg_type_size(t->type));
    }
    for (size_t i = 0; i < n; i++)
        if (examples[i] != MG_NO_EXAMPLE)
            MG_TRY(fill_row(batch, c, (int64_t)i, &list->examples[examples[i]], why));
    return MG_OK;
}
