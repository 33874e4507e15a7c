/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probes.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"
#include "sensor/hierarchy.h"
#include "sensor/hooks.h"
#include "sensor/kernel_features.h"
#include "sensor/book.h"
#include "sensor/pin.h"
#include "sensor/policy.h"
#include "sensor/ring_size.h"
#include "sensor/streams.h"
#include "sensor/takeover.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include "varve.skel.h"

/* The same programs for kernels before 5.12, and for those that preempt tracepoints (Makefile). */
extern const char probes_before_5_12[], probes_before_5_12_end[];
extern const char probes_preemptible[], probes_preemptible_end[];

struct probes {
	struct varve_bpf *skel;
	struct hooks hooks;
	struct hooks_refused refused;
	bool misses_unknown;   /* some of those before us could not be read */
	struct bpf_link *look; /* over what is open for writing */
	struct probes_hook report[HOOK_CNT_MAX + 1];
	size_t report_cnt;
	uint64_t load_ns;
	struct ev_always_row always[EV_ALWAYS_ROW_CNT];
	/* How accounts are read where perf runs programs; NULL: from the map. See core_account. */
	struct bpf_program *account_reader;
	const struct ev_account *account_copy; /* by CPU */
	size_t cpu_cnt;
	struct probes_rings rings;
	struct pin *pin; /* NULL: nothing outlives the sensor */
	struct ev_shared *shared;
	bool books_told; /* that they cannot be kept */
};

/* The program that libbpf complained of last: it says so in words only. */
static char complained[32];

static void note_complaint(const char *line)
{
	const char *at = strstr(line, "prog '"), *end = at ? strchr(at + 6, '\'') : NULL;

	if (end)
		snprintf(complained, sizeof(complained), "%.*s", (int)(end - at - 6), at + 6);
}

/* A verifier's log comes as one text of many lines. */
static int to_diag(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text = NULL, *line, *rest;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, args) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		log_debug("%s", line);
		if (level == LIBBPF_WARN)
			note_complaint(line);
	}
	free(text);
	return 0;
}

/* Functions that get names, and which parameter is one. */
static const struct {
	const char *function;
	size_t parameter;
} names[EV_NAMES_CNT] = {
	[EV_NAMES_UNLINK] = {"do_unlinkat", 1}, [EV_NAMES_RENAME] = {"do_renameat2", 1},
	[EV_NAMES_LINK] = {"do_linkat", 1},	[EV_NAMES_SYMLINK] = {"do_symlinkat", 0},
	[EV_NAMES_MKDIR] = {"do_mkdirat", 1},	[EV_NAMES_RMDIR] = {"do_rmdir", 1},
	[EV_NAMES_MKNOD] = {"do_mknodat", 1},
};

/* What the programs have to know of the kernel's types. */
static void tell_forms(struct varve_bpf *skel, const struct btf *btf)
{
	__u8 *user = (__u8 *)skel->rodata->cfg_user_names; /* read-only to the programs later */
	char function[64];

	if (!btf)
		return;
	/* Which functions get the pointer to user memory, and not the kernel's copy. */
	for (size_t i = 0; i < EV_NAMES_CNT; i++)
		user[i] =
			!kernel_find_function(btf, names[i].function, function, sizeof(function)) &&
			!kernel_parameter_is(btf, function, names[i].parameter, "filename");
	skel->rodata->cfg_uring_cqe = kernel_tracepoint_has_pointer(btf, "io_uring_complete", 2);
}

/* The options were checked when they were read. */
static void set_limits(struct probes *p, const struct conf *conf)
{
	/* The programs look at them while they are written. */
	volatile __u64 *interval = p->skel->bss->policy_rate_interval_ns;
	volatile __u64 *burst = p->skel->bss->policy_rate_burst_ns;
	uint32_t rates[EV_CLASS_CNT];
	char rule[256];

	policy_parse_rates(conf->rate_limits, rates, rule, sizeof(rule));
	for (size_t c = 0; c < EV_CLASS_CNT; c++) {
		/* Rounded up, so that no more come than was said. */
		uint64_t ns = rates[c] ? (NSEC_PER_SEC + rates[c] - 1) / rates[c] : 0;

		interval[c] = 0; /* no limit for a moment, rather than one that nobody asked for */
		burst[c] = rates[c] * ns;
		interval[c] = ns;
	}
	p->skel->bss->policy_fair_share = conf->fair_share;
}

void probes_set_policy(struct probes *p, const struct conf *conf)
{
	volatile __u8 *kinds_off = p->skel->bss->policy_kinds_off;
	bool off[EV_KINDS_MAX];
	char rule[256];

	p->skel->bss->policy_read_opens = conf->read_opens;
	p->skel->bss->policy_read_opens_host = conf_read_opens_host(conf);
	policy_parse_events(conf->events, off, rule, sizeof(rule));
	for (size_t i = 0; i < EV_KINDS_MAX; i++)
		kinds_off[i] = off[i];
	set_limits(p, conf);
}

static void configure_always(struct probes *p, const struct conf *conf)
{
	struct policy_paths paths;
	char rule[256];

	policy_parse_paths(conf->read_opens_always, &paths, rule, sizeof(rule));
	p->skel->rodata->cfg_always_words = policy_make_rows(&paths, p->always);
}

static void configure_shares(struct varve_bpf *skel, const struct probes_rings *rings)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	skel->rodata->cfg_share_ring_size = rings->bytes;
	skel->rodata->cfg_share_decisive_size = rings->decisive_bytes;
	skel->rodata->cfg_share_cpus = MAX(cpus, 1L);
}

/* Before anything is attached. */
static int fill_always(struct probes *p)
{
	int fd = bpf_map__fd(p->skel->maps.always_rows);

	for (__u32 i = 0; i < EV_ALWAYS_ROW_CNT; i++)
		if (bpf_map_update_elem(fd, &i, &p->always[i], BPF_ANY))
			return -errno;
	return 0;
}

/* Whose cgroups count. */
static int configure_hierarchy(struct varve_bpf *skel, const struct hierarchy *h,
			       const struct btf *btf)
{
	char name[32];
	int subsys;

	skel->rodata->cfg_hierarchy = h->number;
	if (!h->number)
		return 0;
	if (!btf)
		return -ENOENT; /* explain_load() says so */
	snprintf(name, sizeof(name), "%s_cgrp_id", h->name);
	subsys = kernel_enum_value(btf, "cgroup_subsys_id", name);
	if (subsys < 0)
		return log_err(-EOPNOTSUPP, "the kernel's BTF has no %s", name);
	skel->rodata->cfg_subsys = subsys;
	return 0;
}

static void configure(struct probes *p, const struct conf *conf, const struct btf *btf)
{
	struct varve_bpf *skel = p->skel;
	struct bpf_map *copy;

	skel->rodata->cfg_scope_all = conf->scope == CONF_SCOPE_ALL;
	configure_always(p, conf);
	bpf_map__set_max_entries(skel->maps.events, p->rings.bytes);
	bpf_map__set_max_entries(skel->maps.decisive, p->rings.decisive_bytes);
	skel->rodata->cfg_pending_base = p->cpu_cnt * EV_SCRATCH_PER_CPU;
	tell_forms(skel, btf);
	hooks_fill_ia32(&p->hooks, skel->rodata->ia32_nr);
	bpf_map__set_max_entries(skel->maps.scratch,
				 p->cpu_cnt * EV_SCRATCH_PER_CPU + EV_PENDING_CNT);
	skel->rodata->cfg_generation = pin_generation(p->pin);
	bpf_map__set_max_entries(skel->maps.current_set, p->cpu_cnt);
	/* One more: the node's. */
	bpf_map__set_max_entries(skel->maps.accounts, 2 * conf->container_limit + 1);
	bpf_map__set_max_entries(skel->maps.scope, 2 * conf->container_limit);
	bpf_map__set_value_size(skel->maps.books, streams_book_size(p->cpu_cnt));
	if (p->pin)
		bpf_map__set_max_entries(skel->maps.books, 2 * conf->container_limit + 1);
	copy = bpf_object__find_map_by_name(skel->obj, "account_copy");
	if (copy)
		bpf_map__set_max_entries(copy, p->cpu_cnt);
}

/* What an earlier sensor left has the sizes that it has. */
static int resume_maps(struct probes *p, const struct conf *conf)
{
	struct varve_bpf *skel = p->skel;
	int err = pin_found(p->pin) ? pin_reuse_maps(p->pin, skel->obj) : 0;

	p->rings.bytes = bpf_map__max_entries(skel->maps.events);
	p->rings.decisive_bytes = bpf_map__max_entries(skel->maps.decisive);
	if ((conf->ring_bytes && p->rings.bytes != conf->ring_bytes) ||
	    (conf->decisive_ring_bytes && p->rings.decisive_bytes != conf->decisive_ring_bytes) ||
	    bpf_map__max_entries(skel->maps.scope) != 2 * conf->container_limit)
		log_warn("what is pinned keeps its sizes: ring-size, decisive-ring-size and "
			 "container-limit take effect once it was removed (varve-sensor --unpin)");
	skel->rodata->cfg_ring_mark = p->rings.bytes / 2;
	skel->rodata->cfg_decisive_mark = p->rings.decisive_bytes / 2;
	configure_shares(skel, &p->rings);
	probes_set_policy(p, conf);
	return err;
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

static size_t account_copy_size(const struct probes *p)
{
	size_t page = sysconf(_SC_PAGESIZE), size = p->cpu_cnt * sizeof(*p->account_copy);

	return (size + page - 1) / page * page;
}

/* The node's account is there from the start: when the map is full it is the one that is needed. */
static int open_node_account(struct probes *p)
{
	_cleanup_free_ struct ev_account *zero = calloc(p->cpu_cnt, sizeof(*zero));
	uint64_t node = 0;

	if (!zero)
		return -ENOMEM;
	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.accounts), &node, zero, BPF_NOEXIST) &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

/* Only where perf runs programs there is a program for it. */
static int open_account_reader(struct probes *p)
{
	struct bpf_map *copy = bpf_object__find_map_by_name(p->skel->obj, "account_copy");
	struct bpf_program *reader = bpf_object__find_program_by_name(p->skel->obj, "core_account");
	void *at;

	if (!copy || bpf_program__fd(reader) < 0)
		return 0; /* by lookups in the map, which are right as well */
	at = mmap(NULL, account_copy_size(p), PROT_READ, MAP_SHARED, bpf_map__fd(copy), 0);
	if (at == MAP_FAILED)
		return -errno;
	p->account_copy = at;
	p->account_reader = reader;
	return 0;
}

static int open_shared(struct probes *p)
{
	void *at = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(p->skel->maps.shared), 0);

	if (at == MAP_FAILED)
		return -errno;
	p->shared = at;
	return 0;
}

/* Also what a hierarchy's ids are keys of. */
static int keep_maps(struct probes *p, const struct hierarchy *hierarchy)
{
	if (!p->pin)
		return 0;
	if (pin_found(p->pin) && p->shared->hierarchy != (uint32_t)hierarchy->number)
		return log_err(-EPROTO,
			       "what is pinned tells containers apart by cgroups of another "
			       "hierarchy: remove it (varve-sensor --unpin)");
	p->shared->hierarchy = hierarchy->number;
	/* Else the first time of what was lost before the takeover would be taken for an old one.
	 */
	if (pin_found(p->pin) && p->shared->epoch)
		p->skel->data->epoch = p->shared->epoch;
	p->shared->layout = EV_LAYOUT;
	return pin_keep_maps(p->pin, p->skel->obj);
}

static int find_self(struct probes *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.core_self), &opts);
}

static bool fits(const struct bpf_map *map, size_t size)
{
	return (bpf_map__value_size(map) + 7) / 8 == (size + 7) / 8;
}

/* The skeleton knows the places of the first object's data; a variant may have none but the same.
 */
static int check_layout(const struct varve_bpf *skel)
{
	if (fits(skel->maps.rodata, sizeof(*skel->rodata)) &&
	    fits(skel->maps.data, sizeof(*skel->data)) && fits(skel->maps.bss, sizeof(*skel->bss)))
		return 0;
	return log_err(-EPROTO, "the BPF programs' data is not laid out as their skeleton says");
}

static void choose_object(struct varve_bpf *skel)
{
	int id;

	if (!kernel_has_fetch()) {
		skel->skeleton->data = (void *)probes_before_5_12;
		skel->skeleton->data_sz = probes_before_5_12_end - probes_before_5_12;
		return;
	}
	if (!kernel_preempts_tracepoints())
		return;
	id = kernel_perf_tracepoint_id("raw_syscalls/sys_exit");
	if (id < 0) {
		log_warn("tracefs: %s: programs can be preempted; what they miss is declared as "
			 "not_run",
			 strerror(-id));
		return;
	}
	skel->skeleton->data = (void *)probes_preemptible;
	skel->skeleton->data_sz = probes_preemptible_end - probes_preemptible;
}

/* The skeleton, around the object that suits the kernel. */
static int open_object(struct varve_bpf **ret_skel)
{
	struct varve_bpf *skel = calloc(1, sizeof(*skel));
	int err;

	if (!skel)
		return -ENOMEM;
	err = varve_bpf__create_skeleton(skel);
	if (!err) {
		choose_object(skel);
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (!err)
		err = check_layout(skel);
	if (err) {
		varve_bpf__destroy(skel);
		return err;
	}
	*ret_skel = skel;
	return 0;
}

/* Notes the program that was refused. False: it is not known which, or it was noted already. */
static bool refuse(struct probes *p, int err)
{
	struct hooks_refused *r = &p->refused;
	size_t i;

	for (i = 0; i < r->cnt; i++)
		if (!strcmp(r->name[i], complained))
			return false;
	if (!complained[0] || r->cnt == HOOK_CNT_MAX)
		return false;
	log_warn("the kernel refuses the program %s (%s): going on without it (--log-level debug "
		 "says more)",
		 complained, strerror(-err));
	memcpy(r->name[r->cnt], complained, sizeof(complained));
	r->err[r->cnt++] = err;
	return true;
}

/* -EPERM: before 5.11, RLIMIT_MEMLOCK. */
static bool is_about_memory(int err)
{
	return !complained[0] && (err == -ENOMEM || (err == -EPERM && kernel_limits_maps()));
}

/* True if no program was refused, but memory, and there are smaller rings to try. */
static bool is_smaller(struct probes *p, const struct conf *conf, int err)
{
	if (!is_about_memory(err) || pin_found(p->pin) || !ring_size_shrink(conf, &p->rings))
		return false;
	log_warn("the kernel refuses memory (%s): trying smaller buffers, of %llu and %llu KiB",
		 strerror(-err), (unsigned long long)p->rings.bytes >> 10,
		 (unsigned long long)p->rings.decisive_bytes >> 10);
	return true;
}

/*
 * libbpf goes on without BTF that the kernel refuses: the object was linked wrong, as with two
 * variables of .rodata at one place. Then programs are refused one by one, and those that are not
 * cannot be trusted; maps that were pinned need no BTF to be taken over.
 */
static int check_btf(const struct probes *p, int err)
{
	bool got_so_far = !err || complained[0]; /* programs come behind the BTF */

	if (!got_so_far || bpf_object__btf_fd(p->skel->obj) >= 0)
		return err;
	return log_err(-EPROTO,
		       "the kernel refuses the BTF of the BPF programs: this build of them is "
		       "broken, or there was no memory (--log-level debug says more)");
}

static int load_once(struct probes *p, const struct conf *conf, const struct hierarchy *hierarchy,
		     const struct btf *btf)
{
	struct timespec began, ended;
	int err;

	varve_bpf__destroy(p->skel);
	p->skel = NULL;
	complained[0] = '\0';
	err = open_object(&p->skel);
	if (!err)
		err = hooks_choose(&p->hooks, p->skel->obj, conf->hooks, btf, &p->refused);
	if (!err)
		err = configure_hierarchy(p->skel, hierarchy, btf);
	if (err)
		return err;
	configure(p, conf, btf);
	err = resume_maps(p, conf);
	if (err)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &began);
	err = varve_bpf__load(p->skel);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	p->load_ns = (ended.tv_sec - began.tv_sec) * NSEC_PER_SEC + ended.tv_nsec - began.tv_nsec;
	return check_btf(p, err);
}

/* The object's bytes are read once, out of this program's file: they need not stay in memory. */
static void drop_object(const struct varve_bpf *skel)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), begin = (uintptr_t)skel->skeleton->data;
	uintptr_t end = (begin + skel->skeleton->data_sz) & ~(page - 1);

	begin = (begin + page - 1) & ~(page - 1);
	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}

int probes_load(const struct conf *conf, const struct hierarchy *hierarchy,
		struct probes **ret_probes)
{
	struct probes *p = calloc(1, sizeof(*p));
	int err, cpu_cnt = libbpf_num_possible_cpus();
	struct btf *btf;

	if (!p)
		return -ENOMEM;
	libbpf_set_print(to_diag);
	if (!conf->pin && !conf->probe)
		pin_tell_left(conf->pin_dir);
	if (conf->pin && !conf->probe) {
		err = pin_open(conf->pin_dir, &p->pin);
		if (err) {
			free(p);
			return err;
		}
	}
	btf = btf__load_vmlinux_btf(); /* NULL: explain_load() says so */
	p->cpu_cnt = cpu_cnt > 0 ? cpu_cnt : 1;
	p->rings = ring_size_choose(conf);
	/* One program that the kernel refuses is no reason to do without the others. -EPROTO is told,
	 * and would be the same each time. */
	do
		err = load_once(p, conf, hierarchy, btf);
	while (err && err != -EPROTO && (refuse(p, err) || is_smaller(p, conf, err)));
	btf__free(btf);
	if (err) {
		probes_close(p);
		return err == -EOPNOTSUPP || err == -EPROTO ? err : explain_load(err);
	}
	drop_object(p->skel);
	err = open_shared(p);
	if (!err)
		err = open_node_account(p);
	if (!err)
		err = open_account_reader(p);
	if (!err)
		err = fill_always(p);
	if (err)
		log_err(err, "cannot prepare the BPF maps");
	else
		err = keep_maps(p, hierarchy);
	if (err) {
		probes_close(p);
		return err;
	}
	if (find_self(p))
		log_warn("cannot tell the sensor from other processes: what it does is recorded, "
			 "too");
	*ret_probes = p;
	return 0;
}

/* Reading it runs a program over all elements of the map: that which is loaded of the two of
 * bpf/each.bpf.h. NULL: errno. */
static struct bpf_link *open_walk(const struct bpf_program *by_helper,
				  const struct bpf_program *by_element, const struct bpf_map *map)
{
	union bpf_iter_link_info info = {.map.map_fd = bpf_map__fd(map)};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__fd(by_helper) >= 0 ? bpf_program__attach_iter(by_helper, NULL)
					       : bpf_program__attach_iter(by_element, &opts);
}

static struct bpf_link *open_look(const struct probes *p)
{
	struct bpf_link *link =
		open_walk(p->skel->progs.close_write_look, p->skel->progs.close_write_look_5_12,
			  p->skel->maps.write_opens);

	if (!link)
		log_warn("files that end with their process are not seen closed: %s",
			 strerror(errno));
	return link;
}

/* What the others' programs have left out is to be declared, whoever does. */
static void inherit_misses(struct probes *p)
{
	struct ev_shared *shared = p->shared;
	uint32_t latest;
	int err;
	uint64_t misses = pin_others_misses(p->pin, &latest, &err);

	if (err && !p->misses_unknown)
		log_warn("how many runs of programs the kernel left out while no sensor ran is "
			 "not known, and not declared: %s",
			 strerror(-err));
	p->misses_unknown |= err != 0;

	/* Of programs that are gone: a start was cut off before it said so. */
	if (!pin_has_generation(p->pin, shared->misses_generation)) {
		shared->misses_declared = 0;
		shared->misses_generation = latest;
	}
	if (misses > shared->misses_declared) {
		shared->misses_left += misses - shared->misses_declared;
		shared->misses_declared = misses;
	}
}

/* The programs are attached and silent; from here on it is them. */
static int take_over(struct probes *p)
{
	int err;

	if (!p->pin)
		return 0;
	err = pin_keep_hooks(p->pin, p->skel->obj, &p->hooks);
	if (err)
		return err;
	/* Before, since who is cut off in between leaves others that nobody asks any more, and
	 * after. */
	inherit_misses(p);
	err = takeover_all_cpus(bpf_program__fd(p->skel->progs.core_take_over),
				bpf_map__fd(p->skel->maps.current_set), pin_generation(p->pin),
				p->cpu_cnt);
	if (err)
		return err;
	inherit_misses(p);
	return pin_drop_others(p->pin);
}

int probes_attach(struct probes *p, const struct hierarchy *hierarchy)
{
	_cleanup_close_ int cgroup_fd = -1;
	const struct hooks_maps maps = {.syscall_progs = p->skel->maps.syscall_progs,
					.uring_progs = p->skel->maps.uring_progs,
					.uring_by_function = &p->skel->bss->uring_by_function};
	int err = hierarchy_open_v2(hierarchy, &cgroup_fd);
	size_t i, attached = 0;

	if (err)
		return log_err(err, "cannot open the root of the cgroup v2 hierarchy");
	/* container_start last: a container whose start was seen is seen by all the others. */
	hooks_attach(&p->hooks, &maps, cgroup_fd, "container_start");
	p->look = open_look(p);
	p->report_cnt = hooks_report(&p->hooks, p->report, ARRAY_SIZE(p->report));
	for (i = 0; i < p->report_cnt; i++)
		attached += p->report[i].attached;
	return attached ? take_over(p)
			: log_err(-EOPNOTSUPP, "no hook attached: nothing can be recorded");
}

void probes_look_for_closed(const struct probes *p)
{
	_cleanup_close_ int fd = p->look ? bpf_iter_create(bpf_link__fd(p->look)) : -1;
	char none[64];
	ssize_t n;

	if (fd < 0)
		return;
	do
		n = read(fd, none, sizeof(none));
	while (n > 0 || (n < 0 && errno == EAGAIN));
}

bool probes_see_closes(const struct probes *p)
{
	size_t i;

	for (i = 0; i < p->report_cnt; i++)
		if (!strcmp(p->report[i].name, "close_write_fput"))
			return p->report[i].attached;
	return false;
}

void probes_detach(struct probes *p)
{
	hooks_detach(&p->hooks);
}

void probes_close(struct probes *p)
{
	if (!p)
		return;
	probes_detach(p);
	bpf_link__destroy(p->look);
	if (p->shared)
		munmap(p->shared, sizeof(*p->shared));
	pin_close(p->pin);
	if (p->account_copy)
		munmap((void *)p->account_copy, account_copy_size(p));
	varve_bpf__destroy(p->skel);
	free(p);
}

void probes_ring_fds(const struct probes *p, int ret_fds[PROBES_RING_CNT])
{
	ret_fds[0] = bpf_map__fd(p->skel->maps.events);
	ret_fds[1] = bpf_map__fd(p->skel->maps.decisive);
}

int probes_births_fd(const struct probes *p)
{
	return bpf_map__fd(p->skel->maps.births);
}

uint64_t probes_load_ns(const struct probes *p)
{
	return p->load_ns;
}

const struct probes_hook *probes_hooks(const struct probes *p, size_t *ret_cnt)
{
	*ret_cnt = p->report_cnt;
	return p->report;
}

bool probes_misses_unknown(const struct probes *p)
{
	return p->misses_unknown;
}

bool probes_see_uring(const struct probes *p)
{
	return hooks_see_uring(&p->hooks);
}

size_t probes_cpu_cnt(const struct probes *p)
{
	return p->cpu_cnt;
}

int probes_scope_add(struct probes *p, uint64_t cgroup_id, uint64_t container)
{
	/* It runs already: whoever comes in now is not its first process. */
	struct ev_scope in = {.container = container, .flags = EV_SCOPE_ENTERED};

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

void probes_first_process(const struct probes *p, uint64_t container, uint32_t *ret_pid,
			  uint64_t *ret_start_ns)
{
	struct ev_scope in = {};

	bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.scope), &container, &in);
	*ret_pid = in.first_tgid;
	*ret_start_ns = in.first_start_ns;
}

static int read_account(const struct probes *p, uint64_t cgroup_id, struct ev_account *ret_accounts)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &cgroup_id,
		    .ctx_size_in = sizeof(cgroup_id));

	if (bpf_prog_test_run_opts(bpf_program__fd(p->account_reader), &opts))
		return -errno;
	if (!opts.retval)
		return -ENOENT;
	memcpy(ret_accounts, p->account_copy, p->cpu_cnt * sizeof(*ret_accounts));
	return 0;
}

int probes_account(const struct probes *p, uint64_t cgroup_id, struct ev_account *ret_accounts)
{
	int fd = bpf_map__fd(p->skel->maps.accounts);

	if (p->account_reader)
		return read_account(p, cgroup_id, ret_accounts);
	return bpf_map_lookup_elem(fd, &cgroup_id, ret_accounts) ? -errno : 0;
}

int probes_account_next(const struct probes *p, const uint64_t *previous, uint64_t *ret_cgroup_id)
{
	int fd = bpf_map__fd(p->skel->maps.accounts);

	return bpf_map_get_next_key(fd, previous, ret_cgroup_id) ? -errno : 0;
}

void probes_drop_book(struct probes *p, uint64_t cgroup_id)
{
	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.books), &cgroup_id);
}

void probes_forget(struct probes *p, uint64_t cgroup_id)
{
	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.scope), &cgroup_id);
	bpf_map_delete_elem(bpf_map__fd(p->skel->maps.accounts), &cgroup_id);
	probes_drop_book(p, cgroup_id);
}

#define PID_NS_INIT_INO 0xEFFFFFFC /* PROC_PID_INIT_INO of <linux/proc_ns.h>, the kernel's */
#define ESCAPEES_STEPS	2048	   /* the map holds 1,024; it may change while it is walked */

/*
 * The kernel side forgets one when it ends. If that was not seen, it may be asked for here; not
 * from another pid namespace, where the number means nothing.
 */
static bool has_ended(uint32_t pid)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == PID_NS_INIT_INO && kill(pid, 0) &&
	       errno == ESRCH;
}

bool probes_has_escapees(const struct probes *p, uint64_t container)
{
	int fd = bpf_map__fd(p->skel->maps.escapees);
	uint32_t pid, next, *previous = NULL;
	struct ev_escapee e;

	if (!__atomic_load_n(&p->shared->escapees, __ATOMIC_RELAXED))
		return false;
	for (int i = 0; i < ESCAPEES_STEPS; i++) {
		if (bpf_map_get_next_key(fd, previous, &next))
			return false;
		pid = next;
		previous = &pid;
		if (!bpf_map_lookup_elem(fd, &pid, &e) && e.container == container &&
		    !has_ended(pid))
			return true;
	}
	return true; /* not to the end: another look will tell */
}

struct probes_rings probes_rings(const struct probes *p)
{
	return p->rings;
}

bool probes_limit_began(struct probes *p)
{
	return __atomic_exchange_n(&p->skel->bss->limit_began, 0, __ATOMIC_RELAXED);
}

void probes_next_epoch(struct probes *p)
{
	p->shared->epoch = __atomic_add_fetch(&p->skel->data->epoch, 1, __ATOMIC_RELAXED);
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

/* Of these programs. */
static uint64_t misses_declared(const struct probes *p)
{
	return p->shared->misses_generation == pin_generation(p->pin) ? p->shared->misses_declared
								      : 0;
}

uint64_t probes_misses(const struct probes *p)
{
	struct bpf_program *prog;
	uint64_t sum = 0, declared = misses_declared(p);

	bpf_object__for_each_program(prog, p->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.recursion_misses;
	}
	return p->shared->misses_left + (sum > declared ? sum - declared : 0);
}

void probes_misses_declared(struct probes *p, uint64_t cnt)
{
	uint64_t left = MIN(cnt, p->shared->misses_left);

	p->shared->misses_left -= left;
	p->shared->misses_declared = misses_declared(p) + cnt - left;
	p->shared->misses_generation = pin_generation(p->pin);
}

/* The iterator's program runs in read(); it writes nothing to read. */
static int run_flow_sweep(struct probes *p)
{
	struct bpf_link *link =
		open_walk(p->skel->progs.udp_flow_sweep, p->skel->progs.udp_flow_sweep_5_12,
			  p->skel->maps.udp_flows);
	_cleanup_close_ int fd = -1;
	char none[64];

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link); /* the iterator holds what it needs */
	if (fd < 0)
		return -errno;
	while (read(fd, none, sizeof(none)) > 0 || errno == EAGAIN)
		errno = 0;
	return 0;
}

int probes_sweep_flows(struct probes *p, struct probes_flow_sweep *sweep)
{
	struct varve_bpf__bss *bss = p->skel->bss;
	int err;

	bss->udp_sweep_idle_ns = sweep->idle_ns;
	bss->udp_sweep_cgroup = sweep->cgroup_id;
	bss->udp_sweep_all = sweep->all;
	bss->udp_sweep_limit = sweep->limit;
	bss->udp_sweep_ended = bss->udp_sweep_live = bss->udp_flow_full = 0;
	err = run_flow_sweep(p);
	sweep->ended = bss->udp_sweep_ended;
	sweep->live = bss->udp_sweep_live;
	return err;
}

bool probes_flows_full(const struct probes *p)
{
	return p->skel->bss->udp_flow_full;
}

struct ev_shared *probes_shared(const struct probes *p)
{
	return p->shared;
}

bool probes_resumed(const struct probes *p)
{
	return pin_found(p->pin);
}

bool probes_pinned(const struct probes *p)
{
	return p->pin;
}

int probes_keep_book(struct probes *p, uint64_t cgroup_id, const struct book *book)
{
	int fd = bpf_map__fd(p->skel->maps.books);
	int err = bpf_map_update_elem(fd, &cgroup_id, book, BPF_ANY) ? -errno : 0;

	if (err && !p->books_told)
		log_err(err, "cannot keep in the pinned maps how far the log has come: the next "
			     "start reads the log from the last time on that it could be");
	p->books_told |= err < 0;
	return err;
}

void probes_each_book(const struct probes *p,
		      void (*fn)(uint64_t cgroup_id, const struct book *book, void *ctx), void *ctx)
{
	_cleanup_free_ struct book *book = malloc(streams_book_size(p->cpu_cnt));
	int fd = bpf_map__fd(p->skel->maps.books), err;
	uint64_t id, next;

	for (err = bpf_map_get_next_key(fd, NULL, &next); book && !err;
	     err = bpf_map_get_next_key(fd, &id, &next)) {
		id = next;
		if (!bpf_map_lookup_elem(fd, &id, book))
			fn(id, book, ctx);
	}
}
