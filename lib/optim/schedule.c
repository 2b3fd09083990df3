/* SPDX-License-Identifier: MIT */
/* Rates over time. */
#include "optim/tables.h"

#include <math.h>

static double constant(const mg_optim *o, double t)
{
    (void)t;
    return o->lr;
}

/* Vaswani et al. 2017, with lr as the constant in front: lr hidden^-1/2 min(1, t / warmup) max(t, warmup)^-1/2 */
static double noam(const mg_optim *o, double t)
{
    double warmup = o->warmup > 0 ? (double)o->warmup : 1;
    return o->lr / sqrt((double)o->hidden) * fmin(1, t / warmup) / sqrt(fmax(t, warmup));
}

/* How far the time after the warm-up has gone, 0 .. 1. */
static double progress(const mg_optim *o, double t)
{
    return (fmin(t, (double)o->total) - (double)o->warmup) / (double)(o->total - o->warmup);
}

static double warm(const mg_optim *o, double t, double rate)
{
    return t <= (double)o->warmup ? o->lr * t / (double)o->warmup : rate;
}

static double cosine(const mg_optim *o, double t)
{
    return warm(o, t, o->final + (o->lr - o->final) * 0.5 * (1 + cos(M_PI * progress(o, t))));
}

static double linear(const mg_optim *o, double t)
{
    return warm(o, t, o->final + (o->lr - o->final) * (1 - progress(o, t)));
}

/* ---- drops ---- */

/* The loss is above the largest of the `window` before it, after `start` epochs. */
static bool rises(mg_plateau *p, const mg_optim *o, double loss)
{
    enum { KEPT = sizeof p->losses / sizeof *p->losses };
    int64_t e = p->epochs + 1, seen = o->window < p->epochs ? o->window : p->epochs;
    double worst = -INFINITY;
    for (int64_t back = 1; back <= seen; back++) worst = fmax(worst, p->losses[(e - back) % KEPT]);
    p->losses[e % KEPT] = loss;
    return e > o->start && seen > 0 && loss > worst;
}

/* PyTorch's ReduceLROnPlateau at its defaults: more than `wait` epochs, since the best or since the last drop, have not
   been better than the best by a ten thousandth of it. */
static bool stalls(mg_plateau *p, const mg_optim *o, double loss)
{
    static const double threshold = 1e-4;
    p->waited++;
    if (p->epochs == 0 || loss < p->best * (1 - threshold)) p->best = loss, p->waited = 0;
    if (p->waited <= o->wait) return false;
    p->waited = 0;
    return true;
}

const mg_schedule_row mg_schedules[] = {
    {"constant", constant, false, NULL, {NULL}},
    {"linear", linear, true, NULL, {"warmup", "total", "final"}},
    {"cosine", cosine, true, NULL, {"warmup", "total", "final"}},
    {"noam", noam, false, NULL, {"warmup"}},
    {"plateau", constant, false, rises, {"factor", "start", "window", "final"}},
    {"stall", constant, false, stalls, {"factor", "wait", "final"}},
    {NULL, NULL, false, NULL, {NULL}},
};
const char *const mg_schedule_names[] = {"constant", "linear", "cosine", "noam", "plateau", "stall", NULL};

double mg_optim_rate(const mg_optim *o, uint64_t t, double divisor)
{
    return mg_schedules[o->schedule].rate(o, (double)t) / (divisor > 0 ? divisor : 1);
}

double mg_plateau_tell(mg_plateau *p, const mg_optim *o, double loss)
{
    const mg_schedule_row *row = &mg_schedules[o->schedule];
    if (p->divisor == 0) p->divisor = 1;
    if (!row->drops) return p->divisor;
    if (row->drops(p, o, loss)) p->divisor *= o->factor;
    p->epochs++;
    return p->divisor;
}

bool mg_optim_is_over(const mg_optim *o, uint64_t t, double divisor)
{
    return mg_schedules[o->schedule].drops && mg_optim_rate(o, t, divisor) < o->final;
}
