/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the calls that make and remove names have in common. In the kernel function behind a call
 * (names_enter, names_leave) the names are the kernel's copies; at a system call's exit
 * (names_begin) those are gone, so they come from user memory, marked so; of io_uring's requests
 * they were saved (file_fill_arg).
 *
 * On some kernels before 5.15 a function gets pointers to user memory. They are followed when it
 * returns (names_leave_user): before the kernel has read it, the memory may not be present.
 */
#ifndef VARVE_NAMES_H
#define VARVE_NAMES_H

#include "pending.bpf.h"
#include "uring.bpf.h"

/* How the records of one name begin, and those of two. */
struct names_one {
	struct ev_hdr hdr;
	struct ev_file file;
};

struct names_two {
	struct ev_hdr hdr;
	struct ev_file from;
	struct ev_file to;
};

/* A record of a call that has ended; NULL if it is lost. */
static __always_inline void *names_begin(struct build *b, const struct syscall *sc, __u16 kind,
					 __u32 fixed)
{
	struct ev_hdr *hdr = record_begin(b, kind, EV_CLASS_file, sc->cgid, fixed);

	if (hdr)
		task_fill(&hdr->task, sc->task);
	return hdr;
}

/* The function was entered: a buffer to fill and to leave with pending_wait(). NULL: none. */
static __always_inline void *names_enter(struct build *b, struct syscall *sc,
					 enum ev_names function, __u32 fixed)
{
	if (cfg_user_names[function] || !syscall_in_scope(sc))
		return 0;
	return pending_begin(b, bpf_get_current_pid_tgid(), fixed);
}

/* All that there is to do when a function of one name is entered. */
static __always_inline int names_enter_one(enum ev_names function, __u32 fixed, int dfd, void *name)
{
	struct names_one *ev;
	struct syscall sc;
	struct build b;

	ev = names_enter(&b, &sc, function, fixed);
	if (!ev)
		return 0;
	file_fill_filename(&b, &ev->file, dfd, name, sc.task);
	pending_wait(&b);
	return 0;
}

static __always_inline int names_enter_two(enum ev_names function, __u32 fixed, int old_dfd,
					   void *from, int new_dfd, void *to)
{
	struct names_two *ev;
	struct syscall sc;
	struct build b;

	ev = names_enter(&b, &sc, function, fixed);
	if (!ev)
		return 0;
	file_fill_filename(&b, &ev->from, old_dfd, from, sc.task);
	file_fill_filename(&b, &ev->to, new_dfd, to, sc.task);
	pending_wait(&b);
	return 0;
}

/* The function returns: the record, to be finished and given to pending_submit(). NULL: none. */
static __always_inline void *names_leave(struct build *b, struct syscall *sc, __u16 kind,
					 __u32 fixed)
{
	struct ev_hdr *hdr;

	if (!syscall_in_scope(sc))
		return 0;
	hdr = pending_take(b, bpf_get_current_pid_tgid(), kind, EV_CLASS_file, sc->cgid, fixed);
	if (hdr)
		task_fill(&hdr->task, sc->task);
	return hdr;
}

/* What names_enter() would have filled in. */
static __always_inline void names_leave_user(struct build *b, struct ev_file *f,
					     const struct syscall *sc, enum ev_names function,
					     int dfd, void *name)
{
	if (cfg_user_names[function])
		file_fill_at(b, f, dfd, name, sc->task);
}

/* Appends a string of less than EV_PATH_MAX bytes. What cannot be read leaves `ref` empty. */
static __always_inline void text_append(struct build *b, struct ev_ref *ref, const char *text,
					enum name_memory memory)
{
	long n = name_read(rec_at(b->s, b->len), EV_PATH_MAX, text, memory);

	if (n <= 0 || n > EV_PATH_MAX)
		return;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n;
}

#endif
