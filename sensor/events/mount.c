/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"

/* <asm/unistd_64.h>; not every build's headers have all of them. */
static const struct {
	uint32_t nr;
	const char *name;
} calls[] = {
	{165, "mount"},	    {429, "move_mount"},     {432, "fsmount"},
	{428, "open_tree"}, {467, "open_tree_attr"}, {442, "mount_setattr"},
};

static char *call_name(uint32_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == nr)
			return (char *)calls[i].name;
	return NULL;
}

static void fill_numbers(const struct ev_mount *in, Varve__V1__Mount *out)
{
	SET(out, flags, in->call_flags);
	if (in->flags & (EV_MOUNT_HAS_SET | EV_MOUNT_HAS_ATTR))
		SET(out, attributes_set, in->attr_set);
	if (in->flags & EV_MOUNT_HAS_ATTR) {
		SET(out, attributes_cleared, in->attr_clear);
		SET(out, propagation, in->propagation);
	}
	if (in->flags & EV_MOUNT_HAS_FD)
		SET(out, fd, in->fd);
	if (in->err)
		SET(out, call_errno, in->err);
	if (in->flags & EV_MOUNT_USER_TEXTS)
		SET(out, text_user_memory, 1);
}

static int fill_texts(const struct record *rec, const struct ev_mount *in, struct arena *arena,
		      Varve__V1__Mount *out)
{
	int err = fill_ref(rec, &in->source, arena, &out->source, &out->has_source_raw,
			   &out->source_raw);

	if (!err)
		err = fill_ref(rec, &in->type, arena, &out->type, &out->has_type_raw,
			       &out->type_raw);
	if (!err)
		err = fill_ref(rec, &in->data, arena, &out->data, &out->has_data_raw,
			       &out->data_raw);
	return err;
}

int event_fill_mount(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_mount *in = (const void *)rec->hdr;
	Varve__V1__Mount *out;
	int err = NEW_BODY(arena, ev, MOUNT, mount, out);

	if (err)
		return err;
	out->call = call_name(in->call);
	fill_numbers(in, out);
	err = fill_texts(rec, in, arena, out);
	if (!err)
		err = fill_file(rec, &in->target, arena, &out->target);
	return err ? err : fill_file(rec, &in->source_file, arena, &out->source_file);
}
