/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup paths: the first byte says whether a runtime made the cgroup, the rest is the path. */
#include "sensor/container_cgroup.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgroup_identity id;
	_cleanup_free_ char *path = NULL;

	if (!size)
		return 0;
	memset(&id, 0xff, sizeof(id));
	path = strndup((const char *)data + 1, size - 1);
	if (container_parse_cgroup(path, data[0] & 1, &id))
		return 0;
	check_string(id.container_id, sizeof(id.container_id));
	check_string(id.runtime, sizeof(id.runtime));
	check_string(id.pod_uid, sizeof(id.pod_uid));
	/* It becomes part of file names. */
	if (!*id.container_id || strchr(id.container_id, '/'))
		abort();
	return 0;
}
