/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probes.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include "varve.skel.h"

#define HOOK_CNT_MAX 64

struct probes {
	struct varve_bpf *skel;
	struct bpf_link *link[HOOK_CNT_MAX];
	struct probes_hook hook[HOOK_CNT_MAX];
	size_t hook_cnt;
	size_t cpu_cnt;
};

/* A verifier's log comes as one text of many lines. */
static int to_diag(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text = NULL, *line, *rest;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, args) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_debug("%s", line);
	free(text);
	return 0;
}

static void configure(struct probes *p, const struct conf *conf)
{
	struct varve_bpf *skel = p->skel;

	skel->rodata->cfg_scope_all = conf->scope == CONF_SCOPE_ALL;
	skel->rodata->cfg_read_opens = conf->read_opens;
	skel->rodata->cfg_ring_mark = conf->ring_bytes / 2;
	skel->rodata->cfg_decisive_mark = conf->decisive_ring_bytes / 2;
	bpf_map__set_max_entries(skel->maps.events, conf->ring_bytes);
	bpf_map__set_max_entries(skel->maps.decisive, conf->decisive_ring_bytes);
	bpf_map__set_max_entries(skel->maps.scratch, p->cpu_cnt * EV_SCRATCH_PER_CPU);
	/* One more: the node's. */
	bpf_map__set_max_entries(skel->maps.accounts, 2 * conf->container_limit + 1);
	bpf_map__set_max_entries(skel->maps.scope, 2 * conf->container_limit);
}

static int explain_load(int err)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		diag(DIAG_ERROR,
		     "the kernel has no BTF (/sys/kernel/btf/vmlinux): it must be built with "
		     "CONFIG_DEBUG_INFO_BTF=y");
		return err;
	}
	if (err == -EPERM || err == -EACCES)
		return log_err(err,
			       "the kernel refused the BPF programs: run as root, or with CAP_BPF, "
			       "CAP_PERFMON and CAP_NET_ADMIN (--log-level debug says more)");
	return log_err(err, "cannot load the BPF programs (--log-level debug says more)");
}

/* The node's account is there from the start: when the map is full it is the one that is needed. */
static int open_node_account(struct probes *p)
{
	_cleanup_free_ struct ev_account *zero = calloc(p->cpu_cnt, sizeof(*zero));
	uint64_t node = 0;

	if (!zero)
		return -ENOMEM;
	return bpf_map_update_elem(bpf_map__fd(p->skel->maps.accounts), &node, zero, BPF_NOEXIST)
		       ? -errno
		       : 0;
}

static int find_self(struct probes *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.core_self), &opts);
}

int probes_load(const struct conf *conf, struct probes **ret_probes)
{
	struct probes *p = calloc(1, sizeof(*p));
	int err, cpu_cnt = libbpf_num_possible_cpus();

	if (!p)
		return -ENOMEM;
	libbpf_set_print(to_diag);
	p->cpu_cnt = cpu_cnt > 0 ? cpu_cnt : 1;
	p->skel = varve_bpf__open();
	if (!p->skel) {
		err = explain_load(-errno);
		probes_close(p);
		return err;
	}
	configure(p, conf);
	err = varve_bpf__load(p->skel);
	if (err) {
		probes_close(p);
		return explain_load(err);
	}
	err = open_node_account(p);
	if (err) {
		probes_close(p);
		return log_err(err, "cannot prepare the BPF maps");
	}
	if (find_self(p))
		log_warn("cannot tell the sensor from other processes: what it does is recorded, "
			 "too");
	*ret_probes = p;
	return 0;
}

/* The table of system calls that the linker gathered from the probe files. */
static const struct ev_syscall *syscalls(const struct probes *p, size_t *ret_cnt)
{
	size_t size = 0;
	const struct ev_syscall *list =
		bpf_map__initial_value(p->skel->maps.rodata_syscalls, &size);

	*ret_cnt = list ? size / sizeof(*list) : 0;
	return list;
}

/* Puts a program into the table of tail calls for each system call that it serves; 0 if it serves
 * none. */
static int serve_syscalls(struct probes *p, struct bpf_program *prog, int *ret_err)
{
	int map = bpf_map__fd(p->skel->maps.syscall_progs), fd = bpf_program__fd(prog);
	const struct ev_syscall *list;
	size_t cnt, i;
	int served = 0;

	list = syscalls(p, &cnt);
	for (i = 0; i < cnt; i++) {
		if (strncmp(list[i].prog, bpf_program__name(prog), sizeof(list[i].prog)))
			continue;
		if (bpf_map_update_elem(map, &list[i].nr, &fd, BPF_ANY))
			*ret_err = -errno;
		served++;
	}
	return served;
}

static void attach_one(struct probes *p, struct bpf_program *prog, int cgroup_fd)
{
	struct probes_hook *h = &p->hook[p->hook_cnt];
	struct bpf_link *link = NULL;

	h->name = bpf_program__name(prog);
	h->target = bpf_program__section_name(prog);
	if (!serve_syscalls(p, prog, &h->err)) {
		if (!strncmp(h->target, "cgroup/", 7))
			link = bpf_program__attach_cgroup(prog, cgroup_fd);
		else
			link = bpf_program__attach(prog);
		h->err = link ? 0 : -errno;
	} else if (!h->err) {
		h->err = p->hook[0].err; /* of core_sys_exit, the first */
	}
	h->attached = !h->err;
	if (h->err)
		log_warn("hook %s (%s) did not attach: %s", h->name, h->target, strerror(-h->err));
	p->link[p->hook_cnt++] = link;
}

static bool is_run_when_asked(const struct probes *p, const struct bpf_program *prog)
{
	return prog == p->skel->progs.process_snapshot || prog == p->skel->progs.core_self;
}

int probes_attach(struct probes *p, const char *cgroup_root)
{
	_cleanup_close_ int cgroup_fd = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bpf_program *prog;
	size_t i, attached = 0;

	if (cgroup_fd < 0)
		return log_err(-errno, "cannot open the cgroup v2 hierarchy at %s", cgroup_root);
	/* First: those that serve system calls hang on it. */
	attach_one(p, p->skel->progs.core_sys_exit, cgroup_fd);
	bpf_object__for_each_program(prog, p->skel->obj)
	{
		if (!is_run_when_asked(p, prog) && prog != p->skel->progs.core_sys_exit &&
		    prog != p->skel->progs.container_start && p->hook_cnt < HOOK_CNT_MAX - 1)
			attach_one(p, prog, cgroup_fd);
	}
	/* Last: a container whose start was seen is seen by all the others. */
	attach_one(p, p->skel->progs.container_start, cgroup_fd);
	for (i = 0; i < p->hook_cnt; i++)
		attached += p->hook[i].attached;
	return attached ? 0 : log_err(-EOPNOTSUPP, "no hook attached: nothing can be recorded");
}

void probes_detach(struct probes *p)
{
	size_t i;

	for (i = 0; i < p->hook_cnt; i++) {
		bpf_link__destroy(p->link[i]);
		p->link[i] = NULL;
	}
}

void probes_close(struct probes *p)
{
	if (!p)
		return;
	probes_detach(p);
	varve_bpf__destroy(p->skel);
	free(p);
}

void probes_ring_fds(const struct probes *p, int ret_fds[PROBES_RING_CNT])
{
	ret_fds[0] = bpf_map__fd(p->skel->maps.events);
	ret_fds[1] = bpf_map__fd(p->skel->maps.decisive);
}

const struct probes_hook *probes_hooks(const struct probes *p, size_t *ret_cnt)
{
	*ret_cnt = p->hook_cnt;
	return p->hook;
}

size_t probes_cpu_cnt(const struct probes *p)
{
	return p->cpu_cnt;
}

int probes_scope_add(struct probes *p, uint64_t cgroup_id, uint64_t container)
{
	struct ev_scope in = {.container = container};

	return bpf_map_update_elem(bpf_map__fd(p->skel->maps.scope), &cgroup_id, &in, BPF_NOEXIST)
		       ? -errno
		       : 0;
}

int probes_scope_find(const struct probes *p, uint64_t cgroup_id, uint64_t *ret_container)
{
	struct ev_scope in;

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.scope), &cgroup_id, &in))
		return -errno;
	*ret_container = in.container;
	return 0;
}

int probes_account(const struct probes *p, uint64_t cgroup_id, struct ev_account *ret_accounts)
{
	int fd = bpf_map__fd(p->skel->maps.accounts);

	return bpf_map_lookup_elem(fd, &cgroup_id, ret_accounts) ? -errno : 0;
}

int probes_account_next(const struct probes *p, const uint64_t *previous, uint64_t *ret_cgroup_id)
{
	int fd = bpf_map__fd(p->skel->maps.accounts);

	return bpf_map_get_next_key(fd, previous, ret_cgroup_id) ? -errno : 0;
}

void probes_forget(struct probes *p, uint64_t cgroup_id)
{
	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.scope), &cgroup_id);
	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.accounts), &cgroup_id);
}

void probes_next_epoch(struct probes *p)
{
	__atomic_add_fetch(&p->skel->data->epoch, 1, __ATOMIC_RELAXED);
}

int probes_snapshot_open(const struct probes *p, int *ret_fd)
{
	struct bpf_link *link = bpf_program__attach_iter(p->skel->progs.process_snapshot, NULL);
	int fd;

	if (!link)
		return log_err(-errno, "cannot make the snapshot of running processes");
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link); /* the iterator holds what it needs */
	if (fd < 0)
		return log_err(-errno, "cannot make the snapshot of running processes");
	*ret_fd = fd;
	return 0;
}

uint64_t probes_recursion_misses(const struct probes *p)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, p->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}
