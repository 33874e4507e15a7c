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
#define EV_CLASS_ROOM 8 /* a power of two beyond them all */

/* Why the kernel side lost an event that it had numbered. */
enum ev_cause {
	EV_CAUSE_RING_FULL,
	EV_CAUSE_SCRATCH_BUSY, /* no free buffer to build the record in */
	EV_CAUSE_MAP_FULL,
	EV_CAUSE_NO_COMPLETION, /* an io_uring request that does not say what became of it */
	EV_CAUSE_CNT,
};

/* Why policy left an event out. Of the first three, if several apply: the last; the others only
 * where none of these does. */
enum ev_suppress {
	EV_SUPPRESS_READ_OPEN_REPEATED,
	EV_SUPPRESS_READ_OPENS_OFF,
	EV_SUPPRESS_KIND_OFF,
	EV_SUPPRESS_RATE_LIMIT, /* see limit.bpf.h */
	EV_SUPPRESS_FAIR_SHARE,
	EV_SUPPRESS_CNT,
};

/* The option `events`: kinds by number; a power of two beyond them all. */
#define EV_KINDS_MAX 256

/*
 * The option `read-opens-always`, made into one automaton for all patterns: a bit for each place
 * between two characters that a path may have come to. Rows of the map `always_rows`: for each byte
 * which places it leads on from, then the three below. See always.bpf.c.
 */
#define EV_ALWAYS_WORDS	   64 /* of 64 places: 32 patterns of 127 characters and one end each */
#define EV_ALWAYS_ROW_STAY 256 /* places that any byte leaves where they are: before a '*' */
#define EV_ALWAYS_ROW_BEGIN 257
#define EV_ALWAYS_ROW_END   258 /* a path that ends here matches */
#define EV_ALWAYS_ROW_CNT   259

struct ev_always_row {
	__u64 word[EV_ALWAYS_WORDS];
};

#define EV_PATH_MAX 4096  /* bytes of a path, without the NUL */
#define EV_ARGS_MAX 32768 /* bytes of arguments, head and tail */
#define EV_COMM_LEN 16
/* Low-level runtimes, by their programs' names: they make cgroups of any name, or "<program>-<any
 * name>.scope" by systemd. */
#define EV_RUNTIMES(X) X("runc") X("crun") X("youki")
#define EV_TTY_LEN  32
/* Buffers to build a record in, for each CPU; see probe.bpf.h. */
#define EV_SCRATCH_PER_CPU 3
/* More of them, for records that are begun when a kernel function is entered and wait for its return;
 * see pending.bpf.h. A power of two. */
#define EV_PENDING_CNT 64

/*
 * Kernel functions that get names: as struct filename with the kernel's copy, or on older kernels,
 * function by function, as the pointer to user memory.
 */
enum ev_names {
	EV_NAMES_UNLINK,
	EV_NAMES_RENAME,
	EV_NAMES_LINK,
	EV_NAMES_SYMLINK,
	EV_NAMES_MKDIR,
	EV_NAMES_RMDIR,
	EV_NAMES_MKNOD,
	EV_NAMES_CNT,
};

#define EV_REC_MAX 61440 /* no record is longer */

/* A string in the tail: off from the start of the record; the byte at off + len is NUL. */
struct ev_ref {
	__u32 off;
	__u32 len;
};

#define EV_TASK_HAS_CRED   (1u << 0) /* uid .. cap_effective */
#define EV_TASK_HAS_PARENT (1u << 1)
#define EV_TASK_HAS_NS_PID (1u << 2)
#define EV_TASK_OUTSIDE	   (1u << 3) /* it has left its container's cgroup; cgroup_id is the container's */

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
	__u8 obtained; /* EV_TASK_* */
	/* EV_TASK_OUTSIDE: the cgroup that it is in. The kernel makes ids one after the other in the lower
	 * half; of the upper one, which counts how often that was used up, no machine needs more. */
	__u8 outside_high;
	__u16 exec_id; /* grows by one with each exec, and wraps; 0: not known */
	__u32 outside_low;
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

/* A kind that is no event: a header alone, neither numbered nor booked. See sensor/canary.h. */
#define EV_CANARY 1

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

struct ev_cred {
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
	__u32 securebits;
	__u32 user_ns;
	__u32 obtained; /* 1: all of them */
	__u32 pad0;
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
	__u32 maker_tgid; /* who made it; with CLONE_PARENT not its parent */
	__u64 maker_start_ns;
};

#define EV_EXEC_INTERP_UNKNOWN 1 /* length of `interp`, without a place */
#define EV_EXEC_COUNT_UNKNOWN  0xffffffffu

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
#define EV_SIGNAL_HAS_PID      (1u << 2)

struct ev_signal {
	struct ev_hdr hdr; /* task: the sender */
	struct ev_peer target;
	__u32 signal;
	__s32 code;   /* si_code; not of a failed attempt, as result */
	__u32 result; /* TRACE_SIGNAL_* */
	__u32 flags;  /* EV_SIGNAL_* */
	__u32 err;    /* of a failed attempt; call and target_pid are its, too */
	__u32 call;
	__s32 target_pid; /* as asked, in the sender's pid namespace */
	__u32 pad0;
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

#define EV_MOVE_INTO_CONTAINER (1u << 0) /* back into this one, or into another; else it is outside now */
#define EV_MOVE_LOST	       (1u << 1) /* no room: what it does outside is not recorded */
#define EV_MOVE_CLONED	       (1u << 2) /* made there by clone3; else it was moved there */

struct ev_cgroup_move {
	struct ev_hdr hdr; /* task: who was moved; cgroup_id: the container that it is of */
	struct ev_peer by; /* who moved it; none: it did itself */
	__u64 to_cgroup_id;
	struct ev_ref to_path; /* of that cgroup, from its hierarchy's root */
	__u32 flags;	       /* EV_MOVE_* */
	__u32 pad0;
	__u64 from_cgroup_id; /* of a container: its own; 0: not known */
	__u64 to_container;   /* its own cgroup's id; 0: in none */
	struct ev_ref by_args; /* arguments of who did it, NUL between them; from user memory */
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

struct ev_memory_protect {
	struct ev_hdr hdr;
	struct ev_file file; /* that was mapped */
	__u64 address;	     /* of a failed mmap: the one asked for */
	__u64 length;
	__u32 call; /* number of mmap, mprotect, pkey_mprotect */
	__u32 protection;
	__u32 map_flags; /* of mmap */
	__u32 err;
};

/* Written by the task iterator, not through a ring: hdr.number and hdr.cpu mean nothing. */
struct ev_process_snapshot {
	struct ev_hdr hdr;
	struct ev_file exe;
	struct ev_file cwd;
	struct ev_namespaces ns;
	char tty[EV_TTY_LEN];
};

struct ev_link {
	struct ev_hdr hdr;
	struct ev_file from;
	struct ev_file to;
	__u32 flags; /* AT_* */
	__u32 err;
};

struct ev_symlink {
	struct ev_hdr hdr;
	struct ev_file file;
	struct ev_ref target;
	__u32 err;
	__u32 pad0;
};

struct ev_mkdir {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 mode; /* as asked for, before the umask */
	__u32 err;
};

struct ev_rmdir {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 err;
	__u32 pad0;
};

struct ev_mknod {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 mode;
	__u32 dev; /* as user space packs it: minor's low byte, major, rest of minor */
	__u32 err;
	__u32 pad0;
};

#define EV_MOUNT_HAS_FD	    (1u << 0)
#define EV_MOUNT_HAS_SET    (1u << 1) /* attr_set */
#define EV_MOUNT_HAS_ATTR   (1u << 2) /* attr_set, attr_clear, propagation */
#define EV_MOUNT_USER_TEXTS (1u << 3) /* source, type and data are from user memory */

struct ev_mount {
	struct ev_hdr hdr;
	struct ev_file target;
	struct ev_file source_file; /* what was moved or cloned */
	struct ev_ref source;
	struct ev_ref type;
	struct ev_ref data;
	__u64 call_flags;
	__u64 attr_set; /* MOUNT_ATTR_* */
	__u64 attr_clear;
	__u64 propagation; /* MS_SHARED ... */
	__u32 call;	   /* number of the system call, x86-64; 0: not filled */
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_MOUNT_* */
};

struct ev_unmount {
	struct ev_hdr hdr;
	struct ev_file target;
	__u32 call_flags; /* MNT_*, UMOUNT_NOFOLLOW */
	__u32 err;
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

/* How the process of a socket is known. */
enum ev_owner_by {
	EV_OWNER_UNKNOWN, /* hdr.task is all zero */
	EV_OWNER_CREATE,
	EV_OWNER_BIND,
	EV_OWNER_CONNECT,
	EV_OWNER_SEND,
};

enum ev_flow_end {
	EV_FLOW_BEGIN, /* no end yet */
	EV_FLOW_IDLE,
	EV_FLOW_EVICTED, /* idle for less, but its place was needed */
	EV_FLOW_CLOSED,
	EV_FLOW_CONTAINER_GONE,
	EV_FLOW_RUN_END,
	EV_FLOW_END_CNT,
};
#define EV_FLOW_IDLE_NS (30ULL * 1000000000)
#define EV_FLOW_MAX	16384 /* followed at a time */

#define EV_FLOW_INBOUND (1u << 0) /* the first datagram came from the peer */

struct ev_udp_flow {
	struct ev_hdr hdr; /* task: as of owner_by */
	struct ev_addr local;
	struct ev_addr peer;
	__u64 cookie;
	__u64 first_ns;
	__u64 last_ns;
	__u64 bytes_sent; /* without headers */
	__u64 bytes_received;
	__u64 packets_sent;
	__u64 packets_received;
	__u32 owner_by; /* enum ev_owner_by */
	__u32 end;	/* enum ev_flow_end */
	__u32 flags;	/* EV_FLOW_* */
	__u32 pad0;
};

#define EV_DNS_UDP_MAX 4096  /* bytes of a datagram that are kept */
#define EV_DNS_TCP_MAX 16384 /* of a segment; the sending side's are up to 64 KiB */

#define EV_DNS_SENT	(1u << 0)
#define EV_DNS_LISTENER (1u << 1) /* came to the listening socket: the first of its connection */

struct ev_dns {
	struct ev_hdr hdr; /* task: as of owner_by */
	struct ev_addr source; /* of this packet */
	struct ev_addr destination;
	__u64 cookie;
	struct ev_ref payload; /* its first bytes */
	__u32 payload_len;     /* of the whole datagram or segment, without headers */
	__u32 protocol;
	__u32 seq;	     /* TCP: of its first byte */
	__u32 stream_offset; /* TCP: of its first byte within the connection, modulo 2^32 */
	__u32 owner_by;	     /* enum ev_owner_by */
	__u32 flags;	     /* EV_DNS_* */
};

/* Events that policy left out for one reason. */
struct ev_suppressed {
	__u64 count;
	__u64 first_ns; /* since the epoch last changed */
	__u64 last_ns;
	__u32 epoch;
	__u32 pad0;
};

#define EV_CREDENTIALS_GROUPS 64 /* more are only counted */
/* In place of a call's number: */
#define EV_CREDENTIALS_EXEC   0xfffe
#define EV_CREDENTIALS_KERNEL 0xfffd /* a kernel function that no call known to do so led to */

#define EV_CREDENTIALS_HAS_CAPS (1u << 0) /* caps_asked */
#define EV_CREDENTIALS_NR_32	(1u << 1) /* within_nr is a 32-bit call's */

struct ev_credentials {
	struct ev_hdr hdr;
	struct ev_cred after;
	__u64 arg[3]; /* of the call */
	__u64 caps_asked[3]; /* of capset: effective, permitted, inheritable; from user memory */
	__u32 call; /* its number, of a 64-bit program */
	__u32 within_nr; /* EV_CREDENTIALS_KERNEL: the call that it happened in */
	__u32 err;
	__u32 flags;	   /* EV_CREDENTIALS_* */
	__u32 groups_cnt; /* the task's supplementary groups after setgroups, all of them */
	__u32 groups[EV_CREDENTIALS_GROUPS];
	__u32 pad0;
};

#define EV_NAMESPACE_FLAGS	 (1u << 0) /* asked is there */
#define EV_NAMESPACE_USER_MEMORY (1u << 1) /* asked is from user memory */
#define EV_NAMESPACE_CHILD	 (1u << 2) /* made by clone: ns is the child's, asked is what is new */
#define EV_NAMESPACE_FOR_CHILDREN (1u << 3) /* pid_for_children is there */

struct ev_namespace {
	struct ev_hdr hdr; /* task: who made the call */
	struct ev_namespaces ns; /* after it */
	struct ev_peer child;
	__u32 call;
	__u32 asked; /* CLONE_NEW* */
	__u32 pid_for_children;
	__u32 err;
	__u32 flags; /* EV_NAMESPACE_* */
	__u32 pad0;
};

struct ev_root {
	struct ev_hdr hdr;
	struct ev_file root; /* after the call, its path from the root of the mount namespace */
	struct ev_file cwd;
	struct ev_ref path; /* as asked, from user memory; pivot_root: the new root */
	struct ev_ref put_old;
	__u32 call;
	__u32 err;
};

struct ev_memfd {
	struct ev_hdr hdr;
	struct ev_file file;
	struct ev_ref name; /* from user memory */
	__u32 memfd_flags;
	__u32 fd;
	__u32 err;
	__u32 pad0;
};

#define EV_EXEC_FAILED_CUT (1u << 0) /* there are more arguments, or longer ones */
#define EV_EXEC_FAILED_AT  (1u << 1) /* execveat: at_flags is there */

struct ev_exec_failed {
	struct ev_hdr hdr;
	struct ev_file file; /* what was to be run, by name */
	struct ev_ref args; /* the first of them, NUL between; from user memory */
	__u32 call;
	__u32 err;
	__u32 at_flags;
	__u32 flags; /* EV_EXEC_FAILED_* */
};

#define EV_PTRACE_32 (1u << 0) /* the caller is a 32-bit program */

struct ev_ptrace {
	struct ev_hdr hdr;
	struct ev_peer target;
	__u64 address; /* as the call was given them */
	__u64 data;
	__u32 request;
	__s32 ns_pid; /* as the caller names the target */
	__u32 err;
	__u32 flags;
};

enum ev_memory_way {
	EV_MEMORY_CALL,	  /* process_vm_readv, process_vm_writev */
	EV_MEMORY_OPENED, /* /proc/PID/mem */
};

#define EV_MEMORY_WRITE	      (1u << 0)
#define EV_MEMORY_HAS_FD      (1u << 1)
#define EV_MEMORY_HAS_ADDRESS (1u << 2)

struct ev_process_memory {
	struct ev_hdr hdr;
	struct ev_peer target;
	__u64 address; /* in the target, of the first piece; from user memory */
	__u64 bytes;
	__s32 ns_pid;
	__u32 how; /* enum ev_memory_way */
	__u32 fd;
	__u32 err;
	__u32 flags; /* EV_MEMORY_* */
	__u32 pad0;
};

#define EV_CLOSE_WRITE_HAS_BYTES  (1u << 0)
#define EV_CLOSE_WRITE_HAS_CLOSER (1u << 1)
#define EV_CLOSE_WRITE_FOUND	  (1u << 2) /* by a look at what is open: some time after the close */

struct ev_close_write {
	struct ev_hdr hdr; /* task: who opened it, as it was then */
	struct ev_file file;
	__u64 bytes;
	__u64 opened_ns; /* hdr.time_ns of the ev_open */
	__u64 closer_start_ns;
	__u32 closer_tgid;
	__u32 flags; /* EV_CLOSE_WRITE_* */
};

#define EV_MODE_HAS_FLAGS (1u << 0)

struct ev_mode {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 mode;	  /* asked for */
	__u32 call_flags; /* AT_* */
	__u32 flags;	  /* EV_MODE_* */
	__u32 err;
};

struct ev_owner {
	struct ev_hdr hdr;
	struct ev_file file;
	__u32 uid; /* asked for; -1: left as it is */
	__u32 gid;
	__u32 call_flags; /* AT_*; AT_SYMLINK_NOFOLLOW for lchown */
	__u32 flags;	  /* EV_MODE_* */
	__u32 err;
	__u32 pad0;
};

struct ev_truncate {
	struct ev_hdr hdr;
	struct ev_file file;
	__s64 length; /* asked for */
	__u32 err;
	__u32 pad0;
};

#define EV_XATTR_VALUE_MAX 64
#define EV_XATTR_NAME_MAX  255

#define EV_XATTR_REMOVED   (1u << 0)
#define EV_XATTR_HAS_SIZE  (1u << 1)
#define EV_XATTR_HAS_VALUE (1u << 2)
#define EV_XATTR_KERNEL_MEMORY (1u << 3) /* the name is the kernel's copy */

struct ev_xattr {
	struct ev_hdr hdr;
	struct ev_file file;
	struct ev_ref name;
	__u64 size;	  /* of the value */
	__u32 call_flags; /* XATTR_CREATE, XATTR_REPLACE */
	__u32 at_flags;	  /* AT_*; AT_SYMLINK_NOFOLLOW for lsetxattr and lremovexattr */
	__u32 flags;	  /* EV_XATTR_* */
	__u32 err;
	__u8 value[EV_XATTR_VALUE_MAX]; /* its first bytes */
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
 * booked on a cgroup. generated = next + suppressed, of all reasons; what is lost is a number that never came.
 */
struct ev_count {
	__u64 next; /* the number that the next event gets */
	__u64 lost[EV_CAUSE_CNT];
	__u64 lost_first_ns; /* since the epoch last changed */
	__u64 lost_last_ns;
	__u32 lost_epoch;
	__u32 pad0;
	struct ev_suppressed suppressed[EV_SUPPRESS_CNT];
	/* Of limit.bpf.h: */
	__u64 rate_due_ns; /* when the next event is due that keeps to the rate */
	__u64 share_bytes; /* of the ring, taken while it was fuller than its mark */
	__u64 share_pos;   /* how far the ring was read then */
};

struct ev_account {
	struct ev_count count[EV_CLASS_CNT];
};

/*
 * Form of what outlives the programs in pinned maps: records in the rings, keys and values. Raise it
 * with each change (tests/unit/layout.c): a sensor takes over what has its own form, and nothing else.
 */
#define EV_LAYOUT 4

/* Map `shared`: one element, mapped by the sensor. */
struct ev_shared {
	__u32 layout;
	__u32 escapees; /* entries in that map */
	__u32 hierarchy; /* cgroup_root.hierarchy_id of the cgroups that are keys */
	__u32 epoch;	 /* of who drains the rings; counters of an earlier sensor go on in it */
	__u64 booked_index; /* in the log: whatever comes before is in the map `books` */
	char run_id[40]; /* who drained the rings last; ends in a zero byte */
	/* Runs of programs that the kernel left out, in which an event may have been: of programs
	 * that are detached, and not declared yet; of those of one generation, and declared. */
	__u64 misses_left, misses_declared;
	__u32 misses_generation;
	__u32 pad0;
};

/* Map `escapees`, by thread group id: a process that has left its container's cgroup. */
struct ev_escapee {
	__u64 start_ns; /* of the leader: the id may be used again */
	__u64 container;
	__u64 now; /* cgroup that it is in; 0: only a thread of it has left (v1) */
};

/* Map `scope`: cgroups whose events are recorded. */
#define EV_SCOPE_ENTERED (1u << 0) /* of a container's own: its first process has come in */
#define EV_SCOPE_GONE	 (1u << 1) /* the cgroup was removed: nothing more is numbered in it */

struct ev_scope {
	__u64 container; /* id of the cgroup that is the container's own; itself, or an ancestor */
	__u32 flags;	 /* EV_SCOPE_* */
	/* Of a container's own: its first process. 0: not known, it was there before the sensor. */
	__u32 first_tgid;
	__u64 first_start_ns;
	__u32 escapees; /* of a container's own: processes of it in the map */
	__u32 pad0;
};

/*
 * Which program serves a system call, in section .rodata.syscalls of each probe file, and which
 * program on a kernel function does instead, in .rodata.instead, or helps it, in .rodata.helps;
 * gathered by the linker, read by sensor/probes.c. See syscall.bpf.h.
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
