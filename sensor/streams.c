/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/streams.h"
#include "evidence/base.h"
#include "sensor/probes.h"
#include <errno.h>
#include <string.h>

#define BUCKET_CNT 4096 /* a power of two */

struct stream {
	uint64_t cgroup_id;
	struct stream *chain;
	bool changed; /* since the book was last kept */
	/* As read at the last snapshot. */
	uint64_t cause[EV_CLASS_CNT][STREAMS_CAUSE_CNT];
	struct times {
		uint64_t count, first_ns, last_ns;
	} suppressed[EV_CLASS_CNT][EV_SUPPRESS_CNT];
	struct {
		uint64_t first_ns, last_ns;
	} lost_time[EV_CLASS_CNT];
	struct streams_sum earlier[EV_CLASS_CNT]; /* of it in earlier runs */
	/* Of what userspace lost and did not declare yet. */
	struct times dropped[EV_CLASS_CNT][STREAMS_CAUSE_CNT];
	struct book book; /* last: it ends in an array */
};

struct streams {
	struct stream *bucket[BUCKET_CNT];
	struct ev_account *accounts; /* room for one lookup */
	size_t cpu_cnt;
	struct streams_sum gone[EV_CLASS_CNT]; /* of the streams forgotten */
	/* Of the last two snapshots of all; of the last of single cgroups. */
	uint64_t snapshot_ns, previous_snapshot_ns, close_ns;
};

const char *streams_cause_name(unsigned int cause)
{
	static const char *const names[STREAMS_CAUSE_CNT] = {
		[EV_CAUSE_RING_FULL] = "ring_full",    [EV_CAUSE_SCRATCH_BUSY] = "scratch_busy",
		[EV_CAUSE_MAP_FULL] = "map_full",      [EV_CAUSE_NO_COMPLETION] = "no_completion",
		[STREAMS_CAUSE_LOG] = "log_write",     [STREAMS_CAUSE_INVALID] = "invalid_record",
		[STREAMS_CAUSE_LOG_FULL] = "log_full", [STREAMS_CAUSE_UNKNOWN] = "unknown",
	};

	return cause < STREAMS_CAUSE_CNT ? names[cause] : "unknown";
}

const char *streams_reason_name(unsigned int reason)
{
	static const char *const names[EV_SUPPRESS_CNT] = {
		[EV_SUPPRESS_READ_OPEN_REPEATED] = "read_open_repeated",
		[EV_SUPPRESS_READ_OPENS_OFF] = "read_opens_off",
		[EV_SUPPRESS_KIND_OFF] = "kind_off",
		[EV_SUPPRESS_RATE_LIMIT] = "rate_limit",
		[EV_SUPPRESS_FAIR_SHARE] = "fair_share",
	};

	return reason < EV_SUPPRESS_CNT ? names[reason] : "unknown";
}

int streams_new(size_t cpu_cnt, struct streams **ret_streams)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cpu_cnt = cpu_cnt;
	s->accounts = calloc(cpu_cnt, sizeof(*s->accounts));
	if (!s->accounts) {
		free(s);
		return -ENOMEM;
	}
	*ret_streams = s;
	return 0;
}

void streams_free(struct streams *s)
{
	struct stream *st, *next;
	size_t i;

	if (!s)
		return;
	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = next) {
			next = st->chain;
			free(st);
		}
	}
	free(s->accounts);
	free(s);
}

static size_t bucket_of(uint64_t cgroup_id)
{
	return (cgroup_id * 0x9e3779b97f4a7c15ULL) >> 52;
}

static struct stream *stream_find(const struct streams *s, uint64_t cgroup_id)
{
	struct stream *st = s->bucket[bucket_of(cgroup_id)];

	while (st && st->cgroup_id != cgroup_id)
		st = st->chain;
	return st;
}

/* The map `accounts` bounds how many cgroups can have numbers, and so how many streams there are.
 */
static struct stream *stream_get(struct streams *s, uint64_t cgroup_id)
{
	struct stream *st = stream_find(s, cgroup_id);
	unsigned int c;

	if (st)
		return st;
	st = calloc(1, sizeof(*st) + s->cpu_cnt * EV_CLASS_CNT * sizeof(st->book.series[0]));
	if (!st)
		return NULL;
	st->cgroup_id = cgroup_id;
	for (c = 0; c < EV_CLASS_CNT; c++)
		st->book.clear_ns[c] =
			s->previous_snapshot_ns; /* it would be in the books already */
	st->chain = s->bucket[bucket_of(cgroup_id)];
	s->bucket[bucket_of(cgroup_id)] = st;
	return st;
}

int streams_bind(struct streams *s, uint64_t cgroup_id, uint64_t container)
{
	struct stream *st = stream_get(s, cgroup_id);

	if (!st)
		return -ENOMEM;
	st->changed |= st->book.container != container;
	st->book.container = container;
	return 0;
}

void streams_note_path(struct streams *s, uint64_t cgroup_id, const char *path)
{
	struct stream *st = stream_find(s, cgroup_id);

	/* Without it the next run finds the container by what is on disk. */
	if (!st || strlen(path) >= BOOK_PATH_SIZE)
		return;
	strcpy(st->book.cgroup_path, path);
	st->changed = true;
}

bool streams_knows(const struct streams *s, uint64_t cgroup_id)
{
	return stream_find(s, cgroup_id);
}

uint64_t streams_container(const struct streams *s, uint64_t cgroup_id)
{
	const struct stream *st = stream_find(s, cgroup_id);

	return st ? st->book.container : 0;
}

unsigned int streams_class_of(const struct ev_hdr *hdr)
{
	static const unsigned char classes[EV_KIND_END] = {
#define EV(number, NAME, name, group) [number] = EV_CLASS_##group,
#include "bpf/events.def"
	};

	return classes[hdr->kind];
}

static void recorded(const struct streams *s, struct stream *st, uint32_t cpu, unsigned int c,
		     uint64_t number)
{
	struct book_series *series = &st->book.series[cpu * EV_CLASS_CNT + c];

	if (cpu >= s->cpu_cnt)
		return;
	st->changed = true;
	series->recorded++;
	if (number < series->next)
		series->below++;
	if (number < series->old_next)
		series->old_below++;
}

void streams_recorded(struct streams *s, const struct ev_hdr *hdr)
{
	struct stream *st = stream_get(s, hdr->cgroup_id);

	if (st)
		recorded(s, st, hdr->cpu, streams_class_of(hdr), hdr->number);
}

void streams_dropped(struct streams *s, const struct ev_hdr *hdr, enum streams_cause cause)
{
	struct stream *st = stream_get(s, hdr->cgroup_id);
	struct times *t;

	if (!st)
		return;
	st->cause[streams_class_of(hdr)][cause]++;
	t = &st->dropped[streams_class_of(hdr)][cause];
	t->first_ns = t->count++ ? MIN(t->first_ns, hdr->time_ns) : hdr->time_ns;
	t->last_ns = MAX(t->last_ns, hdr->time_ns);
}

static struct times read_suppressed(const struct streams *s, unsigned int c, unsigned int reason)
{
	struct times t = {.first_ns = UINT64_MAX};
	size_t cpu;

	for (cpu = 0; cpu < s->cpu_cnt; cpu++) {
		const struct ev_suppressed *on = &s->accounts[cpu].count[c].suppressed[reason];

		t.count += on->count;
		if (!on->last_ns)
			continue;
		t.first_ns = MIN(t.first_ns, on->first_ns);
		t.last_ns = MAX(t.last_ns, on->last_ns);
	}
	return t;
}

static void read_class(struct streams *s, struct stream *st, unsigned int c)
{
	uint64_t first = UINT64_MAX, last = 0;
	size_t cpu, cause, reason;

	for (cause = 0; cause < EV_CAUSE_CNT; cause++)
		st->cause[c][cause] = 0;
	for (cpu = 0; cpu < s->cpu_cnt; cpu++) {
		const struct ev_count *count = &s->accounts[cpu].count[c];
		struct book_series *series = &st->book.series[cpu * EV_CLASS_CNT + c];

		st->changed |= series->next != count->next || series->old_next != series->next ||
			       series->old_below != series->below;
		series->old_below = series->below;
		series->old_next = series->next;
		/* What has come so far was numbered before the counter was read. */
		series->below = series->recorded;
		series->next = count->next;
		for (cause = 0; cause < EV_CAUSE_CNT; cause++)
			st->cause[c][cause] += count->lost[cause];
		if (count->lost_last_ns) {
			first = MIN(first, count->lost_first_ns);
			last = MAX(last, count->lost_last_ns);
		}
	}
	st->lost_time[c].first_ns = first;
	st->lost_time[c].last_ns = last;
	for (reason = 0; reason < EV_SUPPRESS_CNT; reason++)
		st->suppressed[c][reason] = read_suppressed(s, c, reason);
}

static void snapshot_one(struct streams *s, struct stream *st, const struct probes *probes)
{
	unsigned int c;

	if (probes_account(probes, st->cgroup_id, s->accounts))
		return;
	for (c = 0; c < EV_CLASS_CNT; c++)
		read_class(s, st, c);
}

void streams_snapshot_container(struct streams *s, uint64_t container, const struct probes *probes,
				uint64_t now_ns)
{
	struct stream *st;
	size_t i;

	s->close_ns = now_ns;
	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = st->chain) {
			if (st->book.container == container)
				snapshot_one(s, st, probes);
		}
	}
}

void streams_snapshot(struct streams *s, const struct probes *probes, uint64_t now_ns)
{
	uint64_t id, previous;
	struct stream *st;
	int err;

	s->previous_snapshot_ns = s->snapshot_ns;
	s->snapshot_ns = now_ns;
	for (err = probes_account_next(probes, NULL, &id); !err;
	     err = probes_account_next(probes, &previous, &id)) {
		previous = id;
		st = stream_get(s, id);
		if (st)
			snapshot_one(s, st, probes);
	}
}

/*
 * Without a time from the kernel (UINT64_MAX, 0) the bounds are those of the books. A CPU's times
 * may be those of an older loss, declared already: nothing declared now is older than since_ns.
 */
static int declare(struct streams *s, struct stream *st, struct streams_finding *f,
		   uint64_t since_ns, uint64_t first_ns, uint64_t last_ns, streams_fn fn, void *ctx)
{
	f->cgroup_id = st->cgroup_id;
	f->container = st->book.container;
	f->last_ns = last_ns ? last_ns : MAX(s->snapshot_ns, s->close_ns);
	f->first_ns = MIN(last_ns ? MAX(first_ns, since_ns) : since_ns, f->last_ns);
	return fn(f, ctx);
}

static void declare_lost(struct streams *s, struct stream *st, unsigned int c, unsigned int cause,
			 uint64_t count, streams_fn fn, void *ctx)
{
	struct streams_finding f = {.ev_class = c, .cause = cause, .count = count};
	struct times *dropped = &st->dropped[c][cause];
	bool timed = cause < EV_CAUSE_CNT;
	uint64_t first = timed ? st->lost_time[c].first_ns : dropped->first_ns;
	uint64_t last = timed ? st->lost_time[c].last_ns : dropped->last_ns;

	if (declare(s, st, &f, dropped->count ? first : st->book.clear_ns[c], first, last, fn, ctx))
		return; /* it is still missing the next time */
	/* What is left came after the snapshot: the next declaration's. Its first is not known
	 * alone. */
	dropped->count -= MIN(dropped->count, count);
	if (!dropped->count)
		*dropped = (struct times){};
	st->changed = true;
	st->book.cause_declared[c][cause] += count;
	st->book.sum[c].lost += count;
}

static void declare_suppressed(struct streams *s, struct stream *st, unsigned int c, streams_fn fn,
			       void *ctx)
{
	unsigned int reason;

	for (reason = 0; reason < EV_SUPPRESS_CNT; reason++) {
		const struct times *t = &st->suppressed[c][reason];
		uint64_t *declared = &st->book.suppressed_declared[c][reason];
		struct streams_finding f = {.ev_class = c,
					    .suppressed = true,
					    .reason = reason,
					    .count = t->count - MIN(t->count, *declared)};

		if (!f.count ||
		    declare(s, st, &f, s->previous_snapshot_ns, t->first_ns, t->last_ns, fn, ctx))
			continue; /* it is still there the next time */
		st->changed = true;
		*declared += f.count;
		st->book.sum[c].suppressed += f.count;
	}
}

struct totals {
	uint64_t next, below, old_missing;
};

static struct totals add_up(const struct streams *s, const struct stream *st, unsigned int c)
{
	struct totals t = {};
	size_t cpu;

	for (cpu = 0; cpu < s->cpu_cnt; cpu++) {
		const struct book_series *series = &st->book.series[cpu * EV_CLASS_CNT + c];

		t.next += series->next;
		t.below += series->below;
		t.old_missing += series->old_next - series->old_below;
	}
	return t;
}

/*
 * Only what was numbered before the last snapshot but one is lost without a cause; what is missing
 * of the younger numbers may be on its way, and under load something always is. Losses declared may
 * be of either, so they are taken off the older ones: some may be told later for it, none too
 * early.
 */
static void settle_class(struct streams *s, struct stream *st, unsigned int c, bool final,
			 streams_fn fn, void *ctx)
{
	struct streams_sum *sum = &st->book.sum[c];
	struct totals t = add_up(s, st, c);
	uint64_t missing = t.next - MIN(t.next, t.below), n;
	size_t cause;

	missing -= MIN(missing, sum->lost);
	for (cause = 0; cause < STREAMS_CAUSE_CNT && missing; cause++) {
		n = MIN(missing, st->cause[c][cause] - st->book.cause_declared[c][cause]);
		if (cause == STREAMS_CAUSE_UNKNOWN)
			n = final ? missing
				  : MIN(missing, t.old_missing - MIN(t.old_missing, sum->lost));
		if (n)
			declare_lost(s, st, c, cause, n, fn, ctx);
		missing -= n;
	}
	if (t.next - t.below == sum->lost)
		st->book.clear_ns[c] = s->snapshot_ns;
	else if (t.old_missing <= sum->lost)
		st->book.clear_ns[c] = MAX(st->book.clear_ns[c], s->previous_snapshot_ns);
	declare_suppressed(s, st, c, fn, ctx);
	sum->recorded = t.below;
	sum->generated = t.next + sum->suppressed;
}

static void settle_stream(struct streams *s, struct stream *st, bool final, streams_fn fn,
			  void *ctx)
{
	unsigned int c;

	for (c = 0; c < EV_CLASS_CNT; c++)
		settle_class(s, st, c, final, fn, ctx);
}

static void settle_matching(struct streams *s, const uint64_t *container, bool final, streams_fn fn,
			    void *ctx)
{
	struct stream *st;
	size_t i;

	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = st->chain) {
			if (container && st->book.container != *container)
				continue;
			settle_stream(s, st, final, fn, ctx);
		}
	}
}

void streams_settle(struct streams *s, bool final, streams_fn fn, void *ctx)
{
	settle_matching(s, NULL, final, fn, ctx);
}

void streams_settle_container(struct streams *s, uint64_t container, streams_fn fn, void *ctx)
{
	settle_matching(s, &container, true, fn, ctx);
}

static void subtract(struct streams_sum from[EV_CLASS_CNT],
		     const struct streams_sum what[EV_CLASS_CNT])
{
	unsigned int c;

	for (c = 0; c < EV_CLASS_CNT; c++) {
		from[c].generated -= what[c].generated;
		from[c].recorded -= what[c].recorded;
		from[c].lost -= what[c].lost;
		from[c].suppressed -= what[c].suppressed;
	}
}

static void add(struct streams_sum to[EV_CLASS_CNT], const struct streams_sum from[EV_CLASS_CNT])
{
	unsigned int c;

	for (c = 0; c < EV_CLASS_CNT; c++) {
		to[c].generated += from[c].generated;
		to[c].recorded += from[c].recorded;
		to[c].lost += from[c].lost;
		to[c].suppressed += from[c].suppressed;
	}
}

/* What it had in this run. */
static void add_stream(struct streams_sum to[EV_CLASS_CNT], const struct stream *st)
{
	add(to, st->book.sum);
	add(to, st->book.carried);
	subtract(to, st->earlier);
}

void streams_sum(const struct streams *s, uint64_t container,
		 struct streams_sum ret_sums[EV_CLASS_CNT])
{
	const struct stream *st;
	size_t i;

	memset(ret_sums, 0, EV_CLASS_CNT * sizeof(*ret_sums));
	if (!container)
		add(ret_sums, s->gone);
	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = st->chain) {
			if (container && st->book.container != container)
				continue;
			add_stream(ret_sums, st);
		}
	}
}

void streams_forget(struct streams *s, uint64_t container, struct probes *probes)
{
	struct stream *st, **at;
	size_t i;

	for (i = 0; i < BUCKET_CNT; i++) {
		for (at = &s->bucket[i]; (st = *at);) {
			if (st->book.container != container) {
				at = &st->chain;
				continue;
			}
			*at = st->chain;
			add_stream(s->gone, st);
			if (probes)
				probes_forget(probes, st->cgroup_id);
			free(st);
		}
	}
}

void streams_snapshot_cgroup(struct streams *s, uint64_t cgroup_id, const struct probes *probes,
			     uint64_t now_ns)
{
	struct stream *st = stream_find(s, cgroup_id);

	s->close_ns = now_ns;
	if (st)
		snapshot_one(s, st, probes);
}

void streams_settle_cgroup(struct streams *s, uint64_t cgroup_id, streams_fn fn, void *ctx)
{
	struct stream *st = stream_find(s, cgroup_id);

	if (st)
		settle_stream(s, st, true, fn, ctx);
}

void streams_forget_cgroup(struct streams *s, uint64_t cgroup_id, struct probes *probes)
{
	struct stream **at = &s->bucket[bucket_of(cgroup_id)], *st, *own;

	while (*at && (*at)->cgroup_id != cgroup_id)
		at = &(*at)->chain;
	st = *at;
	if (!st)
		return;
	*at = st->chain;
	own = st->book.container ? stream_find(s, st->book.container) : NULL;
	if (own) {
		add(own->book.carried, st->book.sum);
		add(own->earlier, st->earlier);
		own->changed = true;
	} else {
		add_stream(s->gone, st);
	}
	if (probes)
		probes_forget(probes, cgroup_id);
	free(st);
}

void streams_each_other(const struct streams *s,
			void (*fn)(uint64_t cgroup_id, uint64_t container, void *ctx), void *ctx)
{
	const struct stream *st, *next;
	size_t i;

	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = next) {
			next = st->chain;
			if (st->cgroup_id && st->book.container != st->cgroup_id)
				fn(st->cgroup_id, st->book.container, ctx);
		}
	}
}

void streams_sum_cgroup(const struct streams *s, uint64_t cgroup_id,
			struct streams_sum ret_sums[EV_CLASS_CNT])
{
	const struct stream *st = stream_find(s, cgroup_id);

	memset(ret_sums, 0, EV_CLASS_CNT * sizeof(*ret_sums));
	if (st)
		add_stream(ret_sums, st);
}

/* --- from one run to the next */

size_t streams_book_size(size_t cpu_cnt)
{
	return sizeof(struct book) + cpu_cnt * EV_CLASS_CNT * sizeof(struct book_series);
}

int streams_keep(struct streams *s, uint64_t log_index, streams_keep_fn keep, void *ctx)
{
	struct stream *st;
	int err, ret = 0;
	size_t i;

	for (i = 0; i < BUCKET_CNT; i++) {
		for (st = s->bucket[i]; st; st = st->chain) {
			if (!st->changed)
				continue;
			st->book.log_index = log_index;
			err = keep(st->cgroup_id, &st->book, ctx);
			st->changed = err;
			ret = ret ? ret : err;
		}
	}
	return ret;
}

int streams_take_up(struct streams *s, uint64_t cgroup_id, const struct book *book)
{
	struct stream *st = stream_get(s, cgroup_id);
	unsigned int c, cause;

	if (!st)
		return -ENOMEM;
	memcpy(&st->book, book, streams_book_size(s->cpu_cnt));
	/* Of what that run dropped and did not declare nothing is known but that it is missing. */
	for (c = 0; c < EV_CLASS_CNT; c++)
		for (cause = EV_CAUSE_CNT; cause < STREAMS_CAUSE_UNKNOWN; cause++)
			st->cause[c][cause] = book->cause_declared[c][cause];
	return 0;
}

void streams_replay_record(struct streams *s, uint64_t cgroup_id, uint32_t cpu,
			   unsigned int ev_class, uint64_t number, uint64_t log_index)
{
	struct stream *st = stream_get(s, cgroup_id);

	if (st && log_index >= st->book.log_index)
		recorded(s, st, cpu, ev_class, number);
}

void streams_replay_finding(struct streams *s, const struct streams_finding *f, uint64_t log_index)
{
	struct stream *st = stream_get(s, f->cgroup_id);

	if (!st || log_index < st->book.log_index)
		return;
	st->changed = true;
	if (f->suppressed) {
		st->book.suppressed_declared[f->ev_class][f->reason] += f->count;
		st->book.sum[f->ev_class].suppressed += f->count;
		return;
	}
	st->book.cause_declared[f->ev_class][f->cause] += f->count;
	st->book.sum[f->ev_class].lost += f->count;
	if (f->cause >= EV_CAUSE_CNT)
		st->cause[f->ev_class][f->cause] += f->count;
}

static void each_stream(struct streams *s, void (*fn)(struct streams *s, struct stream *st))
{
	struct stream *st;
	size_t i;

	for (i = 0; i < BUCKET_CNT; i++)
		for (st = s->bucket[i]; st; st = st->chain)
			fn(s, st);
}

/* Sums as if nothing were on its way: that is counted where it comes, or is missed. */
static void close_sums(struct streams *s, struct stream *st)
{
	unsigned int c;
	size_t cpu;

	for (c = 0; c < EV_CLASS_CNT; c++) {
		struct streams_sum *sum = &st->book.sum[c];

		sum->recorded = 0;
		for (cpu = 0; cpu < s->cpu_cnt; cpu++)
			sum->recorded += st->book.series[cpu * EV_CLASS_CNT + c].recorded;
		sum->generated = sum->recorded + sum->lost + sum->suppressed;
	}
}

static void begin(struct streams *s, struct stream *st)
{
	st->changed = true; /* what is kept is to be of this run's log */
	close_sums(s, st);
	memset(st->earlier, 0, sizeof(st->earlier));
	add(st->earlier, st->book.sum);
	add(st->earlier, st->book.carried);
}

/*
 * What the earlier sensor had forgotten and what its log brought back: the kernel knows it no more,
 * and its account is closed.
 */
static void drop_ended(struct streams *s, struct probes *probes)
{
	for (size_t i = 0; i < BUCKET_CNT; i++) {
		struct stream *st, **at;

		for (at = &s->bucket[i]; (st = *at);) {
			if (probes_account(probes, st->cgroup_id, s->accounts) != -ENOENT) {
				at = &st->chain;
				continue;
			}
			*at = st->chain;
			probes_drop_book(probes, st->cgroup_id);
			free(st);
		}
	}
}

void streams_begin(struct streams *s, struct probes *probes)
{
	if (probes)
		drop_ended(s, probes);
	memset(s->gone, 0, sizeof(s->gone));
	each_stream(s, begin);
}

void streams_hand_over(struct streams *s)
{
	each_stream(s, close_sums);
}
