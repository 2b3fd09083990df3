/* SPDX-License-Identifier: MIT */
/* exp, log, tanh, erf, sigmoid, softplus of a vector. Arguments are reduced as usual (Cody and Waite); the polynomials
   were fitted for this file by Remez exchange, those of erf at Chebyshev points. Errors are held to the references by
   tests/unit/test_kernel.c. */
#ifndef KERNEL_FAST_FUNCTIONS_H
#define KERNEL_FAST_FUNCTIONS_H

#include "kernel/fast/vector.h"

ALWAYS vec v_power_of_two(ivec n) { return (vec)((n + 127) << 23); } /* -126 <= n <= 127 */

/* x 2^n, rounded once: in two steps, so that denormals and infinity come out right, or by the instruction for it. */
ALWAYS vec v_scale(vec x, vec n)
{
#if defined __AVX512F__
    return (vec)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    ivec whole = v_int(n), half = whole >> 1;
    return x * v_power_of_two(half) * v_power_of_two(whole - half);
#endif
}

/* e^x = 2^n e^r, r = x - n ln 2 in two parts, |r| <= ln 2 / 2: e^r = 1 + r + r^2 P(r). */
ALWAYS vec v_exp(vec x)
{
    x = v_min(v_max(x, v_all(-105)), v_all(89.5f)); /* beyond: 0 and infinity, as they round */
    vec n = v_round(x * 1.44269504f);
    vec r = v_fma(n, v_all(-0x1.62p-1f), x);
    r = v_fma(n, v_all(-0x1.c85fep-10f), r);
    vec p = v_all(0.0013814599f);
    p = v_fma(p, r, v_all(0.0083687169f));
    p = v_fma(p, r, v_all(0.041668388f));
    p = v_fma(p, r, v_all(0.1666652063f));
    p = v_fma(p, r, v_all(0.4999999345f));
    return v_scale(v_fma(p, r * r, r) + 1, n);
}

/* ln x = e ln 2 + ln(1 + f), sqrt(1/2) <= 1 + f < sqrt 2: ln(1 + f) = f - f^2/2 + f^3 P(f). */
ALWAYS vec v_log(vec x)
{
    ivec is_tiny = x < 0x1p-126f;
    vec scaled = v_choose(is_tiny, x * 0x1p25f, x);
    ivec bits = (ivec)scaled - 0x3f3504f3; /* of sqrt(1/2) */
    ivec e = bits >> 23;
    vec f = (vec)((ivec)scaled - (e << 23)) - 1;
    vec exponent = v_real(e) - v_choose(is_tiny, v_all(25), v_all(0));
    vec p = v_all(-0.0763450557f);
    p = v_fma(p, f, v_all(0.1276159205f));
    p = v_fma(p, f, v_all(-0.1316018617f));
    p = v_fma(p, f, v_all(0.142017563f));
    p = v_fma(p, f, v_all(-0.1662335682f));
    p = v_fma(p, f, v_all(0.2000122693f));
    p = v_fma(p, f, v_all(-0.2500082105f));
    p = v_fma(p, f, v_all(0.3333333171f));
    vec square = f * f, tail = v_fma(p * f, square, square * -0.5f);
    tail = v_fma(exponent, v_all(0x1.c85fep-10f), tail);
    vec y = v_fma(exponent, v_all(0x1.62p-1f), f + tail);
    y = v_choose(x > 3.4028235e38f, x, y);                                /* infinity */
    y = v_choose((ivec)(x == 0), v_all(-__builtin_inff()), y);
    return v_choose((ivec)(x >= 0), y, v_all(__builtin_nanf("")));
}

/* |x| < 5/8: x + x^3 P(x^2), else 1 - 2 / (e^2|x| + 1) with the sign of x; the fraction is given halved. */
ALWAYS vec v_tanh_of(vec x, vec half)
{
    vec square = x * x, p = v_all(-0.0057170451f);
    p = v_fma(p, square, v_all(0.0206505873f));
    p = v_fma(p, square, v_all(-0.0537434981f));
    p = v_fma(p, square, v_all(0.1333149129f));
    p = v_fma(p, square, v_all(-0.3333328393f));
    vec near = v_fma(p * square, x, x);
    return v_choose(v_abs(x) < 0.625f, near, v_sign_of(x, 1 - 2 * half));
}

ALWAYS vec v_tanh(vec x) { return v_tanh_of(x, 1 / (v_exp(v_abs(x) * 2) + 1)); }

/* |x| < 1: x + x P(x^2), else 1 - e^Q(|x| - 5/2) with the sign of x; from 4 on it is 1. */
ALWAYS vec v_erf(vec x)
{
    vec size = v_min(v_abs(x), v_all(4)), square = x * x, t = size - 2.5f;
    vec p = v_all(7.87587487e-05f);
    p = v_fma(p, square, v_all(-0.000801686430f));
    p = v_fma(p, square, v_all(0.00518908724f));
    p = v_fma(p, square, v_all(-0.0268542115f));
    p = v_fma(p, square, v_all(0.112835944f));
    p = v_fma(p, square, v_all(-0.376126260f));
    p = v_fma(p, square, v_all(0.128379107f));
    vec q = v_all(1.63715140e-06f);
    q = v_fma(q, t, v_all(-1.33150143e-05f));
    q = v_fma(q, t, v_all(7.72913772e-05f));
    q = v_fma(q, t, v_all(-0.000420122524f));
    q = v_fma(q, t, v_all(0.00216530357f));
    q = v_fma(q, t, v_all(-0.0108585413f));
    q = v_fma(q, t, v_all(-0.943893731f));
    q = v_fma(q, t, v_all(-5.35268068f));
    q = v_fma(q, t, v_all(-7.80681515f));
    return v_choose(size < 1, v_fma(x, p, x), v_sign_of(x, 1 - v_exp(q)));
}

ALWAYS vec v_sigmoid(vec x) { return 1 / (1 + v_exp(-x)); }

/* ln(1 + e^x) = max(x, 0) + ln(1 + u), u = e^-|x|; the rounding of 1 + u is put right to first order. */
ALWAYS vec v_softplus(vec x)
{
    vec u = v_exp(-v_abs(x)), w = 1 + u;
    vec log1p = v_log(w) - ((w - 1) - u) / w;
    return v_choose((ivec)(x <= 0), v_all(0), x) + log1p;
}

#endif
