/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns_stream.h"
#include "evidence/base.h"
#include <string.h>

#define WINDOW	   (2u << 16) /* a message of the largest length, and a segment behind it */
#define EXTENT_MAX 16
#define PREFIX_LEN 2

/* Bytes of the stream that came, from `from` to `to`; captured up to `data_to`. */
struct extent {
	uint32_t from, data_to, to;
};

struct stream {
	struct dns_stream_key key;
	struct stream *chain, *newer, *older;
	uint64_t cookie;   /* 0: only the listening socket's segment came yet */
	uint32_t base_seq; /* of the stream's first byte */
	uint32_t at;	   /* offset in the stream where the next message begins */
	bool lost;	   /* where it begins is not known */
	/* What came behind `at`: offsets from there, sorted, not overlapping. */
	struct extent extent[EXTENT_MAX + 1]; /* one more before it joins its neighbours */
	size_t extent_cnt;
	uint8_t *buf;
	size_t buf_size;
};

struct dns_streams {
	size_t limit, bytes_limit, cnt, bytes, mask;
	uint64_t evicted;
	struct stream *newest, *oldest;
	struct stream *bucket[];
};

/* --- the table */

int dns_streams_new(size_t limit, size_t bytes_limit, struct dns_streams **ret_table)
{
	struct dns_streams *t;
	size_t buckets = 1;

	while (buckets < limit)
		buckets *= 2;
	t = calloc(1, sizeof(*t) + buckets * sizeof(t->bucket[0]));
	if (!t)
		return -ENOMEM;
	t->limit = limit;
	t->bytes_limit = bytes_limit;
	t->mask = buckets - 1;
	*ret_table = t;
	return 0;
}

static struct stream **bucket_of(struct dns_streams *t, const struct dns_stream_key *key)
{
	const uint8_t *p = (const uint8_t *)key;
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return &t->bucket[(h >> 20) & t->mask];
}

static void unlink_age(struct dns_streams *t, struct stream *s)
{
	*(s->newer ? &s->newer->older : &t->newest) = s->older;
	*(s->older ? &s->older->newer : &t->oldest) = s->newer;
}

static void link_newest(struct dns_streams *t, struct stream *s)
{
	s->newer = NULL;
	s->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = s;
	t->newest = s;
}

/* Nothing of it waits any more. */
static void drop_bytes(struct dns_streams *t, struct stream *s)
{
	t->bytes -= s->buf_size;
	free(s->buf);
	s->buf = NULL;
	s->buf_size = 0;
	s->extent_cnt = 0;
}

static void drop(struct dns_streams *t, struct stream *s)
{
	struct stream **at = bucket_of(t, &s->key);

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	unlink_age(t, s);
	drop_bytes(t, s);
	t->cnt--;
	free(s);
}

static void evict(struct dns_streams *t, struct stream *s)
{
	if (s->extent_cnt)
		t->evicted++;
	drop(t, s);
}

void dns_streams_free(struct dns_streams *t)
{
	while (t && t->oldest)
		drop(t, t->oldest);
	free(t);
}

static struct stream *find_or_add(struct dns_streams *t, const struct dns_stream_key *key,
				  bool *ret_new)
{
	struct stream **bucket = bucket_of(t, key), *s;

	for (s = *bucket; s && memcmp(&s->key, key, sizeof(*key)); s = s->chain)
		;
	*ret_new = !s;
	if (s) {
		unlink_age(t, s);
		link_newest(t, s);
		return s;
	}
	if (t->cnt >= t->limit)
		evict(t, t->oldest);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->key = *key;
	s->chain = *bucket;
	*bucket = s;
	link_newest(t, s);
	t->cnt++;
	return s;
}

/* --- which connection */

static void begin(struct dns_streams *t, struct stream *s, const struct dns_segment *seg)
{
	drop_bytes(t, s);
	s->cookie = seg->listener ? 0 : seg->cookie;
	s->base_seq = seg->seq - seg->offset;
	s->at = 0;
	s->lost = false;
}

/*
 * The same addresses may be used by a new connection. The listening socket's cookie says nothing
 * about which one; else a cookie is a connection.
 */
static bool is_another(const struct stream *s, const struct dns_segment *seg)
{
	if (!s->cookie || seg->listener)
		return s->base_seq != seg->seq - seg->offset;
	return s->cookie != seg->cookie;
}

/* --- bytes that wait */

static bool make_room(struct dns_streams *t, struct stream *s, size_t need)
{
	size_t size = MIN(MAX(need, MAX(2 * s->buf_size, (size_t)2048)), (size_t)WINDOW);
	uint8_t *buf;

	if (need <= s->buf_size)
		return true;
	while (t->bytes + size - s->buf_size > t->bytes_limit && t->oldest != s)
		evict(t, t->oldest);
	if (t->bytes + size - s->buf_size > t->bytes_limit)
		return false;
	buf = realloc(s->buf, size);
	if (!buf)
		return false;
	t->bytes += size - s->buf_size;
	s->buf = buf;
	s->buf_size = size;
	return true;
}

/* A piece that overlaps none. */
static void add_extent(struct stream *s, struct extent piece)
{
	size_t i = s->extent_cnt;

	for (; i && s->extent[i - 1].from > piece.from; i--)
		s->extent[i] = s->extent[i - 1];
	s->extent[i] = piece;
	s->extent_cnt++;
}

/* Joins neighbours; a place that was not captured stays the end of its extent. */
static void join_extents(struct stream *s)
{
	size_t i, n = 0;

	for (i = 1; i < s->extent_cnt; i++) {
		struct extent *last = &s->extent[n];

		if (last->data_to == s->extent[i].from) {
			last->data_to = s->extent[i].data_to;
			last->to = s->extent[i].to;
		} else {
			s->extent[++n] = s->extent[i];
		}
	}
	s->extent_cnt = s->extent_cnt ? n + 1 : 0;
}

/* seg[0] lies at `from`; [from, to) of it are taken. */
static bool add_piece(struct dns_streams *t, struct stream *s, uint32_t from, uint32_t to,
		      const uint8_t *data, uint32_t data_to)
{
	struct extent e = {.from = from, .data_to = MAX(from, MIN(to, data_to)), .to = to};

	if (!make_room(t, s, e.data_to))
		return false;
	if (e.data_to > from)
		memcpy(s->buf + from, data, e.data_to - from);
	add_extent(s, e);
	join_extents(s);
	return s->extent_cnt <= EXTENT_MAX;
}

/* What came first stays: a repetition may say something else. False: it cannot be kept. */
static bool insert(struct dns_streams *t, struct stream *s, uint32_t from, const uint8_t *data,
		   size_t captured, size_t len, bool *ret_new)
{
	uint32_t to = from + len, at = from, data_to = from + captured;
	struct extent old[EXTENT_MAX];
	size_t i, cnt = s->extent_cnt;

	memcpy(old, s->extent, sizeof(old));
	for (i = 0; i <= cnt && at < to; i++) {
		uint32_t next = i < cnt ? MIN(old[i].from, to) : to;

		if (at < next) {
			*ret_new = true;
			if (!add_piece(t, s, at, next, data + MIN((size_t)(at - from), captured),
				       data_to))
				return false;
		}
		if (i < cnt)
			at = MAX(at, old[i].to);
	}
	return true;
}

/* The first `len` bytes are done with. */
static void consume(struct dns_streams *t, struct stream *s, uint32_t len)
{
	uint32_t data_end = s->extent[s->extent_cnt - 1].data_to;
	size_t i, n = 0;

	s->at += len;
	if (data_end > len)
		memmove(s->buf, s->buf + len, data_end - len);
	for (i = 0; i < s->extent_cnt; i++) {
		struct extent e = s->extent[i];

		if (e.to <= len)
			continue;
		e.from = e.from > len ? e.from - len : 0;
		e.data_to = e.data_to > len ? e.data_to - len : 0;
		e.to -= len;
		s->extent[n++] = e;
	}
	s->extent_cnt = n;
	if (!n)
		drop_bytes(t, s);
}

/* Bytes that came without a gap from the start on. */
static uint32_t contiguous(const struct stream *s)
{
	uint32_t to = 0;
	size_t i;

	for (i = 0; i < s->extent_cnt && s->extent[i].from == to; i++)
		to = s->extent[i].to;
	return to;
}

static size_t message_len(const uint8_t *prefix)
{
	return prefix[0] << 8 | prefix[1];
}

static int extract(struct dns_streams *t, struct stream *s, dns_stream_fn fn, void *ctx)
{
	size_t len, have;
	int err;

	while (s->extent_cnt && !s->extent[0].from) {
		if (s->extent[0].data_to < PREFIX_LEN) {
			/* The length itself was not captured. */
			s->lost = s->extent[0].to > s->extent[0].data_to;
			return 0;
		}
		len = message_len(s->buf);
		if (contiguous(s) < PREFIX_LEN + len)
			return 0;
		have = MIN(s->extent[0].data_to - PREFIX_LEN, len);
		err = fn(s->buf + PREFIX_LEN, have, len, ctx);
		if (err)
			return err;
		consume(t, s, PREFIX_LEN + len);
	}
	return 0;
}

/* Whole messages at the start of a segment that comes in its turn: no copy is made. */
static int take_whole(struct stream *s, struct dns_segment *seg, dns_stream_fn fn, void *ctx)
{
	size_t len, whole;
	int err;

	while (!s->extent_cnt && seg->captured >= PREFIX_LEN) {
		len = message_len(seg->data);
		whole = PREFIX_LEN + len;
		if (whole > seg->len)
			break;
		err = fn(seg->data + PREFIX_LEN, MIN(seg->captured - PREFIX_LEN, len), len, ctx);
		if (err)
			return err;
		s->at += whole;
		seg->data += MIN(whole, seg->captured);
		seg->captured -= MIN(whole, seg->captured);
		seg->len -= whole;
	}
	return 0;
}

/* --- a segment */

static void tell_state(const struct stream *s, bool is_new, struct dns_stream_state *st)
{
	size_t i;

	for (i = 0; i < s->extent_cnt; i++)
		st->captured += s->extent[i].data_to - s->extent[i].from;
	if (s->lost)
		st->incomplete = "not_in_step";
	else if (!is_new)
		st->incomplete = "repeated";
	else if (s->extent_cnt)
		st->incomplete = s->extent[0].from ? "gap" : "more_to_come";
	if (s->extent_cnt && !s->extent[0].from && s->extent[0].data_to >= PREFIX_LEN) {
		st->has_length = true;
		st->length = message_len(s->buf);
	}
}

static int take(struct dns_streams *t, struct stream *s, struct dns_segment seg, dns_stream_fn fn,
		void *ctx, bool *ret_new)
{
	int32_t rel = (int32_t)(seg.seq - s->base_seq - s->at);
	size_t old;
	int err = 0;

	if (rel < 0) { /* its beginning came before */
		old = MIN((size_t) - (int64_t)rel, seg.len);
		seg.data += MIN(old, seg.captured);
		seg.captured -= MIN(old, seg.captured);
		seg.len -= old;
		rel = 0;
	}
	if (!seg.len)
		return 0;
	if (!rel && !s->extent_cnt) {
		*ret_new = true;
		err = take_whole(s, &seg, fn, ctx);
	}
	if (err || !seg.len)
		return err;
	if ((uint32_t)rel + seg.len > WINDOW ||
	    !insert(t, s, rel, seg.data, seg.captured, seg.len, ret_new))
		s->lost = true;
	else
		err = extract(t, s, fn, ctx);
	return err;
}

int dns_streams_take(struct dns_streams *t, const struct dns_segment *seg, dns_stream_fn fn,
		     void *ctx, struct dns_stream_state *ret_state)
{
	bool is_new_stream, is_new = false;
	struct stream *s = find_or_add(t, &seg->key, &is_new_stream);
	int err = 0;

	*ret_state = (struct dns_stream_state){};
	if (!s) { /* no memory: nothing is known of it */
		ret_state->incomplete = "not_in_step";
		return 0;
	}
	if (is_new_stream || is_another(s, seg))
		begin(t, s, seg);
	else if (!s->cookie && !seg->listener)
		s->cookie = seg->cookie;
	if (!s->lost)
		err = take(t, s, *seg, fn, ctx, &is_new);
	if (s->lost)
		drop_bytes(t, s);
	if (!err)
		tell_state(s, is_new, ret_state);
	return err;
}

uint64_t dns_streams_evicted(const struct dns_streams *t)
{
	return t->evicted;
}

size_t dns_streams_count(const struct dns_streams *t)
{
	return t->cnt;
}

size_t dns_streams_bytes(const struct dns_streams *t)
{
	return t->bytes;
}
