/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <string.h>

static const char *const calls[] = {
	[EV_MODULE_INIT] = "init_module",
	[EV_MODULE_FINIT] = "finit_module",
	[EV_MODULE_DELETE] = "delete_module",
};

static int fill_name(const struct ev_module *in, struct arena *arena, Varve__V1__Module *out)
{
	size_t len = strnlen(in->name, sizeof(in->name));

	if (!len)
		return 0;
	if (in->flags & EV_MODULE_NAME_USER_MEMORY)
		SET(out, name_user_memory, 1);
	return fill_text(arena, in->name, len, &out->name, &out->has_name_raw, &out->name_raw);
}

static void fill_what_call(const struct ev_module *in, Varve__V1__Module *out)
{
	out->operation = (char *)calls[in->call];
	if (in->call == EV_MODULE_INIT)
		SET(out, image_length, in->image_len & INT64_MAX);
	else
		SET(out, flags, in->call_flags);
	if (in->flags & EV_MODULE_PARAMETERS_CUT)
		SET(out, parameters_truncated, 1);
	if (in->err)
		SET(out, call_errno, in->err);
}

int event_fill_module(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_module *in = (const void *)rec->hdr;
	Varve__V1__Module *out;
	int err = NEW_BODY(arena, ev, MODULE, module, out);

	if (err)
		return err;
	if (in->call >= ARRAY_SIZE(calls))
		return -EBADMSG;
	fill_what_call(in, out);
	err = fill_name(in, arena, out);
	if (!err)
		err = fill_ref(rec, &in->parameters, arena, &out->parameters,
			       &out->has_parameters_raw, &out->parameters_raw);
	return err ? err : fill_file(rec, &in->file, arena, &out->file);
}
