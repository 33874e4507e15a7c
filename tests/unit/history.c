/* SPDX-License-Identifier: Apache-2.0 */
/* What the first pass learns, what is selected, what the second pass gives. */
#include "tests/unit/responder_sample.h"
#include "responder/select.h"

struct fixture {
	struct sample s;
	struct sample_container c, other;
	struct history *h;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sample_init(&f->s);
	f->c = (struct sample_container){.id = SAMPLE_ID, .name = "app", .in_pod = true};
	f->other = (struct sample_container){.id = SAMPLE_ID2, .name = "side"};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	history_free(f->h);
	sample_fini(&f->s);
	free(f);
	return 0;
}

static void load(struct fixture *f)
{
	f->h = sample_load(&f->s, INT64_MIN, INT64_MAX);
}

static void test_ranges(void **state)
{
	struct ranges r = {};

	(void)state;
	assert_int_equal(ranges_add(&r, 5, 50), 1);
	assert_int_equal(ranges_add(&r, 5, 50), 0);
	assert_int_equal(ranges_add(&r, 7, 70), 1);
	assert_int_equal(r.cnt, 2);
	assert_false(ranges_has(&r, 6));
	assert_int_equal(ranges_add(&r, 6, 60), 1);
	assert_int_equal(r.cnt, 1);
	assert_int_equal(r.v[0].first_ns, 50);
	assert_int_equal(r.v[0].last_ns, 70);
	assert_int_equal(ranges_add(&r, 4, 40), 1);
	assert_int_equal(r.v[0].first_ns, 40);
	assert_int_equal(ranges_add(&r, 0, 1), 1);
	assert_true(ranges_has_all(&r, 4, 7));
	assert_false(ranges_has_all(&r, 0, 7));
	assert_false(ranges_has(&r, 8));
	ranges_fini(&r);
}

static void test_ranges_against_a_set(void **state)
{
	struct ranges r = {};
	bool set[512] = {};
	unsigned int seed = 7;
	size_t gaps = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		unsigned int n = rand_r(&seed) % ARRAY_SIZE(set);

		assert_int_equal(ranges_add(&r, n, n), !set[n]);
		set[n] = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		assert_int_equal(ranges_has(&r, i), set[i]);
		gaps += set[i] && (i + 1 == ARRAY_SIZE(set) || !set[i + 1]);
	}
	assert_int_equal(r.cnt, gaps);
	for (size_t i = 0; i < r.cnt; i++) {
		assert_int_equal(r.v[i].first_ns, r.v[i].first);
		assert_int_equal(r.v[i].last_ns, r.v[i].last);
	}
	ranges_fini(&r);
}

static void test_learns_containers(void **state)
{
	struct fixture *f = *state;

	sample_story(&f->s, &f->c);
	load(f);
	assert_int_equal(f->h->record_cnt, 18);
	assert_int_equal(f->h->container_cnt, 1);
	const struct history_container *c = f->h->containers;

	assert_string_equal(c->who.pod_name, "web-7f9");
	assert_string_equal(c->who.pod_namespace, "default");
	assert_string_equal(c->who.pod_uid, SAMPLE_POD);
	assert_string_equal(c->who.name, "app");
	assert_int_equal(c->record_cnt, 14);
	assert_int_equal(c->first_ns, SAMPLE_T0 + SAMPLE_SEC);
	assert_int_equal(c->last_ns, SAMPLE_T0 + 14 * SAMPLE_SEC);
	assert_true(c->streams->closed);
	assert_int_equal(c->streams->counts[0].held, 6);
	assert_int_equal(c->streams->counts[0].recorded, 6);
	assert_true(f->h->runs->started && f->h->runs->ended);
	assert_string_equal(f->h->runs->end_reason, "SIGTERM");
}

static void put_binding(struct sample *s, struct sample_container *c)
{
	Varve__V1__Binding body = VARVE__V1__BINDING__INIT;
	struct sample_event e;

	sample_begin(s, &e, c, 33);
	e.ev.binding = &body;
	sample_put(s, &e);
}

static void test_binding_amends_what_came_before(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	f->c.state = "PENDING";
	sample_start(&f->s, &f->c, false);
	f->c.state = NULL;
	put_binding(&f->s, &f->c);
	f->c.state = "PENDING"; /* was on its way when the answer came */
	sample_open_file(&f->s, &f->c, 4201, "/etc/hosts", SAMPLE_READ);
	load(f);
	assert_string_equal(f->h->containers->who.state, "RESOLVED");
	assert_string_equal(f->h->containers->who.pod_name, "web-7f9");
	assert_int_equal(select_pod(f->h, "default/web-7f9"), 0);
	assert_int_equal(f->h->containers->record_cnt, 3);
}

static void test_select_pod(void **state)
{
	struct fixture *f = *state;

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_start(&f->s, &f->other, false);
	load(f);
	assert_int_equal(select_pod(f->h, "default/web-7f9"), 0);
	assert_true(f->h->containers->selected);
	assert_false(f->h->containers->next->selected);
	assert_int_equal(select_pod(f->h, "AAAAAAAA-0000-4000-8000-000000000001"), 0);
	assert_true(f->h->containers->selected);
	assert_int_equal(select_pod(f->h, "default/web"), -ENOENT);
	assert_int_equal(select_pod(f->h, "defaul/web-7f9"), -ENOENT);
	assert_int_equal(select_pod(f->h, "web-7f9"), -ENOENT);
	assert_false(f->h->containers->selected);
}

static void test_select_container(void **state)
{
	struct fixture *f = *state;
	struct sample_container plain = {.id = "demo"};

	sample_run_start(&f->s, NULL, 0);
	sample_start(&f->s, &f->c, false);
	sample_start(&f->s, &f->other, false);
	sample_start(&f->s, &plain, false);
	load(f);
	assert_int_equal(select_container(f->h, SAMPLE_ID), 0);
	assert_int_equal(select_container(f->h, "4b2e9f12ac"), 0);
	assert_true(f->h->containers->selected);
	assert_false(f->h->containers->next->selected);
	assert_int_equal(select_container(f->h, "4b2e9f12"), -ENOTUNIQ);
	assert_int_equal(select_container(f->h, "4b2e9f1"), -ENOENT);
	assert_int_equal(select_container(f->h, "demo"), 0);
	assert_true(f->h->last_container->selected);
	assert_int_equal(select_container(f->h, "dem"), -ENOENT);
}

struct given {
	uint64_t cnt, sequences;
	uint64_t stop_at;
};

static int count(const struct history_container *container, const Varve__V1__Event *ev, void *ctx)
{
	struct given *g = ctx;

	assert_true(!container || !strcmp(container->id, ev->container->id));
	g->cnt++;
	g->sequences += ev->sequence;
	return g->cnt == g->stop_at ? -EIO : 0;
}

static void test_stream_gives_the_selected_once(void **state)
{
	struct fixture *f = *state;
	struct given g = {};
	uint64_t cnt;

	sample_story(&f->s, &f->c);
	sample_life(&f->s, &f->other);
	sample_garbage(&f->s, f->s.items[3].payload, f->s.items[3].len);
	load(f);
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), 0);
	assert_int_equal(cnt, 14);
	assert_int_equal(g.cnt, 14);
	assert_int_equal(g.sequences, 14 * 17 / 2);
	g = (struct given){};
	f->h->everything = true;
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), 0);
	assert_int_equal(cnt, 32);
	assert_int_equal(f->h->duplicate_cnt, 1);
}

static void test_stream_keeps_to_window(void **state)
{
	struct fixture *f = *state;
	struct given g = {};
	uint64_t cnt;

	sample_story(&f->s, &f->c);
	f->h = sample_load(&f->s, SAMPLE_T0 + 3 * SAMPLE_SEC, SAMPLE_T0 + 5 * SAMPLE_SEC);
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), 0);
	assert_int_equal(cnt, 3);
	assert_int_equal(f->h->containers->window_cnt, 3);
}

static void test_stream_ends_at_what_was_there(void **state)
{
	struct fixture *f = *state;
	struct given g = {};
	uint64_t cnt;

	sample_story(&f->s, &f->c);
	f->s.hide_from = 6;
	load(f);
	f->s.hide_from = SIZE_MAX; /* a sensor goes on writing */
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), 0);
	assert_int_equal(cnt, 4);
}

static void test_stream_error_ends_it(void **state)
{
	struct fixture *f = *state;
	struct given g = {.stop_at = 2};
	uint64_t cnt = 77;

	sample_story(&f->s, &f->c);
	load(f);
	assert_int_equal(select_pod(f->h, SAMPLE_POD), 0);
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), -EIO);
	assert_int_equal(cnt, 77);
}

static void test_hostile_numbers_are_no_records(void **state)
{
	struct fixture *f = *state;

	sample_run_start_only(&f->s, NULL, 0);
	f->s.sequence = UINT64_MAX;
	sample_heartbeat(&f->s);
	f->s.sequence = 1;
	f->c.stream_sequence = 1ull << 63;
	sample_start(&f->s, &f->c, false);
	load(f);
	assert_int_equal(f->h->undecodable_cnt, 2);
	assert_int_equal(f->h->record_cnt, 1);
	assert_int_equal(f->h->hole_cnt, 1);
	assert_int_equal(f->h->holes[0].payload_cnt, 2);
}

/* Each bundle has one pod's records, and hashes in place of the other's. */
static void give_as_bundle(struct fixture *f, struct sample *of, const char *id,
			   unsigned int partition)
{
	for (size_t i = 0; i < of->cnt; i++) {
		Varve__V1__Event *ev = event_decode(of->items[i].payload, of->items[i].len);
		bool is_leaf = ev->container && strcmp(ev->container->id, id);

		f->s.partition = partition;
		if (is_leaf)
			sample_leaf(&f->s);
		else
			sample_garbage(&f->s, of->items[i].payload, of->items[i].len);
		varve__v1__event__free_unpacked(ev, NULL);
	}
}

static void test_hidden_in_one_bundle_and_not_in_the_other(void **state)
{
	struct fixture *f = *state;
	struct given g = {};
	struct sample of;
	uint64_t cnt;

	sample_init(&of);
	f->other.in_pod = true;
	f->other.pod_uid = "other";
	sample_run_start(&of, NULL, 0);
	sample_life(&of, &f->c);
	sample_life(&of, &f->other);
	give_as_bundle(f, &of, SAMPLE_ID, 0);
	give_as_bundle(f, &of, SAMPLE_ID2, 1);
	give_as_bundle(f, &of, SAMPLE_ID, 2);
	load(f);
	assert_int_equal(f->h->leaf_cnt, 0);
	assert_int_equal(f->h->record_cnt, of.cnt);
	assert_int_equal(f->h->duplicate_cnt, 2 + 2 + 14);
	assert_int_equal(select_pod(f->h, "other"), 0);
	assert_int_equal(history_stream(f->h, &f->s.source, count, &g, &cnt), 0);
	assert_int_equal(cnt, 14);
	sample_fini(&of);
}

static void test_hidden_in_all_bundles(void **state)
{
	struct fixture *f = *state;
	struct sample of;

	sample_init(&of);
	sample_run_start(&of, NULL, 0);
	sample_life(&of, &f->c);
	sample_life(&of, &f->other);
	give_as_bundle(f, &of, SAMPLE_ID, 0);
	give_as_bundle(f, &of, SAMPLE_ID, 1);
	load(f);
	assert_int_equal(f->h->leaf_cnt, 14);
	assert_int_equal(f->h->container_cnt, 1);
	assert_int_equal(f->h->runs->sequences.cnt, 1); /* nothing is missing */
	sample_fini(&of);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	load(f);
	assert_int_equal(f->h->record_cnt, 0);
	assert_int_equal(select_pod(f->h, "a/b"), -ENOENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_against_a_set),
		T(test_learns_containers),
		T(test_binding_amends_what_came_before),
		T(test_select_pod),
		T(test_select_container),
		T(test_stream_gives_the_selected_once),
		T(test_stream_keeps_to_window),
		T(test_stream_ends_at_what_was_there),
		T(test_stream_error_ends_it),
		T(test_hostile_numbers_are_no_records),
		T(test_hidden_in_one_bundle_and_not_in_the_other),
		T(test_hidden_in_all_bundles),
		T(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
