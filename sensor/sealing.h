/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a run is sealed, and by which key: at its start, each second in which there are records, and
 * at its end. The key is replaced at the start and after each seal-key-interval.
 */
#ifndef VARVE_SEALING_H
#define VARVE_SEALING_H

#include "bpf/event.h"
#include "evidence/arena.h"
#include "evidence/note.h"
#include "sensor/book.h"

struct conf;
struct emit;
struct seal_key;

struct sealing {
	struct emit *emit;
	struct seal_key *key;
	struct arena arena; /* emit's may have a record in it that is being made */
	int err;	    /* of the last seal, to tell changes only */
	char key_name[NOTE_NAME_MAX + 1];
	uint64_t number;       /* of the next seal */
	struct tree_hash leaf; /* of the last one */
	uint64_t first;	       /* sequence of the last seal */
	uint64_t next_ns, next_change_ns, change_interval_ns;
	int64_t sealed_unix_nano;  /* the last seal's; 0: there is none */
	uint64_t change_cnt;	   /* of the key, in this run */
	char change[NOTE_MAX + 1]; /* a change of keys that the next seal tells; "": none */
	struct streams_sum counts[EV_CLASS_CNT];
};

/* Opens the signing key, or makes it. emit stays the caller's. Errors are logged. */
int sealing_open(struct sealing *sealing, const struct conf *conf, struct emit *emit);
void sealing_close(struct sealing *sealing);
/* What the next seals say of the run so far; sums: [EV_CLASS_CNT]. */
void sealing_count(struct sealing *sealing, const struct streams_sum *sums);
/* The option seal-key-interval has changed. */
void sealing_set_interval(struct sealing *sealing, uint64_t interval_ns, uint64_t now_ns);
/* Seals if there is something, and the last seal is a second ago. Returns what emit_event() does,
 * or -EIO; a later call tries again. */
int sealing_turn(struct sealing *sealing, uint64_t now_ns);
/* The last seal of the run. */
int sealing_end(struct sealing *sealing);

#endif
