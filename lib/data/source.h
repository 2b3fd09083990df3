/* SPDX-License-Identifier: MIT */
/** What a folder is searched for. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include <stdbool.h>

/** Whether a file of that name is taken from a folder without a look into it. */
bool data_is_music_name(const char *path);

#endif
