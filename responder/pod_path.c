/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet puts a pod's containers beneath .../podUID/ (cgroupfs driver) or ...-podUID.slice/
 * (systemd, which has '_' for '-'). A path that shows no UID says nothing: it is nobody else's.
 */
#include "responder/pod_path.h"
#include "evidence/base.h"
#include <ctype.h>
#include <string.h>

static bool is_uid(const char *s)
{
	for (int i = 0; i < UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' && s[i] != '_' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

static bool is_same(const char *uid, const char *pod_uid)
{
	for (int i = 0; i < UUID_LEN; i++) {
		char c = uid[i] == '_' ? '-' : (char)tolower((unsigned char)uid[i]);

		if (c != tolower((unsigned char)pod_uid[i]))
			return false;
	}
	return !pod_uid[UUID_LEN];
}

static void look(const char *path, const char *pod_uid, bool *ret_own, bool *ret_other)
{
	*ret_own = *ret_other = false;
	/* Of a pod whose UID is not known none can be told apart. */
	if (!path || !pod_uid)
		return;
	for (const char *p = path; (p = strstr(p, "pod")); p++) {
		if (!is_uid(p + 3))
			continue;
		if (is_same(p + 3, pod_uid))
			*ret_own = true;
		else
			*ret_other = true;
	}
}

bool pod_path_is_of_other(const char *cgroup_path, const char *pod_uid)
{
	bool own, other;

	look(cgroup_path, pod_uid, &own, &other);
	return other && !own;
}

bool pod_path_is_of(const char *cgroup_path, const char *pod_uid)
{
	bool own, other;

	look(cgroup_path, pod_uid, &own, &other);
	return own;
}
