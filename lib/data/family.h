/* SPDX-License-Identifier: MIT */
/** Families of pieces, from cluster records: what a split must not cut. */
#ifndef DATA_FAMILY_H
#define DATA_FAMILY_H

#include <mgen/data.h>

typedef struct data_families data_families;

/** The clusters among the records of a file ("-": standard input), 24 bytes a member; clusters that share a member are
    one family. Every family is given a split at once: the largest first, each to the split that lacks most, equal ones
    in an order drawn by the seed, whatever the order of the records. */
mg_status data_families_read(const char *path, const double ratio[3], uint64_t seed, data_families **families,
                             mg_error *why);
/** The family that a piece's path belongs to: its name (32 hex digits) and split; false if it belongs to none. */
bool data_families_find(const data_families *families, const char *path, char name[33], const char **split);
void data_families_free(data_families *families);

#endif
