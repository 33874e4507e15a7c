/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What chmod, chown and truncate have in common: a file, and what was asked of it. The record is
 * made at the call's exit. There the file is known by its descriptor, or by its name in user
 * memory; but where the kernel function behind the calls can be watched, it has kept the file that
 * the kernel found by the name. The lookup of the name may fail before that.
 */
#ifndef VARVE_ATTRIBUTE_H
#define VARVE_ATTRIBUTE_H

#include "names.bpf.h"

/* A file as a call names it. */
struct attribute_name {
	const char *name; /* NULL: the descriptor is the file */
	__s32 dfd;
};

/* In the kernel function: keeps the file for the call's exit. */
static __always_inline int attribute_keep(__u16 kind, __u32 fixed, struct path *path)
{
	__u64 owner = pending_owner(kind);
	struct names_one *head;
	struct syscall sc;
	struct build b;

	if (!syscall_in_scope(&sc))
		return 0;
	if (pending_find(&b, owner)) /* the name was looked up once more, after ESTALE */
		pending_drop(&b);
	head = pending_begin(&b, owner, fixed);
	if (!head)
		return 0;
	file_fill_path(&b, &head->file, path, sc.task);
	pending_wait(&b);
	return 0;
}

/* At the call's exit: the record, with process and file; NULL if it is lost. */
static __always_inline void *attribute_begin(struct build *b, __u16 kind, __u32 fixed,
					     const struct syscall *sc,
					     const struct attribute_name *name)
{
	struct names_one *head;

	head = pending_take(b, pending_owner(kind), kind, EV_CLASS_file, sc->cgid, fixed);
	if (!head)
		return 0;
	task_fill(&head->hdr.task, sc->task);
	if (head->file.flags)
		return head;
	if (name->name)
		file_fill_at(b, &head->file, name->dfd, name->name, sc->task);
	else
		file_fill(b, &head->file, sc->file ? sc->file : file_of_fd(sc->task, name->dfd),
			  sc->task);
	return head;
}

#endif
