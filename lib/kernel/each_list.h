/* SPDX-License-Identifier: MIT */
/* Everything that is computed element by element: name, number of inputs, value for elements a, b, c and the numbers
   p, q. kernel/reference.c makes a plain loop of each row, kernel/fast/each.c a fast one.

   max keeps a NaN of either input, so that a broken activation reaches the loss and is seen there. */
#ifndef KERNEL_EACH_LIST_H
#define KERNEL_EACH_LIST_H

/* One instruction or two: compilers vectorise these by themselves. */
#define MG_EACH_PLAIN(E)               \
    E(affine, 1, p * a + q)            \
    E(add, 2, a + b)                   \
    E(sub, 2, a - b)                   \
    E(mul, 2, a * b)                   \
    E(div, 2, a / b)                   \
    E(max, 2, b > a || b != b ? b : a) \
    E(step, 1, a > 0 ? 1 : 0)          \
    E(equal, 2, a == b ? 1 : 0)        \
    E(select, 3, a != 0 ? b : c)       \
    E(sqrt, 1, real_sqrt(a))

/* Functions that libm has: the fast ones are our own polynomials. */
#define MG_EACH_FUNCTION(E)             \
    E(exp, 1, real_exp(a))              \
    E(log, 1, real_log(a))              \
    E(tanh, 1, real_tanh(a))            \
    E(erf, 1, real_erf(a))              \
    E(sigmoid, 1, 1 / (1 + real_exp(-a))) \
    E(softplus, 1, (a > 0 ? a : 0) + real_log1p(real_exp(a > 0 ? -a : a)))

#define MG_EACH_LIST(E) MG_EACH_PLAIN(E) MG_EACH_FUNCTION(E)

/* The plain loop of a row, as the function of a table (mg_each_fn). */
#define MG_EACH_LOOP(function, inputs, value)                                                               \
    void function(int64_t n, mg_real *y, const mg_real *x0, const mg_real *x1, const mg_real *x2, mg_real p, \
                  mg_real q)                                                                                \
    {                                                                                                       \
        (void)x0, (void)x1, (void)x2, (void)p, (void)q;                                                     \
        for (int64_t i = 0; i < n; i++) {                                                                   \
            MG_EACH_TAKE_##inputs y[i] = (mg_real)(value);                                                  \
        }                                                                                                   \
    }
#define MG_EACH_TAKE_1 mg_real a = x0[i];
#define MG_EACH_TAKE_2 MG_EACH_TAKE_1 mg_real b = x1[i];
#define MG_EACH_TAKE_3 MG_EACH_TAKE_2 mg_real c = x2[i];

typedef enum {
#define E(name, inputs, value) MG_EACH_##name,
    MG_EACH_LIST(E)
#undef E
    MG_EACH_COUNT
} mg_each_what;

#endif
