/* SPDX-License-Identifier: MIT */
/* Values as cells, cells as columns: what rows and sections of table.c are made of. */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "cli/inside.h"

enum { CELLS_COLUMNS = 64, CELLS_WIDEST = 48, CELLS_NARROWEST = 12, CELLS_NARROWEST_PATH = 24 };

/* A column: a member, of the object `outer` of the row where that is set. */
typedef struct {
    char *outer, *key;
    int width;
    bool is_text, is_path; /* text is cut at its end, a path at its beginning */
    bool is_dull;          /* a hash, or the same in every row: goes first where there is no room */
} cells_column;

typedef struct {
    cells_column column[CELLS_COLUMNS];
    int n, hidden;     /* hidden: columns that have no room */
    int names;         /* width of the names of rows; 0: they have none */
} cells_layout;

bool cells_is_scalar(const mg_json *value);
bool cells_is_flat(const mg_json *value);    /* an object or array of nothing but scalars */
bool cells_is_counts(const mg_json *value);  /* an object of nothing but integers, three or more */
/* One value in one line: numbers short, lists joined, hashes by their first eight digits. */
void cells_add(mg_buffer *out, const mg_json *value);
/* Text in exactly `width` columns, cut where it is longer. */
void cells_pad(mg_buffer *out, const char *text, int width, bool is_path, bool is_right, const mg_plot_style *style);

/* Columns for these rows (objects), as many as have room; `names` of the rows or NULL. False when out of memory. */
bool cells_lay_out(cells_layout *layout, const mg_json *const *rows, const char *const *names, size_t n, int indent,
                   const mg_plot_style *style);
void cells_add_head(mg_buffer *out, const cells_layout *layout, int indent, const mg_plot_style *style);
void cells_add_row(mg_buffer *out, const cells_layout *layout, const mg_json *row, const char *name, int indent,
                   const mg_plot_style *style);
void cells_free(cells_layout *layout);

#endif
