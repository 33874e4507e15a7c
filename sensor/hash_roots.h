/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Held descriptors (O_PATH) of containers' root directories: what a program that has ended already
 * is found by. Two per container: the root of one of its processes, and the root file system that
 * its runtime has mounted, which is there before the first process. Bounded; at the limit the
 * container that was not asked for longest goes. Main loop and worker share it.
 */
#ifndef VARVE_HASH_ROOTS_H
#define VARVE_HASH_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hash_root { HASH_ROOT_PROCESS, HASH_ROOT_BUNDLE, HASH_ROOT_CNT };

struct hash_roots;

int hash_roots_new(size_t limit, struct hash_roots **ret_roots);
void hash_roots_free(struct hash_roots *roots);
bool hash_roots_has(struct hash_roots *roots, uint64_t container, enum hash_root which);
/* Takes the descriptor over. pid: whose root it is, 0 for a bundle's. */
void hash_roots_hold(struct hash_roots *roots, uint64_t container, enum hash_root which, int fd,
		     uint32_t pid);
/* Copies of what is held, -1 where nothing is; the caller's to close. */
void hash_roots_copy(struct hash_roots *roots, uint64_t container, int ret_fds[HASH_ROOT_CNT],
		     uint32_t *ret_pid);
void hash_roots_drop(struct hash_roots *roots, uint64_t container, enum hash_root which);
void hash_roots_forget(struct hash_roots *roots, uint64_t container);

/*
 * Opens the root file system that a bundle's config.json names, as a mount of its own that is in no
 * one's way when the runtime unmounts its. -1: there is none.
 */
int hash_roots_open_bundle(const char *host_root, const char *bundle);

#endif
