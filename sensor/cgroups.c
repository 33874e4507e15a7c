/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/cgroups.h"
#include "evidence/base.h"
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

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
