/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static int fill_arguments(const struct record *rec, const struct ev_exec *in, struct arena *arena,
			  Varve__V1__Exec *out)
{
	const char *args, *tail = NULL;
	int err;

	SET(out, args_length, in->args_len & INT64_MAX);
	if (in->args_cnt != EV_EXEC_COUNT_UNKNOWN)
		SET(out, args_count, in->args_cnt);
	if (in->args_len > (uint64_t)in->args.len + in->args_tail.len)
		SET(out, args_truncated, 1);
	if (!in->args.off)
		return 0;
	args = record_bytes(rec, &in->args);
	if (!args)
		return -EBADMSG;
	err = fill_args(arena, args, in->args.len, &out->n_args, &out->args, &out->has_args_raw,
			&out->args_raw);
	if (!err && in->args_tail.off) {
		tail = record_bytes(rec, &in->args_tail);
		if (!tail)
			return -EBADMSG;
		err = fill_args(arena, tail, in->args_tail.len, &out->n_args_tail, &out->args_tail,
				&out->has_args_tail_raw, &out->args_tail_raw);
	}
	return err ? err
		   : fill_cmd_line(arena, args, in->args.len, tail, in->args_tail.len,
				   &out->cmd_line);
}

int event_fill_exec(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_exec *in = (const void *)rec->hdr;
	Varve__V1__Exec *out;
	int err = NEW_BODY(arena, ev, EXEC, exec, out);

	if (!err)
		err = fill_file(rec, &in->exe, arena, &out->file);
	if (!err)
		err = fill_file(rec, &in->cwd, arena, &out->cwd);
	if (!err)
		err = fill_ref(rec, &in->filename, arena, &out->filename, &out->has_filename_raw,
			       &out->filename_raw);
	if (!in->interp.off && in->interp.len == EV_EXEC_INTERP_UNKNOWN)
		SET(out, interpreter_unknown, 1);
	else if (!err)
		err = fill_ref(rec, &in->interp, arena, &out->interpreter,
			       &out->has_interpreter_raw, &out->interpreter_raw);
	if (!err)
		err = fill_arguments(rec, in, arena, out);
	if (!err)
		err = fill_namespaces(&in->ns, arena, &out->namespaces);
	return err ? err : fill_tty(in->tty, arena, &out->tty);
}
