/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ring_size.h"

#include "evidence/base.h"
#include "sensor/conf.h"
#include "sensor/memory_limit.h"

#include <sys/sysinfo.h>

#define MIB (1ULL << 20)

/* `events`: a 1024th of the node's memory; `decisive`: a quarter of that. */
static const struct {
	uint64_t part, min, max;
} events = {1024, 8 * MIB, 64 * MIB}, decisive = {4096, 4 * MIB, 16 * MIB};

/* The largest power of two that is no more than bytes, within the bounds, which are such. */
static uint64_t fit(uint64_t bytes, uint64_t min, uint64_t max)
{
	uint64_t size = min;

	while (size < max && 2 * size <= bytes)
		size *= 2;
	return size;
}

/* The node's, or so much that the rings together have at most a twelfth of what the sensor may
 * have, or their least size: they are charged to it. */
static uint64_t memory(void)
{
	struct sysinfo info;
	uint64_t limit = memory_limit(), node;

	node = sysinfo(&info) ? 0 : (uint64_t)info.totalram * info.mem_unit;
	return limit / MIB > node / MIB / 64 ? node : 64 * limit;
}

struct probes_rings ring_size_choose(const struct conf *conf)
{
	uint64_t bytes = memory();
	struct probes_rings r = {.bytes = conf->ring_bytes,
				 .decisive_bytes = conf->decisive_ring_bytes};

	if (!r.bytes)
		r.bytes = fit(bytes / events.part, events.min, events.max);
	if (!r.decisive_bytes)
		r.decisive_bytes = fit(bytes / decisive.part, decisive.min, decisive.max);
	return r;
}

bool ring_size_shrink(const struct conf *conf, struct probes_rings *rings)
{
	struct probes_rings was = *rings;

	if (!conf->ring_bytes && rings->bytes > events.min)
		rings->bytes /= 2;
	if (!conf->decisive_ring_bytes && rings->decisive_bytes > decisive.min)
		rings->decisive_bytes /= 2;
	return was.bytes != rings->bytes || was.decisive_bytes != rings->decisive_bytes;
}
