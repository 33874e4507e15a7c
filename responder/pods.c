/* SPDX-License-Identifier: Apache-2.0 */
/* varve pods: what the evidence is about. */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/describe.h"
#include "responder/directory.h"
#include "responder/memory.h"
#include "responder/missing.h"
#include "responder/select.h"
#include "responder/strmap.h"
#include "responder/when.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* A pod, or what is in none. By containers, by the directory's records, or by both. */
struct listed {
	const char *namespace, *name, *uid, *node;
	const struct history_pod *state; /* its last POD_STATE; NULL: none */
	const struct history_identity *who;
	const struct history_container **containers;
	size_t container_cnt, container_cap;
	int64_t first_ns, last_ns; /* or HISTORY_NEVER */
	bool ended;
};

struct list {
	const struct options *opts;
	const struct history *h;
	struct listed *v;
	size_t cnt, cap;
	struct strmap keys; /* to index + 1 */
};

static struct listed *get(struct list *l, const char *node, const char *uid, const char *namespace,
			  const char *name)
{
	bool by_name = !uid && name;
	_cleanup_free_ char *key =
		memory_printf("%s\n%s\n%s\n%s", uid || name ? node : "", uid ? uid : "",
			      by_name && namespace ? namespace : "", by_name ? name : "");
	uintptr_t at = (uintptr_t)strmap_find(&l->keys, key);

	if (!at) {
		l->v = memory_grow(l->v, l->cnt, &l->cap, sizeof(*l->v));
		l->v[l->cnt] = (struct listed){
			.node = node, .first_ns = HISTORY_NEVER, .last_ns = HISTORY_NEVER};
		at = ++l->cnt;
		strmap_add(&l->keys, key, (void *)at);
	}
	return &l->v[at - 1];
}

static void widen(struct listed *p, int64_t first_ns, int64_t last_ns)
{
	if (first_ns != HISTORY_NEVER && (p->first_ns == HISTORY_NEVER || first_ns < p->first_ns))
		p->first_ns = first_ns;
	if (last_ns != HISTORY_NEVER && (p->last_ns == HISTORY_NEVER || last_ns > p->last_ns))
		p->last_ns = last_ns;
}

static bool is_ended(const struct history_container *c)
{
	return c->last_stream->stopped || c->last_stream->closed;
}

static void add_container(struct list *l, const struct history_container *c)
{
	struct listed *p = get(l, c->node, c->who.pod_uid, c->who.pod_namespace, c->who.pod_name);

	p->uid = c->who.pod_uid;
	if (c->who.pod_name) {
		p->name = c->who.pod_name;
		p->namespace = c->who.pod_namespace;
	}
	if (!p->who || c->who.owner_kind)
		p->who = &c->who;
	p->ended = p->container_cnt ? p->ended && is_ended(c) : is_ended(c);
	p->containers = memory_grow(p->containers, p->container_cnt, &p->container_cap,
				    sizeof(*p->containers));
	p->containers[p->container_cnt++] = c;
	widen(p, c->first_ns, c->last_ns);
}

static void add_state(struct list *l, const struct history_pod *state)
{
	const Varve__V1__Pod *pod = state->last->pod;
	struct listed *p = get(l, state->last->node_name, pod->uid, NULL, NULL);

	p->state = state;
	p->uid = pod->uid;
	if (pod->name) {
		p->name = pod->name;
		p->namespace = pod->namespace_;
	}
	if (!p->container_cnt)
		p->ended = state->last->pod_state->ended || state->last->pod_state->deleted;
	widen(p, state->first_ns, state->last_ns);
}

/* Containers of no pod come last; pods of one name in the order in which they began. */
static int compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	const char *keys[][2] = {{x->namespace, y->namespace}, {x->name, y->name}};
	int order = (!x->uid && !x->name) - (!y->uid && !y->name);

	for (size_t i = 0; !order && i < ARRAY_SIZE(keys); i++) {
		order = !keys[i][0] - !keys[i][1];
		if (!order && keys[i][0])
			order = strcmp(keys[i][0], keys[i][1]);
	}
	if (!order)
		order = (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
	return order || !x->uid || !y->uid ? order : strcmp(x->uid, y->uid);
}

static int compare_containers(const void *a, const void *b)
{
	const struct history_container *x = *(const struct history_container *const *)a;
	const struct history_container *y = *(const struct history_container *const *)b;

	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static bool overlaps(const struct list *l, int64_t first_ns, int64_t last_ns, bool ended)
{
	const struct history_window *w = &l->opts->window;

	if (first_ns == HISTORY_NEVER)
		return w->since_ns == INT64_MIN && w->until_ns == INT64_MAX;
	return first_ns <= w->until_ns && (!ended || last_ns >= w->since_ns);
}

static bool is_wanted(const struct list *l, const struct listed *p)
{
	const char *pod = l->opts->pod;

	if (pod && !select_is_named(p->namespace, p->name, pod) &&
	    (!p->uid || strcasecmp(p->uid, pod)))
		return false;
	return overlaps(l, p->first_ns, p->last_ns, p->ended);
}

/* --- printing */

static void print_owners(FILE *out, const struct listed *p)
{
	const Varve__V1__Pod *pod = p->state ? p->state->last->pod : NULL;
	const struct history_identity *w = p->who;

	if (pod && pod->workload) {
		fputs("  ", out);
		describe_owner(out, pod->workload->kind, pod->workload->name,
			       pod->workload->concluded);
	} else if (w && w->workload_kind) {
		fputs("  ", out);
		describe_owner(out, w->workload_kind, w->workload_name, w->workload_concluded);
	}
	if (pod && pod->owner) {
		fputs("  by ", out);
		describe_owner(out, pod->owner->kind, pod->owner->name, pod->owner->concluded);
	} else if (w && w->owner_kind) {
		fputs("  by ", out);
		describe_owner(out, w->owner_kind, w->owner_name, w->owner_concluded);
	}
}

static void print_state(FILE *out, const struct listed *p)
{
	const Varve__V1__PodState *s = p->state->last->pod_state;
	char first[WHEN_LEN], last[WHEN_LEN];

	if (p->first_ns == HISTORY_NEVER)
		fputs("  nothing recorded of it", out);
	else
		fprintf(out, "  %s to %s  %s", when_format(p->first_ns, first),
			when_format(p->last_ns, last), p->ended ? "ended" : "no end seen");
	if (s->phase) {
		fputs("  ", out);
		describe_string(out, s->phase);
	}
	if (s->has_deleted && s->deleted)
		fputs("  deleted", out);
	for (size_t i = 0; i < s->n_pod_ips; i++) {
		fputs("  ", out);
		describe_string(out, s->pod_ips[i]);
	}
	fputc('\n', out);
}

static void print_pod(FILE *out, const struct listed *p)
{
	if (!p->name && !p->uid) {
		fputs("(in no pod)\n", out);
		return;
	}
	describe_string(out, p->namespace);
	fputc('/', out);
	describe_string(out, p->name);
	fputs("  uid ", out);
	describe_string(out, p->uid);
	fputs("  node ", out);
	describe_string(out, p->node);
	print_owners(out, p);
	fputc('\n', out);
	if (p->state)
		print_state(out, p);
}

/*
 * By the outline: the numbers of its records tell how many there are, if its account is there; else
 * how many at least.
 */
static uint64_t count_records(const struct history *h, const struct history_container *c)
{
	uint64_t cnt = 0;

	if (!h->skipped_cnt)
		return c->record_cnt;
	for (const struct history_stream *s = c->streams; s; s = s->next)
		if (s->sequences.cnt)
			cnt += s->sequences.v[s->sequences.cnt - 1].last - s->sequences.v[0].first +
			       1;
	return cnt;
}

static void print_container(FILE *out, const struct history *h, const struct history_container *c)
{
	char first[WHEN_LEN], last[WHEN_LEN];
	uint64_t cnt = count_records(h, c);
	bool more = h->skipped_cnt && !c->last_stream->closed;

	fputs("  ", out);
	describe_string(out, c->who.name ? c->who.name : c->who.is_sandbox ? "(sandbox)" : "-");
	fputs("  ", out);
	describe_string(out, c->id);
	fprintf(out, "\n    %s to %s%s  %s  %" PRIu64 " record%s%s  ",
		when_format(c->first_ns, first), when_format(c->last_ns, last),
		more ? " or later" : "", is_ended(c) ? "ended" : "no end seen", cnt,
		cnt == 1 ? "" : "s", more ? " or more" : "");
	describe_string(out, c->who.state);
	if (c->who.image) {
		fputs("  ", out);
		describe_string(out, c->who.image);
	}
	fputc('\n', out);
}

/* As the API server says; what no record was seen of. */
static void print_api_container(FILE *out, const Varve__V1__PodContainer *c)
{
	fputs("  ", out);
	describe_string(out, c->name);
	fputs("  ", out);
	describe_string(out, c->id);
	fputs("\n    by the API server  ", out);
	describe_string(out, c->type);
	if (c->has_restart_count)
		fprintf(out, "  %" PRIu32 " restart%s", c->restart_count,
			c->restart_count == 1 ? "" : "s");
	fputs("  ", out);
	describe_string(out, c->image);
	fputc('\n', out);
}

static bool is_listed(const struct listed *p, const char *id)
{
	for (size_t i = 0; i < p->container_cnt; i++)
		if (id && !strcmp(p->containers[i]->id, id))
			return true;
	return false;
}

static void print_listed(FILE *out, const struct list *l, struct listed *p)
{
	const Varve__V1__PodState *s = p->state ? p->state->last->pod_state : NULL;
	bool in_pod = p->name || p->uid;

	if (p->container_cnt)
		qsort(p->containers, p->container_cnt, sizeof(*p->containers), compare_containers);
	print_pod(out, p);
	for (size_t i = 0; i < p->container_cnt; i++) {
		const struct history_container *c = p->containers[i];

		if (in_pod || overlaps(l, c->first_ns, c->last_ns, is_ended(c)))
			print_container(out, l->h, c);
	}
	for (size_t i = 0; s && i < s->n_containers; i++)
		if (!is_listed(p, s->containers[i]->id))
			print_api_container(out, s->containers[i]);
}

/* How many pods, or what is in none, were printed. */
static size_t print_all(FILE *out, const struct options *opts, const struct history *h)
{
	struct list l = {.opts = opts, .h = h};
	size_t cnt = 0;

	for (const struct history_container *c = h->containers; c; c = c->next)
		add_container(&l, c);
	for (const struct history_pod *p = h->pods; p; p = p->next)
		add_state(&l, p);
	if (l.cnt)
		qsort(l.v, l.cnt, sizeof(*l.v), compare);
	for (size_t i = 0; i < l.cnt; i++) {
		if (is_wanted(&l, &l.v[i])) {
			print_listed(out, &l, &l.v[i]);
			cnt++;
		}
		free(l.v[i].containers);
	}
	free(l.v);
	strmap_fini(&l.keys);
	return cnt;
}

static void print_summary(FILE *out, const struct history *h)
{
	char first[WHEN_LEN], last[WHEN_LEN];

	if (!h->record_cnt) {
		fputs("no records\n", out);
		return;
	}
	fprintf(out, "%zu containers, %" PRIu64 " records from %s to %s", h->container_cnt,
		h->record_cnt + h->skipped_cnt, when_format(h->first_ns, first),
		when_format(h->last_ns, last));
	if (h->duplicate_cnt)
		fprintf(out, ", %" PRIu64 " came more than once", h->duplicate_cnt);
	if (h->damage_cnt)
		fprintf(out, ", %" PRIu64 " places of the log are damaged", h->damage_cnt);
	if (h->undecodable_cnt)
		fprintf(out, ", %" PRIu64 " payloads are no records", h->undecodable_cnt);
	fputc('\n', out);
}

/* By the outline, if the source has one. */
static int load(const struct options *opts, struct source *src, struct history **ret_h)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	int err = opts->read_all ? 0 : source_outline(src, NULL, 0);

	return err && err != -ENOTSUP ? err : history_load(src, &always, ret_h);
}

/* Not at all, or not then? */
static void tell_no_pod(const struct options *opts, const struct history *h)
{
	bool is_known = false;

	for (const struct history_container *c = h->containers; c; c = c->next)
		is_known |= select_is_named(c->who.pod_namespace, c->who.pod_name, opts->pod) ||
			    (c->who.pod_uid && !strcasecmp(c->who.pod_uid, opts->pod));
	for (const struct history_pod *p = h->pods; p; p = p->next)
		is_known |=
			select_is_named(p->last->pod->namespace_, p->last->pod->name, opts->pod) ||
			!strcasecmp(p->last->pod->uid, opts->pod);
	if (is_known)
		diag(DIAG_ERROR, "no pod matches \"%s\" in this time", opts->pod);
	else
		select_tell_no_pod(h, opts->pod);
}

static int list(const struct options *opts, const struct history *h, FILE *out)
{
	bool gaps = missing_warn_gaps(h);
	bool any = print_all(out, opts, h);

	if (!any && opts->pod) {
		tell_no_pod(opts, h);
		return gaps || h->hole_cnt ? EXIT_UNKNOWN : EXIT_USAGE;
	}
	if (!opts->pod)
		print_summary(out, h);
	return gaps || h->damage_cnt || h->undecodable_cnt ? EXIT_INCOMPLETE : EXIT_OK;
}

/* From Kafka: pods, as the directory has them; 1: there is none. */
static int list_directory(const struct options *opts, FILE *out, int *ret_status)
{
	struct history *h;
	int err = opts->read_all ? -ENOENT : directory_load(opts, &h);

	if (err == -ENOENT) {
		if (!opts->read_all && source_is_kafka(opts->source) &&
		    !opts->source_opts.more_cnt)
			log_warn("there is no directory in topic \"%s\" (--pods-topic): reading "
				 "all events",
				 opts->pods_topic);
		return 1;
	}
	if (err)
		return err;
	*ret_status = EXIT_OK;
	if (!print_all(out, opts, h) && opts->pod) {
		tell_no_pod(opts, h);
		diag(DIAG_ERROR, "that is what topic \"%s\" says; --read-all looks at all events",
		     opts->pods_topic);
		*ret_status = EXIT_USAGE;
	} else if (!opts->pod) {
		fprintf(out, "%zu pods by topic %s; --read-all shows containers and records\n",
			h->pod_cnt, opts->pods_topic);
	}
	history_free(h);
	return 0;
}

int cmd_pods(const struct options *opts, FILE *out)
{
	struct source *src;
	struct history *h;
	int status = EXIT_IO;
	int err = list_directory(opts, out, &status);

	if (err <= 0)
		return status;

	if (source_open(opts->source, &opts->source_opts, &src) < 0)
		return EXIT_IO;
	if (!load(opts, src, &h)) {
		status = list(opts, h, out);
		history_free(h);
	}
	source_close(src);
	return status;
}
