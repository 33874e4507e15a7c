/* SPDX-License-Identifier: Apache-2.0 */
/* Removes what a test left in its directory. Not by rm(1): busybox's cannot, paths here are longer
 * than a system call takes. Each level holds a descriptor. */
#include "tests/live/harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static void remove_at(int dir_fd, const char *name, dev_t dev);

/* What is mounted there is not ours: it stays, and so does the directory. */
static void empty_at(int dir_fd, const char *name, dev_t dev)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fstat(fd, &st) == 0 && st.st_dev == dev) {
		while ((e = readdir(dir))) {
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				remove_at(fd, e->d_name, dev);
		}
	}
	closedir(dir);
}

static void remove_at(int dir_fd, const char *name, dev_t dev)
{
	if (unlinkat(dir_fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	empty_at(dir_fd, name, dev);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void live_remove_tree(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) == 0)
		remove_at(AT_FDCWD, dir, st.st_dev);
	if (access(dir, F_OK) == 0)
		fprintf(stderr, "live: cannot remove all of %s\n", dir);
}
