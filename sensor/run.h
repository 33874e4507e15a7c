/* SPDX-License-Identifier: Apache-2.0 */
/* The records that a run says of itself: start (and what came before), coverage, heartbeat, end. */
#ifndef VARVE_RUN_H
#define VARVE_RUN_H

#include "evidence/base.h"
#include "bpf/event.h"

struct conf;
struct hierarchy;
struct emit;
struct log_recovery;
struct probes;
struct streams_sum;
struct tree;

/* Where a record of the log stands. */
struct run_place {
	char run_id[UUID_LEN + 1]; /* "": there is none */
	uint64_t sequence;
	int64_t time_unix_nano; /* of a RUN_END: until when was watched */
	bool is_end;		/* it is a RUN_END */
};

/* For the heartbeat. */
struct run_state {
	uint64_t unshipped_records;
	uint64_t invalid_records;
	uint32_t containers, processes;
	uint64_t containers_refused, processes_refused, processes_evicted, images_left_out;
	uint64_t dns_streams_evicted;
	uint32_t udp_flows;
	uint32_t pods;
	uint64_t pods_evicted, pods_refused, pods_contradicted;
	bool has_api, api_listed; /* the API server is asked; it has answered */
	uint64_t api_restarts, api_invalid;
	bool canary; /* it has come, in so long */
	uint64_t canary_ns;
	const struct streams_sum *sums; /* [EV_CLASS_CNT] */
};

/* The last record of the log in dir; next_index: the index behind it. */
int run_find_previous(const char *dir, uint64_t next_index, struct run_place *ret_previous);
/* The first record of the log at or behind the index. */
int run_find_first(const char *dir, uint64_t from_index, struct run_place *ret_first);
/*
 * The tree of all records of that run, as they are in the log; next_index: the index behind its
 * last. Empty if they are not all there, or none of its last seals is.
 */
int run_find_tree(const char *dir, uint64_t next_index, const struct run_place *last,
		  struct tree *ret_tree);
/* The kernel's boot id in text form. */
int run_boot_id(char ret_id[UUID_LEN + 1]);
/* What this process has used: resident memory (0: not known), CPU time. */
uint64_t run_rss_bytes(void);
uint64_t run_cpu_ns(void);

/* host_root: where the node's /etc is. */
/* tree: the previous run's; takes_over: its hooks went on until now. */
int run_emit_start(struct emit *emit, const char *host_root, const struct run_place *previous,
		   const struct tree *tree, const struct log_recovery *recovery, bool takes_over);
int run_emit_coverage(struct emit *emit, const struct conf *conf, const struct hierarchy *hierarchy,
		      const struct probes *probes);
int run_emit_heartbeat(struct emit *emit, const struct run_state *state);
/* until_ns: of boot time, when the hooks began to go. */
int run_emit_end(struct emit *emit, const char *reason, uint64_t until_ns, bool hooks_go_on);

#endif
