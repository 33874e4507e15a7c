/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raw record, checked: the only code that follows its references. Then, by a table made of
 * events.def, the function of its kind turns it into a message (sensor/events/NAME.c). Pure: no
 * I/O, no clock, no globals.
 */
#ifndef VARVE_RECORD_H
#define VARVE_RECORD_H

#include "bpf/event.h"
#include "varve.pb-c.h"
#include <stddef.h>

struct arena;

struct record {
	const struct ev_hdr *hdr;
	size_t len;
};

/*
 * -EBADMSG: too short, a wrong length, or a kind that the kernel side does not make. The references
 * in it are checked when they are followed.
 */
int record_check(const void *data, size_t len, struct record *ret_rec);

/* The bytes of a reference, with a NUL behind; NULL if it points outside of the record or has no
 * NUL. */
const char *record_bytes(const struct record *rec, const struct ev_ref *ref);

/*
 * Fills kind, class, body and kernel number, and what the record itself knows of the process.
 * Everything it points to is in the arena or the record. -EBADMSG: a reference is bad; -ENOMEM: the
 * arena is used up.
 */
int record_to_event(const struct record *rec, struct arena *arena, Varve__V1__Event *ev);

/* sensor/events/NAME.c: allocates the body in the arena and sets it in ev. */
#define EV(number, NAME, name, group) \
	int event_fill_##name(const struct record *rec, struct arena *arena, Varve__V1__Event *ev);
#include "bpf/events.def"
int event_fill_process_snapshot(const struct record *rec, struct arena *arena,
				Varve__V1__Event *ev);

#endif
