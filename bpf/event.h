/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The contract between the kernel side and the sensor: one record per event, and the counters.
 *
 * A record is a header, a fixed part, and a tail. The fixed part points into the tail with ev_ref;
 * only sensor/record.c follows one. Fixed-width types only, naturally aligned, gaps written out:
 * clang accesses packed structs byte by byte. A field that could not be had is marked by a flag
 * that is not set; zero never means "unknown".
 *
 * A struct only gains fields, at its end; anything else is a new kind.
 */
#ifndef VARVE_EVENT_H
#define VARVE_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#endif

enum ev_kind {
#define EV(number, NAME, name, group)	     EV_##NAME = number,
#define EV_SENSOR(number, NAME, name, group) EV_##NAME = number,
#include "events.def"
	EV_KIND_END, /* one past the last */
};

/* Event classes: each (cgroup, CPU, class) has a series of numbers of its own. */
enum ev_class {
	EV_CLASS_process,
	EV_CLASS_file,
	EV_CLASS_network,
	EV_CLASS_container,
	EV_CLASS_kernel,
	EV_CLASS_CNT,
	EV_CLASS_sensor = EV_CLASS_CNT, /* not numbered by the kernel side */
};

/* Why the kernel side lost an event that it had numbered. */
enum ev_cause {
	EV_CAUSE_RING_FULL,
	EV_CAUSE_SCRATCH_BUSY, /* no free buffer to build the record in */
	EV_CAUSE_MAP_FULL,
	EV_CAUSE_CNT,
};

#define EV_PATH_MAX 4096  /* bytes of a path, without the NUL */
#define EV_ARGS_MAX 32768 /* bytes of arguments, head and tail */
#define EV_COMM_LEN 16
#define EV_TTY_LEN  32
/* Buffers to build a record in, for each CPU; see probe.bpf.h. */
#define EV_SCRATCH_PER_CPU 3
/* More of them, for records that are begun when a kernel function is entered and wait for its return;
 * see pending.bpf.h. A power of two. */
#define EV_PENDING_CNT 64

#define EV_REC_MAX 61440 /* no record is longer */

/* A string in the tail: off from the start of the record; the byte at off + len is NUL. */
struct ev_ref {
	__u32 off;
	__u32 len;
};

#define EV_TASK_HAS_CRED   (1u << 0) /* uid .. cap_effective */
#define EV_TASK_HAS_PARENT (1u << 1)
#define EV_TASK_HAS_NS_PID (1u << 2)

struct ev_task {
	__u32 tgid; /* in the initial pid namespace */
	__u32 tid;
	__u64 start_ns; /* of the thread group's leader, CLOCK_BOOTTIME */
	__u64 parent_start_ns;
	__u32 parent_tgid;
	__u32 ns_tgid; /* in the process's own pid namespace */
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u64 cap_effective;
	__u32 obtained; /* EV_TASK_HAS_* */
	__u32 pad0;
	char comm[EV_COMM_LEN];
	char parent_comm[EV_COMM_LEN];
};

struct ev_hdr {
	__u32 len; /* bytes of the whole record, a multiple of eight */
	__u16 kind;
	__u16 pad0;
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup_id;
	__u64 number; /* within (cgroup_id, cpu, class of kind), from 0 */
	__u32 cpu;
	__u32 pad1;
	struct ev_task task;
};

#define EV_FILE_HAS_PATH    (1u << 0)
#define EV_FILE_HAS_INODE   (1u << 1) /* ino .. size */
#define EV_FILE_USER_MEMORY (1u << 2) /* the path, or its last part, is from user memory */
#define EV_FILE_UNREACHABLE (1u << 3) /* the walk ended elsewhere than at the process's root */
#define EV_FILE_CUT	    (1u << 4) /* the path is longer than EV_PATH_MAX: its last part is here */
#define EV_FILE_UPPER	    (1u << 5) /* on an overlay's upper layer */
#define EV_FILE_UNLINKED    (1u << 6)
#define EV_FILE_MEMFD	    (1u << 7)

/* Another process that a record names. start_ns 0: none is named. */
struct ev_peer {
	__u32 tgid; /* in the initial pid namespace */
	__u32 tid;  /* 0: no thread is meant */
	__u64 start_ns; /* of the thread group's leader, CLOCK_BOOTTIME */
	__u64 cgroup_id;
	char comm[EV_COMM_LEN]; /* of the leader; of the thread, if one is meant */
};

struct ev_file {
	struct ev_ref path;
	__u64 ino;
	__u64 size;
	__u32 dev; /* kernel's dev_t: major << 20 | minor */
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 path_len; /* of the whole path; more than path.len if cut */
	__u32 flags;	/* EV_FILE_* */
};

struct ev_namespaces {
	__u32 mnt, pid, net, user, uts, ipc, cgroup;
	__u32 obtained; /* 1: all of them */
};

struct ev_addr {
	__u8 ip[16];  /* network order; IPv4 in the first four */
	__u16 port;   /* host order */
	__u16 family; /* AF_INET, AF_INET6; 0: not obtained */
	__u32 pad0;
};

struct ev_fork {
	struct ev_hdr hdr; /* task: the new process */
	__u32 parent_tid;
	__u32 pad0;
};

struct ev_exec {
	struct ev_hdr hdr;
	struct ev_file exe;
	struct ev_file cwd;
	struct ev_ref filename;
	struct ev_ref interp; /* len 0: the same file as filename */
	struct ev_ref args;   /* head: arguments, each ended by NUL, as in memory */
	struct ev_ref args_tail;
	__u64 args_len; /* of all arguments */
	__u32 args_cnt;
	__u32 args_err; /* errno of reading them, 0: read */
	struct ev_namespaces ns;
	char tty[EV_TTY_LEN]; /* empty: none */
};

struct ev_exit {
	struct ev_hdr hdr;
	__u32 status; /* as wait(2) gives it */
	__u32 pad0;
};

struct ev_container_start {
	struct ev_hdr hdr; /* task: who made the cgroup; cgroup_id: the new one's */
	__u64 container; /* cgroup id of the container: the same, or one that this cgroup lies in */
	struct ev_ref cgroup_path;
	struct ev_ref maker_args; /* its arguments, NUL between them: they name the bundle */
	struct ev_file maker_cwd;
};

struct ev_container_stop {
	struct ev_hdr hdr;
	__u64 container; /* as in ev_container_start */
	struct ev_ref cgroup_path;
};

#define EV_OPEN_CREATED (1u << 0)
#define EV_OPEN_WRITTEN (1u << 1)
#define EV_OPEN_HAS_FD	(1u << 2)
#define EV_OPEN_HAS_FLAGS (1u << 3)

struct ev_open {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 o_flags;
	__u32 fd;
	__u32 flags; /* EV_OPEN_* */
	__u32 err;   /* errno, 0: opened; then file is what was asked for, by name */
};

struct ev_rename {
	struct ev_hdr hdr;
	struct ev_file from;
	struct ev_file to;
	__u32 flags; /* RENAME_* */
	__u32 err;
};

struct ev_unlink {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 err;
	__u32 pad0;
};

enum ev_outcome {
	EV_OUTCOME_FAILED,
	EV_OUTCOME_CONNECTED,
	EV_OUTCOME_IN_PROGRESS,
};

#define EV_CONNECT_COMPLETION  (1u << 0) /* second record, after EINPROGRESS or EINTR */
#define EV_CONNECT_USER_MEMORY (1u << 1) /* destination from user memory */
#define EV_CONNECT_HAS_COOKIE  (1u << 2)

struct ev_connect {
	struct ev_hdr hdr;
	struct ev_addr source;
	struct ev_addr destination;
	__u64 cookie;
	__u32 protocol; /* IPPROTO_* */
	__u32 err;	/* errno of the call, 0: none */
	__u32 outcome;	/* enum ev_outcome */
	__u32 outcome_err;
	__u32 flags; /* EV_CONNECT_* */
	__u32 pad0;
};

struct ev_accept {
	struct ev_hdr hdr;
	struct ev_addr source; /* the peer */
	struct ev_addr destination;
	__u64 cookie; /* 0: none was given */
	__u32 protocol;
	__u32 err; /* then only source and destination of the listening socket, as far as known */
};

#define EV_SIGNAL_FROM_OUTSIDE (1u << 0) /* cgroup_id is the target's: the sender is not in scope */
#define EV_SIGNAL_TO_THREAD    (1u << 1)

struct ev_signal {
	struct ev_hdr hdr; /* task: the sender */
	struct ev_peer target;
	__u32 signal;
	__s32 code;   /* si_code */
	__u32 result; /* TRACE_SIGNAL_* */
	__u32 flags;  /* EV_SIGNAL_* */
};

enum ev_close_role { EV_CLOSE_CLIENT, EV_CLOSE_SERVER };

/* task: who connected or accepted, as it was then. cgroup_id 0: its cgroup has gone meanwhile */
struct ev_close {
	struct ev_hdr hdr;
	struct ev_addr source; /* who connected */
	struct ev_addr destination;
	__u64 cookie; /* 0: none was given */
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 duration_ns;
	__u64 owner_cgroup_id;
	__u32 protocol;
	__u32 role;  /* enum ev_close_role */
	__u32 state; /* TCP_* that it ended in */
	__u32 err;   /* sk_err */
};

#define EV_SESSION_CLONED (1u << 0) /* made in the cgroup by clone3; else it was moved there */

struct ev_exec_session {
	struct ev_hdr hdr; /* task: who came in; cgroup_id: where to */
	struct ev_peer by; /* who moved it, or made it; none: it did itself */
	__u64 from_cgroup_id; /* 0: not known */
	struct ev_ref by_args; /* arguments of who did it, NUL between them; from user memory */
	struct ev_namespaces ns;
	__u32 flags; /* EV_SESSION_* */
	__u32 pad0;
};

#define EV_OOM_HAS_MEMORY (1u << 0) /* total_vm .. shmem_rss */

struct ev_oom_kill {
	struct ev_hdr hdr; /* task: the victim */
	struct ev_peer trigger; /* whose allocation found no memory */
	__u64 total_vm; /* bytes, as the others */
	__u64 anon_rss;
	__u64 file_rss;
	__u64 shmem_rss;
	__s32 oom_score_adj;
	__u32 flags; /* EV_OOM_* */
};

/* task: the thread that did it */
struct ev_comm {
	struct ev_hdr hdr;
	__u32 tid; /* of the thread that has a new name */
	__u32 pad0;
	char old_name[EV_COMM_LEN];
	char new_name[EV_COMM_LEN];
};

/* Written by the task iterator, not through a ring: hdr.number and hdr.cpu mean nothing. */
struct ev_process_snapshot {
	struct ev_hdr hdr;
	struct ev_file exe;
	struct ev_file cwd;
	struct ev_namespaces ns;
	char tty[EV_TTY_LEN];
};

#define EV_IO_URING_HAS_FLAGS (1u << 0)

struct ev_io_uring {
	struct ev_hdr hdr;
	__u32 entries;
	__u32 setup_flags; /* IORING_SETUP_* as the process asked for, from its memory */
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_IO_URING_* */
	__u32 pad0;
};

struct ev_listen {
	struct ev_hdr hdr;
	struct ev_addr address;
	struct ev_ref unix_path; /* abstract: begins with @ in place of the NUL */
	__u64 cookie;		 /* 0: none was given */
	__s32 backlog;
	__u32 family;
	__u32 protocol;
	__u32 err;
};

#define EV_BIND_USER_MEMORY (1u << 0) /* asked, or unix_path, is from user memory */

struct ev_bind {
	struct ev_hdr hdr;
	struct ev_addr asked;
	struct ev_addr bound;
	struct ev_ref unix_path;
	struct ev_file file; /* that a unix socket was bound to */
	__u64 cookie;	     /* 0: none was given */
	__u32 family;
	__u32 protocol;
	__u32 err;
	__u32 flags; /* EV_BIND_* */
};

#define EV_RAW_SOCKET_HAS_FD (1u << 0)

struct ev_raw_socket {
	struct ev_hdr hdr;
	__s32 family;
	__s32 type;
	__s32 protocol; /* as given: of AF_PACKET in network order */
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_RAW_SOCKET_* */
};

#define EV_UNIX_CONNECT_HAS_PEER    (1u << 0) /* peer_pid, peer_uid, peer_gid */
#define EV_UNIX_CONNECT_USER_MEMORY (1u << 1) /* asked is from user memory */

struct ev_unix_connect {
	struct ev_hdr hdr;
	struct ev_ref asked; /* the name as the process gave it */
	struct ev_ref name;  /* the peer's own, the kernel's copy */
	struct ev_file file; /* that the peer is bound to */
	__u32 type;	     /* SOCK_* */
	__u32 peer_pid;	     /* who listens there, in the initial pid namespace */
	__u32 peer_uid;
	__u32 peer_gid;
	__u32 err;
	__u32 flags; /* EV_UNIX_CONNECT_* */
};

#define EV_MODULE_NAME_LEN 64

#define EV_MODULE_NAME_USER_MEMORY (1u << 0)
#define EV_MODULE_PARAMETERS_CUT   (1u << 1)

struct ev_module {
	struct ev_hdr hdr;
	struct ev_file file;	  /* finit_module: behind the descriptor */
	struct ev_ref parameters; /* from user memory */
	__u64 image_len;	  /* init_module: as given */
	__u32 call;		  /* enum ev_module_call */
	__u32 call_flags;	  /* finit_module: MODULE_INIT_*, delete_module: O_* */
	__u32 err;
	__u32 flags;		       /* EV_MODULE_* */
	char name[EV_MODULE_NAME_LEN]; /* empty: not known */
};

enum ev_module_call {
	EV_MODULE_INIT,
	EV_MODULE_FINIT,
	EV_MODULE_DELETE,
};

#define EV_BPF_PROG_NAME_LEN 16

#define EV_BPF_HAS_PROG		(1u << 0) /* prog_id .. prog_name, tag, but for what follows */
#define EV_BPF_PROG_USER_MEMORY (1u << 1) /* of these type, attach type, insn_cnt, name; from attr */
#define EV_BPF_HAS_ATTACH	(1u << 2) /* attach_type */
#define EV_BPF_HAS_TARGET	(1u << 3) /* target_fd */
#define EV_BPF_HAS_OBJECT	(1u << 4) /* object_id */
#define EV_BPF_POINT_KERNEL	(1u << 5) /* point is the kernel's */

struct ev_bpf {
	struct ev_hdr hdr;
	struct ev_ref point; /* function or tracepoint */
	__u32 command;	     /* BPF_* of enum bpf_cmd */
	__u32 prog_id;
	__u32 prog_type;
	__u32 prog_attach_type; /* expected_attach_type */
	__u32 insn_cnt;
	__u32 attach_type;
	__u32 target_fd; /* descriptor or interface index */
	__u32 object_id;
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_BPF_* */
	__u32 pad0;
	char prog_name[EV_BPF_PROG_NAME_LEN];
	__u8 tag[8];
};

#define EV_PERF_HAS_ATTR    (1u << 0) /* type .. attr_bits */
#define EV_PERF_USER_MEMORY (1u << 1) /* these are from user memory */
#define EV_PERF_HAS_TARGET  (1u << 2) /* target_pid */

struct ev_perf_event {
	struct ev_hdr hdr;
	__u64 config;
	__u64 sample_type;
	__u64 attr_bits; /* disabled .. */
	__u64 open_flags;
	__u32 type;
	__s32 pid; /* as given */
	__s32 cpu;
	__s32 group_fd;
	__u32 target_pid; /* thread, in the initial pid namespace */
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_PERF_* */
};

#define EV_KEYRING_TYPE_LEN 32

#define EV_KEYRING_HAS_KEY	   (1u << 0)
#define EV_KEYRING_HAS_KEYRING	   (1u << 1)
#define EV_KEYRING_HAS_VALUE	   (1u << 2)
#define EV_KEYRING_DESCRIPTION_CUT (1u << 3)

/* Not an operation of keyctl(2). */
#define EV_KEYRING_ADD	   0x10000
#define EV_KEYRING_REQUEST 0x10001

struct ev_keyring {
	struct ev_hdr hdr;
	struct ev_ref description; /* from user memory, as is the type */
	__u32 operation;	   /* KEYCTL_*, or EV_KEYRING_ADD, EV_KEYRING_REQUEST */
	__s32 key;
	__s32 keyring;
	__u32 err;
	__u32 value; /* what the operation sets: its further argument */
	__u32 flags; /* EV_KEYRING_* */
	char type[EV_KEYRING_TYPE_LEN]; /* empty: none */
};

/*
 * Counters: map `accounts`, per CPU, keyed by cgroup id; key 0 is the node, for what could not be
 * booked on a cgroup. generated = next + suppressed; what is lost is a number that never came.
 */
struct ev_count {
	__u64 next; /* the number that the next event gets */
	__u64 lost[EV_CAUSE_CNT];
	__u64 lost_first_ns; /* since the epoch last changed */
	__u64 lost_last_ns;
	__u64 suppressed;
	__u64 suppressed_first_ns;
	__u64 suppressed_last_ns;
	__u32 lost_epoch;
	__u32 suppressed_epoch;
};

struct ev_account {
	struct ev_count count[EV_CLASS_CNT];
};

/* Map `scope`: cgroups whose events are recorded. */
#define EV_SCOPE_ENTERED (1u << 0) /* of a container's own: its first process has come in */
#define EV_SCOPE_GONE	 (1u << 1) /* the cgroup was removed: nothing more is numbered in it */

struct ev_scope {
	__u64 container; /* id of the cgroup that is the container's own; itself, or an ancestor */
	__u32 flags;	 /* EV_SCOPE_* */
	__u32 pad0;
};

/*
 * Which program serves a system call, in section .rodata.syscalls of each probe file, and which
 * program on a kernel function does instead, in .rodata.instead; gathered by the linker, read by
 * sensor/probes.c. See syscall.bpf.h.
 */
#define EV_SYSCALL_CNT	  512 /* numbers of 64-bit calls, and of 32-bit ones */
#define EV_SOCKETCALL_CNT 32
#define EV_SYSCALL_NONE	  0xffff

struct ev_syscall {
	char prog[24];
	char name[24];
	__u32 nr;
	__u32 nr32;
};

struct ev_instead {
	char prog[24];
	char served[20];
	__u32 uring; /* it sees what io_uring does, too */
};

/* Which program serves an operation of io_uring, in .rodata.uring; see uring.bpf.h. */
struct ev_uring {
	char prog[24];
	char served[20]; /* the program that serves the system calls that do the same */
	__u32 op;
};

#ifndef __bpf__
#pragma GCC diagnostic pop
#define EV(number, NAME, name, group) \
	_Static_assert(sizeof(struct ev_##name) % 8 == 0, "records are multiples of eight");
#include "events.def"
#endif

#endif
