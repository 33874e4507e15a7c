/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include <sys/wait.h>

int event_fill_exit(const struct record *rec, struct arena *arena, Varve__V1__Event *ev)
{
	const struct ev_exit *in = (const void *)rec->hdr;
	Varve__V1__Exit *out;
	int err = NEW_BODY(arena, ev, EXIT, exit, out);

	if (err)
		return err;
	if (WIFSIGNALED(in->status)) {
		SET(out, signal, WTERMSIG(in->status));
		if (WCOREDUMP(in->status))
			SET(out, core_dumped, 1);
	} else {
		SET(out, code, WEXITSTATUS(in->status));
	}
	return 0;
}
