/* SPDX-License-Identifier: MIT */
/* Families of pieces, from cluster and match records. Members are kept as hashes of their paths and identities. */
#include <mgen/data.h>
#include "data/family.h"
#include "data/prepare.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    mg_hash key; /* of a path as it is seen from the root, or an identity */
    uint32_t cluster;
    bool is_path;
} member;

typedef struct {
    mg_hash id;      /* of a family: the least of its clusters' */
    uint64_t rank;   /* of a family: drawn by the seed */
    uint32_t parent; /* itself: it stands for a family */
    uint32_t size;   /* paths of a family */
    uint8_t split;
} cluster;

struct data_families {
    member *members;
    size_t n_members, members_capacity;
    cluster *clusters;
    size_t n_clusters, clusters_capacity;
    bool has_other_records;
    atomic_bool is_met;
};

static const char *const splits[] = {"train", "valid", "test"};

/* ---- reading ---- */

static mg_status add_member(data_families *f, mg_hash key, bool is_path, mg_error *why)
{
    if (!mg_grow((void **)&f->members, f->n_members, &f->members_capacity, sizeof *f->members))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    f->members[f->n_members++] = (member){key, (uint32_t)f->n_clusters - 1, is_path};
    return MG_OK;
}

static bool key_of_path(const char *path, mg_hash *key)
{
    mg_buffer whole = {0};
    mg_path_add_absolute(&whole, path);
    bool has_memory = !whole.failed;
    if (has_memory) *key = mg_hash_bytes(whole.data, whole.length);
    mg_buffer_free(&whole);
    return has_memory;
}

static mg_status add_path(data_families *f, const char *path, mg_error *why)
{
    mg_hash key;
    return key_of_path(path, &key) ? add_member(f, key, true, why) : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

static mg_status begin_cluster(data_families *f, mg_hash id, mg_error *why)
{
    cluster c = {.id = id, .parent = (uint32_t)f->n_clusters};
    if (f->n_clusters == UINT32_MAX) return mg_fail(why, MG_TOO_LARGE, "too many clusters");
    if (!mg_grow((void **)&f->clusters, f->n_clusters, &f->clusters_capacity, sizeof c))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    f->clusters[f->n_clusters++] = c;
    return MG_OK;
}

static mg_status add_cluster(data_families *f, const mg_json *record, mg_error *why)
{
    const mg_json *members = mg_json_get(record, "members"), *codes = mg_json_get(record, "members_b64");
    const mg_json *ids = mg_json_get(record, "ids");
    mg_hash id;
    if (!mg_hash_from_hex(mg_json_get_string(record, "id", ""), &id) || !members)
        return mg_fail(why, MG_BAD_DATA, "a cluster without id or members");
    MG_TRY(begin_cluster(f, id, why));
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < mg_json_count(members); i++) {
        const char *path = mg_json_string(mg_json_at(members, i)), *code = mg_json_string(mg_json_at(codes, i));
        const char *notes = mg_json_string(mg_json_at(ids, i));
        mg_buffer bytes = {0};
        if (!path) status = mg_fail(why, MG_BAD_DATA, "a cluster with a member that is no path");
        else if (code && mg_base64_decode(&bytes, code, strlen(code)) && bytes.data) path = bytes.data;
        if (bytes.failed) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
        if (!status) status = add_path(f, path, why);
        if (!status && notes && mg_hash_from_hex(notes, &id)) status = add_member(f, id, false, why);
        mg_buffer_free(&bytes);
    }
    return status;
}

static mg_status add_match(data_families *f, const mg_json *record, mg_error *why)
{
    char *a = mg_record_path(record, "a"), *b = mg_record_path(record, "b");
    mg_status status = a && b ? MG_OK : mg_fail(why, MG_BAD_DATA, "a match without its two pieces");
    mg_buffer both = {0};
    if (!status) mg_buffer_print(&both, "%s%c%s", a, '\n', b);
    if (both.failed) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (!status) status = begin_cluster(f, mg_hash_bytes(both.data, both.length), why);
    if (!status) status = add_path(f, a, why);
    if (!status) status = add_path(f, b, why);
    mg_buffer_free(&both);
    mg_free(a);
    mg_free(b);
    return status;
}

static mg_status take_line(data_families *f, const char *text, size_t length, mg_error *why)
{
    mg_json *record;
    MG_TRY(mg_json_parse(text, length, &record, why));
    const char *kind = mg_json_get_string(record, "kind", "");
    mg_status status = MG_OK;
    if (strcmp(kind, "cluster") == 0) status = add_cluster(f, record, why);
    else if (strcmp(kind, "match") == 0) status = add_match(f, record, why);
    else f->has_other_records |= strcmp(kind, "run") && strcmp(kind, "error") && strcmp(kind, "repair");
    mg_json_free(record);
    return status;
}

static mg_status read_lines(data_families *f, const char *path, mg_error *why)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return mg_fail_errno(why, "%s", path);
    mg_lines *lines = NULL;
    mg_status status = mg_lines_open(fd, path, &lines, why);
    const char *text;
    size_t length;
    uint64_t number;
    while (!status && !(status = mg_lines_next(lines, &text, &length, &number, why))) {
        status = take_line(f, text, length, why);
        if (status) mg_error_at(why, "%s, line %llu", path, (unsigned long long)number);
    }
    mg_lines_close(lines);
    if (!is_stdin) close(fd);
    return status == MG_END ? MG_OK : status;
}

/* ---- families ---- */

static int by_key(const void *a, const void *b)
{
    const mg_hash *x = &((const member *)a)->key, *y = &((const member *)b)->key;
    if (x->hi != y->hi) return x->hi < y->hi ? -1 : 1;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

static bool is_less(mg_hash a, mg_hash b) { return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo); }

/* The cluster that stands for another's family; paths are halved on the way. */
static uint32_t root_of(cluster *clusters, uint32_t i)
{
    while (clusters[i].parent != i) {
        clusters[i].parent = clusters[clusters[i].parent].parent;
        i = clusters[i].parent;
    }
    return i;
}

static void join(data_families *f, uint32_t a, uint32_t b)
{
    a = root_of(f->clusters, a);
    b = root_of(f->clusters, b);
    if (a == b) return;
    uint32_t stays = is_less(f->clusters[b].id, f->clusters[a].id) ? b : a;
    f->clusters[a].parent = f->clusters[b].parent = stays;
}

/* Join clusters that share a path or an identity, keep each once, and count. */
static void make_families(data_families *f)
{
    if (f->n_members) qsort(f->members, f->n_members, sizeof *f->members, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < f->n_members; i++) {
        if (kept && by_key(&f->members[kept - 1], &f->members[i]) == 0)
            join(f, f->members[kept - 1].cluster, f->members[i].cluster);
        else f->members[kept++] = f->members[i];
    }
    f->n_members = kept;
    for (size_t i = 0; i < kept; i++)
        f->clusters[root_of(f->clusters, f->members[i].cluster)].size += f->members[i].is_path;
}

static int by_size(const void *a, const void *b)
{
    const cluster *x = *(cluster *const *)a, *y = *(cluster *const *)b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return is_less(x->id, y->id) ? -1 : is_less(y->id, x->id);
}

static mg_status assign(data_families *f, const double ratio[3], uint64_t seed, mg_error *why)
{
    cluster **order = mg_alloc(f->n_clusters, sizeof *order);
    if (!order) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < f->n_clusters; i++) {
        cluster *c = &f->clusters[i];
        if (c->parent != i) continue;
        c->rank = data_draw(c->id, seed);
        order[n++] = c;
    }
    if (n) qsort(order, n, sizeof *order, by_size);
    double given[3] = {0}, total = 0, all = ratio[0] + ratio[1] + ratio[2];
    for (size_t i = 0; i < n; i++) {
        total += order[i]->size;
        int best = 0;
        for (int k = 1; k < 3; k++)
            if (ratio[k] / all * total - given[k] > ratio[best] / all * total - given[best]) best = k;
        order[i]->split = (uint8_t)best;
        given[best] += order[i]->size;
    }
    mg_free(order);
    return MG_OK;
}

mg_status data_families_read(const char *path, const double ratio[3], uint64_t seed, data_families **result,
                             mg_error *why)
{
    data_families *f = *result = mg_alloc_zero(1, sizeof *f);
    if (!f) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = read_lines(f, path, why);
    if (!status && f->n_clusters == 0 && f->has_other_records)
        status = mg_fail(why, MG_BAD_DATA, "%s: neither cluster nor match records", path);
    if (!status) {
        make_families(f);
        status = assign(f, ratio, seed, why);
    }
    if (!status) return MG_OK;
    data_families_free(f);
    *result = NULL;
    return status;
}

mg_status data_families_find(data_families *f, const char *path, mg_hash id, char name[33], const char **split,
                             mg_error *why)
{
    member key = {0};
    *split = NULL;
    if (!f || f->n_members == 0) return MG_OK;
    if (!key_of_path(path, &key.key)) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    const member *found = bsearch(&key, f->members, f->n_members, sizeof key, by_key);
    if (!found) {
        key.key = id;
        found = bsearch(&key, f->members, f->n_members, sizeof key, by_key);
    }
    if (!found) return MG_OK;
    uint32_t i = found->cluster; /* no halving here: several threads look */
    while (f->clusters[i].parent != i) i = f->clusters[i].parent;
    mg_hash_hex(f->clusters[i].id, name);
    *split = splits[f->clusters[i].split];
    atomic_store(&f->is_met, true);
    return MG_OK;
}

bool data_families_are_unmet(const data_families *f) { return f && f->n_clusters > 0 && !atomic_load(&f->is_met); }

void data_families_free(data_families *f)
{
    if (!f) return;
    mg_free(f->members);
    mg_free(f->clusters);
    mg_free(f);
}
