/* SPDX-License-Identifier: MIT */
/** Families of pieces, from cluster and match records: what a split must not cut. */
#ifndef DATA_FAMILY_H
#define DATA_FAMILY_H

#include <mgen/data.h>

typedef struct data_families data_families;

/** The clusters among the records of a file ("-": standard input), and the pairs of its match records, 24 bytes a
    member; those that share a member, or have members of one identity, are one family. MG_BAD_DATA where the file
    holds records, but none of these. Every family is given a split at once: the largest first, each to the split that
    lacks most, equal ones in an order drawn by the seed, whatever the order of the records. */
mg_status data_families_read(const char *path, const double ratio[3], uint64_t seed, data_families **families,
                             mg_error *why);
/** The family that a piece belongs to, by its path, however it is spelt, or its identity: the family's name (32 hex
    digits) and split; *split NULL if it belongs to none. For any number of threads. */
mg_status data_families_find(data_families *families, const char *path, mg_hash id, char name[33], const char **split,
                             mg_error *why);
/** Whether there are families, and no piece that was looked for belongs to one. */
bool data_families_are_unmet(const data_families *families);
void data_families_free(data_families *families);

#endif
