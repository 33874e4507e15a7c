/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and reads small files of the node, which in a pod is seen below a directory. */
#include "sensor/nodefile.h"

#include "evidence/base.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/*
 * Below a root other than "/" symbolic links are followed as a process with that root would, so
 * that the node's absolute links (/var/run) lead into the node and none leads out of it. Where
 * openat2 is refused (an old container's system call filter) plainly.
 */
int nodefile_open(const char *root, const char *path, int flags)
{
	struct open_how how = {.flags = flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *whole = NULL;
	int fd;

	if (!*root)
		return open(path, flags);
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	if (asprintf(&whole, "%s%s", root, path) < 0) {
		whole = NULL;
		return -1;
	}
	return open(whole, flags);
}

/* Regular files only, and without waiting: a FIFO with our file's name must not stop the sensor. */
int nodefile_read(const char *root, const char *path, size_t limit, struct nodefile *ret_file)
{
	_cleanup_close_ int fd =
		nodefile_open(root, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size > limit)
		return -EINVAL;
	text = malloc(st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = read(fd, text + len, st.st_size - len)) > 0)
		len += n;
	*ret_file = (struct nodefile){TAKE_PTR(text), len};
	return 0;
}
