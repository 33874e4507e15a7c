/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence whose seals are checked: records one behind the other, each with its length in two bytes before it. */
#include "evidence/base.h"
#include "evidence/event.h"
#include "responder/seals.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void finding(const struct seals_finding *f, void *ctx)
{
	(void)ctx;
	if (!seals_finding_name(f->kind) || !f->text || (f->has_range && f->kind != SEALS_MISSING && f->from > f->to))
		abort();
}

static void run_ended(const struct seals_run *run, void *ctx)
{
	(void)run, (void)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seals_ops ops = {finding, run_ended};
	struct keyring keys = {};
	struct seals *seals = seals_new(&keys, true, INT64_MIN, INT64_MAX, &ops, NULL);
	const struct seals_pod *pods;

	while (size > 2) {
		size_t len = MIN((size_t)(data[0] << 8 | data[1]), size - 2);
		Varve__V1__Event *ev = event_decode(data + 2, len);

		if (ev)
			seals_take(seals, ev, data + 2, len);
		varve__v1__event__free_unpacked(ev, NULL);
		data += 2 + len;
		size -= 2 + len;
	}
	seals_end(seals);
	seals_pods(seals, &pods);
	seals_free(seals);
	keyring_fini(&keys);
	return 0;
}
