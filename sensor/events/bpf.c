/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

/* Those that bpf/bpf.bpf.c records. */
static const struct {
	const char *name;
	bool gives_fd;
} commands[] = {
	[BPF_PROG_LOAD] = {"BPF_PROG_LOAD", true},
	[BPF_PROG_ATTACH] = {"BPF_PROG_ATTACH", false},
	[BPF_PROG_DETACH] = {"BPF_PROG_DETACH", false},
	[BPF_PROG_GET_FD_BY_ID] = {"BPF_PROG_GET_FD_BY_ID", true},
	[BPF_MAP_GET_FD_BY_ID] = {"BPF_MAP_GET_FD_BY_ID", true},
	[BPF_RAW_TRACEPOINT_OPEN] = {"BPF_RAW_TRACEPOINT_OPEN", true},
	[BPF_LINK_CREATE] = {"BPF_LINK_CREATE", true},
	[BPF_LINK_UPDATE] = {"BPF_LINK_UPDATE", false},
	[BPF_LINK_GET_FD_BY_ID] = {"BPF_LINK_GET_FD_BY_ID", true},
	[BPF_LINK_DETACH] = {"BPF_LINK_DETACH", false},
};

static int fill_prog(const struct ev_bpf *in, struct arena *arena, Varve__V1__Bpf *out)
{
	size_t len = strnlen(in->prog_name, sizeof(in->prog_name));

	if (!(in->flags & EV_BPF_HAS_PROG))
		return 0;
	SET(out, program_type, in->prog_type);
	/* NULL for a type that this libbpf does not know. */
	out->program_type_name = (char *)libbpf_bpf_prog_type_str(in->prog_type);
	SET(out, instruction_count, in->insn_cnt);
	SET(out, program_attach_type, in->prog_attach_type);
	if (in->flags & EV_BPF_PROG_USER_MEMORY) {
		SET(out, program_user_memory, 1);
	} else {
		SET(out, program_id, in->prog_id);
		out->program_tag = arena_alloc(arena, 2 * sizeof(in->tag) + 1);
		if (!out->program_tag)
			return -ENOMEM;
		for (size_t i = 0; i < sizeof(in->tag); i++)
			snprintf(out->program_tag + 2 * i, 3, "%02x", in->tag[i]);
	}
	return len ? fill_text(arena, in->prog_name, len, &out->program_name,
			       &out->has_program_name_raw, &out->program_name_raw)
		   : 0;
}

static void fill_what_call(const struct ev_bpf *in, Varve__V1__Bpf *out)
{
	out->command = (char *)commands[in->command].name;
	SET(out, command_number, in->command);
	if (in->flags & EV_BPF_HAS_ATTACH)
		SET(out, attach_type, in->attach_type);
	if (in->flags & EV_BPF_HAS_TARGET)
		SET(out, target, in->target_fd);
	if (in->flags & EV_BPF_HAS_OBJECT)
		SET(out, object_id, in->object_id);
	if (in->err)
		SET(out, call_errno, in->err);
	else if (commands[in->command].gives_fd)
		SET(out, fd, in->fd);
}

int event_fill_bpf(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_bpf *in = (const void *)rec->hdr;
	Varve__V1__Bpf *out;
	int err = NEW_BODY(arena, ev, BPF, bpf, out);

	if (err)
		return err;
	if (in->command >= ARRAY_SIZE(commands) || !commands[in->command].name)
		return -EBADMSG;
	fill_what_call(in, out);
	err = fill_prog(in, arena, out);
	if (err || !in->point.off)
		return err;
	if (!(in->flags & EV_BPF_POINT_KERNEL))
		SET(out, attach_point_user_memory, 1);
	return fill_ref(rec, &in->point, arena, &out->attach_point, &out->has_attach_point_raw,
			&out->attach_point_raw);
}
