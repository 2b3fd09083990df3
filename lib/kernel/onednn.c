/* SPDX-License-Identifier: MIT */
/* Large matrix products by oneDNN's sgemm, on one thread: the tiles that threads share are ours, so that the bits do
   not depend on their number. Its instruction set is capped to the class in use before its first call. */
#include "kernel/kernel.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>

static const char *version = "oneDNN";
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    static const dnnl_cpu_isa_t isa[MG_CPU_CLASSES] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core};
    static char text[32];
    dnnl_set_max_cpu_isa(isa[mg_cpu_class()]);
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    version = text;
}

const char *mg_onednn_version(void)
{
    pthread_once(&once, start);
    return version;
}

#ifdef MG_REAL_double

bool mg_onednn_product(const mg_product_call *call)
{
    (void)call;
    return false;
}

#else

/* Whether sgemm can take the matrix: its rows or its columns are contiguous. */
static bool layout(const mg_matrix *x, int64_t rows, int64_t cols, char *transposed, int64_t *row_length)
{
    bool is_plain = x->step_col == 1 && x->step_row >= cols;
    *transposed = is_plain ? 'N' : 'T';
    *row_length = is_plain ? x->step_row : x->step_col;
    return is_plain || (x->step_row == 1 && x->step_col >= rows);
}

bool mg_onednn_product(const mg_product_call *p)
{
    char ta, tb;
    int64_t lda, ldb;
    if (!layout(&p->a, p->m, p->k, &ta, &lda) || !layout(&p->b, p->k, p->n, &tb, &ldb)) return false;
    pthread_once(&once, start);
    int threads = mg_library_threads(1);
    dnnl_status_t status =
        dnnl_sgemm(ta, tb, p->m, p->n, p->k, 1, p->a.p, lda, p->b.p, ldb, p->start ? 1 : 0, p->c, p->ldc);
    mg_library_threads(threads);
    return status == dnnl_success;
}

#endif
