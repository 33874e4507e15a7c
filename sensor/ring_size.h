/* SPDX-License-Identifier: Apache-2.0 */
/* How large the rings are: as the options say, or by the node's memory. */
#ifndef VARVE_RING_SIZE_H
#define VARVE_RING_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct conf;

/* Bytes, powers of two. */
struct probes_rings {
	uint64_t bytes;		 /* of `events` */
	uint64_t decisive_bytes; /* of `decisive` */
};

struct probes_rings ring_size_choose(const struct conf *conf);
/* Halves those that the options leave open. False: they are as small as they get. */
bool ring_size_shrink(const struct conf *conf, struct probes_rings *rings);

#endif
