/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded: the options `events`, `read-opens-always` and `rate-limits`, from text to what
 * the kernel side looks at. */
#ifndef VARVE_POLICY_H
#define VARVE_POLICY_H

#include "bpf/event.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "all", and kinds or classes to leave out: "all,-rename,-network". ret_off, by kind: left out.
 * -EINVAL with what is wanted in ret_rule: no such kind or class, or one that is always recorded,
 * since without it nobody knows who did what.
 */
int policy_parse_events(const char *text, bool ret_off[EV_KINDS_MAX], char *ret_rule,
			size_t rule_size);

#define POLICY_RATE_MAX 1000000

/*
 * "off", or classes with events per second of a cgroup on a CPU: "file:20000,network:5000".
 * ret_rates, by class; 0: not limited. Of process, container and kernel events there is no limit:
 * what a container does is never left out before what it reads. -EINVAL with what is wanted in
 * ret_rule.
 */
int policy_parse_rates(const char *text, uint32_t ret_rates[EV_CLASS_CNT], char *ret_rule,
		       size_t rule_size);

#define POLICY_PATHS_MAX    32
#define POLICY_PATH_LEN_MAX 127

struct policy_paths {
	size_t cnt;
	char text[POLICY_PATHS_MAX][POLICY_PATH_LEN_MAX + 1];
};

/*
 * Patterns with commas between them; none is none. '*' matches any run of characters, slashes too;
 * every other character itself; without '*' it is exactly that path. The word "default" is the list
 * of evidence/credentials.def. -EINVAL with what is wanted in ret_rule.
 */
int policy_parse_paths(const char *text, struct policy_paths *ret_paths, char *ret_rule,
		       size_t rule_size);

/* The automaton of the patterns (struct ev_always_row); gives how many words of a row it takes. */
size_t policy_make_rows(const struct policy_paths *paths,
			struct ev_always_row ret_rows[EV_ALWAYS_ROW_CNT]);

#endif
