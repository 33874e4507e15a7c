/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names of unix sockets. The kernel's types are in its BTF only if unix sockets are built in, as
 * they are nearly everywhere; else what the kernel knows of them stays absent.
 */
#ifndef VARVE_UNIX_H
#define VARVE_UNIX_H

#include "syscall.bpf.h"
#include "sock.bpf.h"

/* sun_path, and the NUL that the kernel adds to a path that fills it. */
#define UNIX_PATH_MAX 109

static __always_inline bool sock_is_unix(struct sock *sk)
{
	return sk && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
}

/*
 * Appends sun_path, of which len bytes are valid: a path up to its NUL, or an abstract name, which
 * begins with one and has all the bytes; an @ stands for that one.
 */
static __always_inline void sun_path_append(struct build *b, struct ev_ref *ref, const void *path,
					    __u32 len, enum name_memory memory)
{
	__u8 *to = rec_at(b->s, b->len);
	long n, err;

	asm volatile("" : "+r"(len));
	if (!len || len > UNIX_PATH_MAX)
		return;
	n = name_read(to, len + 1, path, memory);
	if (n < 0)
		return;
	if (n <= 1) { /* 0: of an empty text in user memory, before 6.16 */
		asm volatile("" : "+r"(len));
		if (len > UNIX_PATH_MAX)
			return;
		err = memory == NAME_KERNEL ? bpf_probe_read_kernel(to, len, path)
					    : bpf_probe_read_user(to, len, path);
		if (err)
			return;
		to[0] = '@';
		n = len + 1;
	}
	if (n > UNIX_PATH_MAX + 1)
		return;
	ref->off = b->len;
	ref->len = n - 1;
	b->len += n - 1;
	tail_end(b);
}

static __always_inline __u16 sun_family(const void *addr)
{
	__u16 family = AF_UNSPEC;

	bpf_probe_read_user(&family, sizeof(family), addr);
	return family;
}

/* What a process passed to a call as struct sockaddr_un; not to io_uring, whose copy was seen to be
 * another thing at times. */
static __always_inline void unix_append_asked(struct build *b, struct ev_ref *ref,
					      const struct syscall *sc)
{
	const void *addr = (void *)sc->arg[1];
	__u32 len = sc->arg[2];

	if (sc->memory != NAME_USER || len <= sizeof(__u16) || sun_family(addr) != AF_UNIX)
		return;
	sun_path_append(b, ref, addr + sizeof(__u16), len - sizeof(__u16), NAME_USER);
}

/* What a socket is bound to: the kernel's copy of the name. */
static __always_inline void unix_append_name(struct build *b, struct ev_ref *ref, struct sock *sk)
{
	struct unix_sock *u = (void *)sk;
	struct unix_address *addr;

	if (!bpf_core_type_exists(struct unix_sock))
		return;
	addr = BPF_CORE_READ(u, addr);
	if (!addr)
		return;
	sun_path_append(b, ref,
			(void *)addr + bpf_core_field_offset(struct unix_address, name) +
				sizeof(__u16),
			BPF_CORE_READ(addr, len) - sizeof(__u16), NAME_KERNEL);
}

/* The file that it is bound to, if it is one. */
static __always_inline void unix_fill_file(struct build *b, struct ev_file *f, struct sock *sk,
					   struct task_struct *task)
{
	struct unix_sock *u = (void *)sk;
	struct dentry *dentry;

	if (!bpf_core_type_exists(struct unix_sock))
		return;
	dentry = BPF_CORE_READ(u, path.dentry);
	if (!dentry)
		return;
	file_fill_inode(f, BPF_CORE_READ(dentry, d_inode), dentry);
	path_append(b, f, (void *)u + bpf_core_field_offset(struct unix_sock, path), task);
	tail_end(b);
}

#endif
