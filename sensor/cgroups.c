/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <fts.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>

int cgroups_find_mount(char *ret_path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char buf[4096];
	struct mntent m;
	int err = -ENOENT;

	if (!mounts)
		return log_err(-errno, "cannot read /proc/self/mounts");
	while (err == -ENOENT && getmntent_r(mounts, &m, buf, sizeof(buf))) {
		if (strcmp(m.mnt_type, "cgroup2"))
			continue;
		if (strlen(m.mnt_dir) >= size) {
			err = -ENAMETOOLONG;
		} else {
			strcpy(ret_path, m.mnt_dir);
			err = 0;
		}
	}
	endmntent(mounts);
	if (err == -ENOENT)
		return log_err(err, "no cgroup v2 hierarchy is mounted: mount one (mount -t cgroup2 none "
				    "/sys/fs/cgroup/unified), containers are told apart by it");
	return err;
}

int cgroups_walk(const char *mount, void (*fn)(uint64_t id, const char *path, void *ctx), void *ctx)
{
	char *roots[] = {(char *)mount, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	size_t skip = strlen(mount);
	FTSENT *e;

	if (!fts)
		return -errno;
	while ((e = fts_read(fts))) {
		if (e->fts_info == FTS_D && e->fts_level > 0)
			fn(e->fts_statp->st_ino, e->fts_path + skip, ctx);
		else if (e->fts_info == FTS_F)
			continue;
	}
	fts_close(fts);
	return 0;
}
