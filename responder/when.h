/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write and read them. Nanoseconds since 1970, UTC. */
#ifndef VARVE_RESPONDER_WHEN_H
#define VARVE_RESPONDER_WHEN_H

#include <stddef.h>
#include <stdint.h>

#define WHEN_LEN 40

/* What is wrong in a time: the word in the text that was given (not copied), and why. */
struct when_error {
	const char *word;
	size_t word_len;
	const char *why;
};

/*
 * Takes RFC 3339 ("2026-11-21T20:19:33.5Z", "2026-11-21 20:19:33+01:00"), the same with less in it
 * ("2026-11-21 20:19", "2026-11-21": 00:00; without a difference it is UTC), a time of day
 * ("20:19": the last that there was), "today" or "yesterday" with or without one, "now", an age
 * before now_ns
 * ("45s", "10m", "2h", "1h30m ago", "3 days ago", "1w"), seconds since 1970 ("@1795204800.5").
 * -EINVAL: none of these. ret_error may be NULL.
 */
int when_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct when_error *ret_error);
/* "2026-11-21T20:19:33.123456Z"; returns buf. */
const char *when_format(int64_t ns, char buf[static WHEN_LEN]);
/* The same without the date: "20:19:33.123456". */
const char *when_format_clock(int64_t ns, char buf[static WHEN_LEN]);
/* "45 ms", "2.25 s", "3 min 5 s", "2 h 5 min", "3 d 4 h". */
const char *when_format_span(int64_t ns, char buf[static WHEN_LEN]);

#endif
