/* SPDX-License-Identifier: Apache-2.0 */
/* varve checkpoint: the last seal of each node, to be kept where nobody who can change the evidence
 * comes. */
#include "evidence/base.h"
#include "evidence/decoder.h"
#include "evidence/event.h"
#include "evidence/seal.h"
#include "responder/commands.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include "responder/strmap.h"
#include <string.h>

struct last {
	char *note;
};

/* Of characters that a terminal may have: evidence is not trusted. */
static bool is_plain(const char *text)
{
	static const char dash[] = "\xe2\x80\x94";

	for (const char *c = text; *c; c++) {
		if (!strncmp(c, dash, 3))
			c += 2;
		else if (*c != '\n' && (*c < 0x20 || *c > 0x7e))
			return false;
	}
	return true;
}

static bool is_seal(const Varve__V1__Event *ev)
{
	const char *text =
		ev && ev->body_case == VARVE__V1__EVENT__BODY_SEAL ? ev->seal->note : NULL;
	struct note note;
	struct seal seal;

	return text && is_plain(text) && !seal_read(note_span_of(text), &note, &seal);
}

static void take(struct strmap *nodes, const Varve__V1__Event *ev)
{
	struct last *last = strmap_find(nodes, ev->node_name);

	if (!last) {
		last = memory_zalloc(sizeof(*last));
		strmap_add(nodes, ev->node_name, last);
	}
	free(last->note);
	last->note = memory_strdup(ev->seal->note);
}

static int print(const struct strmap *nodes, const char *source, FILE *out)
{
	size_t cnt = 0;

	for (size_t i = 0; i < nodes->size; i++) {
		const struct last *last = nodes->slots[i].value;

		if (last)
			fprintf(out, "%s%s", cnt++ ? "\n" : "", last->note);
	}
	return cnt ? EXIT_OK : complain(EXIT_USAGE, "%s: there is no seal", source);
}

int cmd_checkpoint(const struct options *opts, FILE *out)
{
	struct strmap nodes = {};
	struct source_item item;
	struct decoder *d;
	struct source *src;
	int err;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (decoder_new(&d))
		memory_exhausted();
	while (!(err = source_next(src, &item)) && item.what != SOURCE_END) {
		const Varve__V1__Event *ev =
			item.what == SOURCE_RECORD ? decoder_event(d, item.payload, item.len)
						   : NULL;

		if (is_seal(ev))
			take(&nodes, ev);
	}
	decoder_free(d);
	err = err ? EXIT_IO : print(&nodes, opts->source, out);
	for (size_t i = 0; i < nodes.size; i++) {
		struct last *last = nodes.slots[i].value;

		if (last)
			free(last->note);
		free(last);
	}
	strmap_fini(&nodes);
	source_close(src);
	return err;
}
