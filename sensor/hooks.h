/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs to use: the choice between the two sets, hook by hook. Used by probes.c only,
 * which owns the object that the programs are in.
 *
 * A system call can be seen by a program on sys_exit (tracepoint set), by programs on its own exits
 * (trampoline set), or by programs on a kernel function that several calls and io_uring go through
 * (trampoline set, preferred). See bpf/syscall.bpf.h.
 */
#ifndef VARVE_HOOKS_H
#define VARVE_HOOKS_H

#include "sensor/probes.h"
#include <stdbool.h>
#include <stddef.h>

struct bpf_link;
struct bpf_map;
struct bpf_object;
struct bpf_program;
struct btf;

#define HOOK_CNT_MAX 512

enum hook_kind {
	HOOK_OTHER,    /* tracepoints and cgroup programs that both sets have */
	HOOK_SYS_EXIT, /* reached from core_sys_exit */
	HOOK_CALL,     /* on the 64-bit exit of one system call */
	HOOK_CALL_32,
	HOOK_FUNCTION,
	HOOK_URING,	/* reached from core_uring */
	HOOK_ON_DEMAND, /* run when asked; not attached */
};

struct hook {
	struct bpf_program *prog;
	enum hook_kind kind;
	char target[80];		  /* its section, with the name that this kernel uses */
	const struct ev_syscall *call;	  /* HOOK_CALL*: which */
	const struct ev_instead *instead; /* HOOK_FUNCTION: of which program */
	const struct ev_uring *uring;	  /* HOOK_URING: its first operation */
	const struct ev_instead
		*helps; /* HOOK_FUNCTION: which program, which does without it, too */
	bool wanted;	/* to be loaded, and attached */
	bool absent;	/* this kernel has no such function */
	bool attached;
	int err; /* why it is not used, negative errno; 0: it is, or another one is preferred */
	struct bpf_link *link;
};

/* Programs that could not be loaded, from one try to the next. */
struct hooks_refused {
	char name[HOOK_CNT_MAX][32];
	int err[HOOK_CNT_MAX];
	size_t cnt;
};

struct hooks {
	struct hook hook[HOOK_CNT_MAX];
	size_t cnt;
	const struct ev_syscall *syscalls;
	size_t syscall_cnt;
	const struct ev_instead *insteads;
	size_t instead_cnt;
	const struct ev_uring *urings;
	size_t uring_cnt;
	const struct ev_instead *helps;
	size_t helps_cnt;
	int trampoline_err; /* why the trampoline set is not used; 0: it is */
};

/*
 * Chooses among the programs of an opened object, and tells libbpf which to load. set: enum
 * conf_hooks. btf: the kernel's; NULL: it has none. -E2BIG: more programs than HOOK_CNT_MAX.
 * -EOPNOTSUPP: trampolines were asked for, and the kernel refuses them.
 */
int hooks_choose(struct hooks *hooks, struct bpf_object *obj, int set, const struct btf *btf,
		 const struct hooks_refused *refused);
/* Maps of the object that the choice is written to. */
struct hooks_maps {
	struct bpf_map *syscall_progs, *uring_progs; /* tail calls */
	__u64 *uring_by_function;		     /* operations of io_uring that functions see */
};
/* Attaches what was chosen and loaded; what cannot be attached is replaced where there is another
 * way. last: the program to be attached last. */
void hooks_attach(struct hooks *hooks, const struct hooks_maps *maps, int cgroup_fd,
		  const char *last);
/* True if what goes through io_uring is seen. */
bool hooks_see_uring(const struct hooks *hooks);
void hooks_detach(struct hooks *hooks);
/* For the coverage record: what is used, and what should be and is not. Returns how many. */
size_t hooks_report(const struct hooks *hooks, struct probes_hook *ret_hooks, size_t size);
/* The 64-bit numbers of 32-bit calls, and of calls by socketcall(2). */
void hooks_fill_ia32(const struct hooks *hooks, const volatile __u16 *ret_nr);

#endif
