/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's second thread: finds and reads files, so that the main loop never waits for one. It
 * takes requests from a bounded queue in order and gives each back with its outcome. It touches
 * nothing of the main loop's; no lock is held while a file is looked at.
 */
#ifndef VARVE_HASH_WORKER_H
#define VARVE_HASH_WORKER_H

#include "bpf/event.h"
#include "evidence/base.h"
#include "sensor/hash_file.h"

#define HASH_QUEUE_LIMIT 1024
#define HASH_CACHE_LIMIT 4096
#define HASH_ROOTS_LIMIT 256
/* Waiting for a request's turn and for the rate; then it is not computed. */
#define HASH_PATIENCE_NS (2 * NSEC_PER_SEC)
/* Without progress for so long the worker hangs in a file system. */
#define HASH_STUCK_NS (10 * NSEC_PER_SEC)

struct hash_roots;

/* An event that asks for a file's hash. */
struct hash_source {
	uint64_t time_ns; /* boot time, as in its record */
	int64_t unix_ns;
	uint64_t start_ns;
	uint32_t pid;
	uint16_t kind;
	char process_uid[UUID_LEN + 1];
};

struct hash_request {
	struct hash_request *next;
	uint64_t container;  /* cgroup id; 0: none */
	struct ev_file file; /* as in the record, but for its path, which is below */
	struct hash_target target;
	struct hash_source first,
		last; /* several events of one file in the queue are one request */
	uint64_t queued_ns;
	uint32_t mnt_ns; /* 0: not known */
	bool is_exe;	 /* the process runs it */
	int exe_fd;	 /* O_PATH; -1: to be looked for */
	/* The answer. */
	enum hash_outcome outcome;
	int err; /* of HASH_UNREADABLE */
	bool cached, held, root_missed;
	struct hash_stat stat; /* of HASH_DONE, and of HASH_TOO_LARGE if it was found */
	uint8_t digest[HASH_LEN];
	size_t path_len;
	char path[]; /* with a NUL behind */
};

struct hash_limits {
	uint64_t file_bytes;
	uint64_t bytes_per_second;
	size_t queue;
};

struct hash_worker;

int hash_request_new(const char *path, size_t path_len, struct hash_request **ret_request);
void hash_request_free(struct hash_request *request);

/* roots stay the caller's, and have to outlive the worker. */
int hash_worker_start(const struct hash_limits *limits, struct hash_roots *roots,
		      struct hash_worker **ret_worker);
/*
 * Ends the thread; what was not answered is gone. False: it hangs in a file system. Then nothing of
 * it, nor the roots, may be freed.
 */
bool hash_worker_stop(struct hash_worker *worker);
/* Takes the request over, or makes it part of one in the queue. False: the queue is full. */
bool hash_worker_put(struct hash_worker *worker, struct hash_request *request);
/* What is answered, in order; the caller's. */
struct hash_request *hash_worker_take(struct hash_worker *worker);
/* True if there is a request of the container that is not taken yet; NULL: of any. */
bool hash_worker_is_pending(struct hash_worker *worker, const uint64_t *container);
/* What is not answered, of a container or (NULL) all, taken off the worker with this outcome. */
struct hash_request *hash_worker_give_up(struct hash_worker *worker, const uint64_t *container,
					 enum hash_outcome outcome);
/* How many wait. */
size_t hash_worker_backlog(struct hash_worker *worker);
/* True if it hangs. */
bool hash_worker_is_stuck(struct hash_worker *worker, uint64_t now_ns);

#endif
