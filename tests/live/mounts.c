/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/mounts.h"
#include <sched.h>
#include <sys/mount.h>

void mounts_enter(void)
{
	if (unshare(CLONE_NEWNS))
		live_skip("no mount namespace: %s", strerror(errno));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* ID parent dev root POINT options [optional...] - TYPE SOURCE OPTIONS */
static bool parse(char *line, const char *path, struct mounts_line *ret_line)
{
	char point[4200], *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*s %*s %*s %*s %4199s", point) != 1 || strcmp(point, path))
		return false;
	return sscanf(rest + 3, "%63s %511s %511s", ret_line->type, ret_line->source,
		      ret_line->options) == 3;
}

bool mounts_find(const char *path, struct mounts_line *ret_line)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	static char line[16384];
	bool found = false;

	EXPECT(f);
	while (fgets(line, sizeof(line), f))
		found |= parse(line, path, ret_line);
	return found;
}

void mounts_expect_place(const Varve__V1__File *file, const char *given, const char *resolved)
{
	EXPECT_STR(file->path, live_trampolines() ? resolved : given);
	live_expect_name(file);
	EXPECT_UINT(file->has_inode, live_trampolines());
	EXPECT(!file->has_path_unreachable && !file->has_path_length);
}
