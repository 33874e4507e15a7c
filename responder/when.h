/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write and read them. Nanoseconds since 1970, UTC. */
#ifndef VARVE_RESPONDER_WHEN_H
#define VARVE_RESPONDER_WHEN_H

#include <stdint.h>

#define WHEN_LEN 40

/*
 * Takes RFC 3339 ("2026-11-21T20:19:33.5Z", "2026-11-21 20:19:33+01:00") or an age before now_ns
 * ("45s", "10m", "2h", "3d", "1w"). -EINVAL: neither.
 */
int when_parse(const char *text, int64_t now_ns, int64_t *ret_ns);
/* "2026-11-21T20:19:33.123456Z"; returns buf. */
const char *when_format(int64_t ns, char buf[static WHEN_LEN]);
/* The same without the date: "20:19:33.123456". */
const char *when_format_clock(int64_t ns, char buf[static WHEN_LEN]);
/* "45 ms", "2.25 s", "3 min 5 s", "2 h 5 min", "3 d 4 h". */
const char *when_format_span(int64_t ns, char buf[static WHEN_LEN]);

#endif
