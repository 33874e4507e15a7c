/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

static int fill_arguments(const struct record *rec, const struct ev_exec_failed *in,
			  struct arena *arena, Varve__V1__ExecFailed *out)
{
	const char *args;
	int err;

	if (in->flags & EV_EXEC_FAILED_CUT)
		SET(out, args_truncated, 1);
	if (!in->args.off)
		return 0;
	args = record_bytes(rec, &in->args);
	if (!args)
		return -EBADMSG;
	/* With the NUL behind: else a last one that is empty would be none. */
	err = fill_args(arena, args, in->args.len + 1, &out->n_args, &out->args, &out->has_args_raw,
			&out->args_raw);
	return err ? err : fill_cmd_line(arena, args, in->args.len + 1, NULL, 0, &out->cmd_line);
}

int event_fill_exec_failed(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_exec_failed *in = (const void *)rec->hdr;
	Varve__V1__ExecFailed *out;
	int err = NEW_BODY(arena, ev, EXEC_FAILED, exec_failed, out);

	if (err)
		return err;
	out->call = fill_call(in->call);
	SET(out, call_errno, in->err);
	if (in->flags & EV_EXEC_FAILED_AT)
		SET(out, flags, in->at_flags);
	err = fill_file(rec, &in->file, arena, &out->file);
	return err ? err : fill_arguments(rec, in, arena, out);
}
