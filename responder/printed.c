/* SPDX-License-Identifier: Apache-2.0 */
#include "responder/printed.h"
#include "responder/memory.h"

FILE *printed_begin(struct printed *p)
{
	*p = (struct printed){};
	p->out = open_memstream(&p->s, &p->len);
	if (!p->out)
		memory_exhausted();
	return p->out;
}

char *printed_end(struct printed *p)
{
	if (fclose(p->out) || !p->s)
		memory_exhausted();
	return p->s;
}
