/* SPDX-License-Identifier: MIT */
/* Key finding after Krumhansl and Schmuckler: the key whose profile correlates best with how long each pitch class
   sounds (Krumhansl, Cognitive Foundations of Musical Pitch, 1990, chapter 4). */
#include "metric/analysis.h"

#include <math.h>

static const double profiles[MG_KEY_PROFILES][2][CLASSES] = {
    [MG_KRUMHANSL] = {{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88},
                      {6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17}},
    [MG_AARDEN] = {{17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494,
                    0.232998, 4.95122},
                   {18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186,
                    7.37619, 1.75623}},
    [MG_SIMPLE] = {{2, 0, 1, 0, 1, 1, 0, 2, 0, 1, 0, 1}, {2, 0, 1, 1, 0, 1, 0, 2, 1, 0, 0.5, 0.5}},
    [MG_BELLMAN] = {{16.8, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.8, 8.04, 0.62, 10.57},
                    {18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21}},
    [MG_TEMPERLEY] = {{0.748, 0.06, 0.488, 0.082, 0.67, 0.46, 0.096, 0.715, 0.104, 0.366, 0.057, 0.4},
                      {0.712, 0.084, 0.474, 0.618, 0.049, 0.46, 0.105, 0.747, 0.404, 0.067, 0.133, 0.33}}};

/* Subtract the mean; the root of the sum of squares that is left. */
static double centre(const double in[CLASSES], double out[CLASSES])
{
    double mean = 0, squares = 0;
    for (int i = 0; i < CLASSES; i++) mean += in[i] / CLASSES;
    for (int i = 0; i < CLASSES; i++) {
        out[i] = in[i] - mean;
        squares += out[i] * out[i];
    }
    return sqrt(squares);
}

void mg_key_find(mg_key_profile profile, const double weights[12], mg_key_estimate *key)
{
    double x[CLASSES], y[CLASSES];
    bool is_flat = true;
    for (int i = 1; i < CLASSES; i++) is_flat &= weights[i] == weights[0];
    double norm = centre(weights, x);
    *key = (mg_key_estimate){.best = -1};
    if (is_flat || !(norm > 0)) return;
    for (int mode = 0; mode < 2; mode++) {
        double scale = norm * centre(profiles[profile][mode], y);
        for (int root = 0; root < CLASSES; root++) {
            double sum = 0;
            for (int i = 0; i < CLASSES; i++) sum += x[(root + i) % CLASSES] * y[i];
            key->r[mode * CLASSES + root] = sum / scale;
        }
    }
    double second = -2;
    key->best = 0;
    for (int i = 1; i < 2 * CLASSES; i++) {
        if (key->r[i] > key->r[key->best]) second = key->r[key->best], key->best = i;
        else if (key->r[i] > second) second = key->r[i];
    }
    key->margin = key->r[key->best] - second;
}

const char *mg_key_words(int key)
{
    static const char *const names[2 * CLASSES] = {
        "C major", "Db major", "D major", "Eb major", "E major", "F major", "F# major", "G major", "Ab major",
        "A major", "Bb major", "B major", "C minor", "C# minor", "D minor", "Eb minor", "E minor", "F minor",
        "F# minor", "G minor", "G# minor", "A minor", "Bb minor", "B minor"};
    return key >= 0 && key < 2 * CLASSES ? names[key] : "";
}
