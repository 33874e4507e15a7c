/* SPDX-License-Identifier: Apache-2.0 */
/* How the checks word their reasons. */
#ifndef VARVE_RESPONDER_TELL_H
#define VARVE_RESPONDER_TELL_H

#include "responder/checks.h"

#define TELL_MAX 10 /* of many of a kind so many are told one by one */

/* Adds a reason about the subject's container, with its name if there are more. */
void tell(const struct checks_subject *sub, enum verdict_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Facts of the node and the run are the same for each container: told without its name, once. */
#define tell_node(sub, ...)                           \
	({                                            \
		struct checks_subject _node = *(sub); \
		_node.name_it = false;                \
		tell(&_node, __VA_ARGS__);            \
	})

/* "s" or "". */
const char *tell_plural(uint64_t cnt);
/* "between T1 and T2"; an open end (HISTORY_NEVER) is said so. */
char *tell_span(int64_t first_ns, int64_t last_ns);

#endif
