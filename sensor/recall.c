/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/recall.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/container.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COPY(to, from) snprintf(to, sizeof(to), "%s", (from) ? (from) : "")

static void take_names(struct container_metadata *meta, const Varve__V1__Container *c,
		       const Varve__V1__Pod *pod)
{
	COPY(meta->name, c->name);
	COPY(meta->image, c->image);
	meta->is_sandbox = c->is_sandbox;
	if (!pod)
		return;
	COPY(meta->pod_uid, pod->uid);
	COPY(meta->pod_name, pod->name);
	COPY(meta->pod_namespace, pod->namespace_);
}

static void recall(struct container_table *table, const Varve__V1__Event *ev)
{
	const Varve__V1__Container *said = ev->container;
	struct container *c =
		said && said->has_cgroup_id ? container_table_find(table, said->cgroup_id) : NULL;

	if (!c || c->state != CONTAINER_PENDING || !said->id || !said->metadata_state ||
	    strcmp(said->id, c->id.container_id) || strcmp(said->metadata_state, "RESOLVED"))
		return;
	take_names(&c->meta, said, ev->pod);
	c->state = CONTAINER_RESOLVED;
}

static void count_pending(struct container *c, void *ctx)
{
	*(size_t *)ctx += c->state == CONTAINER_PENDING;
}

int recall_containers(struct container_table *table, const char *log_dir, const char *run_id)
{
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len, pending = 0;
	int err;

	container_table_each(table, count_pending, &pending);
	err = pending ? log_reader_open_outline(log_dir, NULL, 0, &reader) : 0;
	if (err || !pending)
		return err;
	while (((err = log_reader_next(reader, &payload, &len, &pos)) == 1 || err == -EBADMSG)) {
		Varve__V1__Event *ev = err == 1 ? event_decode(payload, len) : NULL;

		if (ev && !strcmp(ev->run_id, run_id))
			recall(table, ev);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
	return err;
}
