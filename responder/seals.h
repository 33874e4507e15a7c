/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the seals of runs, record by record, in the order in which a source gives them. Keeps
 * little of each run and node, and of each pod a few counts: memory does not grow with the
 * evidence.
 */
#ifndef VARVE_RESPONDER_SEALS_H
#define VARVE_RESPONDER_SEALS_H

#include "responder/keyring.h"
#include "varve.pb-c.h"

enum seals_finding_kind {
	/* Something is not as it was written. */
	SEALS_DAMAGED,	    /* bytes that cannot be read */
	SEALS_MISSING,	    /* records are not there */
	SEALS_CHANGED,	    /* records are not those that were sealed */
	SEALS_REPEATED,	    /* two records with one sequence that are not the same */
	SEALS_ORDER,	    /* a record stands behind later ones */
	SEALS_CUT,	    /* records at the end of a run are not there */
	SEALS_RUN_MISSING,  /* a run is not there */
	SEALS_NO_SEAL,	    /* not one seal */
	SEALS_SEAL_INVALID, /* what says that it is a seal is none */
	SEALS_SEAL_FOREIGN, /* a seal of another run or node */
	SEALS_SEAL_ORDER,   /* a seal does not follow the one before it */
	SEALS_FORGED,	    /* a signature that does not hold */
	SEALS_KEY_UNKNOWN,  /* signed by a key that no trusted one leads to */
	SEALS_KEY_REPLACED, /* signed by a key that had been replaced */
	SEALS_KEY_NEWER,    /* signed by a key that is newer than the seal */
	SEALS_TIME,	    /* boot time goes back within a run */
	SEALS_CHECKPOINT,   /* what a checkpoint that was kept elsewhere has is not here */
	SEALS_LAST_BROKEN = SEALS_CHECKPOINT,
	/* Not all can be said. */
	SEALS_TORN, /* the end cannot be read: torn, or still being written */
	SEALS_OPEN, /* the run has no end: the sensor runs still, or died, or the end was cut off */
	SEALS_TAIL, /* records behind the last seal, and nothing that closes them */
	SEALS_HEAD, /* records before the first seal, of a run whose beginning is not here */
	SEALS_AGAIN, /* records that are there more than once, which could not be compared */
	SEALS_LAST_UNKNOWN = SEALS_AGAIN,
	/* What a reader should know. */
	SEALS_BEGINS,  /* the evidence begins in the middle of a run, or with one that had a
			  predecessor */
	SEALS_CRASHED, /* the run has no end; the next run closes it */
	SEALS_ANEW,   /* a run that names no predecessor, though there is one: another log directory
		       */
	SEALS_CLOCK,  /* the clock was set back */
	SEALS_COPIES, /* records that are there more than once, the same each time */
	SEALS_KIND_CNT
};

/* "MISSING" */
const char *seals_finding_name(enum seals_finding_kind kind);

struct seals_run;

struct seals_finding {
	enum seals_finding_kind kind;
	const struct seals_run *run; /* NULL: of no run in particular */
	uint64_t from, to;	     /* records; both included */
	bool has_range;
	const char *text; /* what is more to say; "" */
};

/* What is known of a run; valid until the next call. */
struct seals_run {
	char run_id[37], node[256];
	uint64_t first,
		next; /* sequences: of the first record here, of the next that is expected */
	uint64_t record_cnt;
	uint64_t hidden_cnt;	   /* records of which only the hash is here */
	uint64_t seal_cnt;	   /* that hold */
	uint64_t sealed_size;	   /* records below are sealed, but for what was found */
	int64_t first_ns, last_ns; /* of records; INT64_MIN: none */
	int64_t sealed_ns;	   /* time of the last seal that holds; INT64_MIN: none */
	bool is_final;		   /* it has its last seal */
	bool is_closed;		   /* the next run, sealed, names its end */
	bool is_broken, is_open;
};

/* Of a pod, as of its records: is what is here of it what was written? */
struct seals_pod {
	char *uid, *name; /* NAMESPACE/NAME */
	uint64_t record_cnt, sealed_cnt, broken_cnt;
	int64_t first_ns, last_ns;
	bool is_cut; /* something was found broken behind its last record: there may have been more
		      */
	bool spans_broken; /* what was found broken lies between its first record and its last */
};

struct seals_ops {
	void (*finding)(const struct seals_finding *finding, void *ctx);
	void (*run_ended)(const struct seals_run *run, void *ctx); /* no more of it comes */
};

struct seals;

/*
 * keys, ops and ctx stay the caller's; keys grow. is_trusting: with no trusted key the first one
 * that is met is taken. until_ns: a run that is sealed up to then needs no end, INT64_MIN: none
 * does; since_ns: what is sealed before need not begin.
 */
struct seals *seals_new(struct keyring *keys, bool is_trusting, int64_t since_ns, int64_t until_ns,
			const struct seals_ops *ops, void *ctx);
void seals_free(struct seals *seals);
/*
 * A checkpoint that was kept elsewhere (not copied): the evidence must contain its tree. Before the
 * first record. -EINVAL: it is none.
 */
int seals_expect(struct seals *seals, const char *note, size_t len);
/* A record; payload: as it was read. */
void seals_take(struct seals *seals, const Varve__V1__Event *ev, const uint8_t *payload,
		size_t len);
/* The leaf hash of a record that is not here, or not there. */
void seals_take_leaf(struct seals *seals, const char *run_id, uint64_t sequence,
		     const struct tree_hash *leaf);
/* Something that is no record, or could not be read. at_tail: nothing readable is behind it. */
void seals_damage(struct seals *seals, const char *where, bool at_tail);
/* No more comes. */
void seals_end(struct seals *seals);
/* Then: the pods, in the order in which they came. */
size_t seals_pods(const struct seals *seals, const struct seals_pod **ret_pods);
/* Pods that there was no room for. */
uint64_t seals_pods_left_out(const struct seals *seals);

#endif
