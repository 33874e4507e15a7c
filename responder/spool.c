/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe can be read once, and evidence is gone over twice. */
#include "responder/spool.h"
#include "evidence/base.h"
#include "responder/complain.h"
#include "responder/memory.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define CHUNK	 (1u << 20)
#define ROOM_MIN (64u << 20) /* bytes that are left free; or a twentieth of the file system */
#define MIB(n)	 ((n) >> 20)

static const char *folder(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/var/tmp";
}

static int make_nameless(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	_cleanup_free_ char *path = memory_printf("%s/varve.XXXXXX", dir);

	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int check_room(int fd, const char *dir, uint64_t taken)
{
	struct statvfs st;
	uint64_t left, keep;

	if (fstatvfs(fd, &st) || !st.f_blocks)
		return 0;
	left = (uint64_t)st.f_bavail * st.f_frsize;
	keep = MAX((uint64_t)ROOM_MIN, (uint64_t)st.f_blocks * st.f_frsize / 20);
	if (left > keep)
		return 0;
	return complain(-ENOSPC,
			"standard input is too long to be kept in %s: %" PRIu64
			" MiB were read, and %" PRIu64
			" MiB are left there; TMPDIR names another folder",
			dir, MIB(taken), MIB(left));
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= n;
		}
	}
	return 0;
}

static int copy(int from, int to, const char *dir)
{
	_cleanup_free_ uint8_t *buf = memory_zalloc(CHUNK);
	uint64_t taken = 0, checked = 0;
	ssize_t n;
	int err = 0;

	while (!err && (n = read(from, buf, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return log_err(-errno, "cannot read standard input");
		if (taken >= checked) {
			err = check_room(to, dir, taken);
			checked = taken + 16 * CHUNK;
		}
		if (err)
			return err;
		err = write_all(to, buf, n);
		if (err)
			return log_err(err, "cannot keep standard input in %s", dir);
		taken += n;
	}
	return err;
}

int spool(int fd, int *ret_fd)
{
	const char *dir = folder();
	_cleanup_close_ int own = -1;
	struct stat st;
	int err;

	if (isatty(fd))
		return complain(-EINVAL, "standard input is a terminal: pipe records into it");
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return log_err(-errno, "cannot read standard input");
		*ret_fd = TAKE_FD(own);
		return 0;
	}
	own = make_nameless(dir);
	if (own < 0)
		return log_err(-errno, "cannot keep standard input in %s (TMPDIR)", dir);
	err = copy(fd, own, dir);
	if (err)
		return err;
	*ret_fd = TAKE_FD(own);
	return 0;
}
