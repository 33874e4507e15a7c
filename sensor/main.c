/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varve-sensor: starts everything in order, turns one loop, stops everything in the mirrored order.
 *
 * One loop, one epoll, a second thread that hashes files (hash_worker.h), a third that reads what
 * runtimes say of new containers (births.h), and, if asked for, one that serves metrics (serve.h).
 * A turn: take what the rings have, write it to the log, give the rings' space back, let the
 * shipper follow. The reader comes on a timer (10 ms while there is traffic), and is woken only by
 * a ring that fills or a record that cannot wait.
 */
#include "evidence/diag.h"
#include "evidence/log.h"
#include "sensor/births.h"
#include "sensor/canary.h"
#include "sensor/check.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/declare.h"
#include "sensor/emit.h"
#include "sensor/dns_stream.h"
#include "sensor/existing.h"
#include "sensor/flows.h"
#include "sensor/hash.h"
#include "sensor/hierarchy.h"
#include "sensor/intake.h"
#include "sensor/kube.h"
#include "sensor/memory_trim.h"
#include "sensor/notify.h"
#include "sensor/observe.h"
#include "sensor/pods.h"
#include "sensor/privileges.h"
#include "sensor/probes.h"
#include "sensor/proctab.h"
#include "sensor/pin.h"
#include "sensor/resume.h"
#include "sensor/retention.h"
#include "sensor/ring.h"
#include "sensor/run.h"
#include "sensor/sealing.h"
#include "sensor/seen.h"
#include "sensor/ship.h"
#include "sensor/ship_cursor.h"
#include "sensor/snapshot.h"
#include "sensor/streams.h"
#include "sensor/taken.h"
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#define DRAIN_NS       (100 * NSEC_PER_MSEC) /* then everything else gets its turn */
#define EARLY_NS       NSEC_PER_SEC	     /* least time from a settling to one that is not due */
#define EARLY_PAUSE_NS (10 * NSEC_PER_SEC)   /* and between two that are not */
#define BUSY_WAIT_MS   10
#define IDLE_WAIT_MS   100
#define TICK_NS	       NSEC_PER_SEC
#define SWEEP_NS       (5 * NSEC_PER_SEC)
#define LOOK_NS	       (100 * NSEC_PER_MSEC)
#define LOOK_SELDOM_NS (5 * NSEC_PER_SEC)
#define COVERAGE_NS    (3600 * NSEC_PER_SEC) /* so that each part of a long run says what was seen */
#define SHIP_CLOSE_MS  10000
#define DETACH_WAIT_US 20000
#define NICE	       -10

struct sensor {
	struct conf conf;
	struct log *log;
	struct emit emit;
	struct sealing sealing;
	struct probes *probes;
	struct ring *ring;
	struct proctab *proctab;
	struct container_table *containers;
	struct births *births;
	struct pods *pods;
	struct kube *kube; /* NULL: no API server is asked */
	struct streams *streams;
	struct intake intake;
	struct ship *ship; /* NULL: no Kafka */
	int epoll_fd, signal_fd;
	struct hierarchy hierarchy;
	uint64_t next_tick_ns, next_heartbeat_ns, next_sweep_ns, next_coverage_ns, next_look_ns;
	uint64_t coverage_index; /* in the log, of the last COVERAGE */
	struct retention retention;
	struct flows flows;
	bool settling, closing; /* a snapshot is taken, of all or of some; the rings are not read so
				   far yet */
	struct ring_mark settle_mark, close_mark;
	uint64_t settled_ns, next_early_ns;
	struct canary canary;
	bool is_behind;	     /* the rings hold more */
	int signal;	     /* that asks for the end; 0: none */
	struct taken *taken; /* by the sensor before us; NULL: there was none */
	struct ring_mark taken_mark;
	int log_err; /* last state of writing the log, to tell changes only */
	struct notify notify;
	struct observe observe;
	struct streams_sum sums[EV_CLASS_CNT]; /* as of the last heartbeat */
	uint64_t heartbeat_cnt, reload_cnt, reload_failed_cnt;
	bool reload; /* SIGHUP came */
	int argc;
	char **argv;
};

/* --- start */

/* Index that the shipper has got to in an earlier run; 0 if it never did. */
static uint64_t shipped_index(const char *dir)
{
	struct ship_cursor cursor;
	char path[4096];
	uint64_t index;

	snprintf(path, sizeof(path), "%s/cursor", dir);
	if (access(path, F_OK) || ship_cursor_open(dir, &cursor))
		return 0;
	index = cursor.mark.index;
	ship_cursor_close(&cursor);
	return index;
}

static int open_log(struct sensor *s, struct run_place *ret_previous, struct tree *ret_tree,
		    struct log_recovery *ret_recovery)
{
	struct log_opts opts = {.segment_bytes = s->conf.log_segment_bytes,
				.limit_bytes = s->conf.log_limit_bytes,
				/* It may be ahead of a log that lost its tail in a power cut. */
				.min_next_index = shipped_index(s->conf.log_dir)};
	int err;

	err = log_open(s->conf.log_dir, &opts, &s->log, ret_recovery);
	if (err)
		return err;
	if (ret_recovery->cut_bytes)
		log_warn("the log ended in a torn record: %llu bytes cut",
			 (unsigned long long)ret_recovery->cut_bytes);
	err = run_find_previous(s->conf.log_dir, log_next_index(s->log), ret_previous);
	return err ? err
		   : run_find_tree(s->conf.log_dir, log_next_index(s->log), ret_previous, ret_tree);
}

static int open_tables(struct sensor *s)
{
	char boot_id[UUID_LEN + 1];
	int err = run_boot_id(boot_id);

	if (!err)
		err = proctab_new(boot_id, s->conf.process_limit, &s->proctab);
	if (!err)
		err = container_table_new(s->conf.host_root, s->conf.container_limit,
					  &s->containers);
	if (!err)
		err = births_open(probes_births_fd(s->probes), s->conf.host_root, &s->births);
	if (!err)
		container_table_use(s->containers, s->births);
	if (!err)
		err = streams_new(probes_cpu_cnt(s->probes), &s->streams);
	if (!err)
		err = pods_new(s->conf.container_limit, s->kube, &s->pods);
	if (!err)
		err = intake_init(&s->intake, &s->conf, s->probes, &s->emit, s->streams, s->proctab,
				  s->containers, s->pods);
	s->intake.canary = &s->canary;
	if (!err)
		err = hash_open(&s->conf, &s->emit, s->containers, &s->intake.hash);
	if (!err && s->conf.record_file && s->conf.record_file[0])
		err = ring_record_open(s->conf.record_file, &s->intake.record_fd);
	return err;
}

static int watch_fd(struct sensor *s, int fd)
{
	/* On the edge: a ring that has data is no reason to come before its time, only one that
	 * asks is. */
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_loop(struct sensor *s)
{
	int fds[PROBES_RING_CNT], i, err;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->signal_fd < 0 || s->epoll_fd < 0)
		return log_err(-errno, "cannot make the event loop");
	probes_ring_fds(s->probes, fds);
	err = ring_open(fds, PROBES_RING_CNT, &s->ring);
	for (i = 0; !err && i < PROBES_RING_CNT; i++)
		err = watch_fd(s, fds[i]);
	return err ? err : watch_fd(s, s->signal_fd);
}

static int say_coverage(struct sensor *s)
{
	s->coverage_index = log_next_index(s->log);
	s->next_coverage_ns = emit_boot_ns() + COVERAGE_NS;
	return run_emit_coverage(&s->emit, &s->conf, &s->hierarchy, s->probes);
}

static int keep_book(uint64_t cgroup_id, const struct book *book, void *ctx)
{
	return probes_keep_book(ctx, cgroup_id, book);
}

/*
 * Keeps in the pinned maps what the next sensor has to know. Only what the log has for good: of a
 * sensor that is killed what it had in memory is lost.
 */
static void keep_books(struct sensor *s)
{
	struct ev_shared *shared = probes_shared(s->probes);
	uint64_t next = log_next_index(s->log);

	/* What is taken up is in the books only when it can not come again. */
	if (!probes_pinned(s->probes) || s->intake.taken || log_flush(s->log))
		return;
	/*
	 * A book that there is no room for holds back what is behind it in the log, but only as
	 * long as that is less than half of it: new records come first. From then on the next start
	 * declares what it cannot know, of that cgroup.
	 */
	if (streams_keep(s->streams, next, keep_book, s->probes) &&
	    log_size_bytes(s->log) < s->emit.room.limit / 2)
		return;
	strcpy(shared->run_id, s->emit.run_id);
	shared->booked_index = next;
	s->retention.booked_index = next;
}

/* What an earlier sensor left; *ret_known: this run goes on where it ended. */
static int take_up(struct sensor *s, bool *ret_known)
{
	int err;

	*ret_known = false;
	if (!probes_resumed(s->probes))
		return 0;
	s->taken = calloc(1, sizeof(*s->taken));
	if (!s->taken)
		return -ENOMEM;
	err = resume_open(&s->intake, s->conf.log_dir, log_next_index(s->log), s->taken, ret_known);
	if (!err && !*ret_known)
		log_warn("what was pinned is of a sensor with another log: what that one had taken "
			 "is declared lost in this one");
	s->intake.taken = s->taken;
	s->taken_mark = ring_mark(s->ring);
	return err;
}

/* From here on events are numbered; what was there before is found and marked so. */
static int begin_watching(struct sensor *s, const struct run_place *previous,
			  const struct tree *tree, const struct log_recovery *recovery)
{
	bool takes_over;
	int err;

	s->intake.mount = s->hierarchy.mount;
	err = probes_attach(s->probes, &s->hierarchy);
	if (!err && probes_pinned(s->probes))
		s->retention.booked_index = probes_shared(s->probes)->booked_index;
	if (!err)
		err = take_up(s, &takes_over);
	/* What runs already is watched from when it is in scope, and not before: only then is it
	 * said from when on. */
	if (!err)
		err = existing_enter(&s->intake, s->hierarchy.mount);
	if (!err)
		err = run_emit_start(&s->emit, s->conf.host_root, previous, tree, recovery,
				     takes_over);
	if (err)
		return err;
	err = say_coverage(s);
	if (!err)
		err = sealing_turn(&s->sealing, emit_boot_ns());
	existing_tell(&s->intake);
	keep_books(s);
	/* It is of now: where records are to come that are older, it comes behind them. */
	if (!err && !s->intake.taken)
		err = snapshot_processes(s->probes, intake_record, &s->intake);
	return err ? err : log_flush(s->log);
}

/* --- the loop */

static void note_log_state(struct sensor *s, int err)
{
	/* A new segment that cannot be made leaves nothing to be flushed. */
	if (!err)
		err = s->emit.append_err;
	if (err && err != s->log_err)
		log_err(err,
			"cannot write the log in %s: records are kept in memory until it can be, "
			"and then lost, which will be declared",
			s->conf.log_dir);
	else if (!err && s->log_err)
		log_info("the log can be written again");
	s->log_err = err;
}

/* Takes what the rings have; of more than can be taken in DRAIN_NS the rest comes in the next turn.
 */
static void drain(struct sensor *s, size_t *ret_taken)
{
	uint64_t until = emit_boot_ns() + DRAIN_NS;
	size_t n;

	*ret_taken = 0;
	do {
		n = ring_turn(s->ring, TURN_RECORDS, intake_record, &s->intake);
		*ret_taken += n;
		/* The rings' space goes back only when the log has the records. */
		note_log_state(s, log_flush(s->log));
		ring_commit(s->ring);
	} while (n == TURN_RECORDS && emit_boot_ns() < until);
	s->is_behind = n == TURN_RECORDS;
}

static void refused(uint64_t index, const char *run_id, uint64_t sequence, int64_t time_unix_nano,
		    const char *reason, void *ctx)
{
	struct sensor *s = ctx;

	log_warn("Kafka refused record %llu for good (%s): it stays in the log only",
		 (unsigned long long)index, reason);
	declare_not_delivered(&s->emit, run_id, sequence, time_unix_nano);
	/* Written before the cursor passes the record. */
	note_log_state(s, log_flush(s->log));
}

static struct run_state state_of(struct sensor *s)
{
	struct proctab_cost cost = proctab_cost(s->proctab);
	struct pods_cost pods = pods_cost(s->pods);

	return (struct run_state){
		.unshipped_records =
			s->ship ? log_next_index(s->log) - ship_acknowledged(s->ship) : 0,
		.invalid_records = s->intake.invalid_cnt,
		.containers = container_table_count(s->containers),
		.processes = proctab_count(s->proctab),
		.containers_refused = s->intake.unregistered_cnt,
		.processes_refused = cost.refused,
		.processes_evicted = cost.evicted,
		.images_left_out = cost.images_left_out,
		.dns_streams_evicted = dns_streams_evicted(s->intake.dns),
		.udp_flows = s->flows.live,
		.pods = pods_count(s->pods),
		.pods_evicted = pods.evicted,
		.pods_refused = pods.refused,
		.pods_contradicted = pods.contradicted,
		.has_api = s->kube,
		.api_listed = pods_listed(s->pods),
		.api_restarts = kube_restarts(s->kube),
		.api_invalid = kube_invalid(s->kube),
		.canary = s->heartbeat_cnt && !s->canary.is_missed,
		.canary_ns = s->canary.took_ns,
		.sums = s->sums,
	};
}

static void show(struct sensor *s)
{
	struct run_state state;
	struct observe_sources sources = {
		.conf = &s->conf,
		.emit = &s->emit,
		.log = s->log,
		.probes = s->probes,
		.ring = s->ring,
		.sealing = &s->sealing,
		.ship = s->ship,
		.state = &state,
		.canary_sent = s->heartbeat_cnt,
		.log_err = s->log_err,
		.heartbeats = s->heartbeat_cnt,
		.reloads = s->reload_cnt,
		.reloads_failed = s->reload_failed_cnt,
	};

	if (!s->observe.serve)
		return;
	state = state_of(s);
	observe_tick(&s->observe, &sources);
}

static void tick(struct sensor *s, uint64_t now)
{
	if (now < s->next_tick_ns)
		return;
	s->next_tick_ns = now + TICK_NS;
	emit_sync_clock(&s->emit);
	proctab_expire(s->proctab, now);
	pods_give_up(s->pods, now);
	pods_expire(s->pods, now);
	keep_books(s);
	retention_tick(&s->retention, now);
	/* Each hour, and when the last one has gone from the log. */
	if (now >= s->next_coverage_ns || log_first_index(s->log) > s->coverage_index)
		say_coverage(s);
	if (now >= s->next_sweep_ns) {
		bool again = existing_sweep(&s->intake, s->hierarchy.mount, now);

		/* Containers that came since then. */
		if (hierarchy_look_beside(&s->hierarchy))
			say_coverage(s);
		s->next_sweep_ns = now + (again ? TICK_NS : SWEEP_NS);
	}
	show(s);
}

/* An event whose program did not run has no number: all that is known is that there may have been
 * one. */
static void declare_recursion(struct sensor *s)
{
	uint64_t misses = probes_misses(s->probes);

	if (!misses || declare_not_run(&s->emit, misses))
		return;
	/* With pin the counts outlive the sensor: they are not to outlive the record. */
	note_log_state(s, log_flush(s->log));
	probes_misses_declared(s->probes, misses);
}

static void tell_status(struct sensor *s)
{
	uint64_t lost = 0;

	for (unsigned int c = 0; c < EV_CLASS_CNT; c++)
		lost += s->sums[c].lost;
	notify_send(&s->notify, "STATUS=%s: %llu records, %llu events lost, %zu containers",
		    s->canary.is_missed ? "Probes do not run"
		    : s->log_err	? "The log cannot be written"
					: "Recording",
		    (unsigned long long)s->emit.sequence, (unsigned long long)lost,
		    (size_t)container_table_count(s->containers));
}

static void heartbeat(struct sensor *s)
{
	struct run_state state = state_of(s);

	state.canary = canary_has_come(&s->canary);
	intake_settle(&s->intake, SETTLE_NOW);
	declare_recursion(s);
	streams_sum(s->streams, 0, s->sums);
	sealing_count(&s->sealing, s->sums);
	run_emit_heartbeat(&s->emit, &state);
	s->settling = false;
	s->heartbeat_cnt++;
	tell_status(s);
}

/* Before a container's account is closed, too: what it had open is in it. */
static void look_for_closed(struct sensor *s, uint64_t now)
{
	if (now < s->next_look_ns && !s->intake.gone_cnt)
		return;
	probes_look_for_closed(s->probes);
	s->next_look_ns = now + (probes_see_closes(s->probes) ? LOOK_SELDOM_NS : LOOK_NS);
}

static void from_api(const struct kube_message *message, void *ctx)
{
	struct sensor *s = ctx;

	pods_take(s->pods, message, emit_boot_ns());
}

/*
 * A container begins to be held back. Each settling is one of all containers, and whoever moves
 * from CPU to CPU begins again and again: hence the pause.
 */
static void settle_early(struct sensor *s, uint64_t now)
{
	uint64_t at = MAX(s->settled_ns + EARLY_NS, s->next_early_ns);

	if (at >= s->next_heartbeat_ns)
		return;
	s->next_heartbeat_ns = at;
	s->next_early_ns = MAX(at, now) + EARLY_PAUSE_NS;
}

/* When its time has come, or early. */
static void begin_settling(struct sensor *s, uint64_t now)
{
	if (probes_limit_began(s->probes))
		settle_early(s, now);
	if (s->settling || now < s->next_heartbeat_ns)
		return;
	canary_send(&s->canary, now);
	streams_snapshot(s->streams, s->probes, now);
	s->settle_mark = ring_mark(s->ring);
	/* The counters of what is being closed are these now, too. */
	s->close_mark = s->settle_mark;
	s->settling = true;
	s->settled_ns = now;
	s->next_heartbeat_ns = now + s->conf.heartbeat_ms * NSEC_PER_MSEC;
}

static void begin_closing(struct sensor *s, uint64_t now)
{
	if (s->closing || !intake_close_begin(&s->intake, now))
		return;
	s->close_mark = ring_mark(s->ring);
	s->closing = true;
}

/* The rings need not be empty, which under a flood they never are: only read so far. */
static void finish_what_is_read(struct sensor *s)
{
	if (s->intake.taken && ring_is_past(s->ring, &s->taken_mark)) {
		s->intake.taken = NULL;
		snapshot_processes(s->probes, intake_record, &s->intake);
	}
	if (s->closing && ring_is_past(s->ring, &s->close_mark)) {
		intake_close_finish(&s->intake);
		s->closing = false;
	}
	if (s->settling && ring_is_past(s->ring, &s->settle_mark))
		heartbeat(s);
}

/* What the changed options say is looked at where it is used, but for these. */
static void apply(struct sensor *s, uint64_t now)
{
	diag_init("varve-sensor", s->conf.log_level);
	diag_set_format(s->conf.log_format);
	probes_set_policy(s->probes, &s->conf);
	sealing_set_interval(&s->sealing, s->conf.seal_key_interval_ms * NSEC_PER_MSEC, now);
	s->next_heartbeat_ns =
		MIN(s->next_heartbeat_ns, now + s->conf.heartbeat_ms * NSEC_PER_MSEC);
	say_coverage(s);
}

static void reload(struct sensor *s, uint64_t now)
{
	size_t taken = 0;

	s->reload = false;
	notify_reloading(&s->notify);
	if (conf_reload(&s->conf, s->argc, s->argv, &taken)) {
		s->reload_failed_cnt++;
	} else {
		s->reload_cnt++;
		log_info("reloaded: %zu options have changed", taken);
	}
	if (taken)
		apply(s, now);
	notify_send(&s->notify, "READY=1");
}

static void turn(struct sensor *s, size_t *ret_taken)
{
	uint64_t now = emit_boot_ns();

	board_turned(&s->observe.board, now);
	notify_turned(&s->notify, now);
	if (s->reload)
		reload(s, now);
	flows_tick(&s->flows, s->probes, now);
	begin_settling(s, now);
	look_for_closed(s, now);
	begin_closing(s, now);
	drain(s, ret_taken);
	hash_collect(s->intake.hash);
	finish_what_is_read(s);
	intake_retry_metadata(&s->intake, now);
	kube_turn(s->kube, now, from_api, s);
	intake_tell_pods(&s->intake);
	tick(s, now);
	sealing_turn(&s->sealing, now);
	note_log_state(s, log_flush(s->log));
	retention_turn(&s->retention);
	if (s->ship)
		ship_run(s->ship, refused, s);
}

static void take_signal(struct sensor *s, int signal)
{
	if (signal == SIGHUP)
		s->reload = true;
	else
		s->signal = signal;
}

static void wait_for_work(struct sensor *s, int timeout_ms)
{
	struct epoll_event events[4];
	struct signalfd_siginfo info;
	int i, n = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), timeout_ms);

	for (i = 0; i < n; i++) {
		if (events[i].data.fd == s->signal_fd &&
		    read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
			take_signal(s, info.ssi_signo);
	}
}

/*
 * What fills the rings runs on as many CPUs and in as many processes as it likes, and takes its
 * time from who empties them. This thread only: it runs after all others have been made.
 */
static int settle_down(struct sensor *s)
{
	setpriority(PRIO_PROCESS, 0, NICE);
	return privileges_keep(privileges_of_loop(&s->conf));
}

static void loop(struct sensor *s)
{
	int timeout_ms = BUSY_WAIT_MS;
	size_t taken;

	board_enter(&s->observe.board, BOARD_RUNNING, emit_boot_ns());
	notify_send(&s->notify, "READY=1\nSTATUS=Recording");
	while (!s->signal) {
		turn(s, &taken);
		if (taken)
			timeout_ms = BUSY_WAIT_MS;
		else
			timeout_ms = MIN(timeout_ms * 2, IDLE_WAIT_MS);
		wait_for_work(s, s->is_behind ? 0 : timeout_ms);
	}
	board_enter(&s->observe.board, BOARD_STOPPING, emit_boot_ns());
	notify_send(&s->notify, "STOPPING=1\nSTATUS=Ending the run");
}

/* --- stop */

static int end_watching(struct sensor *s)
{
	uint64_t until_ns = emit_boot_ns();
	struct streams_sum sums[EV_CLASS_CNT];
	size_t taken;
	bool go_on = probes_pinned(s->probes);
	int err;

	if (!go_on) {
		probes_detach(s->probes);
		usleep(DETACH_WAIT_US); /* a probe may still run */
		probes_look_for_closed(s->probes);
		while (flows_end_some(s->probes))
			drain(s, &taken);
	}
	streams_snapshot(s->streams, s->probes, emit_boot_ns());
	s->settle_mark = ring_mark(s->ring);
	do
		drain(s, &taken);
	while (taken && !ring_is_past(s->ring, &s->settle_mark));
	hash_finish(s->intake.hash);
	intake_settle(&s->intake, go_on ? SETTLE_HAND_OVER : SETTLE_END);
	declare_recursion(s);
	streams_sum(s->streams, 0, sums);
	sealing_count(&s->sealing, sums);
	err = run_emit_end(&s->emit, s->signal == SIGINT ? "SIGINT" : "SIGTERM", until_ns, go_on);
	if (!err)
		err = sealing_end(&s->sealing);
	keep_books(s);
	if (!err)
		err = log_sync(s->log);
	return err ? log_err(err, "the end of the run is not in the log") : 0;
}

/* --unpin: what is watched from here on is up to the next start. */
static int unpin_only(const struct conf *conf)
{
	int err = pin_remove(conf->pin_dir);

	if (err == -ENOENT) {
		log_info("nothing is pinned in %s", conf->pin_dir);
		return 0;
	}
	if (!err)
		log_info("removed what was pinned in %s", conf->pin_dir);
	return err;
}

/* --probe: attaches all that can be, tells it, and ends; nothing is recorded. */
static int probe_only(struct sensor *s)
{
	int err = check_can_watch(privileges_effective());

	if (!err)
		err = hierarchy_choose(s->conf.hierarchy, &s->hierarchy);
	if (!err)
		err = probes_load(&s->conf, &s->hierarchy, &s->probes);
	if (!err)
		err = probes_attach(s->probes, &s->hierarchy);
	return err ? err : seen_show(s->probes, s->conf.json);
}

int main(int argc, char **argv)
{
	struct sensor s = {.epoll_fd = -1,
			   .signal_fd = -1,
			   .intake.record_fd = -1,
			   .notify.fd = -1,
			   .argc = argc,
			   .argv = argv};
	struct run_place previous;
	struct tree tree; /* the previous run's */
	struct log_recovery recovery;
	int err;

	diag_init("varve-sensor", DIAG_INFO);
	err = conf_load(&s.conf, argc, argv);
	if (err) {
		conf_fini(&s.conf);
		return err > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	diag_init("varve-sensor", s.conf.log_level);
	diag_set_format(s.conf.log_format);
	if (s.conf.unpin) {
		err = unpin_only(&s.conf);
		goto out;
	}
	if (s.conf.check) {
		int status = check_all(&s.conf);

		conf_fini(&s.conf);
		return status < 0 ? EXIT_FAILURE : status;
	}
	if (s.conf.probe) {
		err = probe_only(&s);
		goto out;
	}
	err = check_can_watch(privileges_effective());
	if (!err)
		err = privileges_begin(&s.conf);
	if (!err) {
		notify_open(&s.notify);
		err = observe_open(&s.observe, &s.conf);
	}
	if (err)
		goto out;
	err = open_log(&s, &previous, &tree, &recovery);
	if (err)
		goto out;
	err = emit_init(&s.emit, s.log, s.conf.node_name);
	if (err)
		goto out;
	if (conf_kafka_get(&s.conf, "bootstrap.servers")) {
		err = ship_open(&s.conf, &s.ship);
		if (err)
			goto out;
	}
	retention_init(&s.retention, &s.conf, s.log, &s.emit, s.ship);
	err = kube_open(&s.conf, &s.kube);
	if (err)
		goto out;
	err = hierarchy_choose(s.conf.hierarchy, &s.hierarchy);
	if (err)
		goto out;
	err = probes_load(&s.conf, &s.hierarchy, &s.probes);
	if (err)
		goto out;
	err = open_tables(&s);
	if (err)
		goto out;
	err = open_loop(&s);
	/* Last of all that can fail: a first start that does makes no key. */
	if (!err)
		err = sealing_open(&s.sealing, &s.conf, &s.emit);
	if (err)
		goto out;
	err = begin_watching(&s, &previous, &tree, &recovery);
	if (err)
		goto out;
	memory_trim(); /* what the programs, the kernel's BTF and the search for hooks took */
	log_info("recording %s to %s, run %s, by the cgroup hierarchy %s",
		 s.conf.scope == CONF_SCOPE_ALL ? "everything" : "containers", s.conf.log_dir,
		 s.emit.run_id, s.hierarchy.name);
	err = settle_down(&s);
	if (err)
		goto out;
	loop(&s);
	err = end_watching(&s);
out:
	kube_close(s.kube);
	if (s.ship)
		ship_close(s.ship, err ? 0 : SHIP_CLOSE_MS);
	ring_close(s.ring);
	hash_close(s.intake.hash);
	intake_fini(&s.intake);
	free(s.taken);
	streams_free(s.streams);
	container_table_free(s.containers);
	births_close(s.births);
	pods_free(s.pods);
	proctab_free(s.proctab);
	probes_close(s.probes);
	sealing_close(&s.sealing);
	emit_fini(&s.emit);
	log_close(s.log);
	observe_close(&s.observe);
	notify_close(&s.notify);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	if (s.epoll_fd >= 0)
		close(s.epoll_fd);
	conf_fini(&s.conf);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
