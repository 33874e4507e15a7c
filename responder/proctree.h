/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of the selected containers, put together from their records: who began whom, what each
 * ran and did. Bounded: at most PROCTREE_PROCS processes are kept, of each PROCTREE_LINES things,
 * of all PROCTREE_BYTES; what is more is counted.
 */
#ifndef VARVE_RESPONDER_PROCTREE_H
#define VARVE_RESPONDER_PROCTREE_H

#include "responder/history.h"

#define PROCTREE_LINES 1000
#define PROCTREE_BYTES (256u << 20)
#define PROCTREE_PROCS 200000

/* Something that a process did; the same again only counts. Text is escaped already. */
struct proctree_line {
	const char *what; /* "exec", "create" ... */
	char *text;
	uint64_t hash, cnt;
	int64_t first_ns, last_ns;
};

struct proctree_proc {
	struct proctree_proc *next; /* of all, in the order in which they appear */
	struct proctree_proc *parent, *first_child, *last_child, *sibling;
	const struct history_container *container;
	char *uid, *parent_uid;
	uint32_t pid, ns_pid, euid;
	bool has_ns_pid, has_euid;
	/* Text, escaped already, as of the last exec; NULL: not known. */
	char *name, *exe, *exe_flags, *args;
	char *ancestors; /* "containerd-shim < systemd", if the parent is not of the container */
	bool seen;	 /* has records; false: known only as a parent */
	bool forked, from_snapshot, setup, executed, exited;
	bool session; /* it came in from outside, when the container ran */
	int64_t begin_ns, exec_ns, exit_ns;
	char *exit; /* "code 0" */
	unsigned int exec_cnt;
	uint64_t read_cnt; /* reads that are not shown */
	struct proctree_line *lines;
	size_t line_cnt, line_cap;
	uint64_t more_cnt;
	bool visited; /* scratch of the view */
	size_t depth; /* below the root it is drawn from; scratch, too */
};

struct proctree {
	const struct history *h;
	struct strmap procs;
	struct proctree_proc *first, *last;
	size_t bytes, proc_cnt;
	uint64_t more_cnt; /* records of processes that were not kept */
};

void proctree_init(struct proctree *tree, const struct history *h);
void proctree_fini(struct proctree *tree);
void proctree_add(struct proctree *tree, const struct history_container *c,
		  const Varve__V1__Event *ev);
/* Sets parent and children; once, when all records are in. Evidence may lie: there can be rings. */
void proctree_link(struct proctree *tree);

#endif
