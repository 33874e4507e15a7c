/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel types and fields that the probes read, and no others. CO-RE finds each field's place
 * on the running kernel, so only names and rough types matter here; the build needs no kernel's BTF
 * and is the same everywhere. What differs between kernels is in compat.bpf.h.
 */
#ifndef VARVE_KERNEL_H
#define VARVE_KERNEL_H

/* clang for the bpf target has no __x86_64__, and glibc's header would ask for the 32-bit stubs. */
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;
typedef __u32 __wsum;
typedef __u16 __sum16;
#include <stdbool.h>

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
	BPF_F_CLONE = 1 << 9,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_CONS_POS = 2,
};

/* <linux/bpf.h>, UAPI: the whole prefix that we read, offsets are fixed. */
struct bpf_spin_lock {
	__u32 val;
};
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4; /* addresses in network order */
	__u32 src_ip6[4];
	__u32 src_port; /* host order */
	__u32 dst_port; /* network order, in the first two bytes */
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
};
struct bpf_tcp_sock {
	__u32 snd_cwnd;
	__u32 srtt_us;
	__u32 rtt_min;
	__u32 snd_ssthresh;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 mss_cache;
	__u32 ecn_flags;
	__u32 rate_delivered;
	__u32 rate_interval_us;
	__u32 packets_out;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 segs_in;
	__u32 data_segs_in;
	__u32 segs_out;
	__u32 data_segs_out;
	__u32 lost_out;
	__u32 sacked_out;
	__u64 bytes_received;
	__u64 bytes_acked;
};
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	struct bpf_sock *sk;
};
struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};
struct bpf_iter_meta;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	__u32 hash; /* salted with the directory's dentry */
	__u32 len;
	const unsigned char *name;
};
struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};
struct file_system_type {
	const char *name;
};
struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
};
struct inode {
	unsigned short i_mode;
	struct {
		__u32 val;
	} i_uid;
	struct {
		__u32 val;
	} i_gid;
	unsigned long i_ino;
	__s64 i_size;
	struct super_block *i_sb;
	__u32 i_generation;
	void *i_private;
};
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};
struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	const char *mnt_devname;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct fs_struct {
	struct path root;
	struct path pwd;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	struct {
		__s64 counter;
	} f_count; /* until 6.12, see compat.bpf.h */
	void *private_data;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
typedef struct {
	__s64 counter;
} atomic_long_t;
struct mm_rss_stat {
	atomic_long_t count[4];
};
struct percpu_counter {
	__s64 count;
};
struct mm_struct___6_1 {
	struct mm_rss_stat rss_stat;
};
struct mm_struct {
	unsigned long total_vm;
	struct percpu_counter rss_stat[4];
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long start_stack;
	unsigned long saved_auxv[2];
	struct file *exe_file;
};
struct proc_ns_operations {
	int type; /* CLONE_NEW*; before 6.18 */
};
struct ns_common {
	unsigned int ns_type; /* since 6.18 */
	const struct proc_ns_operations *ops;
	unsigned int inum;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct xarray {
	void *xa_head;
};
struct xa_node {
	unsigned char shift;
	void *slots[64];
};
struct idr {
	struct xarray idr_rt;
};
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct pid_namespace {
	struct idr idr; /* of its struct pid, by number */
	struct ns_common ns;
};
struct net {
	struct ns_common ns;
};
struct user_namespace {
	struct ns_common ns;
};
struct uts_namespace {
	struct ns_common ns;
};
struct ipc_namespace {
	struct ns_common ns;
};
struct cgroup_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns_for_children;
	struct cgroup_namespace *cgroup_ns;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};
struct kgid {
	__u32 val;
};
struct group_info {
	int ngroups;
	struct kgid gid[1];
};
struct cred {
	struct {
		__u32 val;
	} uid;
	struct {
		__u32 val;
	} gid;
	struct {
		__u32 val;
	} euid;
	struct {
		__u32 val;
	} egid;
	struct {
		__u32 val;
	} suid;
	struct {
		__u32 val;
	} sgid;
	struct {
		__u32 val;
	} fsuid;
	struct {
		__u32 val;
	} fsgid;
	unsigned int securebits;
	/* Two __u32 before 6.3, one __u64 after: the same eight bytes on a little-endian machine.
	 */
	struct {
		__u64 val;
	} cap_effective, cap_permitted, cap_inheritable, cap_bset, cap_ambient;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};
struct tty_struct {
	char name[64];
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	short oom_score_adj;
	struct tty_struct *tty;
};
struct kernfs_node {
	const char *name;
	__u64 id;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};
struct cgroup_root {
	int hierarchy_id;
};
struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};
struct thread_info {
	__u32 status;
};
struct task_struct {
	struct thread_info thread_info;
	void *stack;
	struct mm_struct *mm;
	unsigned int flags;
	int exit_code;
	unsigned int in_execve : 1;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	__u64 start_boottime;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	__u64 self_exec_id;
	struct css_set *cgroups;
};
struct kernel_siginfo {
	int si_code;
};
struct trace_event_raw_mark_victim {
	unsigned int uid;
};
struct trace_event_raw_sys_exit {
	long ret;
};
struct trace_event_raw_sched_process_fork {
	int child_pid;
};
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
};
struct trace_event_raw_task_rename {
	int pid;
	char newcomm[16];
};
struct trace_event_raw_io_uring_submit_req {
	void *req;
};
struct trace_event_raw_io_uring_complete {
	void *ctx;
	void *req;
	__u64 user_data;
	int res;
};
struct linux_binprm {
	unsigned int secureexec : 1;
	int argc;
	const char *filename;
	const char *interp;
};
struct open_flags {
	int open_flag;
};
struct filename;
struct io_cmd_data {
	struct file *file;
};
struct io_ring_ctx;
struct io_cqe {
	__u64 user_data;
};
struct io_kiocb {
	struct file *file;
	struct io_cmd_data cmd;
	__u8 opcode;
	unsigned int flags; /* and more, since 6.9 */
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	void *async_data;
};
struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
};
struct open_how {
	__u64 flags;
};
struct io_open {
	__u32 file_slot;
	int dfd;
	struct filename *filename;
	struct open_how how;
};
struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};
struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};
struct io_mkdir {
	int dfd;
	unsigned short mode;
	struct filename *filename;
};
struct io_link {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};
struct io_connect {
	int addr_len;
};
struct io_socket {
	__u32 file_slot;
	int domain;
	int type;
	int protocol;
};
struct io_bind {
	int addr_len;
};
struct io_listen {
	int backlog;
};
struct kernel_xattr_ctx {
	void *kvalue;
	unsigned long size;
	void *kname; /* struct xattr_name, which is its bytes */
	unsigned int flags;
};
struct io_xattr {
	struct kernel_xattr_ctx ctx;
	struct filename *filename;
};
/* Since 7.0 a request's names are in a struct of their own, which begins with the same pointer. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};
struct io_open___delayed {
	struct delayed_filename filename;
};
struct io_unlink___delayed {
	struct delayed_filename filename;
};
struct io_mkdir___delayed {
	struct delayed_filename filename;
};
struct io_xattr___delayed {
	struct delayed_filename filename;
};
struct io_rename___delayed {
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
};
struct io_link___delayed {
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
};
struct io_ftrunc {
	__s64 len;
};
struct sockaddr_storage {
	unsigned short ss_family;
};
struct io_async_msghdr {
	struct sockaddr_storage addr;
};
struct io_accept {
	int iou_flags;
	__u32 file_slot;
};
struct filename {
	const char *name;
};
struct pt_regs {
	unsigned long di, si, dx, r10, r8, r9, bx, cx, bp;
	unsigned long orig_ax;
	unsigned short cs, ss; /* the low half of a word */
};
struct in6_addr {
	struct {
		__u8 u6_addr8[16];
	} in6_u;
};
typedef struct {
	__s64 counter;
} atomic64_t;
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	int sk_err;
	struct pid *sk_peer_pid;
	const struct cred *sk_peer_cred;
};
struct inet_sock {
	__be16 inet_sport;
};
struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
};
struct socket {
	struct sock *sk;
};
struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[1];
};
struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};
struct module {
	char name[56];
};
struct hw_perf_event {
	struct task_struct *target;
};
struct perf_event {
	struct perf_event_attr {
		__u32 type;
	} attr;
	struct hw_perf_event hw;
};
enum bpf_prog_type {
	BPF_PROG_TYPE_UNSPEC,
};
enum bpf_attach_type {
	BPF_CGROUP_INET_INGRESS,
};
struct bpf_prog_aux {
	__u32 id;
	const char *attach_func_name;
	char name[16];
};
struct bpf_prog {
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	__u32 len;
	__u8 tag[8];
	struct bpf_prog_aux *aux;
};
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};
struct bpf_map;
struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};
struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

/* Constants of the kernel's that BTF does not carry. */
#define AF_UNSPEC  0
#define AF_UNIX	  1
#define AF_INET	  2
#define AF_INET6  10
#define AF_NETLINK 16
#define AF_PACKET 17

#define SOCK_RAW       3
#define SOCK_PACKET    10
#define SOCK_TYPE_MASK 0xf

#define IPPROTO_TCP	 6
#define IPPROTO_UDP	 17
#define SOCK_DGRAM	 2

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT	2
#define TCP_SYN_RECV	3
#define TCP_CLOSE	7
#define TCP_LISTEN	10

#define SOCK_DONE 1 /* of enum sock_flags */

#define EINTR	    4
#define EINPROGRESS 115
#define ERESTARTSYS 512
#define EEXIST	    17
#define EFAULT	    14

#define EPERM	  1
#define EBADF	  9
#define EAGAIN	  11
#define ECANCELED 125
#define EACCES	  13
#define MAX_ERRNO 4095

#define O_ACCMODE 00000003
#define O_WRONLY  00000001
#define O_CREAT	  00000100
#define O_TRUNC	  00001000
/* What the kernel adds to the flags that were asked for: O_LARGEFILE is the system call's own. */
#define O_INTERNAL 00100000
#define FMODE_EXEC 0x20

#define FMODE_WRITE   0x2
#define FMODE_PATH    0x4000
#define FMODE_CREATED 0x100000

#define S_IFMT	 00170000
#define S_IFSOCK 0140000
#define S_IFREG	 0100000
#define S_IFDIR	 0040000

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define TMPFS_MAGIC	      0x01021994
#define HUGETLBFS_MAGIC	      0x958458f6
#define PROC_SUPER_MAGIC      0x00009fa0
#define NSFS_MAGIC	      0x6e736673
#define ANON_INODE_FS_MAGIC   0x09041934

#define AT_FDCWD     (-100)
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_NOFOLLOW 0x100

#define MOVE_MOUNT_F_EMPTY_PATH 0x4
#define OPEN_TREE_CLONE		0x1
#define OPEN_TREE_NAMESPACE	0x2 /* since 7.0 */

#define PAGE_SIZE 4096

enum { MM_FILEPAGES = 0, MM_ANONPAGES = 1, MM_SHMEMPAGES = 3 };

#define SI_TIMER (-2)
#define SI_SIGIO (-5)

#define PF_IO_WORKER 0x10 /* of io_uring */
#define PF_KTHREAD   0x200000

#define SIGNAL_GROUP_EXIT 0x4
#define TS_COMPAT	  0x2
#define THREAD_SIZE	  16384

#endif
