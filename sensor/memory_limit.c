/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/memory_limit.h"

#include "evidence/base.h"

#include <limits.h>
#include <mntent.h>
#include <string.h>

static uint64_t read_limit(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	unsigned long long bytes;

	return f && fscanf(f, "%llu", &bytes) == 1 ? bytes : UINT64_MAX; /* "max" */
}

/* The least of the cgroup's, path below the mount, and those above it. */
static uint64_t least_above(const char *mount, const char *path, const char *file)
{
	uint64_t least = UINT64_MAX;
	char at[PATH_MAX], name[2 * PATH_MAX], *slash;

	snprintf(at, sizeof(at), "%s%s", mount, path);
	while (strlen(at) >= strlen(mount)) {
		snprintf(name, sizeof(name), "%s/%s", at, file);
		least = MIN(least, read_limit(name));
		slash = strrchr(at, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	return least;
}

/* The line "N:CONTROLLERS:PATH" of /proc/PID/cgroup for this hierarchy: v1's of memory, or v2. */
static bool find_path(FILE *f, bool v2, char ret_path[PATH_MAX])
{
	char line[PATH_MAX + 256], *controllers, *path;

	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		controllers = strchr(line, ':');
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path || strlen(path + 1) >= PATH_MAX)
			continue;
		*path++ = '\0';
		if (v2 ? controllers[1] : strcmp(controllers + 1, "memory"))
			continue;
		strcpy(ret_path, path);
		return true;
	}
	return false;
}

static uint64_t limit_by(const struct mntent *m)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	bool v2 = !strcmp(m->mnt_type, "cgroup2");
	char path[PATH_MAX];

	if (!v2 && (strcmp(m->mnt_type, "cgroup") || !hasmntopt(m, "memory")))
		return UINT64_MAX;
	if (!f || !find_path(f, v2, path))
		return UINT64_MAX;
	return least_above(m->mnt_dir, path, v2 ? "memory.max" : "memory.limit_in_bytes");
}

uint64_t memory_limit(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	uint64_t least = UINT64_MAX;
	char buf[PATH_MAX];
	struct mntent m;

	while (f && getmntent_r(f, &m, buf, sizeof(buf)))
		least = MIN(least, limit_by(&m));
	if (f)
		endmntent(f);
	return least;
}
