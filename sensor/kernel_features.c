/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kernel_features.h"
#include "evidence/base.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>

static const struct bpf_insn return_zero[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

bool kernel_has_fetch(void)
{
	const struct bpf_insn insns[] = {
		/* *(u64 *)(fp - 8) = 0; r0 = 0; r0 = fetch_add(fp - 8, r0) */
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW,
		 .dst_reg = BPF_REG_10,
		 .off = -8,
		 .imm = BPF_ADD | BPF_FETCH},
		return_zero[0],
		return_zero[1],
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_fetch", "GPL",
					       insns, ARRAY_SIZE(insns), NULL);

	return fd >= 0;
}

#define VERSION(major, minor) ((major) * 1000 + (minor))

/* VERSION() of the one that runs; 0: not known. */
static unsigned int version(void)
{
	struct utsname uts;
	unsigned int major, minor;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return VERSION(major, minor);
}

bool kernel_limits_maps(void)
{
	return version() && version() < VERSION(5, 11);
}

bool kernel_preempts_tracepoints(void)
{
	return version() >= VERSION(7, 0);
}

int kernel_mount(const char *type)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Where it is mounted, or a mount of our own. */
static int open_tracefs(void)
{
	int fd = open("/sys/kernel/tracing", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !faccessat(fd, "events", F_OK, 0))
		return fd;
	if (fd >= 0)
		close(fd);
	return kernel_mount("tracefs");
}

int kernel_perf_tracepoint_id(const char *name)
{
	_cleanup_close_ int tracefs = open_tracefs(), fd = -1;
	char path[128], text[16] = "";

	if (tracefs < 0)
		return tracefs;
	snprintf(path, sizeof(path), "events/%s/id", name);
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	return atoi(text) > 0 ? atoi(text) : -EINVAL;
}

int kernel_try_trampoline(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "vfs_read", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = id);
	_cleanup_close_ int prog = -1, link = -1;

	if (id < 0)
		return id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "try_fentry", "GPL", return_zero,
			     ARRAY_SIZE(return_zero), &opts);
	if (prog < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, prog);
	return link < 0 ? -errno : 0;
}

/* The functions behind the calls that take names: renamed in Linux 7.0. */
static const char *const renamed[][2] = {
	{"do_filp_open", "do_file_open"},	{"do_unlinkat", "filename_unlinkat"},
	{"do_renameat2", "filename_renameat2"}, {"do_linkat", "filename_linkat"},
	{"do_symlinkat", "filename_symlinkat"}, {"do_mkdirat", "filename_mkdirat"},
	{"do_rmdir", "filename_rmdir"},		{"do_mknodat", "filename_mknodat"},
};

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0;
}

/* 32-bit calls that have a function of their own: for an argument in two registers, or of another
 * layout. */
static int find_ia32(const struct btf *btf, const char *call, char *ret_name, size_t size)
{
	static const char *const prefix[] = {"__ia32_sys_ia32_", "__ia32_compat_sys_ia32_",
					     "__ia32_compat_sys_"};
	size_t i;

	/* Its compat form is other processors'; that of mmap is a call of another number. */
	if (!strcmp(call, "sendfile64") || !strcmp(call, "mmap"))
		return -ENOENT;

	for (i = 0; i < ARRAY_SIZE(prefix); i++) {
		/* Of fcntl it is the 64-bit form. */
		snprintf(ret_name, size, "%s%s%s", prefix[i], call,
			 strcmp(call, "fcntl") ? "" : "64");
		if (has_function(btf, ret_name))
			return 0;
	}
	return -ENOENT;
}

int kernel_find_function(const struct btf *btf, const char *name, char *ret_name, size_t size)
{
	const char ia32[] = "__ia32_sys_";
	size_t i;

	if (!strncmp(name, ia32, sizeof(ia32) - 1) &&
	    !find_ia32(btf, name + sizeof(ia32) - 1, ret_name, size))
		return 0;
	snprintf(ret_name, size, "%s", name);
	if (has_function(btf, name))
		return 0;
	for (i = 0; i < ARRAY_SIZE(renamed); i++) {
		if (strcmp(renamed[i][0], name) || !has_function(btf, renamed[i][1]))
			continue;
		snprintf(ret_name, size, "%s", renamed[i][1]);
		return 0;
	}
	return -ENOENT;
}

/* The type of a tracepoint's parameter: of the function that its typedef points to, whose first one
 * is the tracepoint's own. */
static const struct btf_type *tracepoint_parameter(const struct btf *btf, const char *name,
						   size_t parameter)
{
	const struct btf_type *t;
	char type_name[80];
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	t = id < 0 ? NULL : btf__type_by_id(btf, id);
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) <= parameter + 1)
		return NULL;
	return btf__type_by_id(btf, btf_params(t)[parameter + 1].type);
}

bool kernel_tracepoint_has_pointer(const struct btf *btf, const char *name, size_t parameter)
{
	const struct btf_type *t = tracepoint_parameter(btf, name, parameter);

	return t && btf_is_ptr(t);
}

int kernel_find_tracepoint(const struct btf *btf, const char *name)
{
	const struct btf_type *t = tracepoint_parameter(btf, name, 0);
	bool is_submit = !strncmp(name, "io_uring_submit_", 16);

	if (!t)
		return -ENOENT;
	if (is_submit) {
		t = btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
		return t && !strcmp(btf__name_by_offset(btf, t->name_off), "io_kiocb") ? 0
										       : -ENOENT;
	}
	if (!strcmp(name, "io_uring_complete") && !kernel_tracepoint_has_pointer(btf, name, 1))
		return -ENOENT;
	return 0;
}

bool kernel_parameter_is(const struct btf *btf, const char *function, size_t parameter,
			 const char *type)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);

	t = t ? btf__type_by_id(btf, t->type) : NULL; /* its prototype */
	if (!t || btf_vlen(t) <= parameter)
		return false;
	t = btf__type_by_id(btf, btf_params(t)[parameter].type);
	if (!t || !btf_is_ptr(t))
		return false;
	t = btf__type_by_id(btf, t->type);
	return t && btf_is_struct(t) && !strcmp(btf__name_by_offset(btf, t->name_off), type);
}

int kernel_enum_value(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), name))
			return btf_enum(t)[i].val;
	return -ENOENT;
}
