/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. Each is compiled once a class with MG_CLASS=baseline and so on. */
#ifndef KERNEL_FAST_FAST_H
#define KERNEL_FAST_FAST_H

#include "kernel/kernel.h"

#define MG_K(name) MG_K_JOIN(name, MG_CLASS) /* add -> mg_add_avx2 */
#define MG_K_JOIN(name, cpu) MG_K_PASTE(name, cpu)
#define MG_K_PASTE(name, cpu) mg_##name##_##cpu

#define E(name, inputs, value)                                                                                  \
    void MG_K(each_##name)(int64_t n, mg_real *y, const mg_real *a, const mg_real *b, const mg_real *c,         \
                           mg_real p, mg_real q);
MG_EACH_LIST(E)
#undef E

mg_real MG_K(sum)(int64_t n, const mg_real *x);
void MG_K(softmax)(int64_t n, mg_real *y, const mg_real *x);
void MG_K(log_softmax)(int64_t n, mg_real *y, const mg_real *x);
void MG_K(lstm_row)(int64_t from, int64_t to, const mg_lstm_row *row);
void MG_K(lstm_back_row)(int64_t from, int64_t to, const mg_lstm_back_row *row);
void MG_K(pack)(int64_t k, int64_t n, const mg_matrix *b, mg_real *panels);
void MG_K(product)(const mg_product_call *call);
void MG_K(dots)(const mg_product_call *call);
void MG_K(int8_product)(const mg_product_call *call);
void MG_K(bf16_product)(const mg_product_call *call);
void MG_K(bf16_pack)(int64_t k, int64_t n, const mg_matrix *b, uint16_t *tiles);
void MG_K(sgd)(int64_t n, mg_real *w, const mg_real *g, mg_real *buf, mg_real *unused, const mg_update *u);
void MG_K(adam)(int64_t n, mg_real *w, const mg_real *g, mg_real *m, mg_real *v, const mg_update *u);
void MG_K(rmsprop)(int64_t n, mg_real *w, const mg_real *g, mg_real *s, mg_real *buf, const mg_update *u);
double MG_K(squares)(int64_t n, const mg_real *x);
void MG_K(blend)(int64_t n, mg_real *y, const mg_real *x, mg_real keep, mg_real gain);
float MG_K(peak_fma)(int64_t rounds);
int64_t MG_K(peak_fma_flops)(void);
float MG_K(peak_read)(int64_t n, const float *p);

#endif
