/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read by the directory and what is read whole must say the same: of logs made at random,
 * with restarts, kills, losses, gaps, damage and clocks set back, each pod and container is
 * replayed both ways.
 */
#include "tests/unit/responder_sample.h"
#include "evidence/diag.h"
#include "responder/commands.h"
#include "responder/part.h"
#include "responder/select.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define POD_CNT	   12
#define SEGMENT	   8192
#define LOGS	   16
#define STEPS	   400
#define ACTIVE_MAX 8

/* One pod with a sandbox and another container, or a container of none. */
struct unit {
	char uid[UUID_LEN + 1], name[16], ids[2][65], paths[2][128];
	struct sample_container c[2];
	size_t cnt;
	bool active, pending;
};

struct world {
	struct sample s;
	struct unit units[STEPS / 4];
	size_t unit_cnt;
	unsigned int seed, runs;
	char run[2][UUID_LEN + 1];
	char dir[64];
	bool odd; /* gaps, damage, a clock set back */
};

static unsigned int dice(struct world *w, unsigned int sides)
{
	return rand_r(&w->seed) / 7 % sides;
}

static void begin_unit(struct world *w)
{
	unsigned int i = (unsigned int)w->unit_cnt;
	struct unit *u = &w->units[w->unit_cnt++];
	bool in_pod = dice(w, 4);

	*u = (struct unit){.active = true, .cnt = in_pod ? 2 : 1, .pending = !dice(w, 12)};
	snprintf(u->uid, sizeof(u->uid), "aaaaaaaa-0000-4000-8000-%012u", i);
	/* Names come again. */
	snprintf(u->name, sizeof(u->name), "pod-%u", i % POD_CNT);
	for (size_t k = 0; k < u->cnt; k++) {
		snprintf(u->ids[k], sizeof(u->ids[k]), "%062u%02x", i, (unsigned char)k);
		snprintf(u->paths[k], sizeof(u->paths[k]), in_pod ? "/kubepods/pod%s/%s" : "/%s%s",
			 in_pod ? u->uid : "", u->ids[k]);
		u->c[k] = (struct sample_container){
			.id = u->ids[k],
			.name = "app",
			.state = u->pending ? "PENDING" : NULL,
			.cgroup_path = u->paths[k],
			.in_pod = in_pod,
			.is_sandbox = in_pod && !k && i % 5,
			.pod_uid = u->uid,
			.pod_name = u->name,
		};
		sample_start(&w->s, &u->c[k], false);
		if (in_pod && !k && !u->pending)
			sample_pod_state(&w->s, &u->c[0], false, i % 2 ? "web" : NULL);
	}
}

static void end_unit(struct world *w, struct unit *u)
{
	for (size_t k = u->cnt; k-- > 0;) {
		sample_stop(&w->s, &u->c[k]);
		sample_account(&w->s, &u->c[k], true, 0, 0);
	}
	if (u->c[0].in_pod && !u->pending)
		sample_pod_state(&w->s, &u->c[0], true, NULL);
	u->active = false;
}

static void begin_run(struct world *w)
{
	char *run = w->run[w->runs % 2];
	const char *previous = w->runs ? w->run[(w->runs + 1) % 2] : NULL;

	snprintf(run, UUID_LEN + 1, "10000000-0000-4000-8000-%012u", w->runs++);
	w->s.run = run;
	w->s.sequence = w->s.node_sequence = 0;
	sample_run_start(&w->s, previous, w->s.now_ns - SAMPLE_SEC);
	for (size_t i = 0; i < w->unit_cnt; i++) {
		struct unit *u = &w->units[i];

		for (size_t k = 0; u->active && k < u->cnt; k++) {
			u->c[k].stream_sequence = 0;
			memset(u->c[k].counts, 0, sizeof(u->c[k].counts));
			if (dice(w, 8))
				sample_start(&w->s, &u->c[k], true);
		}
	}
}

static void end_run(struct world *w)
{
	if (dice(w, 2))
		sample_run_end(&w->s);
	w->s.now_ns += 30 * SAMPLE_SEC;
	begin_run(w);
}

static struct unit *any_active(struct world *w)
{
	struct unit *found = NULL;
	size_t cnt = 0;

	for (size_t i = 0; i < w->unit_cnt; i++)
		if (w->units[i].active && !dice(w, ++cnt))
			found = &w->units[i];
	return found;
}

static void do_something_odd(struct world *w)
{
	switch (dice(w, 4)) {
	case 0:
		w->s.drop = true;
		break;
	case 1:
		sample_garbage(&w->s, "\xff\xff\xff", 3);
		break;
	case 2:
		w->s.now_ns -= 300 * SAMPLE_SEC;
		break;
	case 3:
		sample_loss(&w->s, NULL, dice(w, 2) ? "file" : "container", 3,
			    w->s.now_ns - 100 * SAMPLE_SEC, w->s.now_ns);
		break;
	}
}

static void step(struct world *w)
{
	struct unit *u = any_active(w);
	unsigned int d = dice(w, 1000);
	size_t active = 0;

	for (size_t i = 0; i < w->unit_cnt; i++)
		active += w->units[i].active;
	w->s.now_ns += dice(w, 4) * SAMPLE_SEC;
	if (w->odd && d < 4)
		do_something_odd(w);
	else if (d < 7)
		end_run(w);
	else if (d < 60)
		sample_heartbeat(&w->s);
	else if (!u || (d < 120 && active < ACTIVE_MAX && w->unit_cnt < ARRAY_SIZE(w->units)))
		begin_unit(w);
	else if (d < 180)
		end_unit(w, u);
	else if (d < 190)
		sample_loss(&w->s, &u->c[0], "network", 1, w->s.now_ns, w->s.now_ns);
	else if (d < 192)
		sample_start(&w->s, NULL, false); /* whose identity was not kept */
	else
		sample_open_file(&w->s, &u->c[dice(w, (unsigned int)u->cnt)], 4201, "/etc/hosts",
				 SAMPLE_READ);
}

static void make_world(struct world *w, unsigned int seed, bool odd)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->odd = odd;
	sample_init(&w->s);
	strcpy(w->dir, "/tmp/varve-part-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	begin_run(w);
	for (int i = 0; i < STEPS; i++)
		step(w);
	sample_write_log(&w->s, w->dir, SEGMENT);
}

static void end_world(struct world *w)
{
	sample_fini(&w->s);
	sample_remove_dir(w->dir);
}

static char *replay(struct world *w, const char *option, const char *what, bool all, int *ret)
{
	char *argv[] = {(char *)"varve",     (char *)"replay", w->dir,
			(char *)option,	     (char *)what,     (char *)"--format=timeline",
			(char *)"--read-all"};
	int fd = open("/dev/null", O_WRONLY), old = dup(2);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	dup2(fd, 2);
	*ret = commands_run(all ? 7 : 6, argv, out);
	dup2(old, 2);
	close(fd);
	close(old);
	fclose(out);
	return text;
}

/* Same words, same status. */
static int compare(struct world *w, const char *option, const char *what)
{
	int status, all_status;
	_cleanup_free_ char *part = replay(w, option, what, false, &status);
	_cleanup_free_ char *all = replay(w, option, what, true, &all_status);

	if (strcmp(part, all) || status != all_status)
		fail_msg("%s %s of log %u: status %d, not %d; %s\nnot\n%s", option, what, w->seed,
			 status, all_status, part, all);
	return status;
}

static bool is_part(struct world *w, const char *pod)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	struct log_range part;
	unsigned int partition;
	struct history *h;
	struct source *src;
	bool found;

	assert_int_equal(source_dir_open(w->dir, &src), 0);
	assert_int_equal(source_outline(src, NULL, 0), 0);
	assert_int_equal(history_read(src, &always, &h), 0);
	found = select_mark_pod(h, pod) && part_find(h, &partition, &part);
	history_free(h);
	source_close(src);
	return found;
}

static void test_same_either_way(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int parts = 0, pods = 0, statuses[5] = {};

	(void)state;
	for (unsigned int i = 0; i < LOGS; i++) {
		make_world(w, i, i % 4 == 0);
		for (size_t k = i % 4; k < w->unit_cnt; k += 4) {
			struct unit *u = &w->units[k];
			_cleanup_free_ char *name = NULL;

			statuses[compare(w, "--container", u->ids[0])]++;
			if (!u->c[0].in_pod)
				continue;
			assert_true(asprintf(&name, "default/%s", u->name) > 0);
			statuses[compare(w, "--pod", u->uid)]++;
			statuses[compare(w, "--pod", name)]++;
			parts += is_part(w, u->uid);
			pods++;
		}
		end_world(w);
	}
	print_message("%u pods, %u by a part; COMPLETE %u, INCOMPLETE %u, UNKNOWN %u, none %u\n",
		      pods, parts, statuses[0], statuses[3], statuses[4], statuses[2]);
	assert_true(parts * 5 > pods);
	assert_true(statuses[0] && statuses[3] && statuses[4]);
	free(w);
}

/* The point of it: of a long log little is read. */
static void test_little_is_read(void **state)
{
	const struct history_window always = {INT64_MIN, INT64_MAX};
	struct world *w = calloc(1, sizeof(*w));
	struct sample_container noise = {.id = SAMPLE_ID2, .name = "noise"};
	struct log_range part;
	unsigned int partition;
	struct history *h;
	struct source *src;

	(void)state;
	sample_init(&w->s);
	strcpy(w->dir, "/tmp/varve-part-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	begin_run(w);
	sample_start(&w->s, &noise, false);
	for (int i = 0; i < 20000; i++) {
		if (i == 10000) {
			begin_unit(w);
			w->units[0].c[0].is_sandbox = true;
		}
		if (i == 10010)
			end_unit(w, &w->units[0]);
		sample_open_file(&w->s, &noise, 4201, "/etc/hosts", SAMPLE_READ);
	}
	sample_write_log(&w->s, w->dir, 16384);
	assert_int_equal(source_dir_open(w->dir, &src), 0);
	assert_int_equal(source_outline(src, NULL, 0), 0);
	assert_int_equal(history_read(src, &always, &h), 0);
	assert_int_equal(h->record_cnt + h->skipped_cnt, w->s.cnt);
	assert_true(h->record_cnt < 2000);
	assert_int_equal(select_mark_container(h, w->units[0].ids[0], &(const char *){NULL},
					       &(const char *){NULL}),
			 1);
	assert_true(part_find(h, &partition, &part));
	history_free(h);
	assert_int_equal(source_outline(src, &part, 1), 0);
	assert_int_equal(history_read(src, &always, &h), 0);
	assert_int_equal(h->record_cnt + h->skipped_cnt, w->s.cnt);
	assert_true(h->record_cnt < 3000);
	history_free(h);
	source_close(src);
	end_world(w);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_either_way),
		cmocka_unit_test(test_little_is_read),
	};

	diag_init("varve", DIAG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
