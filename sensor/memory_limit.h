/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory the sensor's own cgroup allows, as far as its hierarchy is seen from here. */
#ifndef VARVE_MEMORY_LIMIT_H
#define VARVE_MEMORY_LIMIT_H

#include <stdint.h>

/* Bytes; the least of its cgroup and those above, v1 or v2. UINT64_MAX: none is known. */
uint64_t memory_limit(void);

#endif
