/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sealing.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "evidence/seal.h"
#include "sensor/conf.h"
#include "sensor/emit.h"
#include "sensor/events/fill.h"
#include "sensor/seal_key.h"
#include "sensor/streams.h"
#include <string.h>

/* With a turn of the loop, which takes DRAIN_NS and more at times, within a second. */
#define INTERVAL_NS (800 * NSEC_PER_MSEC)
#define ARENA_SIZE  65536
#define AGAIN_NS    (60 * NSEC_PER_SEC) /* after a key that could not be changed */

void sealing_count(struct sealing *s, const struct streams_sum *sums)
{
	memcpy(s->counts, sums, sizeof(s->counts));
}

/* Of all records so far. boot_ns: of the record that it will be in. */
static void fill(const struct sealing *s, uint64_t boot_ns, struct seal *ret)
{
	const struct emit *e = s->emit;

	*ret = (struct seal){
		.key_name = {s->key_name, strlen(s->key_name)},
		.run_id = {e->run_id, UUID_LEN},
		.size = e->tree.size,
		.number = s->number,
		.first = s->first,
		.time_unix_nano = (int64_t)boot_ns + e->clock_offset_ns,
		.boot_time_nano = boot_ns,
		.has_previous = s->number,
		.previous = s->leaf,
		.count_cnt = EV_CLASS_CNT,
	};
	_Static_assert(EV_CLASS_CNT <= SEAL_CLASSES_MAX, "a seal has them all");
	tree_root(&e->tree, &ret->root);
	for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
		struct seal_count *count = &ret->counts[c];

		snprintf(count->event_class, sizeof(count->event_class), "%s", event_class_name(c));
		count->recorded = s->counts[c].recorded;
		count->lost = s->counts[c].lost;
		count->suppressed = s->counts[c].suppressed;
	}
}

/* By the key of now; if another has been prepared, by that one too. */
static int sign(struct sealing *s, const struct seal *seal, char note[NOTE_MAX + 1],
		size_t *ret_len)
{
	size_t text_len, len;
	int err = seal_format(seal, note, NOTE_MAX, &text_len);

	len = text_len;
	if (!err)
		err = seal_key_sign(s->key, note, NOTE_MAX, text_len, &len);
	if (!err && seal->has_next)
		err = seal_key_sign_next(s->key, note, NOTE_MAX, text_len, &len);
	note[err ? 0 : len] = '\0';
	*ret_len = len;
	return err;
}

static int fill_frontier(const struct emit *e, struct arena *arena, Varve__V1__Seal *out)
{
	struct tree_hash *nodes = arena_alloc(arena, TREE_LEVELS * sizeof(*nodes));

	out->frontier = arena_alloc(arena, TREE_LEVELS * sizeof(*out->frontier));
	if (!nodes || !out->frontier)
		return -ENOMEM;
	out->n_frontier = tree_frontier(&e->tree, nodes);
	for (size_t i = 0; i < out->n_frontier; i++)
		out->frontier[i] = (ProtobufCBinaryData){TREE_HASH_LEN, nodes[i].bytes};
	return 0;
}

static int write_record(struct sealing *s, const struct seal *seal, char *note)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	struct emit *e = s->emit;
	Varve__V1__Seal *out;
	int err;

	arena_reset(&s->arena);
	err = NEW_BODY(&s->arena, &ev, SEAL, seal, out);
	if (!err)
		err = fill_frontier(e, &s->arena, out);
	if (err)
		return err;
	out->note = note;
	if (s->change[0])
		out->last_change = s->change;
	SET(&ev, boot_time_nano, seal->boot_time_nano);
	err = emit_event(e, &ev, NULL);
	if (err)
		return err;
	s->change[0] = '\0';
	s->number++;
	s->leaf = e->leaf;
	s->first = seal->size;
	s->sealed_unix_nano = seal->time_unix_nano;
	return 0;
}

/*
 * The key is changed for good before the seal that says so is written: a reader must never meet a
 * seal by a key that the next start does not have. If the seal cannot be written then, the next one
 * tells of it. What it seals is in the log for good before that: sensor.keys never knows of records
 * that the log has not.
 */
static int seal_changing(struct sealing *s, uint64_t now_ns, struct seal *seal)
{
	char note[NOTE_MAX + 1];
	size_t len;
	int err = seal_key_prepare(s->key);

	if (err)
		return err;
	seal->has_next = true;
	seal->next = *seal_key_next(s->key);
	err = log_sync(s->emit->log);
	if (!err)
		err = sign(s, seal, note, &len);
	if (err)
		seal_key_abandon(s->key);
	else
		err = seal_key_commit(s->key, note, len);
	if (err) {
		seal->has_next = false;
		return err;
	}
	s->change_cnt++;
	s->next_change_ns = now_ns + s->change_interval_ns;
	err = write_record(s, seal, note);
	if (err)
		memcpy(s->change, note, len + 1);
	return err;
}

/* change_ns: change the key, it is now that late; 0: do not. */
static int seal_now(struct sealing *s, uint64_t change_ns, bool final)
{
	char note[NOTE_MAX + 1];
	struct seal seal;
	size_t len;
	int err;

	if (!s->emit->tree.size)
		return 0;
	fill(s, emit_boot_ns(), &seal);
	seal.final = final;
	if (change_ns) {
		err = seal_changing(s, change_ns, &seal);
		if (!err || seal.has_next)
			return err;
		/* By the old key, then: better than no seal. */
		s->next_change_ns = change_ns + AGAIN_NS;
	}
	err = sign(s, &seal, note, &len);
	return err ? err : write_record(s, &seal, note);
}

static int note_err(struct sealing *s, int err)
{
	if (err && err != s->err)
		log_err(err, "records are not sealed");
	else if (!err && s->err)
		log_info("records are sealed again");
	s->err = err;
	return err;
}

int sealing_turn(struct sealing *s, uint64_t now_ns)
{
	/* Of two changes that no seal could tell the second would hide the first. */
	bool change = now_ns >= s->next_change_ns && (!s->number || !s->change[0]);

	/* The last seal is the last record: there is nothing to seal. */
	if ((s->number && s->emit->sequence == s->first + 1) || now_ns < s->next_ns)
		return 0;
	s->next_ns = now_ns + INTERVAL_NS;
	return note_err(s, seal_now(s, change ? now_ns : 0, false));
}

void sealing_set_interval(struct sealing *s, uint64_t interval_ns, uint64_t now_ns)
{
	s->change_interval_ns = interval_ns;
	s->next_change_ns = MIN(s->next_change_ns, now_ns + interval_ns);
}

int sealing_end(struct sealing *s)
{
	return seal_now(s, 0, true);
}

/* Each segment can be checked from its first record on, without those before it. */
static void begin_segment(void *ctx)
{
	struct sealing *s = ctx;

	if (s->number)
		note_err(s, seal_now(s, 0, false));
}

int sealing_open(struct sealing *s, const struct conf *conf, struct emit *emit)
{
	const char *change;
	size_t len;
	int err;

	*s = (struct sealing){.emit = emit,
			      .change_interval_ns = conf->seal_key_interval_ms * NSEC_PER_MSEC};
	err = seal_key_name(conf->node_name, s->key_name);
	if (err)
		return log_err(err, "node-name is too long for the name of a key");
	err = arena_init(&s->arena, ARENA_SIZE);
	if (err)
		return err;
	err = seal_key_open(conf->log_dir, conf->seal_key, s->key_name, &s->key);
	if (err)
		return err;
	len = seal_key_last_change(s->key, &change);
	memcpy(s->change, change, len);
	s->change[len] = '\0';
	emit->before_segment = begin_segment;
	emit->before_segment_ctx = s;
	return 0;
}

void sealing_close(struct sealing *s)
{
	seal_key_close(s->key);
	s->key = NULL;
	arena_fini(&s->arena);
}
