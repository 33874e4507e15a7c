/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's ring buffers as one stream of raw records, in the order of their times. Also a file
 * of recorded ones, so that everything above is tested with no kernel at all.
 *
 * We read the rings ourselves and not through libbpf, for two reasons. libbpf frees a record's
 * space as soon as the callback returns; ours is freed by ring_commit(), after the log has it. And
 * libbpf empties one ring after the other, so a file event could come before the exec (in the other
 * ring) that explains it.
 */
#ifndef VARVE_RING_H
#define VARVE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

#define RING_CNT_MAX 4

/* data is valid only inside the callback. Whatever is odd about it is the callback's to count. */
typedef void (*ring_fn)(const void *data, size_t len, void *ctx);

/* Maps the BPF ring buffers behind the descriptors (which stay the caller's). */
int ring_open(const int *map_fds, size_t cnt, struct ring **ret_ring);
/* Reads records from a file made by ring_record_open(). */
int ring_open_file(const char *path, struct ring **ret_ring);
void ring_close(struct ring *ring);

/*
 * Gives the callback what is there now, oldest first, at most `most` records. Returns how many. A
 * record is taken from one ring only if no older one can be in another.
 */
size_t ring_turn(struct ring *ring, size_t most, ring_fn fn, void *ctx);
/* Where the rings end now. */
struct ring_mark {
	unsigned long end[RING_CNT_MAX];
};
struct ring_mark ring_mark(const struct ring *ring);
/* True if all that was there then was taken. It comes to that however much is added meanwhile. */
bool ring_is_past(const struct ring *ring, const struct ring_mark *mark);
/* Of one ring, in the order they were opened: bytes that are not taken yet, and how many there are.
 */
void ring_fill(const struct ring *ring, size_t i, uint64_t *ret_waiting, uint64_t *ret_size);
/* Gives the space of all records taken so far back to the kernel; the log has them, or holds them
 * until it can be written. */
void ring_commit(struct ring *ring);

/* Writes raw records to a file that ring_open_file() reads. */
int ring_record_open(const char *path, int *ret_fd);
int ring_record(int fd, const void *data, size_t len);

#endif
