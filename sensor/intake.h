/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a raw record to the log: check, keep the tables, enrich, emit, book. And the life of a
 * container: registered at its start, its account closed a moment after its cgroup has gone.
 */
#ifndef VARVE_INTAKE_H
#define VARVE_INTAKE_H

#include "sensor/emit.h"
#include "sensor/existing.h"
#include <stdbool.h>

struct conf;
struct container_table;
struct hash;
struct dns_streams;
struct pods;
struct probes;
struct proctab;
struct streams;

/* A cgroup that has gone, until its account is closed. */
struct intake_gone {
	uint64_t cgroup_id;
	uint64_t container; /* its own id, or the one that it lay in; 0: none */
	uint64_t due_ns;    /* boot time */
};

struct intake {
	const struct conf *conf;
	struct probes *probes; /* NULL: records from a file */
	const char *mount;     /* the cgroup hierarchy; NULL: records from a file */
	struct emit *emit;
	struct streams *streams;
	struct proctab *proctab;
	struct container_table *containers;
	struct pods *pods;
	struct hash *hash; /* NULL: nothing is hashed */
	struct dns_streams *dns;
	struct canary *canary;	   /* NULL: records from a file */
	const struct taken *taken; /* what is in the log and may be in a ring as well; NULL: nothing is */
	int record_fd;		   /* raw records go there too; -1: nowhere */
	uint64_t invalid_cnt;	   /* records that failed their check */
	uint64_t unregistered_cnt; /* containers that could not be registered */
	/* Boot times of the last message about them, and about containers that could not be
	 * registered. */
	uint64_t invalid_told, unregistered_told;
	/* Gone, first come first served. */
	struct intake_gone *gone;
	struct existing_missing missing;
	uint64_t metadata_due_ns;  /* boot time of the next look for metadata; 0: none is pending */
	uint64_t node_starts_lost; /* container events lost on the node's account, as of the last
				      sweep */
	uint64_t full_told_ns; /* boot time of the last settling while the log was full */
	bool is_sparing;       /* what is found is left for a later settling */
	bool undeclared;       /* the log did not take what was found */
	bool binding_failed; /* the log did not take one: not all is told */
	bool no_room; /* when containers were last looked for, some found none in the maps */
	size_t gone_size, gone_head, gone_cnt, gone_settling;
};

int intake_init(struct intake *in, const struct conf *conf, struct probes *probes,
		struct emit *emit, struct streams *streams, struct proctab *proctab,
		struct container_table *containers, struct pods *pods);
void intake_fini(struct intake *in);

/* ring_fn: ctx is the intake. */
void intake_record(const void *data, size_t len, void *ctx);

/* Looks for metadata that was not there yet, if it is time to; says it with bindings. */
void intake_retry_metadata(struct intake *in, uint64_t now_ns);

/* Says what became known of pods: BINDING, POD_STATE. */
void intake_tell_pods(struct intake *in);

/* Registers a container by the path of its cgroup. bundle: its directory, NULL if not known. */
void intake_register(struct intake *in, uint64_t cgroup_id, const char *path, const char *bundle);
/* The cgroup has gone: its account is to be closed. */
void intake_gone(struct intake *in, uint64_t cgroup_id, uint64_t container, uint64_t now_ns);

/*
 * Closing accounts. begin: reads the counters of those that are due; then the rings have to be
 * emptied; finish: declares, writes the accounts and forgets. Returns how many are between the two.
 */
size_t intake_close_begin(struct intake *in, uint64_t now_ns);
void intake_close_finish(struct intake *in);
enum intake_settle {
	SETTLE_NOW,	  /* the run goes on */
	SETTLE_HAND_OVER, /* it ends, the hooks go on: accounts of all containers, so far */
	SETTLE_END,	  /* both end: nothing is on its way any more */
};
/* After streams_snapshot() and empty rings. */
void intake_settle(struct intake *in, enum intake_settle how);

#endif
