/* SPDX-License-Identifier: MIT */
/* Families of pieces, from cluster records. Members are kept as hashes of their paths. */
#include <mgen/data.h>
#include "data/family.h"
#include "data/prepare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    mg_hash path;
    uint32_t cluster;
} member;

typedef struct {
    mg_hash id;      /* of a family: the least of its clusters' */
    uint64_t rank;   /* of a family: drawn by the seed */
    uint32_t parent; /* itself: it stands for a family */
    uint32_t size;   /* members of a family */
    uint8_t split;
} cluster;

struct data_families {
    member *members;
    size_t n_members, members_capacity;
    cluster *clusters;
    size_t n_clusters, clusters_capacity;
};

static const char *const splits[] = {"train", "valid", "test"};

/* ---- reading ---- */

static mg_status add_member(data_families *f, const char *path, size_t length, mg_error *why)
{
    if (!mg_grow((void **)&f->members, f->n_members, &f->members_capacity, sizeof *f->members))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    f->members[f->n_members++] = (member){mg_hash_bytes(path, length), (uint32_t)f->n_clusters - 1};
    return MG_OK;
}

static mg_status add_cluster(data_families *f, const mg_json *record, mg_error *why)
{
    const mg_json *members = mg_json_get(record, "members"), *codes = mg_json_get(record, "members_b64");
    cluster c = {.parent = (uint32_t)f->n_clusters};
    if (f->n_clusters == UINT32_MAX) return mg_fail(why, MG_TOO_LARGE, "too many clusters");
    if (!mg_hash_from_hex(mg_json_get_string(record, "id", ""), &c.id) || !members)
        return mg_fail(why, MG_BAD_DATA, "a cluster without id or members");
    if (!mg_grow((void **)&f->clusters, f->n_clusters, &f->clusters_capacity, sizeof c))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    f->clusters[f->n_clusters++] = c;
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < mg_json_count(members); i++) {
        const char *path = mg_json_string(mg_json_at(members, i)), *code = mg_json_string(mg_json_at(codes, i));
        mg_buffer bytes = {0};
        if (!path) status = mg_fail(why, MG_BAD_DATA, "a cluster with a member that is no path");
        else if (code && mg_base64_decode(&bytes, code, strlen(code)))
            status = add_member(f, bytes.data, bytes.length, why);
        else status = add_member(f, path, strlen(path), why);
        mg_buffer_free(&bytes);
    }
    return status;
}

static mg_status take_line(data_families *f, const char *text, size_t length, mg_error *why)
{
    mg_json *record;
    MG_TRY(mg_json_parse(text, length, &record, why));
    mg_status status = MG_OK;
    if (strcmp(mg_json_get_string(record, "kind", ""), "cluster") == 0) status = add_cluster(f, record, why);
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

static int by_path(const void *a, const void *b)
{
    const mg_hash *x = &((const member *)a)->path, *y = &((const member *)b)->path;
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

/* Join clusters that share a path, keep each path once, and count. */
static void make_families(data_families *f)
{
    if (f->n_members) qsort(f->members, f->n_members, sizeof *f->members, by_path);
    size_t kept = 0;
    for (size_t i = 0; i < f->n_members; i++) {
        if (kept && by_path(&f->members[kept - 1], &f->members[i]) == 0)
            join(f, f->members[kept - 1].cluster, f->members[i].cluster);
        else f->members[kept++] = f->members[i];
    }
    f->n_members = kept;
    for (size_t i = 0; i < kept; i++) f->clusters[root_of(f->clusters, f->members[i].cluster)].size++;
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
    if (!status) {
        make_families(f);
        status = assign(f, ratio, seed, why);
    }
    if (!status) return MG_OK;
    data_families_free(f);
    *result = NULL;
    return status;
}

bool data_families_find(const data_families *f, const char *path, char name[33], const char **split)
{
    if (!f || f->n_members == 0) return false;
    member key = {.path = mg_hash_bytes(path, strlen(path))};
    const member *found = bsearch(&key, f->members, f->n_members, sizeof key, by_path);
    if (!found) return false;
    uint32_t i = found->cluster; /* no halving here: several threads look */
    while (f->clusters[i].parent != i) i = f->clusters[i].parent;
    mg_hash_hex(f->clusters[i].id, name);
    *split = splits[f->clusters[i].split];
    return true;
}

void data_families_free(data_families *f)
{
    if (!f) return;
    mg_free(f->members);
    mg_free(f->clusters);
    mg_free(f);
}
