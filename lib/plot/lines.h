/* SPDX-License-Identifier: MIT */
/* What both forms of a line chart need to know of their series. */
#ifndef PLOT_LINES_H
#define PLOT_LINES_H

#include "plot/draw.h"

typedef struct { double x_low, x_high, y_low, y_high; } lines_range;

/* The range of all points whose y is finite; 0 .. 1 where there are none, widened where it has no extent. */
lines_range lines_range_of(const mg_series *series, size_t n);

#endif
