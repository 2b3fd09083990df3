/* SPDX-License-Identifier: MIT */
/* "Did you mean ...": Damerau's distance in its restricted form (optimal string alignment). */
#include <mgen/text.h>

#include <string.h>

enum { LONGEST = 63 };

static int least(int a, int b) { return a < b ? a : b; }

static int distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    int row[3][LONGEST + 1]; /* rows i-2, i-1, i */
    for (int j = 0; j <= m; j++) row[1][j] = j;
    for (int i = 1; i <= n; i++) {
        int *before = row[(i + 2) % 3], *above = row[i % 3], *now = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(least(above[j], now[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[(n + 1) % 3][m];
}

const char *mg_nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    int best_distance = (int)strlen(word) / 3 + 2;
    for (; *words; words++) {
        int d = distance(word, *words);
        if (d < best_distance) best = *words, best_distance = d;
    }
    return best;
}
