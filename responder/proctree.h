/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of the selected containers, put together from their records: who began whom, what each
 * ran and did. Bounded: at most PROCTREE_PROCS processes are kept, of each PROCTREE_LINES things,
 * of all PROCTREE_BYTES; what is more is counted. proctree_take.c and proctree_net.c say what a
 * kind of record means for its process, proctree_fold.c what is the same as its neighbour.
 */
#ifndef VARVE_RESPONDER_PROCTREE_H
#define VARVE_RESPONDER_PROCTREE_H

#include "responder/history.h"

#define PROCTREE_LINES 1000
#define PROCTREE_BYTES (128u << 20)
#define PROCTREE_PROCS 200000
#define PROCTREE_FOLD  3 /* so many children that are the same are shown as one */

/* Something that a process did; the same again only counts. Text is escaped already. */
struct proctree_line {
	const char *what, *text;      /* what: "exec", "create" ... */
	const char *place;	      /* the file or peer that it was about, alone; NULL: as text */
	uint64_t cnt, sent, received; /* bytes; of files: those written are sent */
	int64_t first_ns, last_ns;
};

struct proctree_proc {
	struct proctree_proc *next; /* of all, in the order in which they appear */
	struct proctree_proc *parent, *first_child, *last_child, *sibling;
	const struct history_container *container;
	uint32_t pid, ns_pid, uid, euid;
	bool has_ns_pid, has_uid, has_euid;
	/* Text, escaped already, as of the last exec; NULL: not known. The tree's: kept once. */
	const char *parent_uid;
	const char *name, *exe, *exe_flags, *args;
	const char *script;  /* NULL: it is none */
	const char *entered; /* how a session came in, if that was seen */
	const char
		*ancestors; /* "containerd-shim < systemd", if the parent is not of the container */
	const char *exit;   /* "code 0" */
	bool seen;	    /* has records; false: known only as a parent */
	bool forked, from_snapshot, setup, executed, exited;
	bool session; /* it came in from outside, when the container ran */
	int64_t begin_ns, exec_ns, exit_ns;
	unsigned int exec_cnt;
	uint64_t read_cnt;  /* reads that are not shown */
	uint64_t setup_cnt; /* what it did as the runtime: not shown */
	struct proctree_line *lines;
	size_t line_cnt, line_cap;
	uint64_t more_cnt;
	/* Others that did the same, which are not among the parent's children any more. */
	uint64_t same_cnt;
	uint32_t same_pid; /* of the last one, and when it began */
	int64_t same_ns;
	struct proctree_proc *same; /* this one is the same as that one, and not shown */
	bool visited;		    /* scratch of the view */
	size_t depth;		    /* below the root it is drawn from; scratch, too */
};

struct proctree {
	const struct history *h;
	struct strmap procs, texts;
	struct proctree_proc *first, *last;
	size_t bytes, proc_cnt;
	uint64_t more_cnt; /* records of processes that were not kept */
	uint64_t text_cnt; /* texts that were not kept: names, arguments ... are NULL then */
};

void proctree_init(struct proctree *tree, const struct history *h);
void proctree_fini(struct proctree *tree);
void proctree_add(struct proctree *tree, const struct history_container *c,
		  const Varve__V1__Event *ev);
/*
 * Sets parent and children, and folds children that are the same; once, when all records are in.
 * Evidence may lie: there can be rings.
 */
void proctree_link(struct proctree *tree);

/* Between the files of the tree. */

/* Takes the text over and gives the tree's own; NULL: of NULL, or if there is no room. */
const char *proctree_keep(struct proctree *tree, char *text);
/* NULL: there is none. `what` is a literal: the same one for the same thing. */
struct proctree_line *proctree_find_line(struct proctree *tree, struct proctree_proc *p,
					 const char *what, const char *text);
/* Takes text over. NULL: there are too many, which is counted. */
struct proctree_line *proctree_add_line(struct proctree *tree, struct proctree_proc *p,
					const char *what, char *text, int64_t ns);
/* describe_event(), as a string. */
char *proctree_event_text(const Varve__V1__Event *ev);
/* Takes the text over. line NULL: there was no room for one. */
void proctree_set_place(struct proctree *tree, struct proctree_line *line, char *text);
struct proctree_taker {
	Varve__V1__Event__BodyCase body;
	void (*fn)(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns); /* NULL: the end of the table */
};
extern const struct proctree_taker proctree_net[];
/* What a record of it says of the process. */
void proctree_take(struct proctree *tree, struct proctree_proc *p, const Varve__V1__Event *ev,
		   int64_t ns);
void proctree_fold(struct proctree_proc *parent);

#endif
