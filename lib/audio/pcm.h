/* SPDX-License-Identifier: MIT */
/* Floats as integers. */
#ifndef AUDIO_PCM_H
#define AUDIO_PCM_H

#include <math.h>
#include <stdint.h>

/* Full scale is 2^(bits-1), the inverse of what readers divide by; beyond it samples are cut off, NaN is silence. */
static inline int32_t pcm_of(float sample, int bits)
{
    float scale = (float)(1 << (bits - 1)), value = sample * scale;
    if (!(value > -scale)) return isnan(value) ? 0 : -(int32_t)scale;
    return value >= scale - 1 ? (int32_t)scale - 1 : (int32_t)lrintf(value);
}

#endif
