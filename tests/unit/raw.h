/* SPDX-License-Identifier: Apache-2.0 */
/* Makes raw records as the kernel side does: fixed part, then a tail that it points into. */
#ifndef VARVE_TESTS_RAW_H
#define VARVE_TESTS_RAW_H

#include "bpf/event.h"
#include "evidence/base.h"
#include <string.h>

struct raw {
	union {
		struct ev_hdr hdr;
#define EV(number, NAME, name, group) struct ev_##name name;
#include "bpf/events.def"
		struct ev_process_snapshot process_snapshot;
		char bytes[EV_REC_MAX];
	};
};

static inline void raw_begin(struct raw *r, unsigned int kind, size_t fixed)
{
	memset(r, 0, fixed);
	r->hdr.kind = kind;
	r->hdr.len = fixed;
	r->hdr.time_ns = 1000 * NSEC_PER_SEC;
	r->hdr.cgroup_id = 77;
	r->hdr.task.tgid = r->hdr.task.tid = 100;
	r->hdr.task.start_ns = 900 * NSEC_PER_SEC;
	strcpy(r->hdr.task.comm, "comm");
}
#define RAW_BEGIN(r, NAME, name) raw_begin(r, EV_##NAME, sizeof(struct ev_##name))

/* Appends bytes and their NUL to the tail. */
static inline void raw_put(struct raw *r, struct ev_ref *ref, const char *bytes, size_t len)
{
	ref->off = r->hdr.len;
	ref->len = len;
	if (len)
		memcpy(r->bytes + ref->off, bytes, len);
	r->bytes[ref->off + len] = '\0';
	r->hdr.len += len + 1;
}

static inline void raw_text(struct raw *r, struct ev_ref *ref, const char *text)
{
	raw_put(r, ref, text, strlen(text));
}

static inline void raw_path(struct raw *r, struct ev_file *file, const char *path)
{
	raw_text(r, &file->path, path);
	file->flags |= EV_FILE_HAS_PATH;
}

static inline void raw_parent(struct raw *r, uint32_t pid, uint64_t start_ns, const char *comm)
{
	r->hdr.task.parent_tgid = pid;
	r->hdr.task.parent_start_ns = start_ns;
	snprintf(r->hdr.task.parent_comm, sizeof(r->hdr.task.parent_comm), "%s", comm);
	r->hdr.task.obtained |= EV_TASK_HAS_PARENT;
}

/* Rounds up to eight; the length of the whole. */
static inline size_t raw_end(struct raw *r)
{
	while (r->hdr.len % 8)
		r->bytes[r->hdr.len++] = '\0';
	return r->hdr.len;
}

#endif
