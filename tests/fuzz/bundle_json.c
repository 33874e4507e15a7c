/* SPDX-License-Identifier: Apache-2.0 */
/* All that is read from runtimes' files and command lines: the first byte chooses the parser. */
#include "sensor/container_bundle.h"

#include "evidence/base.h"
#include "evidence/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	if (len == size || !text_is_utf8(s, len))
		abort();
}

static void check_metadata(const struct container_metadata *meta)
{
	check_string(meta->name, sizeof(meta->name));
	check_string(meta->image, sizeof(meta->image));
	check_string(meta->pod_uid, sizeof(meta->pod_uid));
	check_string(meta->pod_name, sizeof(meta->pod_name));
	check_string(meta->pod_namespace, sizeof(meta->pod_namespace));
}

static void check_dir(int err, const char *dir, size_t size)
{
	if (!err && (dir[0] != '/' || strnlen(dir, size) == size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct container_metadata meta = {};
	char dir[64];

	if (!size--)
		return 0;
	memset(dir, 'x', sizeof(dir));
	switch (data[0] % 5) {
	case 0:
		container_parse_bundle(text, size, &meta);
		break;
	case 1:
		container_parse_docker(text, size, &meta);
		break;
	case 2:
		container_parse_storage(text, size, "web", &meta);
		break;
	case 3:
		check_dir(container_parse_state(text, size, dir, sizeof(dir)), dir, sizeof(dir));
		break;
	default:
		check_dir(container_bundle_from_args(text, size, "/srv", dir, sizeof(dir)), dir,
			  sizeof(dir));
	}
	check_metadata(&meta);
	return 0;
}
