/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an evidence log, the directory that varve-sensor writes, dead or live: its records, in
 * order, each checked to be whole. Needs no privileges beyond reading the files, and no lock.
 *
 *   struct varve_log *log;
 *   struct varve_record r;
 *   int err = varve_log_open("/var/lib/varve", 0, &log);
 *
 *   while (!err && (err = varve_log_next(log, &r)) != 0) {
 *           if (err == 1)
 *                   ...varve__v1__event__unpack(NULL, r.len, r.payload)...
 *           else if (err == -EBADMSG)
 *                   ...varve_log_damage(log)...
 *           err = err == 1 || err == -EBADMSG ? 0 : err;
 *   }
 *
 * A payload is one message varve.v1.Event: varve/varve.pb-c.h has it for C (libprotobuf-c),
 * varve.proto and varve.desc for others; pkg-config's variable `schemadir` of varve-evidence says
 * where they are. What the messages mean is in docs/EVENTS.md, the bytes of a log in
 * evidence/log_format.h. Whether somebody changed the log since, or took records away, this does
 * not say: `varve verify` does (docs/SEALS.md).
 *
 * Strings in records hold what an attacker chose: valid UTF-8, but with whatever control
 * characters he liked.
 *
 * Functions return 0 or more, or a negative errno; they print nothing. One log is for one thread at
 * a time.
 */
#ifndef VARVE_LIB_EVIDENCE_H
#define VARVE_LIB_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct varve_log;

struct varve_record {
	const uint8_t *payload; /* valid until the next call with this log */
	size_t len;		/* at most 1 MiB */
	uint64_t index;		/* where to go on later: one more than this is from_index */
	uint64_t segment;	/* index of the first record of the file that it is in */
	uint64_t offset;	/* in that file */
};

/* A place that could not be read. */
struct varve_damage {
	char file[32];
	uint64_t offset, bytes;
	uint64_t next_index; /* of the first record behind it */
	bool at_tail;	     /* nothing readable is behind it: torn, or still being written */
};

/*
 * Begins with the first record whose index is at least from_index; older ones may be gone. -ENOENT:
 * no such directory, or it is empty; -ENOTEMPTY: something else is in it; -EPROTO: the log has
 * another format version; -ENOMEM and what open(2) fails with.
 */
int varve_log_open(const char *dir, uint64_t from_index, struct varve_log **ret_log);
/* NULL is fine. */
void varve_log_close(struct varve_log *log);
/*
 * 1: a record. 0: no more for now; call again later to follow. -EBADMSG: a damaged place was
 * skipped, which varve_log_damage() tells; go on calling. Else what reading failed with.
 */
int varve_log_next(struct varve_log *log, struct varve_record *ret_record);
/*
 * After -EBADMSG: what was skipped; true. After 0: the unreadable rest of the newest file, if there
 * is one, which a later call may read after all. Else false.
 */
bool varve_log_damage(const struct varve_log *log, struct varve_damage *ret_damage);

#ifdef __cplusplus
}
#endif

#endif
