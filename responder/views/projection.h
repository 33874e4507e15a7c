/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the views share that print records in other people's schemas: which kind is what there
 * (projection.def), and each record's facts, time and words.
 */
#ifndef VARVE_RESPONDER_PROJECTION_H
#define VARVE_RESPONDER_PROJECTION_H

#include "responder/facts.h"
#include "responder/history.h"
#include "responder/when.h"
#include "responder/writer.h"

struct verdict;

/* What the line must have for the class; without it the record is a base event. */
enum ocsf_need { OCSF_NEEDS_PROCESS = 1, OCSF_NEEDS_OTHER = 2, OCSF_NEEDS_FILE = 4 };

/* Classes of OCSF 1.8: here NAME, class_uid, class_name, needs. _OTHER: done to another process. */
#define OCSF_CLASSES(C)                                                                   \
	C(BASE, 0, "Base Event", 0)                                                       \
	C(FILE, 1001, "File System Activity", OCSF_NEEDS_PROCESS | OCSF_NEEDS_FILE)       \
	C(KERNEL_EXTENSION, 1002, "Kernel Extension Activity", OCSF_NEEDS_PROCESS)        \
	C(KERNEL, 1003, "Kernel Activity", OCSF_NEEDS_PROCESS)                            \
	C(MEMORY, 1004, "Memory Activity", OCSF_NEEDS_PROCESS)                            \
	C(MEMORY_OTHER, 1004, "Memory Activity", OCSF_NEEDS_PROCESS | OCSF_NEEDS_OTHER)   \
	C(PROCESS, 1007, "Process Activity", OCSF_NEEDS_PROCESS)                          \
	C(PROCESS_OTHER, 1007, "Process Activity", OCSF_NEEDS_PROCESS | OCSF_NEEDS_OTHER) \
	C(NETWORK, 4001, "Network Activity", 0)                                           \
	C(DNS, 4003, "DNS Activity", 0)                                                   \
	C(FILE_QUERY, 5007, "File Query", OCSF_NEEDS_FILE)                                \
	C(PROCESS_QUERY, 5015, "Process Query", OCSF_NEEDS_PROCESS)                       \
	C(APPLICATION, 6002, "Application Lifecycle", 0)

#define OCSF_CLASS_ENUM(name, uid, caption, needs) OCSF_##name,
enum ocsf_class { OCSF_CLASSES(OCSF_CLASS_ENUM) OCSF_CLASS_CNT };
#undef OCSF_CLASS_ENUM

/* One line of projection.def. */
struct projection {
	unsigned int kind;
	const char *condition; /* its name */
	bool (*when)(const struct facts *f);
	const char *words;
	enum ocsf_class ocsf_class;
	unsigned int ocsf_activity;
	const char *ecs_category, *ecs_type;
	unsigned int sysmon_id;
	const char *sigma_category;
};

/* All of them, in the order of projection.def. */
const struct projection *projection_table(size_t *ret_cnt);

/* State of such a view; the record at hand. */
struct projector {
	const struct history *h;
	struct facts_plan *plan;
	const struct projection *first[128]; /* of each kind */
	struct writer out;
	FILE *words, *scratch; /* into: */
	char *words_buf, *scratch_buf;
	size_t words_size, scratch_size;

	struct facts facts;
	const struct projection *as;
	int64_t time_ns;
	char when[WHEN_LEN];
	const char *message; /* "sh[4201] EXEC /bin/sh: sh -c ls", harmless, no NUL behind it */
	size_t message_len;
	size_t what_at; /* where in it the description begins */
};

/* As view_type.open and .free. */
void *projection_open(const struct history *h, const struct verdict *verdict, FILE *out);
void projection_free(void *state);
/* Fills in what is above for the record. */
void projection_take(struct projector *p, const Varve__V1__Event *ev);
/* Ends the object that is the record's, and its line. */
void projection_end(struct projector *p, FILE *out);
/* Line by which the record is found again: "RUN/SEQUENCE"; buf is returned. */
#define PROJECTION_ID_LEN 160
const char *projection_id(const Varve__V1__Event *ev, char buf[static PROJECTION_ID_LEN]);
/* What was printed into p->scratch since it was rewound; *ret_len: how much. */
const char *projection_scratch(struct projector *p, size_t *ret_len);
/* The path of the program: of the process, or that the record is about to run. */
const char *projection_exe(const struct projector *p);
const char *projection_cmd_line(const struct projector *p);

#endif
