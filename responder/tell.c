/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons are text: a responder reads them, a report quotes them. */
#include "responder/tell.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/when.h"
#include <stdarg.h>

void tell(const struct checks_subject *sub, enum verdict_kind kind, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = memory_strdup("(no memory for the reason)");
	va_end(ap);
	if (sub->name_it) {
		const struct history_container *c = sub->s->container;
		char *longer =
			memory_printf("container %s: %s", c->who.name ? c->who.name : c->id, text);

		free(text);
		text = longer;
	}
	verdict_add(sub->v, kind, text);
}

const char *tell_plural(uint64_t cnt)
{
	return cnt == 1 ? "" : "s";
}

char *tell_span(int64_t first_ns, int64_t last_ns)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (first_ns == HISTORY_NEVER && last_ns == HISTORY_NEVER)
		return memory_strdup("at an unknown time");
	if (first_ns == HISTORY_NEVER)
		return memory_printf("before %s", when_format(last_ns, last));
	if (last_ns == HISTORY_NEVER)
		return memory_printf("after %s", when_format(first_ns, first));
	return memory_printf("between %s and %s", when_format(first_ns, first),
			     when_format(last_ns, last));
}
