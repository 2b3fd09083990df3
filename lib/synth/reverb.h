/* SPDX-License-Identifier: MIT */
/* A room. */
#ifndef SYNTH_REVERB_H
#define SYNTH_REVERB_H

#include "synth/voice.h"

typedef struct reverb reverb;
reverb *reverb_new(int rate);
void reverb_free(reverb *room);
/* Add the room's answer to mix->wet to the left and right of the mix. */
void reverb_render(reverb *room, voice_mix *mix);
bool reverb_is_silent(const reverb *room);

#endif
