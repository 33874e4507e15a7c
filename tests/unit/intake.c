/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of raw records to the log: from a file of them through the intake into a real log, the
 * container registered at its start, its account closed after its end. The kernel's counters are
 * this file's.
 */
#include "bpf/event.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/intake.h"
#include "sensor/pods.h"
#include "sensor/probes.h"
#include "sensor/proctab.h"
#include "sensor/resume.h"
#include "sensor/ring.h"
#include "sensor/streams.h"
#include "sensor/taken.h"
#include "tests/unit/log.h"
#include "tests/unit/raw.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID    "6f1c7f0e-3b1d-4b66-8f57-1f0a4f1f9d11"
#define CGROUP 77
#define MS     NSEC_PER_MSEC

static struct ev_account account; /* of CGROUP, on the one CPU */
static bool account_there;
static struct ev_account nested_account; /* of CGROUP + 1; there if it has counted */

struct probes {
	uint64_t forgotten;
	bool account_in_log; /* of what was forgotten last, when it was */
	uint32_t flows;	     /* of CGROUP, that go on */
};

int probes_account(const struct probes *p, uint64_t cgroup_id, struct ev_account *ret_accounts)
{
	(void)p;
	if (cgroup_id == CGROUP + 1 && nested_account.count[EV_CLASS_container].next)
		*ret_accounts = nested_account;
	else if (cgroup_id == CGROUP && account_there)
		*ret_accounts = account;
	else
		return -ENOENT;
	return 0;
}

int probes_account_next(const struct probes *p, const uint64_t *previous, uint64_t *ret_cgroup_id)
{
	struct ev_account there;

	*ret_cgroup_id = !previous ? CGROUP : *previous + 1;
	return probes_account(p, *ret_cgroup_id, &there);
}

static bool is_in_log(const char *kind);

void probes_drop_book(struct probes *p, uint64_t cgroup_id)
{
	(void)p, (void)cgroup_id;
}

void probes_forget(struct probes *p, uint64_t cgroup_id)
{
	/* A sensor that is killed now leaves the log only. */
	p->account_in_log = is_in_log("ACCOUNT");
	p->forgotten = cgroup_id;
}

static bool cgroup_there; /* CGROUP, in the file system */

int cgroups_walk(const char *mount, void (*fn)(uint64_t id, const char *path, void *ctx), void *ctx)
{
	(void)mount, (void)fn, (void)ctx;
	return 0;
}

int cgroups_path_of(const char *mount, uint64_t id, char *ret_path, size_t size)
{
	(void)mount;
	snprintf(ret_path, size, "/x");
	return id == CGROUP && cgroup_there ? 0 : -ESTALE;
}

static bool escaped; /* from CGROUP */

bool probes_has_escapees(const struct probes *p, uint64_t container)
{
	(void)p;
	return escaped && container == CGROUP;
}

void probes_next_epoch(struct probes *p)
{
	(void)p;
}

int probes_scope_find(const struct probes *p, uint64_t cgroup_id, uint64_t *ret_container)
{
	(void)p, (void)cgroup_id, (void)ret_container;
	return -ENOENT;
}

int probes_scope_add(struct probes *p, uint64_t cgroup_id, uint64_t container)
{
	(void)p, (void)cgroup_id, (void)container;
	return 0;
}

void probes_first_process(const struct probes *p, uint64_t container, uint32_t *ret_pid,
			  uint64_t *ret_start_ns)
{
	(void)p;
	(void)container;
	*ret_pid = 0;
	*ret_start_ns = 0;
}

int probes_snapshot_open(const struct probes *p, int *ret_fd)
{
	(void)p, (void)ret_fd;
	return -EOPNOTSUPP;
}

/* The ring is full: the records of the ends are numbered, and lost. */
int probes_sweep_flows(struct probes *p, struct probes_flow_sweep *sweep)
{
	if (sweep->cgroup_id != CGROUP)
		return 0;
	account.count[EV_CLASS_network].next += p->flows;
	account.count[EV_CLASS_network].lost[EV_CAUSE_RING_FULL] += p->flows;
	sweep->ended = p->flows;
	p->flows = 0;
	return 0;
}

static struct ev_shared shared;

struct ev_shared *probes_shared(const struct probes *p)
{
	(void)p;
	return &shared;
}

/* The sensor was killed before it kept any. */
void probes_each_book(const struct probes *p,
		      void (*fn)(uint64_t cgroup_id, const struct book *book, void *ctx), void *ctx)
{
	(void)p, (void)fn, (void)ctx;
}

bool probes_flows_full(const struct probes *p)
{
	(void)p;
	return false;
}

/* --- what is under test, and around it */

static struct conf conf;
static struct log *evidence;
static struct emit emit;
static struct probes probes;
static struct streams *streams;
static struct proctab *proctab;
static struct container_table *containers;
static struct pods *pods;
static struct intake in;
static struct raw raw;

static int open_all(void **state)
{
	if (setup(state))
		return -1;
	conf = (struct conf){.container_limit = 4, .host_root = dir};
	probes = (struct probes){};
	account = nested_account = (struct ev_account){};
	account_there = true;
	escaped = false;
	mkdir(path_of("b"), 0700);
	assert_int_equal(log_open(path_of("log"), &(struct log_opts){.segment_bytes = 1 << 20},
				  &evidence, &(struct log_recovery){}),
			 0);
	assert_int_equal(emit_init(&emit, evidence, "node-1"), 0);
	assert_int_equal(streams_new(1, &streams), 0);
	assert_int_equal(proctab_new("", 64, &proctab), 0);
	assert_int_equal(container_table_new(dir, 4, &containers), 0);
	assert_int_equal(pods_new(4, false, &pods), 0);
	return intake_init(&in, &conf, &probes, &emit, streams, proctab, containers, pods);
}

static int close_all(void **state)
{
	intake_fini(&in);
	container_table_free(containers);
	pods_free(pods);
	proctab_free(proctab);
	streams_free(streams);
	emit_fini(&emit);
	log_close(evidence);
	return teardown(state);
}

/* --- the records */

static int record_fd = -1;

static void begin_records(void)
{
	assert_int_equal(ring_record_open(path_of("raw"), &record_fd), 0);
}

/* Numbers it as the kernel side would, and appends it to the file. */
static void put(unsigned int c)
{
	raw.hdr.number = account.count[c].next++;
	assert_int_equal(ring_record(record_fd, &raw, raw_end(&raw)), 0);
}

static void put_start(uint64_t container)
{
	RAW_BEGIN(&raw, CONTAINER_START, container_start);
	strcpy(raw.hdr.task.comm, "runc");
	raw.container_start.container = container;
	raw_text(&raw, &raw.container_start.cgroup_path, "/kubepods/burstable/pod" UID "/" ID);
	raw_put(&raw, &raw.container_start.maker_args, "runc\0create\0--bundle\0/b\0" ID, 24 + 65);
	put(EV_CLASS_container);
}

static void put_exec(void)
{
	RAW_BEGIN(&raw, EXEC, exec);
	raw_path(&raw, &raw.exec.exe, "/bin/sh");
	raw_put(&raw, &raw.exec.args, "sh", 3);
	raw.exec.args_len = 3;
	put(EV_CLASS_process);
}

static void put_stop(uint64_t container)
{
	RAW_BEGIN(&raw, CONTAINER_STOP, container_stop);
	raw.container_stop.container = container;
	put(EV_CLASS_container);
}

static void take_records(size_t cnt)
{
	struct ring *ring = NULL;

	close(record_fd);
	assert_int_equal(ring_open_file(path_of("raw"), &ring), 0);
	assert_int_equal(ring_turn(ring, 1000, intake_record, &in), cnt);
	ring_close(ring);
}

/* --- what the log has */

static struct log_reader *reader;
static Varve__V1__Event *ev;
static uint64_t sequence, stream_sequence;

static void begin_reading(void)
{
	assert_int_equal(log_flush(evidence), 0);
	assert_int_equal(log_reader_open(path_of("log"), 0, &reader), 0);
	sequence = stream_sequence = 0;
}

static int next(void)
{
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int err = log_reader_next(reader, &payload, &len, &pos);

	varve__v1__event__free_unpacked(ev, NULL);
	ev = err == 1 ? event_decode(payload, len) : NULL;
	return err;
}

/* As another process finds it: nothing is flushed for it. */
static bool is_in_log(const char *kind)
{
	bool found = false;

	assert_int_equal(log_reader_open(path_of("log"), 0, &reader), 0);
	while (!found && next() == 1)
		found = !strcmp(ev->kind, kind);
	log_reader_close(reader);
	return found;
}

static void expect(const char *kind, const char *stream)
{
	assert_int_equal(next(), 1);
	assert_non_null(ev);
	assert_string_equal(ev->kind, kind);
	assert_string_equal(ev->stream, stream);
	assert_int_equal(ev->sequence, sequence++);
	if (!strcmp(stream, ID))
		assert_int_equal(ev->stream_sequence, stream_sequence++);
}

static void expect_end(void)
{
	assert_int_equal(next(), 0);
	log_reader_close(reader);
}

static void expect_count(unsigned int c, uint64_t generated, uint64_t recorded, uint64_t lost)
{
	const Varve__V1__ClassCount *n = ev->account->counts[c];

	assert_string_equal(n->event_class, event_class_name(c));
	assert_int_equal(n->generated, generated);
	assert_int_equal(n->recorded, recorded);
	assert_int_equal(n->lost, lost);
	assert_int_equal(n->suppressed, 0);
}

/* --- the tests */

static void test_life_of_a_container(void **state)
{
	uint64_t stop_ns;

	(void)state;
	begin_records();
	put_start(CGROUP);
	put_exec();
	account.count[EV_CLASS_process].next++; /* lost in the kernel */
	account.count[EV_CLASS_process].lost[EV_CAUSE_RING_FULL] = 1;
	put_stop(CGROUP);
	stop_ns = raw.hdr.time_ns;
	take_records(3);
	assert_int_equal(container_table_count(containers), 1);
	assert_int_equal(intake_close_begin(&in, stop_ns), 0); /* too soon */
	assert_int_equal(intake_close_begin(&in, stop_ns + 100 * MS), 1);
	intake_close_finish(&in);
	assert_int_equal(intake_close_begin(&in, UINT64_MAX), 0);
	assert_int_equal(container_table_count(containers), 0);
	assert_int_equal(probes.forgotten, CGROUP);
	assert_true(probes.account_in_log);

	begin_reading();
	expect("CONTAINER_START", ID);
	assert_string_equal(ev->container->id, ID);
	assert_string_equal(ev->container->metadata_state, "PENDING");
	assert_string_equal(ev->pod->uid, UID);
	assert_true(ev->process->runtime_setup);
	expect("EXEC", ID);
	assert_string_equal(ev->process->exe_path, "/bin/sh");
	assert_string_equal(ev->exec->cmd_line, "sh");
	assert_int_equal(ev->kernel_number->number, 0);
	expect("CONTAINER_STOP", ID);
	expect("BINDING", ID); /* nothing will be found any more */
	assert_string_equal(ev->container->metadata_state, "UNRESOLVED");
	assert_int_equal(ev->binding->pending_records, 3);
	expect("LOSS", ID);
	assert_string_equal(ev->loss->cause, "ring_full");
	assert_int_equal(ev->loss->count, 1);
	expect("ACCOUNT", ID);
	assert_true(ev->account->closed);
	expect_count(EV_CLASS_process, 2, 1, 1);
	expect_count(EV_CLASS_container, 2, 2, 0);
	expect_count(EV_CLASS_file, 0, 0, 0);
	expect_end();
}

/* What the log did not take of a container that is gone is not forgotten with it. */
static void test_close_when_the_log_takes_it(void **state)
{
	size_t size = emit.buf_size;

	(void)state;
	begin_records();
	put_start(CGROUP);
	account.count[EV_CLASS_process].next++; /* lost in the kernel */
	account.count[EV_CLASS_process].lost[EV_CAUSE_RING_FULL] = 1;
	put_stop(CGROUP);
	take_records(2);
	emit.buf_size = 1;
	assert_int_equal(intake_close_begin(&in, UINT64_MAX), 1);
	intake_close_finish(&in);
	assert_int_equal(container_table_count(containers), 1);
	emit.buf_size = size;
	assert_int_equal(intake_close_begin(&in, emit_boot_ns()), 0); /* not at once again */
	assert_int_equal(intake_close_begin(&in, UINT64_MAX), 1);
	intake_close_finish(&in);
	assert_int_equal(container_table_count(containers), 0);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("CONTAINER_STOP", ID);
	expect("LOSS", ID);
	expect("ACCOUNT", ID);
	expect_count(EV_CLASS_process, 1, 0, 1);
	expect_end();
}

static void lose_one(void)
{
	account.count[EV_CLASS_process].next++;
	account.count[EV_CLASS_process].lost[EV_CAUSE_RING_FULL]++;
	streams_snapshot(streams, &probes, emit_boot_ns());
	intake_settle(&in, SETTLE_NOW);
}

/* While the log has no room for events, what they lose is said at first, and then from time to time
 * in one. */
static void test_losses_are_spared(void **state)
{
	(void)state;
	begin_records();
	put_start(CGROUP);
	take_records(1);
	emit.room.common = 1;
	for (int i = 0; i < 3; i++)
		lose_one();
	in.full_told_ns -= MIN(in.full_told_ns, 301 * NSEC_PER_SEC);
	lose_one();
	emit.room.common = 0;
	lose_one();
	begin_reading();
	expect("CONTAINER_START", ID);
	for (const uint64_t *cnt = (uint64_t[]){1, 3, 1, 0}; *cnt; cnt++) {
		expect("LOSS", ID);
		assert_int_equal(ev->loss->count, *cnt);
	}
	expect_end();
}

static void test_metadata_from_the_bundle(void **state)
{
	(void)state;
	write_text("b/config.json", "{\"ociVersion\":\"1.0.2\",\"annotations\":{"
				    "\"io.kubernetes.cri.container-type\":\"container\",\"io."
				    "kubernetes.cri.container-name\":\"app\","
				    "\"io.kubernetes.cri.sandbox-name\":\"web-1\",\"io.kubernetes."
				    "cri.sandbox-namespace\":\"shop\","
				    "\"io.kubernetes.cri.sandbox-uid\":\"" UID "\"}}");
	begin_records();
	put_start(CGROUP);
	put_exec();
	take_records(2);
	streams_snapshot(streams, &probes, emit_boot_ns());
	intake_settle(&in, SETTLE_END);

	begin_reading();
	expect("CONTAINER_START", ID);
	assert_string_equal(ev->container->metadata_state, "RESOLVED");
	expect("EXEC", ID);
	assert_string_equal(ev->container->name, "app");
	assert_string_equal(ev->pod->name, "web-1");
	assert_string_equal(ev->pod->namespace_, "shop");
	expect("ACCOUNT", ID); /* the run ends first */
	assert_false(ev->account->closed);
	expect_count(EV_CLASS_process, 1, 1, 0);
	expect("POD_STATE", "node");
	assert_string_equal(ev->pod->uid, UID);
	assert_string_equal(ev->pod->name, "web-1");
	assert_null(ev->pod->api_state);
	assert_int_equal(ev->pod_state->first_sequence, 0);
	assert_int_equal(ev->pod_state->last_sequence, 2);
	assert_false(ev->pod_state->ended);
	expect_end();
}

static void test_metadata_that_comes_later(void **state)
{
	(void)state;
	begin_records();
	put_start(CGROUP);
	take_records(1);
	write_text("b/config.json", "{\"ociVersion\":\"1.0.2\",\"annotations\":{"
				    "\"io.kubernetes.cri.container-type\":\"container\",\"io."
				    "kubernetes.cri.container-name\":\"app\"}}");
	intake_retry_metadata(&in, emit_boot_ns() + NSEC_PER_SEC);
	assert_int_equal(in.metadata_due_ns, 0);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("BINDING", ID);
	assert_string_equal(ev->container->name, "app");
	assert_string_equal(ev->container->metadata_state, "RESOLVED");
	assert_int_equal(ev->binding->pending_records, 1);
	expect_end();
}

/* What fails its check is counted, declared when it had a number, and stops nothing. */
static void test_bad_records(void **state)
{
	(void)state;
	begin_records();
	put_start(CGROUP);
	assert_int_equal(ring_record(record_fd, "garbage", 7), 0);
	assert_int_equal(ring_record(record_fd, "", 0), 0);
	RAW_BEGIN(&raw, EXEC, exec);
	raw.exec.filename = (struct ev_ref){8, 8}; /* into the header */
	put(EV_CLASS_process);
	put_exec();
	take_records(5);
	assert_int_equal(in.invalid_cnt, 3);
	streams_snapshot(streams, &probes, emit_boot_ns());
	intake_settle(&in, SETTLE_END);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("EXEC", ID);
	assert_int_equal(ev->kernel_number->number, 1);
	expect("LOSS", ID);
	assert_string_equal(ev->loss->cause, "invalid_record");
	assert_int_equal(ev->loss->count, 1);
	expect("BINDING", ID);
	assert_string_equal(ev->container->metadata_state, "UNRESOLVED");
	expect("ACCOUNT", ID);
	expect_count(EV_CLASS_process, 2, 1, 1);
	expect("POD_STATE", "node");
	expect_end();
}

static void test_nested_cgroup(void **state)
{
	(void)state;
	/* One start of the container, one of a cgroup in it, the end of that one. */
	begin_records();
	put_start(CGROUP);
	RAW_BEGIN(&raw, CONTAINER_START, container_start);
	raw.hdr.cgroup_id = CGROUP + 1;
	raw.container_start.container = CGROUP;
	assert_int_equal(ring_record(record_fd, &raw, raw_end(&raw)), 0);
	RAW_BEGIN(&raw, CONTAINER_STOP, container_stop);
	raw.hdr.cgroup_id = CGROUP + 1;
	raw.hdr.number = 1;
	raw.container_stop.container = CGROUP;
	assert_int_equal(ring_record(record_fd, &raw, raw_end(&raw)), 0);
	put_exec();
	take_records(4);
	assert_int_equal(container_table_count(containers), 1);
	intake_close_begin(&in, UINT64_MAX);
	intake_close_finish(&in);
	assert_int_equal(container_table_count(containers), 1); /* it goes on */
	begin_reading();
	expect("CONTAINER_START", ID);
	assert_false(ev->container_start->has_nested_cgroup);
	expect("CONTAINER_START", ID);
	assert_true(ev->container_start->nested_cgroup);
	expect("CONTAINER_STOP", ID);
	assert_true(ev->container_stop->nested_cgroup);
	expect("EXEC", ID);
	expect_end();
}

/* With --scope all: events of no container are the node's; with containers only, what the snapshot
 * finds of others is not said. */
static void test_of_no_container(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		conf.scope = i ? CONF_SCOPE_ALL : CONF_SCOPE_CONTAINERS;
		begin_records();
		RAW_BEGIN(&raw, PROCESS_SNAPSHOT, process_snapshot);
		raw.hdr.task.tgid = 1u << 30; /* no such process */
		put(EV_CLASS_container);
		account.count[EV_CLASS_container].next--;
		take_records(1);
	}
	begin_records();
	put_exec();
	take_records(1);
	begin_reading();
	expect("PROCESS_SNAPSHOT", "node");
	assert_null(ev->container);
	assert_null(ev->kernel_number);
	assert_int_equal(ev->process_snapshot->n_args, 0);
	expect("EXEC", "node");
	assert_int_equal(ev->stream_sequence, 1);
	expect_end();
}

/* As the sweep does that finds its cgroup gone. */
static size_t sweep(uint64_t now_ns)
{
	size_t closing;

	intake_gone(&in, CGROUP, CGROUP, now_ns);
	closing = intake_close_begin(&in, now_ns + NSEC_PER_SEC);
	intake_close_finish(&in);
	return closing;
}

/* The kernel tells of a cgroup before it can be found: what is not found once is not gone. */
static void test_cgroup_not_found_yet(void **state)
{
	uint64_t now_ns;

	(void)state;
	begin_records();
	put_start(CGROUP);
	put_exec();
	take_records(2);
	now_ns = raw.hdr.time_ns;
	for (int i = 0; i < 4; i++) {
		cgroup_there = i % 2;
		assert_int_equal(existing_sweep(&in, "/", now_ns + i * 5 * NSEC_PER_SEC),
				 !cgroup_there);
		assert_int_equal(intake_close_begin(&in, now_ns + i * 6 * NSEC_PER_SEC), 0);
	}
	cgroup_there = false;
	existing_sweep(&in, "/", now_ns + 20 * NSEC_PER_SEC);
	assert_int_equal(intake_close_begin(&in, now_ns + 21 * NSEC_PER_SEC), 0);
	assert_false(existing_sweep(&in, "/", now_ns + 25 * NSEC_PER_SEC));
	assert_int_equal(intake_close_begin(&in, now_ns + 26 * NSEC_PER_SEC), 1);
	intake_close_finish(&in);
	assert_int_equal(probes.forgotten, CGROUP);
}

/* Its account is closed only when the last process that has left it has ended. */
static void test_processes_outlive_the_cgroup(void **state)
{
	(void)state;
	escaped = true;
	begin_records();
	put_start(CGROUP);
	put_stop(CGROUP);
	put_exec(); /* outside, by now */
	take_records(3);
	assert_int_equal(sweep(raw.hdr.time_ns), 0);
	assert_int_equal(probes.forgotten, 0);
	escaped = false;
	begin_records();
	put_exec();
	take_records(1);
	assert_int_equal(sweep(raw.hdr.time_ns + 5 * NSEC_PER_SEC), 1);
	assert_int_equal(container_table_count(containers), 0);
	assert_int_equal(probes.forgotten, CGROUP);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("CONTAINER_STOP", ID);
	expect("EXEC", ID);
	expect("EXEC", ID);
	expect("BINDING", ID);
	expect("ACCOUNT", ID);
	assert_true(ev->account->closed);
	expect_count(EV_CLASS_process, 2, 2, 0);
	expect_end();
}

/* The run ends first: the account says that it is not the whole. */
static void test_processes_outlive_the_run(void **state)
{
	(void)state;
	escaped = true;
	begin_records();
	put_start(CGROUP);
	put_stop(CGROUP);
	take_records(2);
	assert_int_equal(sweep(raw.hdr.time_ns), 0);
	streams_snapshot(streams, &probes, emit_boot_ns());
	intake_settle(&in, SETTLE_END);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("CONTAINER_STOP", ID);
	expect("BINDING", ID);
	expect("ACCOUNT", ID);
	assert_false(ev->account->closed);
	expect("POD_STATE", "node");
	expect_end();
}

static void put_of_nested(unsigned int kind, uint64_t number)
{
	if (kind == EV_CONTAINER_START)
		RAW_BEGIN(&raw, CONTAINER_START, container_start);
	else
		RAW_BEGIN(&raw, CONTAINER_STOP, container_stop);
	raw.hdr.cgroup_id = CGROUP + 1;
	raw.hdr.number = number;
	if (kind == EV_CONTAINER_START)
		raw.container_start.container = CGROUP;
	else
		raw.container_stop.container = CGROUP;
	assert_int_equal(ring_record(record_fd, &raw, raw_end(&raw)), 0);
}

/* The same of a cgroup that the container made elsewhere: what runs there is the container's. */
static void test_cgroup_outlives_the_own_one(void **state)
{
	(void)state;
	begin_records();
	put_start(CGROUP);
	put_of_nested(EV_CONTAINER_START, 0);
	put_stop(CGROUP);
	take_records(3);
	assert_int_equal(sweep(raw.hdr.time_ns), 0);
	assert_int_equal(container_table_count(containers), 1);
	begin_records();
	put_of_nested(EV_CONTAINER_STOP, 1);
	take_records(1);
	/* Both at once, in this order. */
	assert_int_equal(sweep(raw.hdr.time_ns + 5 * NSEC_PER_SEC), 2);
	assert_int_equal(container_table_count(containers), 0);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("CONTAINER_START", ID);
	expect("CONTAINER_STOP", ID);
	expect("CONTAINER_STOP", ID);
	expect("BINDING", ID);
	expect("ACCOUNT", ID);
	assert_true(ev->account->closed);
	expect_end();
}

/* The sensor is gone; the log and the kernel's counters are there. */
static void next_sensor(struct taken *taken)
{
	bool known;

	assert_int_equal(log_flush(evidence), 0);
	strcpy(shared.run_id, emit.run_id);
	intake_fini(&in);
	container_table_free(containers);
	streams_free(streams);
	assert_int_equal(streams_new(1, &streams), 0);
	assert_int_equal(container_table_new(dir, 4, &containers), 0);
	assert_int_equal(
		intake_init(&in, &conf, &probes, &emit, streams, proctab, containers, pods), 0);
	assert_int_equal(resume_open(&in, path_of("log"), log_next_index(evidence), taken, &known),
			 0);
	assert_true(known);
}

/* Books that were never kept are made again from the log: with a cgroup in the container's own, and
 * what was declared. */
static void test_taken_up_from_the_log(void **state)
{
	struct streams_sum sums[EV_CLASS_CNT];
	struct taken taken;

	(void)state;
	begin_records();
	put_start(CGROUP);
	put_exec();
	put_of_nested(EV_CONTAINER_START, 0);
	take_records(3);
	nested_account.count[EV_CLASS_container].next = 1;
	lose_one();
	next_sensor(&taken);
	assert_int_equal(container_table_count(containers), 1);
	assert_int_equal(streams_container(streams, CGROUP), CGROUP);
	assert_int_equal(streams_container(streams, CGROUP + 1), CGROUP);
	assert_int_equal(taken.cnt, 3);
	assert_true(taken_has(&taken, &(struct taken_number){CGROUP, 0, 0, EV_CLASS_process}));
	assert_true(
		taken_has(&taken, &(struct taken_number){CGROUP + 1, 0, 0, EV_CLASS_container}));
	assert_false(taken_has(&taken, &(struct taken_number){CGROUP, 1, 0, EV_CLASS_process}));
	lose_one();			    /* one more; of the other nothing is said again */
	streams_sum(streams, CGROUP, sums); /* of this run */
	assert_int_equal(sums[EV_CLASS_process].generated, 1);
	assert_int_equal(sums[EV_CLASS_process].recorded, 0);
	assert_int_equal(sums[EV_CLASS_process].lost, 1);
	assert_int_equal(sums[EV_CLASS_container].generated, 0);
	begin_reading();
	for (int i = 0; i < 3; i++)
		assert_int_equal(next(), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(), 1);
		assert_string_equal(ev->kind, "LOSS");
		assert_int_equal(ev->loss->count, 1);
	}
	expect_end();
}

/* A cgroup of the same id and name is another container: its numbers begin anew. */
static void test_cgroup_id_used_again(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		account = (struct ev_account){};
		begin_records();
		put_start(CGROUP);
		put_exec();
		put_stop(CGROUP);
		take_records(3);
		intake_close_begin(&in, UINT64_MAX);
		intake_close_finish(&in);
		assert_int_equal(container_table_count(containers), 0);
	}
	begin_reading();
	for (int i = 0; i < 2; i++) {
		stream_sequence = 0;
		expect("CONTAINER_START", ID);
		expect("EXEC", ID);
		expect("CONTAINER_STOP", ID);
		expect("BINDING", ID);
		expect("ACCOUNT", ID);
		assert_true(ev->account->closed);
		expect_count(EV_CLASS_process, 1, 1, 0);
		expect_count(EV_CLASS_container, 2, 2, 0);
	}
	expect_end();
}

/* What ends with the container is in its account. */
static void test_flows_end_before_the_account(void **state)
{
	(void)state;
	begin_records();
	put_start(CGROUP);
	put_stop(CGROUP);
	take_records(2);
	probes.flows = 3;
	assert_int_equal(intake_close_begin(&in, UINT64_MAX), 1);
	intake_close_finish(&in);
	begin_reading();
	expect("CONTAINER_START", ID);
	expect("CONTAINER_STOP", ID);
	expect("BINDING", ID);
	expect("LOSS", ID);
	assert_string_equal(ev->loss->event_class, "network");
	assert_int_equal(ev->loss->count, 3);
	expect("ACCOUNT", ID);
	expect_count(EV_CLASS_network, 3, 0, 3);
	expect_end();
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_life_of_a_container),
		T(test_close_when_the_log_takes_it),
		T(test_losses_are_spared),
		T(test_metadata_from_the_bundle),
		T(test_metadata_that_comes_later),
		T(test_bad_records),
		T(test_nested_cgroup),
		T(test_cgroup_not_found_yet),
		T(test_processes_outlive_the_cgroup),
		T(test_processes_outlive_the_run),
		T(test_cgroup_outlives_the_own_one),
		T(test_taken_up_from_the_log),
		T(test_cgroup_id_used_again),
		T(test_of_no_container),
		T(test_flows_end_before_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
