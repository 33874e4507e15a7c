/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <fcntl.h>
#include <fts.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>

/* The root of a hierarchy is kernfs' first node. */
static bool is_whole(const char *mount)
{
	struct stat st;

	return !stat(mount, &st) && st.st_ino == 1;
}

int cgroups_find_mount(char *ret_path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false, in_part = false;
	char buf[4096];
	struct mntent m;

	if (!mounts)
		return log_err(-errno, "cannot read /proc/self/mounts");
	while (!found && getmntent_r(mounts, &m, buf, sizeof(buf))) {
		if (strcmp(m.mnt_type, "cgroup2") || strlen(m.mnt_dir) >= size)
			continue;
		found = is_whole(m.mnt_dir);
		in_part |= !found;
		if (found)
			strcpy(ret_path, m.mnt_dir);
	}
	endmntent(mounts);
	if (found)
		return 0;
	if (in_part)
		diag(DIAG_ERROR, "only a part of the cgroup v2 hierarchy is mounted here: run the "
				 "sensor in the node's cgroup "
				 "namespace, or with the node's /sys/fs/cgroup mounted");
	else
		diag(DIAG_ERROR, "no cgroup v2 hierarchy is mounted, by which containers are told "
				 "apart: mount one "
				 "(mount -t cgroup2 none /sys/fs/cgroup/unified)");
	return -ENOENT;
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
	}
	fts_close(fts);
	return 0;
}

int cgroups_path_of(const char *mount, uint64_t id, char *ret_path, size_t size)
{
	_cleanup_close_ int mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	/* A cgroup's file handle is its id (FILEID_KERNFS, linux/exportfs.h). */
	union {
		struct file_handle fh;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = {.fh = {.handle_bytes = sizeof(id), .handle_type = 0xfe}};
	size_t skip = strlen(mount);
	char link[64], path[4096];
	struct stat st;
	ssize_t n;

	if (mount_fd < 0)
		return -errno;
	memcpy(h.fh.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, &h.fh, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	/* A removed directory's link leads nowhere; one that is called "x (deleted)" leads to
	 * itself. */
	if (strncmp(path, mount, skip) || stat(path, &st) || st.st_ino != id)
		return -ESTALE;
	if ((size_t)n - skip >= size)
		return -ENAMETOOLONG;
	strcpy(ret_path, path[skip] ? path + skip : "/");
	return 0;
}
