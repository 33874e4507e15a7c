/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the view "summary" keeps: a table of each subject, bounded by distinct things. summary.c
 * prints them; summary_files.c, summary_net.c, summary_procs.c and summary_privs.c say what a
 * record counts for.
 */
#ifndef VARVE_RESPONDER_SUMMARY_H
#define VARVE_RESPONDER_SUMMARY_H

#include "responder/history.h"
#include "responder/tally.h"

#define SUMMARY_KINDS 128 /* numbers of kinds that are counted each by itself */

enum summary_subject {
	SUMMARY_SESSIONS,
	SUMMARY_EXECUTABLES,
	SUMMARY_SECRETS,
	SUMMARY_CREATED,
	SUMMARY_WRITTEN,
	SUMMARY_DELETED,
	SUMMARY_RENAMED,
	SUMMARY_CHANGED,
	SUMMARY_DESTINATIONS,
	SUMMARY_PEERS,
	SUMMARY_LISTENERS,
	SUMMARY_NAMES,
	SUMMARY_PRIVILEGES,
	SUMMARY_FAILED,
	SUMMARY_KILLS,
	SUMMARY_PROCESSES, /* by process_uid */
	SUMMARY_ADDRESSES, /* that names led to; not printed */
	SUMMARY_SUBJECTS,
};

struct summary {
	const struct history *h;
	bool name_it; /* more than one container */
	struct tally of[SUMMARY_SUBJECTS];
	uint64_t kinds[SUMMARY_KINDS], other_kinds;
	uint64_t setup_cnt; /* records of the runtime's set-up */
	uint64_t dull_cnt;  /* that failed as programs' attempts do all the time */
	uint64_t read_cnt;  /* opens for reading, but of secrets */
	uint64_t fork_cnt, snapshot_cnt;
	uint64_t exit_ok, exit_failed, exit_signal;
	int64_t first_ns, last_ns;
};

/* A record, on its way into the tables. */
struct summary_event {
	struct summary *sum;
	const struct history_container *c; /* or NULL */
	const Varve__V1__Event *ev;
	int64_t ns;
};

/*
 * Counts what was printed as the subject's thing, and frees it. text NULL: called as the key. NULL:
 * there is no room for it.
 */
struct tally_entry *summary_add(const struct summary_event *e, enum summary_subject subject,
				char *key, char *text, uint64_t cnt);
/* The one that is there by this key, which it frees; NULL: none. */
struct tally_entry *summary_find(const struct summary_event *e, enum summary_subject subject,
				 char *key);
/* The exact bytes, or the string, of a file's path with its flags. */
char *summary_file(const Varve__V1__File *file);

/* What kinds of records are for whom: each ends with a body of 0. */
struct summary_taker {
	Varve__V1__Event__BodyCase body;
	void (*fn)(const struct summary_event *e);
};
/* Of each record: whose it is; how it failed. */
void summary_count_process(const struct summary_event *e);
void summary_take_failure(const struct summary_event *e);
extern const struct summary_taker summary_files[], summary_net[], summary_procs[], summary_privs[];

#endif
