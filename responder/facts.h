/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says in the terms that other people's formats share: a file, another file, two ends
 * of a connection, another process, a result. Found by the names and types of the body's fields, so
 * that a new kind that names its fields as the others do needs nothing here.
 */
#ifndef VARVE_RESPONDER_FACTS_H
#define VARVE_RESPONDER_FACTS_H

#include "evidence/event.h"

struct fact_number {
	bool known;
	uint64_t v;
};

enum fact_direction { FACT_DIRECTION_UNKNOWN, FACT_INBOUND, FACT_OUTBOUND };

/* NULL: the record does not say. What is pointed to is the event's. */
struct facts {
	const Varve__V1__Event *ev;
	const Varve__V1__File *file;	   /* that it is about; of a LINK the new name */
	const Varve__V1__File *other_file; /* the new name of a RENAME; what was mounted */
	const Varve__V1__File *cwd;
	/* Who connected, and to where; where it listens is a destination. */
	const Varve__V1__Endpoint *source, *destination;
	const Varve__V1__OtherProcess *other; /* to whom it was done, or who did it to this one */
	const Varve__V1__DnsMessage *dns;     /* the first one */
	const char *protocol;
	const char *call;	 /* system call or operation, if the kind has several */
	const char *unix_path;	 /* of a unix socket */
	const char *target_path; /* of a SYMLINK what it says, of a LINK the name there was */
	const char *result;	 /* "connected", "delivered", "orderly" ... */
	const char *sha256;
	const char *cmd_line; /* of an EXEC, EXEC_FAILED or PROCESS_SNAPSHOT */
	const char *tty;
	enum fact_direction direction;
	struct fact_number error;	      /* errno; known with failed, and of a CLOSE */
	struct fact_number exit_code, signal; /* of an EXIT */
	struct fact_number bytes_sent;	      /* of a CLOSE_WRITE: written */
	struct fact_number bytes_received;
	struct fact_number packets_sent, packets_received;
	struct fact_number duration_ns;
	struct fact_number socket_cookie;
	bool failed; /* it was tried and not done */
};

/* How to find them, for each kind. */
struct facts_plan;
struct facts_plan *facts_plan_new(void);
void facts_plan_free(struct facts_plan *plan);

void facts_gather(const struct facts_plan *plan, const Varve__V1__Event *ev, struct facts *ret);

/* "ECONNREFUSED"; NULL: it has no name. */
const char *facts_error_name(const struct facts *f);
/* What follows the last slash; "" of nothing. */
const char *facts_base_name(const char *path);
/* 4 or 6; 0: it has no address, or something else stands in its place. */
int facts_ip_version(const Varve__V1__Endpoint *e);
/* When the process started, by the clock of the record; false: not known. */
bool facts_started_ns(const Varve__V1__Event *ev, uint64_t start_boot_ns, int64_t *ret_ns);

#endif
