/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE_HASH: SHA-256 of what was executed, off the main loop's path. A record whose kind has a file
 * to be hashed (a table in hash.c) becomes a request to the worker (hash_worker.h); what comes back
 * becomes a record in the container's stream, unless the last one of that file said the same.
 *
 * Every call takes NULL (hashing is off) gladly, and none blocks but hash_finish().
 */
#ifndef VARVE_HASH_H
#define VARVE_HASH_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct container_table;
struct emit;
struct hash;
struct record;

/* NULL in *ret_hash if it is off. emit and containers stay the caller's. */
int hash_open(const struct conf *conf, struct emit *emit, struct container_table *containers,
	      struct hash **ret_hash);
void hash_close(struct hash *hash);

/* After a record was emitted: asks for its file's hash, if its kind has one. container: cgroup id,
 * 0: none. */
void hash_record(struct hash *hash, const struct record *rec, uint64_t container,
		 const char *process_uid);
/* A container starts; its bundle's directory names its root file system. */
void hash_container(struct hash *hash, uint64_t container, const char *bundle);
/* Emits what was answered. */
void hash_collect(struct hash *hash);
/* True if something of the container is not answered yet. */
bool hash_is_pending(struct hash *hash, uint64_t container);
/* Its account is about to be closed: what is not answered is said so, its root is let go. */
void hash_container_gone(struct hash *hash, uint64_t container);
/* The end of the run: waits for answers, at most two seconds. */
void hash_finish(struct hash *hash);

#endif
