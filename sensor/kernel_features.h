/* SPDX-License-Identifier: Apache-2.0 */
/* What the running kernel can do, found out by trying; and which functions it has. */
#ifndef VARVE_KERNEL_FEATURES_H
#define VARVE_KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

/* Atomic operations that give a value back (Linux 5.12). */
bool kernel_has_fetch(void);
/*
 * The kernel can preempt programs that are on tracepoints by tp_btf (7.0 and later). It then does not run such a program for any other task of that CPU before it has
 * ended. Of trampolines the same is true.
 */
bool kernel_preempts_tracepoints(void);
/* Maps count against RLIMIT_MEMLOCK (before 5.11), so that -EPERM may be for want of it. */
bool kernel_limits_maps(void);
/* A file system mounted for us alone: nobody else sees it, and it ends with the descriptor, which is
 * O_PATH. */
int kernel_mount(const char *type);
/* The number that perf knows a tracepoint by ("sched/sched_process_exec"), from tracefs, which need
 * not be mounted. -ENOENT, or why tracefs cannot be had. */
int kernel_perf_tracepoint_id(const char *name);
/* 0: programs can be attached to kernel functions (fentry, fexit); else why not, a negative errno.
 */
int kernel_try_trampoline(const struct btf *btf);
/*
 * Fills ret_name with what this kernel calls a function: the same, or its later name, or for a
 * 32-bit system call's entry ("__ia32_sys_open") the compat one. -ENOENT: it has none.
 */
int kernel_find_function(const struct btf *btf, const char *name, char *ret_name, size_t size);
/*
 * 0 if the kernel has the tracepoint, with BTF, and in the form that our programs take: those of
 * io_uring have to name the request (6.0). -ENOENT.
 */
int kernel_find_tracepoint(const struct btf *btf, const char *name);
/* True if the tracepoint's parameter (from 0) is a pointer. */
bool kernel_tracepoint_has_pointer(const struct btf *btf, const char *name, size_t parameter);
/* True if the function's parameter (from 0) is a pointer to a struct of that name. */
bool kernel_parameter_is(const struct btf *btf, const char *function, size_t parameter,
			 const char *type);
/* A value of an enum, none of whose values is negative. -ENOENT. */
int kernel_enum_value(const struct btf *btf, const char *type, const char *name);

#endif
