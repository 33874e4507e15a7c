/* SPDX-License-Identifier: Apache-2.0 */
/* Which record comes where, and which run after which. */
#include "responder/seals.h"
#include "evidence/base.h"
#include "evidence/seal.h"
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
		[SEALS_CHECKPOINT] = "CHECKPOINT",
		[SEALS_TORN] = "TORN",
		[SEALS_OPEN] = "OPEN",
		[SEALS_TAIL] = "TAIL",
		[SEALS_HEAD] = "HEAD",
		[SEALS_AGAIN] = "AGAIN",
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
	/* Whose it was is not known: anybody's. */
	for (size_t i = 0; !at_tail && i < s->nodes.size; i++)
		if (s->nodes.slots[i].value)
			((struct node *)s->nodes.slots[i].value)->broken_cnt++;
}

/* --- trees that must be here */

static void add_expected(struct seals *s, const struct expected *what)
{
	struct expected *e = memory_zalloc(sizeof(*e)), **first;

	*e = *what;
	first = strmap_find(&s->expected, e->run_id);
	if (!first) {
		first = memory_zalloc(sizeof(*first));
		strmap_add(&s->expected, e->run_id, first);
	}
	/* They come in order, but for those that the user gives. */
	while (*first && (*first)->size <= e->size)
		first = &(*first)->next;
	e->next = *first;
	*first = e;
}

int seals_expect(struct seals *s, const char *text, size_t len)
{
	struct expected e = {.key = KEYRING_NONE};
	struct seal seal;

	if (seal_read((struct note_span){text, len}, &e.note, &seal))
		return -EINVAL;
	e.size = seal.size;
	e.root = seal.root;
	memcpy(e.run_id, seal.run_id.at, UUID_LEN);
	add_expected(s, &e);
	return 0;
}

/* Each change of keys is a checkpoint, too. */
static void expect_changes(struct seals *s)
{
	for (size_t i = s->keys->cnt; i-- > 0;) {
		const struct keyring_key *k = &s->keys->v[i];
		struct expected e = {.size = k->size, .root = k->root, .key = i};

		if (!k->has_change)
			continue;
		memcpy(e.run_id, k->run_id, UUID_LEN);
		add_expected(s, &e);
	}
}

void seals_compare_expected(struct run *r)
{
	uint64_t size = r->live->is_known ? r->live->tree.size : r->pub.next;
	struct tree_hash root;

	for (; r->expected && r->expected->size <= size; r->expected = r->expected->next) {
		struct expected *e = r->expected;

		e->is_unknown = !r->live->is_known || e->size < size;
		if (e->is_unknown)
			continue;
		tree_root(&r->live->tree, &root);
		e->is_found = !memcmp(&root, &e->root, sizeof(root));
	}
}

static bool is_before_evidence(const struct seals *s, const struct expected *e)
{
	const char *name = s->keys->v[e->key].key.name;

	for (size_t i = 0; i < s->nodes.size; i++) {
		const struct node *n = s->nodes.slots[i].value;

		if (n && n->first_key != KEYRING_NONE &&
		    !strcmp(s->keys->v[n->first_key].key.name, name))
			return e->key == n->first_key ||
			       !keyring_leads(s->keys, n->first_key, e->key);
	}
	return true;
}

/* Of a key that followed the last one that signed here. */
static bool is_behind_evidence(const struct seals *s, const struct expected *e)
{
	for (size_t i = 0; i < s->nodes.size; i++) {
		const struct node *n = s->nodes.slots[i].value;

		if (n && n->key != KEYRING_NONE &&
		    (n->key == e->key || keyring_leads(s->keys, e->key, n->key)))
			return false;
	}
	return true;
}

static void tell_change(struct seals *s, const struct expected *e, struct run *r)
{
	if (is_before_evidence(s, e) || (s->until_ns == INT64_MIN && is_behind_evidence(s, e)))
		return;
	if (!r)
		seals_found(s, NULL, SEALS_RUN_MISSING, "run %s, in which keys were changed",
			    e->run_id);
	else if (!e->is_unknown && r->pub.next < e->size)
		seals_found_range(s, r, SEALS_CUT, r->pub.next, e->size - 1,
				  "keys were changed behind them");
	else if (!e->is_unknown)
		seals_found_range(s, r, SEALS_CHANGED, r->pub.first, e->size - 1,
				  "they are not those at a change of keys");
}

static void tell_checkpoint(struct seals *s, const struct expected *e)
{
	if (!e->is_found)
		seals_found(s, NULL, SEALS_CHECKPOINT,
			    "the %" PRIu64
			    " records of run %s that it seals are not here, or not these",
			    e->size, e->run_id);
	else if (keyring_signer(s->keys, &e->note) == KEYRING_NONE)
		seals_found(s, NULL, SEALS_CHECKPOINT,
			    "of run %s: it is not signed by a key that is known", e->run_id);
}

static void tell_expected(struct seals *s)
{
	for (size_t i = 0; i < s->expected.size; i++) {
		struct expected **first = s->expected.slots[i].value;

		for (struct expected *e = first ? *first : NULL; e; e = e->next) {
			if (e->key == KEYRING_NONE)
				tell_checkpoint(s, e);
			else if (!e->is_found)
				tell_change(s, e, strmap_find(&s->runs, e->run_id));
		}
	}
}

/* --- the end of a run */

/* What is behind its last seal, and what is not sealed at all. */
static void tell_end(struct seals *s, struct run *r)
{
	uint64_t tail = r->pub.next - r->pub.sealed_size;
	bool is_asked_for = r->pub.sealed_ns < s->until_ns;
	/* A bundle ends with a seal: more is not what it should have. */
	bool is_tail_asked_for =
		s->until_ns == INT64_MIN || r->live->unsealed_first_ns <= s->until_ns;

	if (!r->pub.seal_cnt && r->pub.is_closed)
		seals_found(s, r, SEALS_CRASHED, "it has no seal: the next run seals it");
	else if (!r->pub.seal_cnt && r->is_first && r->pub.first)
		seals_found_range(s, r, SEALS_HEAD, r->pub.first, r->pub.next - 1,
				  "what is here of it has no seal");
	else if (!r->pub.seal_cnt)
		seals_found(s, r, SEALS_NO_SEAL, "there is no seal that holds");
	else if (!r->pub.is_final && r->pub.is_closed)
		seals_found(s, r, SEALS_CRASHED,
			    "%" PRIu64 " records behind its last seal are sealed by the next run",
			    tail);
	else if (!r->pub.is_final && is_asked_for)
		seals_found(s, r, SEALS_OPEN,
			    "the sensor runs still, or died, or the end was cut off");
	if (r->pub.seal_cnt && !r->pub.is_closed && tail && !r->pub.is_final && is_tail_asked_for)
		seals_found_range(s, r, SEALS_TAIL, r->pub.sealed_size, r->pub.next - 1,
				  "nothing seals them");
}

static void end_run(struct seals *s, struct run *r)
{
	struct live *live = r->live;

	if (!live)
		return;
	tell_end(s, r);
	if (live->copy_cnt)
		seals_found(s, r, SEALS_COPIES, "%" PRIu64 " records came again", live->copy_cnt);
	if (r->again_cnt)
		seals_found(s, r, SEALS_AGAIN,
			    "%" PRIu64 " records came again, too late to be compared",
			    r->again_cnt);
	/* What is not sealed stays so, for its pods. */
	seals_pods_settle(s, live,
			  !r->pub.is_closed ? SEALS_SETTLE_UNKNOWN
			  : live->is_broken ? SEALS_SETTLE_BROKEN
					    : SEALS_SETTLE_SEALED);
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
	/* In Kafka there can be more than a log had after a power cut; but only what is sealed. */
	if (before->pub.next > last + 1 && before->pub.sealed_size >= last + 1)
		return before->pub.sealed_size == before->pub.next;
	if (before->pub.next > last + 1) {
		seals_found_range(s, before, SEALS_CHANGED, last + 1, before->pub.next - 1,
				  "they were not there when the next run began");
		return false;
	}
	if (!before->live || !before->live->is_known || !b->has_previous_root)
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
		n->key = n->first_key = KEYRING_NONE;
		if (seal_key_name(name, n->key_name))
			n->key_name[0] = '\0';
		strmap_add(&s->nodes, name, n);
	}
	return n;
}

static struct run *begin_run(struct seals *s, const Varve__V1__Event *ev)
{
	bool has_start = ev->body_case == VARVE__V1__EVENT__BODY_RUN_START && !ev->sequence;
	struct run *r = memory_zalloc(sizeof(*r)), *before, *named = NULL;
	struct expected **expected = strmap_find(&s->expected, ev->run_id);

	snprintf(r->pub.run_id, sizeof(r->pub.run_id), "%s", ev->run_id);
	snprintf(r->pub.node, sizeof(r->pub.node), "%s", ev->node_name);
	r->pub.first = r->pub.next = ev->sequence;
	r->pub.first_ns = r->pub.sealed_ns = r->pub.last_ns = INT64_MIN;
	r->live = memory_zalloc(sizeof(*r->live));
	r->node = get_node(s, r->pub.node);
	strmap_add(&s->runs, r->pub.run_id, r);
	r->expected = expected ? *expected : NULL;
	if (has_start && ev->run_start->previous_run_id)
		named = strmap_find(&s->runs, ev->run_start->previous_run_id);
	r->named = named;
	before = r->node->last;
	/* A node that has another name now. */
	if (!before && named && named == named->node->last && named->live)
		before = named;
	r->is_first = !before;
	r->node->last = r;
	if (before && before->live) {
		close_before(s, before);
		r->before = before;
	}
	r->live->is_known = !ev->sequence;
	seals_nothing_unsealed(r->live);
	if (has_start)
		link_to(s, r, before, ev->run_start);
	else if (before)
		seals_found_range(s, r, SEALS_MISSING, 0, ev->sequence ? ev->sequence - 1 : 0,
				  "a run without its start, behind another");
	else
		seals_found(s, r, SEALS_BEGINS, "its records before %" PRIu64 " are not here",
			    ev->sequence);
	return r;
}

/* --- records */

/* A record whose place is taken, or has passed. */
static void take_again(struct seals *s, struct run *r, uint64_t sequence,
		       const struct tree_hash *leaf)
{
	struct live *live = r->live;

	if (live && sequence >= live->gap_from && sequence < live->gap_to)
		seals_found_range(s, r, SEALS_ORDER, sequence, sequence,
				  "it stands behind record %" PRIu64, r->pub.next - 1);
	else if (sequence < r->pub.first)
		seals_found_range(s, r, SEALS_ORDER, sequence, sequence,
				  "it stands behind the first record here, %" PRIu64, r->pub.first);
	else if (live && sequence + RECENT < r->pub.next)
		r->again_cnt++;
	else if (live && !memcmp(&live->recent[sequence % RECENT], leaf, sizeof(*leaf)))
		live->copy_cnt++;
	else if (live)
		seals_found_range(s, r, SEALS_REPEATED, sequence, sequence,
				  "another record with this sequence");
	else if (!r->again_cnt++)
		seals_found_range(s, r, SEALS_AGAIN, sequence, sequence,
				  "and maybe others: the run had ended, and another begun");
}

static void widen(struct seals_run *pub, int64_t ns)
{
	if (pub->first_ns == INT64_MIN || ns < pub->first_ns)
		pub->first_ns = ns;
	pub->last_ns = MAX(pub->last_ns, ns);
}

static void pass_gap(struct seals *s, struct run *r, uint64_t sequence)
{
	if (sequence <= r->pub.next)
		return;
	seals_found_range(s, r, SEALS_MISSING, r->pub.next, sequence - 1, "%s", "");
	r->live->gap_from = r->pub.next;
	r->live->gap_to = sequence;
	r->live->is_known = false;
}

static void take_next(struct seals *s, struct run *r, const Varve__V1__Event *ev,
		      const struct tree_hash *leaf)
{
	struct live *live = r->live;
	bool is_seal = ev->body_case == VARVE__V1__EVENT__BODY_SEAL;

	if (ev->sequence == r->pub.next && r->pub.is_final)
		seals_found_range(s, r, SEALS_CHANGED, ev->sequence, ev->sequence,
				  "it stands behind the last seal of its run");
	pass_gap(s, r, ev->sequence);
	r->pub.next = ev->sequence + 1;
	r->pub.record_cnt++;
	widen(&r->pub, ev->time_unix_nano);
	if (!is_seal) {
		live->unsealed_first_ns = MIN(live->unsealed_first_ns, ev->time_unix_nano);
		live->unsealed_last_ns = MAX(live->unsealed_last_ns, ev->time_unix_nano);
	}
	seals_pod_take(s, r, ev);
	if (is_seal && seals_check(s, r, ev)) {
		live->seal_leaf = *leaf;
		close_before(s, r);
	}
	if (live->is_known) {
		tree_add(&live->tree, leaf);
		seals_compare_expected(r);
	}
	live->recent[ev->sequence % RECENT] = *leaf;
}

/* The record's run; NULL: there is no room for another. */
static struct run *get_run(struct seals *s, const Varve__V1__Event *ev)
{
	struct run *r = strmap_find(&s->runs, ev->run_id);

	if (r)
		return r;
	if (s->runs.cnt < RUNS_MAX &&
	    (s->nodes.cnt < NODES_MAX || strmap_find(&s->nodes, ev->node_name)))
		return begin_run(s, ev);
	if (!s->left_out_cnt++)
		seals_found(s, NULL, SEALS_DAMAGED,
			    "more than %d runs or %d nodes: too many to be checked", RUNS_MAX,
			    NODES_MAX);
	return NULL;
}

void seals_take(struct seals *s, const Varve__V1__Event *ev, const uint8_t *payload, size_t len)
{
	struct tree_hash leaf;
	struct run *r;

	if (strlen(ev->run_id) != UUID_LEN || strlen(ev->node_name) >= sizeof(r->pub.node)) {
		seals_damage(s, "a record of no run", false);
		return;
	}
	r = get_run(s, ev);
	if (!r)
		return;
	tree_leaf_hash(payload, len, &leaf);
	if (ev->sequence < r->pub.next)
		take_again(s, r, ev->sequence, &leaf);
	else if (!r->live || r->node->last != r)
		seals_found_range(s, r, SEALS_ORDER, ev->sequence, ev->sequence,
				  "it stands behind the end of its run, and another has begun");
	else
		take_next(s, r, ev, &leaf);
}

static void take_next_leaf(struct seals *s, struct run *r, uint64_t sequence,
			   const struct tree_hash *leaf)
{
	if (r->node->last != r || r->pub.is_final)
		seals_found_range(s, r, SEALS_CHANGED, sequence, sequence,
				  "its hash stands behind the end of its run");
	pass_gap(s, r, sequence);
	r->live->recent[sequence % RECENT] = *leaf;
	r->pub.next = sequence + 1;
	r->pub.hidden_cnt++;
	if (r->live->is_known) {
		tree_add(&r->live->tree, leaf);
		seals_compare_expected(r);
	}
}

void seals_take_leaf(struct seals *s, const char *run_id, uint64_t sequence,
		     const struct tree_hash *leaf)
{
	struct run *r = strmap_find(&s->runs, run_id);

	if (r && sequence < r->pub.next)
		take_again(s, r, sequence, leaf);
	else if (r && r->live)
		take_next_leaf(s, r, sequence, leaf);
	else
		seals_damage(s, "the hash of a record of no run", false);
}

/* --- all of it */

struct seals *seals_new(struct keyring *keys, bool is_trusting, int64_t since_ns, int64_t until_ns,
			const struct seals_ops *ops, void *ctx)
{
	struct seals *s = memory_zalloc(sizeof(*s));

	*s = (struct seals){.keys = keys,
			    .is_trusting = is_trusting,
			    .since_ns = since_ns,
			    .until_ns = until_ns,
			    .ops = ops,
			    .ctx = ctx};
	expect_changes(s);
	return s;
}

void seals_end(struct seals *s)
{
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
	for (size_t i = 0; i < s->expected.size; i++) {
		struct expected **first = s->expected.slots[i].value, *e, *next;

		for (e = first ? *first : NULL; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free_values(&s->expected);
	free(s->pod_list);
	free_values(&s->runs);
	free_values(&s->nodes);
	strmap_fini(&s->pods);
	free(s);
}
