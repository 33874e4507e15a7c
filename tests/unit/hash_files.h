/* SPDX-License-Identifier: Apache-2.0 */
/* Files of known bytes for the tests of hashing, in a directory for each test. */
#ifndef VARVE_TESTS_HASH_FILES_H
#define VARVE_TESTS_HASH_FILES_H

#include "evidence/base.h"
#include "sensor/hash_file.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <cmocka.h>

/* FIPS 180-2, appendix B.1. */
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char files_dir[64];

static inline int files_remove_entry(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int files_setup(void)
{
	strcpy(files_dir, "/tmp/varve-hash-XXXXXX");
	return mkdtemp(files_dir) ? 0 : -1;
}

static inline void files_teardown(void)
{
	nftw(files_dir, files_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *file_path(const char *name)
{
	static char path[2][128];
	static size_t turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", files_dir, name);
	return path[turn];
}

static inline void file_write(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(file_path(name), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* A file of nothing but holes. */
static inline void file_sparse(const char *name, off_t size)
{
	file_write(name, "", 0);
	assert_int_equal(truncate(file_path(name), size), 0);
}

static inline struct stat file_stat(const char *name)
{
	struct stat st;

	assert_int_equal(stat(file_path(name), &st), 0);
	return st;
}

static inline uint64_t kernel_dev(const struct stat *st)
{
	return (uint64_t)major(st->st_dev) << 20 | minor(st->st_dev);
}

static inline int64_t now_unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec;
}

static inline void assert_digest(const uint8_t digest[HASH_LEN], const char *want)
{
	char hex[2 * HASH_LEN + 1];
	size_t i;

	for (i = 0; i < HASH_LEN; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	assert_string_equal(hex, want);
}

/* Start of this process as the kernel has it, to the tick. */
static inline uint64_t own_start_ns(void)
{
	char text[1024] = "";
	unsigned long long ticks;
	FILE *f = fopen("/proc/self/stat", "re");

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(sscanf(strrchr(text, ')') + 1,
				" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
				"%*d %*d %*d %llu",
				&ticks),
			 1);
	return ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

#endif
