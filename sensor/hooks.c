/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hooks.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "sensor/conf.h"
#include "sensor/kernel_features.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/net.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* --- choosing */

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static const char *name_of(const struct hook *h)
{
	return bpf_program__name(h->prog);
}

static const struct ev_syscall *find_call(const struct hooks *hooks, const char *name)
{
	for (size_t i = 0; i < hooks->syscall_cnt; i++)
		if (!strcmp(hooks->syscalls[i].name, name))
			return &hooks->syscalls[i];
	return NULL;
}

static const struct ev_instead *find_instead(const struct ev_instead *list, size_t cnt,
					     const char *prog)
{
	for (size_t i = 0; i < cnt; i++)
		if (!strcmp(list[i].prog, prog))
			return &list[i];
	return NULL;
}

static bool serves_calls(const struct hooks *hooks, const char *prog)
{
	for (size_t i = 0; i < hooks->syscall_cnt; i++)
		if (!strcmp(hooks->syscalls[i].prog, prog))
			return true;
	return false;
}

static const struct ev_uring *find_uring(const struct hooks *hooks, const char *prog)
{
	for (size_t i = 0; i < hooks->uring_cnt; i++)
		if (!strcmp(hooks->urings[i].prog, prog))
			return &hooks->urings[i];
	return NULL;
}

static void classify(const struct hooks *hooks, struct hook *h)
{
	const char *section = bpf_program__section_name(h->prog);

	section += *section == '?';
	snprintf(h->target, sizeof(h->target), "%s", section);
	h->kind = HOOK_OTHER;
	if (has_prefix(section, "fexit/__x64_sys_")) {
		h->kind = HOOK_CALL;
		h->call = find_call(hooks, section + strlen("fexit/__x64_sys_"));
	} else if (has_prefix(section, "fexit/__ia32_sys_")) {
		h->kind = HOOK_CALL_32;
		h->call = find_call(hooks, section + strlen("fexit/__ia32_sys_"));
	} else if (has_prefix(section, "fexit/") || has_prefix(section, "fentry/")) {
		h->kind = HOOK_FUNCTION;
		h->instead = find_instead(hooks->insteads, hooks->instead_cnt, name_of(h));
		h->helps = find_instead(hooks->helps, hooks->helps_cnt, name_of(h));
	} else if (serves_calls(hooks, name_of(h))) {
		h->kind = HOOK_SYS_EXIT;
	} else if ((h->uring = find_uring(hooks, name_of(h)))) {
		h->kind = HOOK_URING;
	} else if (has_prefix(section, "iter/") || !strcmp(section, "raw_tp")) {
		h->kind = HOOK_ON_DEMAND;
	}
}

static bool is_trampoline(const struct hook *h)
{
	return h->kind == HOOK_CALL || h->kind == HOOK_CALL_32 || h->kind == HOOK_FUNCTION;
}

/* Finds the kernel's name of the function; without one the program is left out. */
static void aim(struct hook *h, const struct btf *btf)
{
	const char *section = h->target, *slash = strchr(section, '/');
	char function[64];

	if (kernel_find_function(btf, slash + 1, function, sizeof(function)) ||
	    bpf_program__set_attach_target(h->prog, 0, function)) {
		h->absent = true;
		h->wanted = false;
		h->err = -ENOENT;
		return;
	}
	h->target[slash + 1 - section] = '\0';
	strncat(h->target, function, sizeof(h->target) - strlen(h->target) - 1);
}

/* True if programs on functions stand in for the one on sys_exit, and all of them are wanted. */
static bool has_stand_in(const struct hooks *hooks, const char *served)
{
	bool any = false;

	for (size_t i = 0; i < hooks->cnt; i++) {
		const struct hook *h = &hooks->hook[i];

		if (h->kind != HOOK_FUNCTION || !h->instead || strcmp(h->instead->served, served))
			continue;
		if (!h->wanted)
			return false;
		any = true;
	}
	return any;
}

/* Functions where all that stand in for one program can be used, else the calls' own exits. */
static void prefer(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->cnt; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->kind == HOOK_FUNCTION && h->instead &&
		    !has_stand_in(hooks, h->instead->served))
			h->wanted = false;
	}
	for (size_t i = 0; i < hooks->cnt; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->call && has_stand_in(hooks, h->call->prog))
			h->wanted = false;
	}
}

static int refusal_of(const struct hooks_refused *refused, const char *name)
{
	for (size_t i = 0; i < refused->cnt; i++)
		if (!strcmp(refused->name[i], name))
			return refused->err[i];
	return 0;
}

static bool is_tracepoint(const struct hook *h)
{
	return has_prefix(h->target, "tp_btf/") || has_prefix(h->target, "tp/");
}

/* Of the two programs for all elements of a map, the one for other kernels (bpf/each.bpf.h). */
static bool is_other_walk(const struct hook *h, const struct btf *btf)
{
	bool with_helper = !strcmp(h->target, "iter/bpf_map"), has_helper;
	char function[64];

	if (!with_helper && strcmp(h->target, "iter/bpf_map_elem"))
		return false;
	has_helper = btf && !kernel_find_function(btf, "bpf_for_each_map_elem", function,
						  sizeof(function));
	return with_helper != has_helper;
}

static void consider(struct hooks *hooks, struct hook *h, const struct btf *btf,
		     const struct hooks_refused *refused)
{
	bool optional =
		*bpf_program__section_name(h->prog) == '?' || !bpf_program__autoload(h->prog);

	classify(hooks, h);
	h->wanted = true;
	if (optional && is_tracepoint(h) && btf &&
	    kernel_find_tracepoint(btf, strrchr(h->target, '/') + 1)) {
		h->absent = true;
		h->wanted = false;
	}
	if (is_trampoline(h)) {
		if (hooks->trampoline_err)
			h->wanted = false;
		else
			aim(h, btf);
	}
	if (is_other_walk(h, btf))
		h->wanted = false;
	if (refusal_of(refused, name_of(h))) {
		h->wanted = false;
		h->err = refusal_of(refused, name_of(h));
	}
}

static const void *section_of(struct bpf_object *obj, const char *name, size_t size,
			      size_t *ret_cnt)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	size_t bytes = 0;
	const void *data = map ? bpf_map__initial_value(map, &bytes) : NULL;

	*ret_cnt = data ? bytes / size : 0;
	return data;
}

static int find_trampolines(struct hooks *hooks, int set, const struct btf *btf)
{
	/* Law 3 comes before names that nobody can change: see kernel_preempts_tracepoints(). */
	if (set == CONF_HOOKS_TRACEPOINT ||
	    (set == CONF_HOOKS_AUTO && kernel_preempts_tracepoints()))
		hooks->trampoline_err = -ECANCELED;
	else
		hooks->trampoline_err = btf ? kernel_try_trampoline(btf) : -ENOENT;
	if (set == CONF_HOOKS_TRAMPOLINE && hooks->trampoline_err)
		return log_err(
			-EOPNOTSUPP,
			"this kernel refuses trampolines (%s): use --hooks auto or tracepoint",
			strerror(-hooks->trampoline_err));
	return 0;
}

int hooks_choose(struct hooks *hooks, struct bpf_object *obj, int set, const struct btf *btf,
		 const struct hooks_refused *refused)
{
	struct bpf_program *prog;
	int err;

	memset(hooks, 0, sizeof(*hooks));
	hooks->syscalls =
		section_of(obj, ".rodata.syscalls", sizeof(*hooks->syscalls), &hooks->syscall_cnt);
	hooks->insteads =
		section_of(obj, ".rodata.instead", sizeof(*hooks->insteads), &hooks->instead_cnt);
	hooks->urings = section_of(obj, ".rodata.uring", sizeof(*hooks->urings), &hooks->uring_cnt);
	hooks->helps = section_of(obj, ".rodata.helps", sizeof(*hooks->helps), &hooks->helps_cnt);
	err = find_trampolines(hooks, set, btf);
	bpf_object__for_each_program(prog, obj)
	{
		if (hooks->cnt == HOOK_CNT_MAX)
			err = -E2BIG;
		if (err)
			break;
		hooks->hook[hooks->cnt].prog = prog;
		consider(hooks, &hooks->hook[hooks->cnt++], btf, refused);
	}
	if (err)
		return err;
	prefer(hooks);
	for (size_t i = 0; i < hooks->cnt; i++)
		bpf_program__set_autoload(hooks->hook[i].prog, hooks->hook[i].wanted);
	return 0;
}

/* <linux/net.h>: SYS_*, and what each is by itself. */
static const struct {
	unsigned int call;
	const char *name;
} socketcalls[] = {
	{SYS_SOCKET, "socket"}, {SYS_BIND, "bind"},	  {SYS_CONNECT, "connect"},
	{SYS_LISTEN, "listen"}, {SYS_ACCEPT, "accept"},	  {SYS_ACCEPT4, "accept4"},
	{SYS_SENDTO, "sendto"}, {SYS_SENDMSG, "sendmsg"}, {SYS_SENDMMSG, "sendmmsg"},
};

void hooks_fill_ia32(const struct hooks *hooks, const volatile __u16 *ret_nr)
{
	__u16 *nr = (__u16 *)ret_nr; /* read-only to the programs, once they are loaded */

	for (size_t i = 0; i < hooks->syscall_cnt; i++)
		if (hooks->syscalls[i].nr32 < EV_SYSCALL_CNT)
			nr[hooks->syscalls[i].nr32] = hooks->syscalls[i].nr;
	for (size_t i = 0; i < ARRAY_SIZE(socketcalls); i++) {
		const struct ev_syscall *call = find_call(hooks, socketcalls[i].name);

		if (call)
			nr[EV_SYSCALL_CNT + socketcalls[i].call] = call->nr;
	}
}

/* --- attaching */

/* On every CPU: which one the event is opened for makes no difference to programs. */
static struct bpf_link *attach_perf(struct bpf_program *prog, const char *tracepoint)
{
	int id = kernel_perf_tracepoint_id(tracepoint);
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .config = id,
				       .sample_period = 1};
	struct bpf_link *link;
	int fd, err;

	if (id < 0) {
		errno = -id;
		return NULL;
	}
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (link) { /* it has the descriptor */
		/* Programs run all the same, and no sample is made for us. */
		ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
		return link;
	}
	err = errno;
	close(fd);
	errno = err;
	return NULL;
}

static void attach(struct hook *h, int cgroup_fd)
{
	if (has_prefix(h->target, "cgroup/") || has_prefix(h->target, "cgroup_skb/"))
		h->link = bpf_program__attach_cgroup(h->prog, cgroup_fd);
	else if (has_prefix(h->target, "tp/"))
		h->link = attach_perf(h->prog, h->target + strlen("tp/"));
	else
		h->link = bpf_program__attach(h->prog);
	h->err = h->link ? 0 : -errno;
	h->attached = !h->err;
	if (h->err)
		log_warn("hook %s (%s) did not attach: %s", name_of(h), h->target,
			 strerror(-h->err));
}

static void detach(struct hook *h)
{
	bpf_link__destroy(h->link);
	h->link = NULL;
	h->attached = false;
}

static void attach_kind(struct hooks *hooks, enum hook_kind kind, int cgroup_fd)
{
	for (size_t i = 0; i < hooks->cnt; i++)
		if (hooks->hook[i].kind == kind && hooks->hook[i].wanted)
			attach(&hooks->hook[i], cgroup_fd);
}

/* A function's programs work together or not at all. */
static bool functions_serve(struct hooks *hooks, const char *served)
{
	bool any = false, all = true;

	for (size_t i = 0; i < hooks->cnt; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->kind != HOOK_FUNCTION || !h->instead || strcmp(h->instead->served, served))
			continue;
		any = true;
		all &= h->attached;
	}
	for (size_t i = 0; i < hooks->cnt && any && !all; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->kind == HOOK_FUNCTION && h->instead && !strcmp(h->instead->served, served))
			detach(h);
	}
	return any && all;
}

/* The same, of functions that io_uring calls as well. */
static bool functions_see_uring(struct hooks *hooks, const char *served)
{
	for (size_t i = 0; i < hooks->instead_cnt; i++)
		if (!strcmp(hooks->insteads[i].served, served))
			return hooks->insteads[i].uring && functions_serve(hooks, served);
	return false;
}

static const struct hook *find_exit(const struct hooks *hooks, const struct ev_syscall *call,
				    enum hook_kind kind)
{
	for (size_t i = 0; i < hooks->cnt; i++)
		if (hooks->hook[i].kind == kind && hooks->hook[i].call == call)
			return &hooks->hook[i];
	return NULL;
}

/* The last call that every kernel we load on has. */
#define LAST_CALL_OF_5_10 440

/* The kernel has the call, but its BTF does not tell the entry (5.10: perf_event_open). */
static bool exit_is_untold(const struct hooks *hooks, const struct ev_syscall *call)
{
	const struct hook *h = find_exit(hooks, call, HOOK_CALL);

	return h && h->absent && call->nr <= LAST_CALL_OF_5_10;
}

/* A call's own exit: attached, or not there since the kernel has no such entry. */
static bool exit_serves(const struct hooks *hooks, const struct ev_syscall *call,
			enum hook_kind kind)
{
	const struct hook *h = find_exit(hooks, call, kind);

	return h && (h->attached || (h->absent && !exit_is_untold(hooks, call)));
}

static struct hook *find_hook(struct hooks *hooks, const char *name)
{
	for (size_t i = 0; i < hooks->cnt; i++)
		if (!strcmp(name_of(&hooks->hook[i]), name))
			return &hooks->hook[i];
	return NULL;
}

static void serve(struct hook *h, int map, __u32 index, bool *ret_used)
{
	int fd = bpf_program__fd(h->prog);

	if (fd < 0)
		return; /* it was refused; h->err says why */
	h->attached = true;
	*ret_used = true;
	if (!bpf_map_update_elem(map, &index, &fd, BPF_ANY))
		return;
	h->err = -errno;
	h->attached = false;
}

/* Tail calls for what no trampoline serves. True if there is any. */
static bool serve_call(struct hooks *hooks, const struct ev_syscall *call, int map)
{
	struct hook *h = find_hook(hooks, call->prog);
	bool used = false, own_32 = exit_serves(hooks, call, HOOK_CALL_32);

	if (!h || functions_serve(hooks, call->prog))
		return false;
	if (call->nr < EV_SYSCALL_CNT && !exit_serves(hooks, call, HOOK_CALL))
		serve(h, map, call->nr, &used);
	if (call->nr32 < EV_SYSCALL_CNT && !own_32)
		serve(h, map, EV_SYSCALL_CNT + call->nr32, &used);
	for (size_t i = 0; i < ARRAY_SIZE(socketcalls); i++)
		if (!strcmp(socketcalls[i].name, call->name))
			serve(h, map, 2 * EV_SYSCALL_CNT + socketcalls[i].call, &used);
	return used;
}

static void attach_sys_exit(struct hooks *hooks, struct bpf_map *syscall_progs, int cgroup_fd)
{
	struct hook *core = find_hook(hooks, "core_sys_exit");
	bool used = false;

	for (size_t i = 0; i < hooks->syscall_cnt; i++)
		used |= serve_call(hooks, &hooks->syscalls[i], bpf_map__fd(syscall_progs));
	if (!core || !used)
		return;
	if (core->wanted)
		attach(core, cgroup_fd);
	for (size_t i = 0; i < hooks->cnt && !core->attached; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->kind != HOOK_SYS_EXIT || !h->attached)
			continue;
		h->attached = false;
		h->err = core->err;
	}
}

/* A request is seen by a function where one serves its operation, else when it is complete. */
static void attach_uring(struct hooks *hooks, const struct hooks_maps *maps)
{
	int map = bpf_map__fd(maps->uring_progs);

	for (size_t i = 0; i < hooks->uring_cnt; i++) {
		const struct ev_uring *u = &hooks->urings[i];
		struct hook *h = find_hook(hooks, u->prog);
		int fd = h && h->wanted ? bpf_program__fd(h->prog) : -1;

		if (functions_see_uring(hooks, u->served)) {
			*maps->uring_by_function |= 1ULL << u->op;
			continue;
		}
		if (fd < 0)
			continue;
		h->attached = !bpf_map_update_elem(map, &u->op, &fd, BPF_ANY);
		h->err = h->attached ? 0 : -errno;
	}
}

void hooks_attach(struct hooks *hooks, const struct hooks_maps *maps, int cgroup_fd,
		  const char *last)
{
	struct hook *core = find_hook(hooks, "core_sys_exit"), *end = find_hook(hooks, last);

	attach_kind(hooks, HOOK_FUNCTION, cgroup_fd);
	attach_kind(hooks, HOOK_CALL, cgroup_fd);
	attach_kind(hooks, HOOK_CALL_32, cgroup_fd);
	attach_sys_exit(hooks, maps->syscall_progs, cgroup_fd);
	attach_uring(hooks, maps);
	for (size_t i = 0; i < hooks->cnt; i++) {
		struct hook *h = &hooks->hook[i];

		if (h->kind == HOOK_OTHER && h->wanted && h != core && h != end)
			attach(h, cgroup_fd);
	}
	if (end && end->wanted)
		attach(end, cgroup_fd);
}

bool hooks_see_uring(const struct hooks *hooks)
{
	const struct hook *core = find_hook((struct hooks *)hooks, "core_uring");

	return core && core->attached;
}

void hooks_detach(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->cnt; i++) {
		bpf_link__destroy(hooks->hook[i].link);
		hooks->hook[i].link = NULL;
	}
}

/* --- telling */

/* What does the work of a trampoline that is not used; NULL: nothing. */
static const char *substitute(const struct hooks *hooks, const struct hook *h)
{
	const struct ev_instead *in = h->instead ? h->instead : h->helps;
	const char *served = in ? in->served : h->call ? h->call->prog : NULL;

	for (size_t i = 0; served && i < hooks->cnt; i++) {
		const struct hook *other = &hooks->hook[i];

		if (other->kind == HOOK_SYS_EXIT && other->attached &&
		    !strcmp(name_of(other), served))
			return name_of(other);
		if (other->call && other->attached && in && !strcmp(other->call->prog, served))
			return name_of(other);
	}
	return NULL;
}

/* Programs are named kind first; a call's exit by the program that serves the call. */
static unsigned int kind_of(const struct hook *h)
{
	const char *name = h->call ? h->call->prog : name_of(h), *label;
	size_t len, best_len = 0;
	unsigned int kind, best = 0;

	for (kind = 0; kind < EV_KIND_END; kind++) {
		label = event_kind_label(kind);
		len = label ? strlen(label) : 0;
		if (len <= best_len || strncmp(name, label, len) || (name[len] && name[len] != '_'))
			continue;
		best = kind;
		best_len = len;
	}
	return best;
}

/* A call that the kernel has not cannot be used by anybody; a function that it has not has its
 * calls' exits in its place. */
static bool is_worth_telling(const struct hook *h)
{
	if (h->kind == HOOK_ON_DEMAND)
		return h->err;
	return h->attached || (h->err && !(h->call && h->absent));
}

static uint32_t insns_of(const struct hook *h)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_program__fd(h->prog);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.verified_insns;
}

size_t hooks_report(const struct hooks *hooks, struct probes_hook *ret_hooks, size_t size)
{
	size_t n = 0;

	if (hooks->trampoline_err && size)
		ret_hooks[n++] = (struct probes_hook){.name = "trampoline_set",
						      .target = "fentry, fexit",
						      .err = hooks->trampoline_err,
						      .served_by = "core_sys_exit"};
	for (size_t i = 0; i < hooks->cnt && n < size; i++) {
		const struct hook *h = &hooks->hook[i];

		if (!is_worth_telling(h))
			continue;
		ret_hooks[n++] = (struct probes_hook){
			.name = name_of(h),
			.target = h->target,
			.attached = h->attached,
			.err = h->err,
			.insns = insns_of(h),
			.kind = kind_of(h),
			.served_by = h->attached ? NULL : substitute(hooks, h)};
	}
	return n;
}
