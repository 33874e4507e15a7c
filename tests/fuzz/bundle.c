/* SPDX-License-Identifier: Apache-2.0 */
/* The records of an evidence bundle, as a source gives them to the check of seals. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/seals_source.h"
#include "responder/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void finding(const struct seals_finding *f, void *ctx)
{
	(void)f, (void)ctx;
}

static void run_ended(const struct seals_run *run, void *ctx)
{
	(void)run, (void)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seals_ops ops = {finding, run_ended};
	struct keyring keys = {};
	struct source *src;
	char path[64];
	FILE *f = tmpfile();

	diag_init("fuzz", DIAG_ERROR);
	if (!f)
		abort();
	fwrite(data, 1, size, f);
	fflush(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	if (!source_bundle_open(path, &src)) {
		struct seals *seals = seals_new(&keys, true, INT64_MIN, INT64_MAX, &ops, NULL);

		seals_source_read(src, seals);
		seals_end(seals);
		seals_free(seals);
		source_close(src);
	}
	keyring_fini(&keys);
	fclose(f);
	return 0;
}
