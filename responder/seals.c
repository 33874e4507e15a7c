/* SPDX-License-Identifier: Apache-2.0 */
/* Which record comes where, and which run after which. */
#include "responder/seals.h"
#include "evidence/base.h"
#include "responder/memory.h"
#include "responder/seals_impl.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

const char *seals_finding_name(enum seals_finding_kind kind)
{
	static const char *const names[SEALS_KIND_CNT] = {
		[SEALS_DAMAGED] = "DAMAGED",
		[SEALS_MISSING] = "MISSING",
		[SEALS_CHANGED] = "CHANGED",
		[SEALS_REPEATED] = "REPEATED",
		[SEALS_ORDER] = "ORDER",
		[SEALS_CUT] = "CUT",
		[SEALS_RUN_MISSING] = "RUN_MISSING",
		[SEALS_NO_SEAL] = "NO_SEAL",
		[SEALS_SEAL_INVALID] = "SEAL_INVALID",
		[SEALS_SEAL_FOREIGN] = "SEAL_FOREIGN",
		[SEALS_SEAL_ORDER] = "SEAL_ORDER",
		[SEALS_FORGED] = "FORGED",
		[SEALS_KEY_UNKNOWN] = "KEY_UNKNOWN",
		[SEALS_KEY_REPLACED] = "KEY_REPLACED",
		[SEALS_KEY_NEWER] = "KEY_NEWER",
		[SEALS_TIME] = "TIME",
		[SEALS_RUN_AGAIN] = "RUN_AGAIN",
		[SEALS_CHECKPOINT] = "CHECKPOINT",
		[SEALS_TORN] = "TORN",
		[SEALS_OPEN] = "OPEN",
		[SEALS_TAIL] = "TAIL",
		[SEALS_BEGINS] = "BEGINS",
		[SEALS_CRASHED] = "CRASHED",
		[SEALS_ANEW] = "ANEW",
		[SEALS_CLOCK] = "CLOCK",
		[SEALS_COPIES] = "COPIES",
	};

	return names[kind];
}

/* --- findings */

static void tell(struct seals *s, struct run *r, struct seals_finding *f, const char *fmt,
		 va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, args);
	f->text = text;
	f->run = r ? &r->pub : NULL;
	if (r && f->kind <= SEALS_LAST_BROKEN) {
		r->pub.is_broken = true;
		r->node->broken_cnt++;
		if (r->live)
			r->live->is_broken = true;
	} else if (r && f->kind <= SEALS_LAST_UNKNOWN) {
		r->pub.is_open = true;
	}
	s->ops->finding(f, s->ctx);
}

void seals_found(struct seals *s, struct run *r, enum seals_finding_kind kind, const char *fmt, ...)
{
	struct seals_finding f = {.kind = kind};
	va_list args;

	va_start(args, fmt);
	tell(s, r, &f, fmt, args);
	va_end(args);
}

void seals_found_range(struct seals *s, struct run *r, enum seals_finding_kind kind, uint64_t from,
		       uint64_t to, const char *fmt, ...)
{
	struct seals_finding f = {.kind = kind, .from = from, .to = to, .has_range = true};
	va_list args;

	va_start(args, fmt);
	tell(s, r, &f, fmt, args);
	va_end(args);
}

void seals_damage(struct seals *s, const char *where, bool at_tail)
{
	seals_found(s, NULL, at_tail ? SEALS_TORN : SEALS_DAMAGED, "%s", where);
}

/* --- checkpoints that were kept elsewhere */

int seals_expect(struct seals *s, const char *text, size_t len)
{
	struct expected e = {};

	if (note_parse(text, len, &e.note) || seal_parse(e.note.text, &e.seal))
		return -EINVAL;
	s->expected =
		memory_grow(s->expected, s->expected_cnt, &s->expected_cap, sizeof(*s->expected));
	s->expected[s->expected_cnt++] = e;
	return 0;
}

/* The run has as many records now as a checkpoint of it. */
static void compare_expected(struct seals *s, struct run *r)
{
	struct tree_hash root;

	for (size_t i = 0; i < s->expected_cnt; i++) {
		struct expected *e = &s->expected[i];

		if (e->is_found || e->seal.size != r->live->tree.size ||
		    memcmp(e->seal.run_id.at, r->pub.run_id, UUID_LEN))
			continue;
		tree_root(&r->live->tree, &root);
		e->is_found = !memcmp(&root, &e->seal.root, sizeof(root));
	}
}

static void tell_expected(struct seals *s)
{
	for (size_t i = 0; i < s->expected_cnt; i++) {
		const struct expected *e = &s->expected[i];

		if (!e->is_found)
			seals_found(s, NULL, SEALS_CHECKPOINT,
				    "the %" PRIu64
				    " records of run %.*s that it seals are not here, or not these",
				    e->seal.size, UUID_LEN, e->seal.run_id.at);
		else if (keyring_signer(s->keys, &e->note) == KEYRING_NONE)
			seals_found(s, NULL, SEALS_CHECKPOINT,
				    "of run %.*s: it is not signed by a key that is known",
				    UUID_LEN, e->seal.run_id.at);
	}
}

/* --- the end of a run */

static void end_run(struct seals *s, struct run *r)
{
	struct live *live = r->live;
	uint64_t tail = r->pub.next - r->pub.sealed_size;

	if (!live)
		return;
	if (!r->pub.seal_cnt)
		seals_found(s, r, SEALS_NO_SEAL, "there is no seal that holds");
	else if (!r->pub.is_final && r->pub.is_closed)
		seals_found(s, r, SEALS_CRASHED,
			    "%" PRIu64 " records behind its last seal are sealed by the next run",
			    tail);
	else if (!r->pub.is_final && r->pub.sealed_ns < s->until_ns)
		seals_found(s, r, SEALS_OPEN,
			    "the sensor runs still, or died, or the end was cut off");
	if (r->pub.seal_cnt && !r->pub.is_closed && tail && !r->pub.is_final)
		seals_found_range(s, r, SEALS_TAIL, r->pub.sealed_size, r->pub.next - 1,
				  "nothing seals them");
	if (live->copy_cnt)
		seals_found(s, r, SEALS_COPIES, "%" PRIu64 " records came again", live->copy_cnt);
	/* What is not sealed stays so, for its pods. */
	if (r->pub.is_closed)
		seals_pods_settle(s, live, live->is_broken);
	else
		for (size_t i = 0; i < live->touched_cnt; i++)
			s->pod[live->touched[i]].pending_cnt = 0;
	s->ops->run_ended(&r->pub, s->ctx);
	free(live->touched);
	free(live);
	r->live = NULL;
}

/* A seal of it holds, or there will be none: what it says of the run before is sealed, or is not.
 */
static void close_before(struct seals *s, struct run *r)
{
	if (!r->before)
		return;
	r->before->pub.is_closed = r->closes && r->pub.seal_cnt && !r->pub.is_broken;
	end_run(s, r->before);
	r->before = NULL;
}

/* --- the beginning of a run */

/* The run before is what this one says that it was. */
static bool is_as_named(struct seals *s, struct run *before, const Varve__V1__RunStart *b)
{
	uint64_t last = b->previous_last_sequence;
	struct tree_hash root;

	if (before->pub.next <= last) {
		seals_found_range(s, before, SEALS_CUT, before->pub.next, last,
				  "the next run found them in the log");
		return false;
	}
	if (before->pub.next > last + 1) {
		seals_found_range(s, before, SEALS_CHANGED, last + 1, before->pub.next - 1,
				  "they were not there when the next run began");
		return false;
	}
	if (!before->live->is_known || !b->has_previous_root)
		return before->pub.is_final;
	tree_root(&before->live->tree, &root);
	if (b->previous_root.len != sizeof(root) ||
	    memcmp(b->previous_root.data, &root, sizeof(root))) {
		seals_found_range(s, before, SEALS_CHANGED, MIN(before->pub.sealed_size, last),
				  last, "they are not those that the next run found");
		return false;
	}
	return true;
}

static void link_to(struct seals *s, struct run *r, struct run *before,
		    const Varve__V1__RunStart *b)
{
	const char *named = b->previous_run_id;

	r->names_none = !named;
	if (!before) {
		if (named)
			seals_found(s, r, SEALS_BEGINS, "the run before it (%.36s) is not here",
				    named);
	} else if (!named) {
		seals_found(s, r, SEALS_ANEW, "it names no run before it: another log directory");
	} else if (strcmp(named, before->pub.run_id)) {
		seals_found(s, r, SEALS_RUN_MISSING, "%.36s, which it names as the one before it",
			    named);
	} else {
		r->closes = is_as_named(s, before, b);
	}
}

static struct node *get_node(struct seals *s, const char *name)
{
	struct node *n = strmap_find(&s->nodes, name);

	if (!n) {
		n = memory_zalloc(sizeof(*n));
		n->key = KEYRING_NONE;
		strmap_add(&s->nodes, name, n);
	}
	return n;
}

static struct run *begin_run(struct seals *s, const Varve__V1__Event *ev)
{
	bool has_start = ev->body_case == VARVE__V1__EVENT__BODY_RUN_START && !ev->sequence;
	struct run *r = memory_zalloc(sizeof(*r)), *before;

	snprintf(r->pub.run_id, sizeof(r->pub.run_id), "%s", ev->run_id);
	snprintf(r->pub.node, sizeof(r->pub.node), "%s", ev->node_name);
	r->pub.first = r->pub.next = ev->sequence;
	r->pub.first_ns = r->pub.sealed_ns = r->pub.last_ns = INT64_MIN;
	r->live = memory_zalloc(sizeof(*r->live));
	r->node = get_node(s, r->pub.node);
	strmap_add(&s->runs, r->pub.run_id, r);
	before = r->node->last;
	r->node->last = r;
	if (before && before->live) {
		close_before(s, before);
		r->before = before;
	}
	r->live->is_known = !ev->sequence;
	if (has_start)
		link_to(s, r, before, ev->run_start);
	else if (before)
		seals_found_range(s, r, SEALS_MISSING, 0, ev->sequence ? ev->sequence - 1 : 0,
				  "a run without its start, behind another");
	else
		seals_found(s, r, SEALS_BEGINS,
			    "its records before %" PRIu64 " are not here, and up to its first seal "
			    "nothing can be said",
			    ev->sequence);
	return r;
}

/* --- records */

/* A record whose place is taken. */
static void take_again(struct seals *s, struct run *r, uint64_t sequence,
		       const struct tree_hash *leaf)
{
	struct live *live = r->live;

	if (sequence >= live->gap_from && sequence < live->gap_to)
		seals_found_range(s, r, SEALS_ORDER, sequence, sequence,
				  "it stands behind record %" PRIu64, r->pub.next - 1);
	else if (sequence + RECENT < r->pub.next || sequence < r->pub.first ||
		 !memcmp(&live->recent[sequence % RECENT], leaf, sizeof(*leaf)))
		live->copy_cnt++;
	else
		seals_found_range(s, r, SEALS_REPEATED, sequence, sequence,
				  "another record with this sequence");
}

static void widen(struct seals_run *pub, int64_t ns)
{
	if (pub->first_ns == INT64_MIN || ns < pub->first_ns)
		pub->first_ns = ns;
	pub->last_ns = MAX(pub->last_ns, ns);
}

static void take_next(struct seals *s, struct run *r, const Varve__V1__Event *ev,
		      const struct tree_hash *leaf)
{
	struct live *live = r->live;
	bool is_seal = ev->body_case == VARVE__V1__EVENT__BODY_SEAL;

	if (ev->sequence > r->pub.next) {
		seals_found_range(s, r, SEALS_MISSING, r->pub.next, ev->sequence - 1, "%s", "");
		live->gap_from = r->pub.next;
		live->gap_to = ev->sequence;
		live->is_known = false;
	} else if (r->pub.is_final) {
		seals_found_range(s, r, SEALS_CHANGED, ev->sequence, ev->sequence,
				  "it stands behind the last seal of its run");
	}
	r->pub.next = ev->sequence + 1;
	r->pub.record_cnt++;
	widen(&r->pub, ev->time_unix_nano);
	seals_pod_take(s, r, ev);
	if (is_seal && seals_check(s, r, ev)) {
		live->seal_leaf = *leaf;
		close_before(s, r);
	}
	if (live->is_known) {
		tree_add(&live->tree, leaf);
		compare_expected(s, r);
	}
	live->recent[ev->sequence % RECENT] = *leaf;
}

void seals_take(struct seals *s, const Varve__V1__Event *ev, const uint8_t *payload, size_t len)
{
	struct run *r = strmap_find(&s->runs, ev->run_id);
	struct tree_hash leaf;

	if (!r)
		r = begin_run(s, ev);
	if (!r->live || r->node->last != r) {
		/* Kafka may have a record of the run before again. */
		if (r->live && ev->sequence < r->pub.next)
			r->live->copy_cnt++;
		else
			seals_found_range(s, r, SEALS_RUN_AGAIN, ev->sequence, ev->sequence,
					  "the run had ended, and another begun");
		return;
	}
	tree_leaf_hash(payload, len, &leaf);
	if (ev->sequence < r->pub.next)
		take_again(s, r, ev->sequence, &leaf);
	else
		take_next(s, r, ev, &leaf);
}

/* --- all of it */

struct seals *seals_new(struct keyring *keys, bool is_trusting, int64_t until_ns,
			const struct seals_ops *ops, void *ctx)
{
	struct seals *s = memory_zalloc(sizeof(*s));

	*s = (struct seals){.keys = keys,
			    .is_trusting = is_trusting,
			    .until_ns = until_ns,
			    .ops = ops,
			    .ctx = ctx};
	return s;
}

void seals_end(struct seals *s)
{
	/* In the order in which they came: that of the map is none. */
	for (size_t i = 0; i < s->nodes.size; i++) {
		struct node *n = s->nodes.slots[i].value;

		if (!n || !n->last)
			continue;
		close_before(s, n->last);
		end_run(s, n->last);
	}
	tell_expected(s);
}

static void free_values(struct strmap *map)
{
	for (size_t i = 0; i < map->size; i++)
		free(map->slots[i].value);
	strmap_fini(map);
}

void seals_free(struct seals *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->runs.size; i++) {
		struct run *r = s->runs.slots[i].value;

		if (r && r->live) {
			free(r->live->touched);
			free(r->live);
		}
	}
	for (size_t i = 0; i < s->pod_cnt; i++) {
		free(s->pod[i].pub.uid);
		free(s->pod[i].pub.name);
	}
	free(s->pod);
	free(s->expected);
	free(s->pod_list);
	free_values(&s->runs);
	free_values(&s->nodes);
	strmap_fini(&s->pods);
	free(s);
}
