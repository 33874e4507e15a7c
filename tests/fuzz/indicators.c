/* SPDX-License-Identifier: Apache-2.0 */
/* A list of indicators, from whoever sends such lists. */
#include "responder/indicators.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(size_t number, void *ctx)
{
	(void)number;
	(void)ctx;
}

/* Each matches itself as it was normalised, and reads again as the same. */
static void check(const struct indicators *in)
{
	struct indicators again = {};

	for (size_t i = 0; i < in->cnt; i++)
		if (indicators_add(&again, in->v[i].type, in->v[i].text))
			abort();
	if (again.cnt != in->cnt)
		abort();
	for (size_t i = 0; i < in->cnt; i++)
		if (strcmp(again.v[i].text, in->v[i].text) || again.v[i].bits != in->v[i].bits)
			abort();
	indicators_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct indicators in = {};
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Process p = VARVE__V1__PROCESS__INIT;
	char *text = malloc(size ? size : 1);

	diag_init("fuzz", -1);
	memcpy(text, data, size);
	if (!indicators_parse(&in, "list", text, size))
		check(&in);
	ev.process = &p;
	p.name = (char *)"sh";
	p.exe_path = (char *)"/bin/sh";
	indicators_match(&in, &ev, ignore, NULL);
	indicators_fini(&in);
	free(text);
	return 0;
}
