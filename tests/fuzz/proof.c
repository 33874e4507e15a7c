/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come from elsewhere: proofs, and lists of changes of keys. */
#include "responder/keyring.h"
#include "responder/proof.h"
#include "evidence/base.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load_changes(const uint8_t *data, size_t size)
{
	static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	struct keyring ring = {};
	struct note_key key;
	char path[64];
	FILE *f = tmpfile();

	if (!f || note_key_parse(vkey, strlen(vkey), &key))
		abort();
	fwrite(data, 1, size, f);
	fflush(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	keyring_add_trusted(&ring, &key);
	keyring_load_changes(&ring, path);
	/* None of these is signed by that key. */
	if (ring.cnt != 1)
		abort();
	keyring_fini(&ring);
	fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct proof p;

	memcpy(text, data, size);
	if (!proof_parse(text, size, &p)) {
		if (p.hash_cnt > TREE_PROOF_MAX || p.payload_len > size)
			abort();
		proof_fini(&p);
	}
	free(text);
	load_changes(data, size);
	return 0;
}
