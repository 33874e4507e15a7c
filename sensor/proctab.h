/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: filled once from the snapshot, kept by events, so that a record can say what
 * its process runs and who its ancestors are, dead ones too. A process is its pid and start time,
 * never a bare pid. An entry outlives its process by a grace time, and as long as it has children
 * in the table. Bounded: at the limit the longest dead goes first.
 */
#ifndef VARVE_PROCTAB_H
#define VARVE_PROCTAB_H

#include "evidence/base.h"

#define PROCTAB_CMD_LINE_MAX 1024

/* What a process runs; shared by those that forked without an exec. Bytes as the kernel had them.
 */
struct proc_image {
	unsigned int refs;
	uint32_t exe_len;
	uint32_t cmd_len;
	char data[]; /* exe, cmd_line */
};

/* How a process, or the one it descends from, came into its container. */
enum proc_entry { PROC_ENTRY_UNKNOWN, PROC_ENTRY_ENTRYPOINT, PROC_ENTRY_SESSION };

struct process {
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_ns;
	uint64_t parent_start_ns;
	char uid[UUID_LEN + 1];
	char comm[16];
	bool tracked;	  /* its execs are seen: what the image says, if it has one, is what it runs */
	uint16_t exec_id; /* that image and tracked are of (struct ev_task); 0: not known */
	bool in_container_image; /* it, or the one it was forked from, has made an exec in a
				    container */
	uint64_t container;	 /* cgroup id of the container that it was last seen in; 0: none */
	enum proc_entry entry;
	char entry_uid[UUID_LEN + 1]; /* of who came in */
	bool from_snapshot;
	bool stub;		  /* known as a parent only: no comm, no image */
	struct proc_image *image; /* NULL: not known */
	/* proctab's own */
	struct process *chain, *dead_next;
	uint64_t dead_ns; /* boot time of its end; 0: lives */
	bool in_dead_list;
	bool holds_parent; /* counted in its child_cnt */
	uint32_t child_cnt;
};

struct proctab;

/* boot_id: text form, goes into each process's uid. limit: most entries. */
int proctab_new(const char *boot_id, size_t limit, struct proctab **ret_table);
void proctab_free(struct proctab *table);

/* NULL if it is not known; a miss is normal. Lent until the next call that changes the table. */
struct process *proctab_find(struct proctab *table, uint32_t pid, uint64_t start_ns);
/*
 * Finds or makes the entry, and its parent's as a stub. NULL: the table is full of the living
 * (counted), or no memory.
 */
struct process *proctab_get(struct proctab *table, uint32_t pid, uint64_t start_ns,
			    uint32_t parent_pid, uint64_t parent_start_ns, uint64_t now_ns);
/* It was forked from its parent just now: it runs the same, if we know what that is. */
void proctab_fork(struct proctab *table, struct process *p);
/* It runs a new program. args: NUL after each; the first PROCTAB_CMD_LINE_MAX bytes are kept,
 * joined by spaces. */
void proctab_exec(struct proctab *table, struct process *p, const char *exe, size_t exe_len,
		  const char *args, size_t args_len);
/* It has made an exec that we know nothing else of. */
void proctab_exec_unseen(struct proctab *table, struct process *p);
void proctab_exit(struct proctab *table, struct process *p, uint64_t now_ns);
/* The container is gone, and all its processes with it. */
void proctab_end_container(struct proctab *table, uint64_t container, uint64_t now_ns);
/* Forgets who has been dead for the grace time and has no children. */
void proctab_expire(struct proctab *table, uint64_t now_ns);
size_t proctab_count(const struct proctab *table);
/* What the bounds have cost, since the table was made. */
struct proctab_cost {
	uint64_t refused;	  /* entries: it was full of the living */
	uint64_t evicted;	  /* dead processes that went before their time, to make room */
	uint64_t images_left_out; /* what a process runs, which was not kept */
};
struct proctab_cost proctab_cost(const struct proctab *table);

/* The 128-bit identity of a process as varve.proto defines it. */
void proctab_uid(const struct proctab *table, uint32_t pid, uint64_t start_ns,
		 char ret_uid[UUID_LEN + 1]);

#endif
