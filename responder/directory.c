/* SPDX-License-Identifier: Apache-2.0 */
/* Read like any topic; what is in it is believed as a hint only. */
#include "responder/directory.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/select.h"
#include <string.h>
#include <strings.h>

int directory_load(const struct options *opts, struct history **ret_directory)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	struct source_opts source_opts = opts->source_opts;
	struct history *h;
	struct source *src;
	int err;

	if (!source_is_kafka(opts->source) || opts->source_opts.more_cnt || !*opts->pods_topic)
		return -ENOENT;
	source_opts.topic = opts->pods_topic;
	source_opts.directory = true;
	err = source_open(opts->source, &source_opts, &src);
	if (err)
		return err;
	err = history_read(src, &always, &h);
	source_close(src);
	if (!err && !h->pod_cnt) {
		history_free(h);
		err = -ENOENT;
	}
	if (!err)
		*ret_directory = h;
	return err;
}

static bool is_meant(const Varve__V1__Pod *pod, const char *wanted)
{
	return strchr(wanted, '/') ? select_is_named(pod->namespace_, pod->name, wanted)
				   : !strcasecmp(pod->uid, wanted);
}

static void add_node(struct directory_place *place, const char *node)
{
	for (size_t i = 0; i < place->node_cnt; i++)
		if (!strcmp(place->nodes[i], node))
			return;
	place->nodes[place->node_cnt++] = node;
}

bool directory_find(const struct history *directory, const char *pod,
		    struct directory_place *ret_place)
{
	struct directory_place place = {.first_ns = INT64_MAX, .last_ns = INT64_MIN};

	place.nodes = memory_zalloc(directory->pod_cnt * sizeof(*place.nodes));
	for (const struct history_pod *p = directory->pods; p; p = p->next) {
		if (!is_meant(p->last->pod, pod) || p->first_ns == HISTORY_NEVER)
			continue;
		add_node(&place, p->last->node_name);
		place.first_ns = MIN(place.first_ns, p->first_ns);
		place.last_ns =
			MAX(place.last_ns, p->last->pod_state->ended ? p->last_ns : INT64_MAX);
	}
	if (!place.node_cnt) {
		free(place.nodes);
		return false;
	}
	*ret_place = place;
	return true;
}
