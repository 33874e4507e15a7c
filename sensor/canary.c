/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/canary.h"
#include "bpf/event.h"
#include "evidence/diag.h"
#include <sys/prctl.h>

void canary_send(struct canary *c, uint64_t now_ns)
{
	char name[EV_COMM_LEN];

	c->sent_ns = now_ns;
	if (!prctl(PR_GET_NAME, name))
		prctl(PR_SET_NAME, name);
}

bool canary_take(struct canary *c, const void *data, size_t len, uint64_t now_ns)
{
	const struct ev_hdr *hdr = data;

	if (len != sizeof(*hdr) || hdr->kind != EV_CANARY)
		return false;
	if (c && hdr->time_ns >= c->sent_ns && c->come_ns < c->sent_ns) {
		c->come_ns = hdr->time_ns;
		c->took_ns = now_ns - c->sent_ns;
	}
	return true;
}

bool canary_has_come(struct canary *c)
{
	bool has_come = c->come_ns >= c->sent_ns;

	if (has_come == c->is_missed) {
		c->is_missed = !has_come;
		if (has_come)
			log_info("probes see the sensor again");
		else
			log_warn("no probe saw what the sensor did itself: programs may not run, and what "
				 "happens meanwhile is not known");
	}
	return has_come;
}
