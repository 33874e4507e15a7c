/* SPDX-License-Identifier: Apache-2.0 */
/* One record, whatever is in it, before those who ask of it: filters, indicators, deeds, colours.
 */
#include "responder/deeds.h"
#include "responder/filter.h"
#include "responder/found.h"
#include "responder/paint.h"
#include "responder/parts.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char list[] =
	"path /tmp/*\npath passwd\nip 10.0.0.0/8\nip ::1\nexample.com\nexec *sh*\n"
	"user 0\ncomm a*\n"
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

struct asking {
	const Varve__V1__Event *ev;
	struct found_list found;
};

static void add(size_t number, void *ctx)
{
	struct asking *a = ctx;

	found_add(&a->found, NULL, number, (int64_t)a->ev->sequence, a->ev);
}

/* Nothing that a terminal would obey; colours come out again. */
static void check_text(const char *text)
{
	char *painted = NULL;
	size_t len, plain = 0;

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	FILE *out = open_memstream(&painted, &len);

	paint_line(out, text, strlen(text));
	fclose(out);
	for (const char *p = painted; *p; p++) {
		if (*p == '\033')
			p = strchr(p, 'm');
		else
			plain++;
	}
	if (plain != strlen(text))
		abort();
	free(painted);
}

static void filter(const Varve__V1__Event *ev)
{
	struct filter_opts opts = {.pid = 1, .path = "/tmp/*", .result = FILTER_FAILED};
	struct filter f;

	filter_init(&f, &opts);
	for (int i = 0; i < 2; i++)
		(void)filter_takes(&f, ev);
	opts.pid = 0;
	(void)filter_takes(&f, ev);
	free(filter_summary(&f));
	filter_fini(&f);
}

static void find(const Varve__V1__Event *ev)
{
	struct indicators in = {};
	struct asking a = {.ev = ev};

	if (indicators_parse(&in, "list", list, sizeof(list) - 1))
		abort();
	indicators_match(&in, ev, add, &a);
	for (size_t i = 0; i < a.found.cnt; i++)
		check_text(a.found.v[i].what);
	found_sort(&a.found);
	found_fini(&a.found);
	indicators_fini(&in);
}

static void compare(const Varve__V1__Event *ev)
{
	struct deeds d = {};
	struct usual u = {};

	usual_add(&u, ev->node_name, "<node>");
	deeds_add(&d, 0, &u, 0, ev);
	deeds_add(&d, 1, &(struct usual){}, 0, ev);
	deeds_compare(&d);
	for (size_t i = 0; i < d.cnt; i++)
		check_text(d.v[i].text);
	usual_fini(&u);
	deeds_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Varve__V1__Event *ev = event_decode(data, size);

	diag_init("fuzz", -1);
	if (!ev)
		return 0;
	filter(ev);
	find(ev);
	compare(ev);
	varve__v1__event__free_unpacked(ev, NULL);
	return 0;
}
