/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence log's directory: is it one, which segments has it. The directory may be foreign or
 * hostile (a responder reads what he was sent), so nothing but plain files is opened.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log_format.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define INDEX_DIGITS 20

void log_segment_name(char ret_name[LOG_NAME_SIZE], uint64_t first)
{
	snprintf(ret_name, LOG_NAME_SIZE, "%0*llu.seg", INDEX_DIGITS, (unsigned long long)first);
}

static bool parse_segment_name(const char *name, uint64_t *ret_first)
{
	uint64_t v = 0;

	if (strlen(name) != INDEX_DIGITS + 4 || strcmp(name + INDEX_DIGITS, ".seg") != 0)
		return false;
	for (int i = 0; i < INDEX_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9' || v > INT64_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(name[i] - '0');
	}
	if (v > INT64_MAX)
		return false;
	*ret_first = v;
	return true;
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define _cleanup_closedir_ __attribute__((cleanup(close_dir)))

static int open_listing(int dirfd, DIR **ret_dir)
{
	_cleanup_close_ int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	TAKE_FD(fd);
	*ret_dir = d;
	return 0;
}

/* Next segment in the listing: 1, or 0 at its end, or an errno. */
static int next_segment(DIR *d, uint64_t *ret_first)
{
	struct dirent *e;

	while (errno = 0, (e = readdir(d)))
		if ((e->d_type == DT_REG || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN) &&
		    parse_segment_name(e->d_name, ret_first))
			return 1;
	return -errno;
}

int log_dir_open_file(int dirfd, const char *name, int flags)
{
	/* O_NONBLOCK: a FIFO of that name must not hold us. */
	_cleanup_close_ int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

static int compare_index(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int log_dir_list(int dirfd, uint64_t **ret_firsts, size_t *ret_cnt)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_free_ uint64_t *list = NULL;
	size_t cnt = 0, room = 0;
	uint64_t first;
	int r = open_listing(dirfd, &d);

	if (r < 0)
		return r;
	while ((r = next_segment(d, &first)) > 0) {
		if (cnt == room) {
			uint64_t *more = reallocarray(list, room = room * 2 + 64, sizeof(*list));

			if (!more)
				return -ENOMEM;
			list = more;
		}
		list[cnt++] = first;
	}
	if (r < 0)
		return r;
	if (cnt)
		qsort(list, cnt, sizeof(*list), compare_index);
	*ret_firsts = TAKE_PTR(list);
	*ret_cnt = cnt;
	return 0;
}

int log_dir_neighbours(int dirfd, uint64_t index, struct log_neighbours *ret)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct log_neighbours n = {0};
	uint64_t first;
	int r = open_listing(dirfd, &d);

	if (r < 0)
		return r;
	while ((r = next_segment(d, &first)) > 0) {
		if (first <= index && (!n.has_below || first > n.below)) {
			n.has_below = true;
			n.below = first;
		} else if (first > index && (!n.has_above || first < n.above)) {
			n.has_above = true;
			n.above = first;
		}
	}
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}

/* Nothing in it, or what a start leaves that was interrupted before `format` was there. */
static int is_fresh(int dirfd)
{
	static const char *const own[] = {".", "..", "lock", "format.tmp", "lost+found"};
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	size_t i;
	int err = open_listing(dirfd, &d);

	if (err)
		return err;
	while (errno = 0, (e = readdir(d))) {
		for (i = 0; i < ARRAY_SIZE(own) && strcmp(e->d_name, own[i]); i++)
			;
		if (i == ARRAY_SIZE(own))
			return 0;
	}
	return errno ? -errno : 1;
}

static int check_without_format(int dirfd, const char *dir)
{
	int fresh = is_fresh(dirfd);

	if (fresh < 0)
		return log_err(fresh, "cannot list log directory %s", dir);
	if (fresh)
		return -ENOENT;
	diag(DIAG_ERROR,
	     "%s is no evidence log (it has files, but no 'format'): use another directory", dir);
	return -ENOTEMPTY;
}

int log_dir_check(int dirfd, const char *dir)
{
	_cleanup_close_ int fd = log_dir_open_file(dirfd, "format", O_RDONLY);
	char text[64] = "";
	ssize_t n;

	if (fd == -ENOENT)
		return check_without_format(dirfd, dir);
	if (fd < 0)
		return log_err(fd, "cannot open %s/format", dir);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return log_err(-errno, "cannot read %s/format", dir);
	if ((size_t)n == strlen(LOG_FORMAT_TEXT) && !memcmp(text, LOG_FORMAT_TEXT, (size_t)n))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	diag(DIAG_ERROR,
	     "%s has the format '%s', not '" LOG_FORMAT_NAME
	     "1': use the release that wrote it, or another directory",
	     dir, text);
	return -EPROTO;
}

int log_dir_make_format(int dirfd)
{
	static const char text[] = LOG_FORMAT_TEXT;
	_cleanup_close_ int fd =
		openat(dirfd, "format.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		return -errno;
	if ((size_t)n != strlen(text))
		return -ENOSPC;
	if (fsync(fd) || renameat(dirfd, "format.tmp", dirfd, "format") || fsync(dirfd))
		return -errno;
	return 0;
}
