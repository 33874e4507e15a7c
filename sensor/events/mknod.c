/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <sys/stat.h>

/* From user space's packing to the kernel's. */
static uint32_t kernel_dev(uint32_t dev)
{
	uint32_t major = (dev >> 8) & 0xfff, minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);

	return major << 20 | minor;
}

int event_fill_mknod(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_mknod *in = (const void *)rec->hdr;
	Varve__V1__Mknod *out;
	int err = NEW_BODY(arena, ev, MKNOD, mknod, out);

	if (err)
		return err;
	SET(out, mode, in->mode);
	if (S_ISCHR(in->mode) || S_ISBLK(in->mode))
		SET(out, device, kernel_dev(in->dev));
	if (in->err)
		SET(out, call_errno, in->err);
	return fill_file(rec, &in->file, arena, &out->file);
}
