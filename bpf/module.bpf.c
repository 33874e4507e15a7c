/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * module: a kernel module was loaded or unloaded, or this was tried. One record for each call, made
 * at its exit. The name of what is loaded is in the image; the kernel's tracepoints, in the midst of
 * the call, leave it for the exit. Of a delete that failed it is from user memory, marked so.
 */
#include "syscall.bpf.h"
#include "path.bpf.h"

#define PARAMETERS_MAX 1024

struct module_name {
	char name[EV_MODULE_NAME_LEN];
};

/* An entry lives as long as its task is in the call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64); /* pid and tgid of the task */
	__type(value, struct module_name);
} module_named SEC(".maps");

static __always_inline int module_keep(struct module *module)
{
	__u64 cgid, task = bpf_get_current_pid_tgid();
	struct module_name kept = {};

	if (!bpf_core_type_exists(struct module) || !current_in_scope(&cgid))
		return 0;
	bpf_probe_read_kernel_str(kept.name, sizeof(kept.name),
				  (void *)module + bpf_core_field_offset(struct module, name));
	bpf_map_update_elem(&module_named, &task, &kept, BPF_ANY);
	return 0;
}

/* In the load, when all is in place but the module's own start, which may still fail. */
SEC("?tp_btf/module_load")
int module_load_named(__u64 *ctx)
{
	return module_keep((void *)ctx[0]);
}

SEC("?tp_btf/module_free")
int module_free_named(__u64 *ctx)
{
	return module_keep((void *)ctx[0]);
}

static __always_inline void module_fill_name(struct ev_module *ev, const void *user_name)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct module_name *kept = bpf_map_lookup_elem(&module_named, &task);

	if (kept) {
		__builtin_memcpy(ev->name, kept->name, sizeof(ev->name));
		bpf_map_delete_elem(&module_named, &task);
	} else if (user_name &&
		   bpf_probe_read_user_str(ev->name, sizeof(ev->name), user_name) > 0) {
		ev->flags |= EV_MODULE_NAME_USER_MEMORY;
	}
}

static __always_inline void module_fill_parameters(struct build *b, struct ev_module *ev,
						   const void *text)
{
	if (text_append_user(b, &ev->parameters, text, PARAMETERS_MAX))
		ev->flags |= EV_MODULE_PARAMETERS_CUT;
}

static __always_inline void module_fill_finit(struct build *b, struct ev_module *ev,
					      struct syscall *sc)
{
	struct file *file = file_of_fd(sc->task, sc->arg[0]);

	ev->call = EV_MODULE_FINIT;
	ev->call_flags = sc->arg[2];
	if (file)
		file_fill(b, &ev->file, file, sc->task);
	module_fill_parameters(b, ev, (void *)sc->arg[1]);
}

SYSCALL_PROBE(module_exit)
{
	struct ev_module *ev;
	struct build b;

	ev = (void *)record_begin(&b, EV_MODULE, EV_CLASS_kernel, sc->cgid, sizeof(*ev));
	if (!ev)
		return 0;
	task_fill(&ev->hdr.task, sc->task);
	ev->err = syscall_errno(sc->ret);
	module_fill_name(ev, sc->nr == NR_delete_module ? (void *)sc->arg[0] : 0);
	if (sc->nr == NR_delete_module) {
		ev->call = EV_MODULE_DELETE;
		ev->call_flags = sc->arg[1];
	} else if (sc->nr == NR_finit_module) {
		module_fill_finit(&b, ev, sc);
	} else {
		ev->call = EV_MODULE_INIT;
		ev->image_len = sc->arg[1];
		module_fill_parameters(&b, ev, (void *)sc->arg[2]);
	}
	record_submit(&b, BPF_RB_NO_WAKEUP);
	return 0;
}

SERVES_SYSCALL(module_exit, init_module);
SERVES_SYSCALL(module_exit, finit_module);
SERVES_SYSCALL(module_exit, delete_module);
