/* SPDX-License-Identifier: Apache-2.0 */
/* A whole run of the sensor: its own records, its scope. */
#include "tests/live/account.h"
#include <fcntl.h>

static const char *const scope_all[] = {"--scope", "all", "--heartbeat", "100ms", NULL};
static const char *const scope_containers[] = {"--heartbeat", "100ms", NULL};

/* Gapless, one run, begun and ended as asked, every hook attached. */
static void expect_run(struct live *t, const char *scope)
{
	Varve__V1__Coverage *coverage;
	size_t i;

	t->log_from = 0;
	live_collect_all(t);
	EXPECT(t->event_cnt > 4);
	for (i = 0; i < t->event_cnt; i++) {
		EXPECT_FIELD(t->events[i], sequence, i);
		EXPECT_STR(t->events[i]->run_id, t->events[0]->run_id);
	}
	EXPECT_STR(t->events[0]->kind, "RUN_START");
	EXPECT_STR(t->events[i - 1]->kind, "SEAL");
	EXPECT(strstr(t->events[i - 1]->seal->note, "\nfinal\n"));
	EXPECT_STR(t->events[i - 2]->kind, "RUN_END");
	EXPECT_STR(t->events[i - 2]->run_end->reason, "SIGTERM");
	coverage = live_one(t, "COVERAGE", 0)->coverage;
	EXPECT_STR(coverage->scope, scope);
	EXPECT(coverage->n_hooks >= 14);
	for (i = 0; i < coverage->n_hooks; i++) {
		if (!coverage->hooks[i]->attached && !coverage->hooks[i]->served_by)
			FAIL("hook %s is not attached: %s", coverage->hooks[i]->name,
			     coverage->hooks[i]->error);
	}
	EXPECT(live_count(t, "HEARTBEAT", 0) >= 1);
	EXPECT_UINT(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat->invalid_records, 0);
	EXPECT_FIELD(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat, canary, 1);
	EXPECT(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat->canary_nano > 0);
	EXPECT_FIELD(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat, containers_refused, 0);
	EXPECT_FIELD(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat, processes_refused, 0);
	EXPECT_FIELD(live_nth(t, "HEARTBEAT", 0, 0)->heartbeat, images_left_out, 0);
}

static void write_file(const char *path)
{
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

static const Varve__V1__Event *find_open(const struct live *t, const char *path)
{
	const Varve__V1__Event *found = NULL;
	size_t i;

	for (i = 0; i < t->event_cnt; i++) {
		if (strcmp(t->events[i]->kind, "OPEN") || !t->events[i]->open->file ||
		    strcmp(t->events[i]->open->file->path, path))
			continue;
		EXPECT(!found); /* once */
		found = t->events[i];
	}
	return found;
}

LIVE(run_of_scope_all, LIVE_OWN)
{
	const Varve__V1__Event *ev;
	char path[300];

	live_own_sensor(t, scope_all);
	snprintf(path, sizeof(path), "%s/outside", t->dir);
	write_file(path);
	live_heartbeats(t, 2);
	live_sensor_stop(t->sensor);
	expect_run(t, "all");
	ev = find_open(t, path);
	EXPECT(ev);
	EXPECT_STR(ev->stream, "node");
	EXPECT(!ev->container && !ev->pod);
	EXPECT_FIELD(ev->process, pid, (uint32_t)getpid());
	EXPECT_FIELD(ev->open, created, 1);
}

LIVE(run_of_scope_containers, LIVE_OWN)
{
	char path[300];

	live_own_sensor(t, scope_containers);
	snprintf(path, sizeof(path), "%s/outside", t->dir);
	write_file(path);
	live_heartbeats(t, 2);
	live_sensor_stop(t->sensor);
	expect_run(t, "containers");
	EXPECT(!find_open(t, path));
}

static void open_in(struct live *t, void *arg)
{
	(void)t;
	write_file(arg);
}

/* A container that lives on when the run ends: its account is there, and open. */
LIVE(run_ends_before_container, LIVE_OWN)
{
	const Varve__V1__Account *account;
	char path[300];
	size_t i;
	pid_t pid;

	live_own_sensor(t, scope_containers);
	snprintf(path, sizeof(path), "%s/inside", t->dir);
	pid = live_do(t, open_in, path);
	live_sensor_stop(t->sensor);
	expect_run(t, "containers");
	EXPECT(find_open(t, path));
	live_one(t, "EXIT", pid);
	for (i = t->event_cnt; i-- && strcmp(t->events[i]->stream, t->id);)
		;
	EXPECT_STR(t->events[i]->kind, "ACCOUNT");
	account = t->events[i]->account;
	EXPECT_FIELD(account, closed, 0);
	for (i = 0; i < account->n_counts; i++)
		EXPECT_UINT(account->counts[i]->recorded, account->counts[i]->generated);
	MUST(rmdir(t->cgroup));
}
