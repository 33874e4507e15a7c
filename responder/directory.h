/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of pods in Kafka: a compacted topic of POD_STATE records. */
#ifndef VARVE_RESPONDER_DIRECTORY_H
#define VARVE_RESPONDER_DIRECTORY_H

#include "responder/options.h"
#include "responder/source.h"
#include <stdbool.h>

/*
 * What it knows: a history of nothing but pods. -ENOENT: the source has none, or it is empty, not
 * told; else told.
 */
int directory_load(const struct options *opts, struct history **ret_directory);

/* Where the records of --pod are. */
struct directory_place {
	const char **nodes; /* the caller frees; the names are the directory's */
	size_t node_cnt;
	int64_t first_ns, last_ns; /* INT64_MAX: it has not ended */
};
/* False: it does not know. */
bool directory_find(const struct history *directory, const char *pod,
		    struct directory_place *ret_place);

#endif
