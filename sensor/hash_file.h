/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that an event was about, found again and read: a candidate is opened without reading
 * (O_PATH), compared with the kernel's identity of the event's file, and only then opened for
 * reading. All of it may block on a slow file system: for the worker, not the main loop.
 */
#ifndef VARVE_HASH_FILE_H
#define VARVE_HASH_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HASH_LEN 32 /* SHA-256 */

enum hash_outcome {
	HASH_DONE,
	HASH_GONE,	 /* there is no such file at its path any more, and its process has ended */
	HASH_CHANGED,	 /* another file is there, or it was written since, or while it was read */
	HASH_UNVERIFIED, /* whether it is the event's file could not be told */
	HASH_TOO_LARGE,
	HASH_RATE_LIMITED,
	HASH_QUEUE_FULL,
	HASH_TIMED_OUT,
	HASH_UNREADABLE, /* an error, which the record has */
	HASH_RUN_ENDED,
	HASH_OUTCOME_CNT
};
/* "changed"; NULL for HASH_DONE. */
const char *hash_outcome_name(enum hash_outcome outcome);

/* What the event says of its file. */
struct hash_target {
	uint64_t ino;
	uint64_t dev; /* the kernel's: of the super block, major << 20 | minor */
};

/* A file as it was found. */
struct hash_stat {
	int64_t ctime_ns, mtime_ns; /* since the epoch */
	uint64_t size;
};

/* /proc/PID, if the process is there still and is the same one; -1. */
int hash_open_process(uint32_t pid, uint64_t start_ns);

/*
 * HASH_DONE if the file behind fd (O_PATH will do) is the target. beside_fd: a directory, whose
 * device is also the file's if both are in one mount; -1: none. pids: whose mounts it may be in,
 * 0: none.
 */
enum hash_outcome hash_verify(int fd, int beside_fd, const struct hash_target *target,
			      const uint32_t pids[2], struct hash_stat *ret_stat);

/* O_PATH descriptor of a path without symbolic links below a root; -1 with errno. */
int hash_open_below(int root_fd, const char *path);

/*
 * True if its times say that it is as it was at an event. held: it was found by its process, so
 * that it is the same inode for sure, and a change of names alone does not matter; else an inode
 * number may have been given to another file since.
 */
bool hash_is_unchanged(const struct hash_stat *st, int64_t unix_ns, bool held);

/* True if by times and size only names, mode or owner changed between the two. */
bool hash_is_same_content(const struct hash_stat *a, const struct hash_stat *b);

/*
 * Reads the file behind an O_PATH descriptor that was verified. stop: given up with HASH_RUN_ENDED
 * when it becomes true; alive_ns: boot time, kept up to date. ret_after: the file afterwards, zeros
 * if it was not read to its end. ret_err: errno of HASH_UNREADABLE.
 */
enum hash_outcome hash_read(int path_fd, const struct hash_stat *st, const atomic_bool *stop,
			    atomic_ullong *alive_ns, uint8_t ret_digest[HASH_LEN],
			    struct hash_stat *ret_after, int *ret_err);

#endif
