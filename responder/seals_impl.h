/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the seals' check share; nobody else includes it. */
#ifndef VARVE_RESPONDER_SEALS_IMPL_H
#define VARVE_RESPONDER_SEALS_IMPL_H

#include "responder/seals.h"
#include "responder/strmap.h"

#define RECENT	  1024 /* records whose hashes are kept, to compare copies with */
#define NODES_MAX 4096 /* each has as much */
#define RUNS_MAX  262144

struct run;

struct node {
	struct run *last; /* of its runs; NULL: none yet */
	char key_name[NOTE_NAME_MAX + 1];
	size_t first_key;    /* the first that signed here; KEYRING_NONE */
	size_t key;	     /* that signs now; KEYRING_NONE: not known yet */
	uint64_t broken_cnt; /* findings that are no notes */
};

/* What is known of a run while records of it come. */
struct live {
	struct tree tree; /* of the records so far; if is_known */
	bool is_known;
	bool is_broken; /* something was found since the last seal that holds */
	bool has_seal;
	struct tree_hash seal_leaf; /* of the last seal */
	uint64_t seal_sequence, seal_number;
	int64_t seal_time_ns;
	uint64_t seal_boot_ns;
	uint64_t gap_from, gap_to;
	int64_t unsealed_first_ns, unsealed_last_ns; /* times since the last seal that holds */
	uint64_t copy_cnt;
	struct tree_hash recent[RECENT];
	size_t *touched; /* pods of which records came since the last seal that holds */
	size_t touched_cnt, touched_cap;
};

struct run {
	struct seals_run pub;
	struct node *node;
	struct live *live;	   /* NULL: it has ended */
	struct run *before;	   /* that waits for our first seal to close it */
	bool closes;		   /* we name its end, and it is what is here */
	bool names_none;	   /* our start names no run before */
	bool is_first;		   /* of its node here */
	struct run *named;	   /* the one that our start names; NULL: it is not here */
	struct expected *expected; /* the next of our trees that must be here */
	uint64_t again_cnt;	   /* records that came again, and could not be compared */
};

struct pod {
	struct seals_pod pub;
	struct node *node;
	uint64_t pending_cnt; /* since the last seal that holds */
	uint64_t broken_at_first, broken_at_last;
};

/* A tree that the evidence must contain: of a checkpoint that was kept elsewhere, or of a change of
 * keys. */
struct expected {
	struct expected *next; /* of the same run: of a size that is not less */
	uint64_t size;
	struct tree_hash root;
	char run_id[UUID_LEN + 1];
	size_t key;	  /* that the change led to; KEYRING_NONE: a checkpoint */
	struct note note; /* of a checkpoint */
	bool is_found;
	bool is_unknown; /* the tree was not known there: what is missing has been told */
};

struct seals {
	struct keyring *keys;
	bool is_trusting;
	int64_t until_ns;
	const struct seals_ops *ops;
	void *ctx;
	struct strmap expected; /* by run: the first of its own */
	int64_t since_ns;
	uint64_t left_out_cnt;		 /* records of nodes and runs that there was no room for */
	struct strmap runs, nodes, pods; /* pods: to index + 1 */
	struct pod *pod;
	size_t pod_cnt, pod_cap;
	struct seals_pod *pod_list; /* for seals_pods() */
	uint64_t pods_left_out;
};

/* Tells of it, and marks run and node. fmt: what is more to say; "": nothing. */
void seals_found(struct seals *s, struct run *r, enum seals_finding_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void seals_found_range(struct seals *s, struct run *r, enum seals_finding_kind kind, uint64_t from,
		       uint64_t to, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static inline void seals_nothing_unsealed(struct live *live)
{
	live->unsealed_first_ns = INT64_MAX;
	live->unsealed_last_ns = INT64_MIN;
}

/* The run's tree is what it is now: is it one that must be here? */
void seals_compare_expected(struct run *r);

/* A SEAL record of the run, before it is a leaf itself. True: it holds. */
bool seals_check(struct seals *s, struct run *r, const Varve__V1__Event *ev);

/* A record of a pod. */
void seals_pod_take(struct seals *s, struct run *r, const Varve__V1__Event *ev);
/* What came since the last seal that holds is sealed, or broken. */
enum seals_settle { SEALS_SETTLE_SEALED, SEALS_SETTLE_BROKEN, SEALS_SETTLE_UNKNOWN };
void seals_pods_settle(struct seals *s, struct live *live, enum seals_settle how);

#endif
