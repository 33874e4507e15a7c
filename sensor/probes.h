/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side as the sensor sees it. The only owner of the BPF skeleton: opens, sets the
 * configuration, loads, attaches, and reads and writes the maps. Nobody else touches libbpf's
 * objects.
 */
#ifndef VARVE_PROBES_H
#define VARVE_PROBES_H

#include "bpf/event.h"
#include "sensor/ring_size.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct book;
struct conf;
struct hierarchy;
struct probes;

/* One program, for the coverage record. Lent for the life of the probes. */
struct probes_hook {
	const char *name;
	const char *target; /* its ELF section: "tp_btf/sched_process_exec" */
	bool attached;
	int err;	       /* why not, negative errno */
	const char *served_by; /* what does its work, if it is not attached; NULL: nothing */
	uint32_t insns;	       /* that the verifier looked at; 0: not known (before 5.16) */
	unsigned int kind;     /* number of the event kind that it is there for; 0: of several */
};

#define PROBES_RING_CNT 2

/*
 * Opens and loads. Errors are told in one line that says what to do: no BTF in the kernel, a
 * capability that is missing.
 */
int probes_load(const struct conf *conf, const struct hierarchy *hierarchy,
		struct probes **ret_probes);
/* Attaches what can be attached; events begin to be numbered here. Fails only if nothing attached.
 */
int probes_attach(struct probes *probes, const struct hierarchy *hierarchy);
/* What is recorded, and how much of it, from now on: the options events, read-opens,
 * read-opens-host, rate-limits and fair-share. While programs run, too. */
void probes_set_policy(struct probes *probes, const struct conf *conf);
/* No event is numbered any more; rings and counters can still be read. */
void probes_detach(struct probes *probes);
void probes_close(struct probes *probes);

/* The rings' map descriptors in the order that ring_open() wants: those explained by others first.
 * Also for epoll. */
void probes_ring_fds(const struct probes *probes, int ret_fds[PROBES_RING_CNT]);
/* Ring of copies of the containers' CONTAINER_STARTs. */
int probes_births_fd(const struct probes *p);
/* How long the kernel took to verify and load the programs. */
uint64_t probes_load_ns(const struct probes *probes);
const struct probes_hook *probes_hooks(const struct probes *probes, size_t *ret_cnt);
/* True if file and network events through io_uring are seen. */
bool probes_see_uring(const struct probes *probes);
/* How many runs of earlier programs the kernel left out could not be read. */
bool probes_misses_unknown(const struct probes *probes);
size_t probes_cpu_cnt(const struct probes *probes);

/* From now on the cgroup's events are recorded. -EEXIST: they are already. */
int probes_scope_add(struct probes *probes, uint64_t cgroup_id, uint64_t container);
/* The container that the kernel side takes a cgroup for. -ENOENT: it is not in scope. */
int probes_scope_find(const struct probes *probes, uint64_t cgroup_id, uint64_t *ret_container);
/* True if processes that have left the container's cgroup live: there is more to come. */
bool probes_has_escapees(const struct probes *probes, uint64_t container);
/* The first process that came into a container, of which this is the own cgroup; start 0: not
 * known. */
void probes_first_process(const struct probes *probes, uint64_t container, uint32_t *ret_pid,
			  uint64_t *ret_start_ns);
/* Counters of one cgroup, an element for each possible CPU. -ENOENT: it has none (yet). */
int probes_account(const struct probes *probes, uint64_t cgroup_id,
		   struct ev_account *ret_accounts);
/* The cgroup id after `previous` (NULL: the first) that has counters. -ENOENT: that was the last.
 */
int probes_account_next(const struct probes *probes, const uint64_t *previous,
			uint64_t *ret_cgroup_id);
/* What the maps have beside: lives as long as the hooks do. */
struct ev_shared *probes_shared(const struct probes *probes);
/* True if rings and counters are those of an earlier sensor. */
bool probes_resumed(const struct probes *probes);
/* True if the hooks go on when the sensor ends. */
bool probes_pinned(const struct probes *probes);
/* Keeps a book beside the counters that it is of. */
int probes_keep_book(struct probes *probes, uint64_t cgroup_id, const struct book *book);
void probes_each_book(const struct probes *probes,
		      void (*fn)(uint64_t cgroup_id, const struct book *book, void *ctx),
		      void *ctx);
/* Takes a cgroup's book out of the pinned maps. */
void probes_drop_book(struct probes *probes, uint64_t cgroup_id);
/* Takes a cgroup that is gone out of the maps. */
void probes_forget(struct probes *probes, uint64_t cgroup_id);
/* How large the rings are. */
struct probes_rings probes_rings(const struct probes *probes);
/* True, once, if a limit or a fair share has begun to hold events back. */
bool probes_limit_began(struct probes *probes);
/* First and last times of losses start anew from here. */
void probes_next_epoch(struct probes *probes);
/*
 * How often the kernel did not run a program because it was running on that CPU already (Linux 5.12
 * and later), and that is not declared yet: such an event was not even numbered. With pin that of
 * earlier sensors' programs is in it.
 */
uint64_t probes_misses(const struct probes *probes);
/* cnt of these are in the log. */
void probes_misses_declared(struct probes *probes, uint64_t cnt);
/*
 * Looks which files that were open for writing are closed, unseen by a hook; their records are in
 * the rings then.
 */
void probes_look_for_closed(const struct probes *probes);
/* True if a hook sees each close, so that a look now and then is enough. */
bool probes_see_closes(const struct probes *probes);
/* A descriptor that gives one ev_process_snapshot record after the other for what runs now. */
int probes_snapshot_open(const struct probes *probes, int *ret_fd);

/* A look at all UDP flows: which end now, and what came of it. */
struct probes_flow_sweep {
	uint64_t idle_ns;   /* those without a datagram for as long */
	uint64_t cgroup_id; /* those of this cgroup; 0: of none */
	bool all;	    /* all */
	uint32_t limit;	    /* but at most so many */
	uint32_t ended;	    /* out: so many ended; their records are in the ring, or counted lost */
	uint32_t live;	    /* out: so many go on */
};
int probes_sweep_flows(struct probes *probes, struct probes_flow_sweep *sweep);
/* True if a flow found no room since the last sweep. */
bool probes_flows_full(const struct probes *probes);

#endif
