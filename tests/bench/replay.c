/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay DIR RECORDS [ROUND]: an evidence log of one pod's life, with that many records of its
 * container, as a sensor on a node of a cluster writes them: envelope, container, pod, process with
 * its ancestors, body. A shell that begins a program again and again; each reads, writes, looks a
 * name up, talks and ends, which makes ROUND records (48). What is numbered is accounted for: the
 * verdict must be COMPLETE.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include <string.h>

#define T0		1795204800000000000LL /* 2026-11-20T20:00:00Z */
#define BOOTED		(T0 - 86400LL * 1000000000)
#define STEP_NS		1234567 /* from record to record */
#define CGROUP		12451
#define ROUND		48
#define NAMES		24 /* different ones of files, and ports, of each program */
#define TEXT(s)		((char *)(s))
#define ID		"4b2e9f12ac0111111111111111111111111111111111111111111111111111aa"
#define RUN		"10000000-0000-4000-8000-000000000001"
#define POD		"aaaaaaaa-0000-4000-8000-000000000001"
#define UID_FORM	"cccccccc-1234-8%03x-8%03x-%012llx"
#define HEARTBEAT_EVERY 10000

#define SET(msg, field, value) ((msg)->has_##field = 1, (msg)->field = (value))

#define die(...) (fprintf(stderr, "replay: " __VA_ARGS__), fputc('\n', stderr), exit(1))

struct writer {
	struct log *log;
	uint64_t sequence, node_sequence, stream_sequence;
	uint64_t counts[4]; /* by class, as in classes[] */
	unsigned int pid;   /* of the program that runs now */
};

static const char *const classes[] = {"process", "file", "network", "container"};

/* One record and what it points to. */
struct made {
	Varve__V1__Event ev;
	Varve__V1__Container container;
	Varve__V1__Pod pod;
	Varve__V1__PodOwner owner, workload;
	Varve__V1__Process process;
	Varve__V1__ParentProcess parent;
	Varve__V1__Ancestor ancestors[3], *ancestry[3];
	Varve__V1__Entry entry;
	Varve__V1__KernelNumber number;
	Varve__V1__File file;
	Varve__V1__Endpoint from, to;
	char uid[UUID_LEN + 1], uids[3][UUID_LEN + 1];
	char path[256];
};

/* --- the envelope */

static void begin(struct writer *w, struct made *m, unsigned int kind)
{
	memset(m, 0, sizeof(*m));
	varve__v1__event__init(&m->ev);
	m->ev.kind = TEXT(event_kind_name(kind));
	m->ev.body_case = (int)kind;
	SET(&m->ev, time_unix_nano, T0 + (int64_t)w->sequence * STEP_NS);
	SET(&m->ev, boot_time_nano, (uint64_t)(m->ev.time_unix_nano - BOOTED));
	SET(&m->ev, sequence, w->sequence++);
	m->ev.run_id = TEXT(RUN);
	m->ev.node_name = TEXT("worker-1.example.internal");
	SET(&m->ev, schema_version, 1);
}

static void begin_of_node(struct writer *w, struct made *m, unsigned int kind)
{
	begin(w, m, kind);
	m->ev.stream = TEXT("node");
	SET(&m->ev, stream_sequence, w->node_sequence++);
}

static void fill_pod(struct made *m)
{
	varve__v1__pod__init(&m->pod);
	varve__v1__pod_owner__init(&m->owner);
	varve__v1__pod_owner__init(&m->workload);
	m->ev.pod = &m->pod;
	m->pod.uid = TEXT(POD);
	m->pod.name = TEXT("web-7f9c6d5b48-x2x7q");
	m->pod.namespace_ = TEXT("default");
	m->pod.owner = &m->owner;
	m->pod.workload = &m->workload;
	m->pod.api_state = TEXT("KNOWN");
	m->owner.kind = TEXT("ReplicaSet");
	m->owner.name = TEXT("web-7f9c6d5b48");
	m->workload.kind = TEXT("Deployment");
	m->workload.name = TEXT("web");
}

static void begin_of_container(struct writer *w, struct made *m, unsigned int kind)
{
	begin(w, m, kind);
	m->ev.stream = TEXT(ID);
	SET(&m->ev, stream_sequence, w->stream_sequence++);
	varve__v1__container__init(&m->container);
	m->ev.container = &m->container;
	m->container.id = TEXT(ID);
	m->container.runtime = TEXT("containerd");
	m->container.name = TEXT("web");
	m->container.image = TEXT("docker.io/library/nginx:1.27-alpine");
	m->container.metadata_state = TEXT("RESOLVED");
	SET(&m->container, cgroup_id, CGROUP);
	fill_pod(m);
}

static void make_uid(unsigned int pid, char ret_uid[UUID_LEN + 1])
{
	snprintf(ret_uid, UUID_LEN + 1, UID_FORM, pid & 0xfff, (pid >> 3) & 0xfff, pid * 7919ULL);
}

static void fill_ancestor(struct made *m, size_t i, unsigned int pid, const char *name,
			  const char *exe)
{
	Varve__V1__Ancestor *a = m->ancestry[i] = &m->ancestors[i];

	varve__v1__ancestor__init(a);
	make_uid(pid, m->uids[i]);
	a->process_uid = m->uids[i];
	SET(a, pid, pid);
	a->name = TEXT(name);
	a->exe_path = TEXT(exe);
}

static void fill_parent(struct made *m)
{
	varve__v1__parent_process__init(&m->parent);
	fill_ancestor(m, 0, 4201, "sh", "/bin/busybox");
	fill_ancestor(m, 1, 3990, "containerd-shim", "/usr/bin/containerd-shim-runc-v2");
	fill_ancestor(m, 2, 1, "systemd", "/usr/lib/systemd/systemd");
	m->process.ancestry = m->ancestry;
	m->process.n_ancestry = ARRAY_SIZE(m->ancestry);
	m->process.parent = &m->parent;
	m->parent.process_uid = m->uids[0];
	SET(&m->parent, pid, 4201);
	SET(&m->parent, start_boot_time_nano, 86400LL * 1000000000);
	m->parent.name = TEXT("sh");
	m->parent.exe_path = TEXT("/bin/busybox");
	m->parent.cmd_line = TEXT("/bin/sh /entrypoint.sh");
}

static void fill_process(const struct writer *w, struct made *m)
{
	Varve__V1__Process *p = m->ev.process = &m->process;

	varve__v1__process__init(p);
	make_uid(w->pid, m->uid);
	p->process_uid = m->uid;
	SET(p, pid, w->pid);
	SET(p, tid, w->pid);
	SET(p, ns_pid, w->pid - 4200);
	SET(p, start_boot_time_nano, 86400LL * 1000000000 + w->pid * 1000003ULL);
	p->name = TEXT("worker");
	p->exe_path = TEXT("/usr/local/bin/worker");
	p->cmd_line = TEXT("worker --config /etc/worker.conf --once");
	SET(p, uid, 101);
	SET(p, gid, 101);
	SET(p, euid, 101);
	SET(p, egid, 101);
	SET(p, cap_effective, 0);
	fill_parent(m);
	varve__v1__entry__init(&m->entry);
	p->entry = &m->entry;
	m->entry.how = TEXT("entrypoint");
	m->entry.process_uid = m->uids[0];
}

static void number(struct writer *w, struct made *m)
{
	Varve__V1__KernelNumber *n = m->ev.kernel_number = &m->number;

	varve__v1__kernel_number__init(n);
	SET(n, cgroup_id, CGROUP);
	SET(n, cpu, 1);
	n->event_class = TEXT(event_kind_class(m->ev.body_case));
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i], n->event_class))
			SET(n, number, w->counts[i]++);
}

static void put(struct writer *w, const struct made *m)
{
	static uint8_t buf[LOG_FRAME_MAX];
	size_t len = varve__v1__event__pack(&m->ev, buf);

	if (log_append(w->log, buf, len, NULL))
		die("cannot append");
	if (event_is_of_outline(m->ev.body_case))
		log_mark(w->log);
}

/* --- what the container does; each puts one record, the n-th of its program */

static void begin_event(struct writer *w, struct made *m, unsigned int kind)
{
	begin_of_container(w, m, kind);
	fill_process(w, m);
	number(w, m);
}

static Varve__V1__File *fill_file(struct made *m, const char *path)
{
	varve__v1__file__init(&m->file);
	m->file.path = TEXT(path);
	SET(&m->file, inode, 9977874);
	SET(&m->file, device, 266338304);
	SET(&m->file, mode, 0100644);
	SET(&m->file, uid, 0);
	SET(&m->file, gid, 0);
	SET(&m->file, size, 1982256);
	return &m->file;
}

static Varve__V1__Endpoint *fill_endpoint(Varve__V1__Endpoint *e, const char *ip, unsigned int port)
{
	varve__v1__endpoint__init(e);
	e->ip = TEXT(ip);
	SET(e, port, port);
	return e;
}

static void put_fork(struct writer *w, unsigned int n)
{
	Varve__V1__Fork body = VARVE__V1__FORK__INIT;
	struct made m;

	(void)n;
	begin_event(w, &m, VARVE__V1__EVENT__BODY_FORK);
	SET(&body, parent_tid, 4201);
	m.ev.fork = &body;
	put(w, &m);
}

static void put_exec(struct writer *w, unsigned int n)
{
	static char *args[] = {TEXT("worker"), TEXT("--config"), TEXT("/etc/worker.conf"),
			       TEXT("--once")};
	Varve__V1__Exec body = VARVE__V1__EXEC__INIT;
	Varve__V1__Namespaces ns = VARVE__V1__NAMESPACES__INIT;
	Varve__V1__File cwd = VARVE__V1__FILE__INIT;
	struct made m;

	(void)n;
	begin_event(w, &m, VARVE__V1__EVENT__BODY_EXEC);
	m.ev.exec = &body;
	body.file = fill_file(&m, "/usr/local/bin/worker");
	body.filename = TEXT("/usr/local/bin/worker");
	body.args = args;
	body.n_args = ARRAY_SIZE(args);
	SET(&body, args_length, 41);
	SET(&body, args_count, 4);
	body.cmd_line = TEXT("worker --config /etc/worker.conf --once");
	body.cwd = &cwd;
	cwd.path = TEXT("/");
	body.namespaces = &ns;
	SET(&ns, mnt, 4026532177);
	SET(&ns, pid, 4026532180);
	SET(&ns, net, 4026531833);
	put(w, &m);
}

static void put_exit(struct writer *w, unsigned int n)
{
	Varve__V1__Exit body = VARVE__V1__EXIT__INIT;
	struct made m;

	(void)n;
	begin_event(w, &m, VARVE__V1__EVENT__BODY_EXIT);
	SET(&body, code, 0);
	m.ev.exit = &body;
	put(w, &m);
}

static void put_read(struct writer *w, unsigned int n)
{
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_OPEN);
	snprintf(m.path, sizeof(m.path), "/usr/share/worker/templates/page-%02u.html", n);
	m.ev.open = &body;
	body.file = fill_file(&m, m.path);
	SET(&body, flags, 32768);
	SET(&body, fd, 3);
	put(w, &m);
}

static void put_create(struct writer *w, unsigned int n)
{
	Varve__V1__Open body = VARVE__V1__OPEN__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_OPEN);
	snprintf(m.path, sizeof(m.path), "/var/cache/worker/%02u.tmp", n);
	m.ev.open = &body;
	body.file = fill_file(&m, m.path);
	SET(&m.file, overlay_upper, 1);
	SET(&body, flags, 32769);
	SET(&body, created, 1);
	SET(&body, written, 1);
	SET(&body, fd, 4);
	put(w, &m);
}

static void put_close_write(struct writer *w, unsigned int n)
{
	Varve__V1__CloseWrite body = VARVE__V1__CLOSE_WRITE__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_CLOSE_WRITE);
	snprintf(m.path, sizeof(m.path), "/var/cache/worker/%02u.tmp", n);
	m.ev.close_write = &body;
	body.file = fill_file(&m, m.path);
	SET(&m.file, overlay_upper, 1);
	SET(&body, bytes_written, 1982256);
	SET(&body, open_boot_time_nano, m.ev.boot_time_nano - STEP_NS);
	SET(&body, closed_by_pid, w->pid);
	put(w, &m);
}

static void put_connect(struct writer *w, unsigned int n)
{
	Varve__V1__Connect body = VARVE__V1__CONNECT__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_CONNECT);
	m.ev.connect = &body;
	body.protocol = TEXT("tcp");
	body.source = fill_endpoint(&m.from, "10.42.0.17", 40000 + n);
	body.destination = fill_endpoint(&m.to, "192.0.2.7", 443);
	SET(&body, call_errno, 0);
	body.outcome = TEXT("connected");
	SET(&body, socket_cookie, w->sequence);
	put(w, &m);
}

static void put_close(struct writer *w, unsigned int n)
{
	Varve__V1__Close body = VARVE__V1__CLOSE__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_CLOSE);
	m.ev.close = &body;
	body.protocol = TEXT("tcp");
	body.source = fill_endpoint(&m.from, "10.42.0.17", 40000 + n);
	body.destination = fill_endpoint(&m.to, "192.0.2.7", 443);
	body.role = TEXT("client");
	SET(&body, bytes_sent, 517);
	SET(&body, bytes_received, 48213);
	SET(&body, duration_nano, 81234567);
	body.how = TEXT("orderly");
	SET(&body, socket_cookie, w->sequence);
	put(w, &m);
}

static void put_dns(struct writer *w, unsigned int n)
{
	Varve__V1__Dns body = VARVE__V1__DNS__INIT;
	Varve__V1__DnsMessage msg = VARVE__V1__DNS_MESSAGE__INIT, *msgs = &msg;
	Varve__V1__DnsQuestion question = VARVE__V1__DNS_QUESTION__INIT, *questions = &question;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_DNS);
	m.ev.dns = &body;
	body.protocol = TEXT("udp");
	body.direction = TEXT("sent");
	body.source = fill_endpoint(&m.from, "10.42.0.17", 40000 + n);
	body.destination = fill_endpoint(&m.to, "10.96.0.10", 53);
	SET(&body, payload_length, 49);
	body.messages = &msgs;
	body.n_messages = 1;
	SET(&msg, id, 43981);
	SET(&msg, response, 0);
	msg.opcode = TEXT("QUERY");
	SET(&msg, recursion_desired, 1);
	SET(&msg, question_count, 1);
	msg.questions = &questions;
	msg.n_questions = 1;
	question.name = TEXT("api.example.com");
	question.type = TEXT("A");
	question.class_ = TEXT("IN");
	put(w, &m);
}

static void put_unlink(struct writer *w, unsigned int n)
{
	Varve__V1__Unlink body = VARVE__V1__UNLINK__INIT;
	struct made m;

	begin_event(w, &m, VARVE__V1__EVENT__BODY_UNLINK);
	snprintf(m.path, sizeof(m.path), "/var/cache/worker/%02u.tmp", n);
	m.ev.unlink = &body;
	body.file = fill_file(&m, m.path);
	put(w, &m);
}

/* In between: half reads, the rest what a worker does else. */
static void (*const acts[])(struct writer *w, unsigned int n) = {
	put_read, put_create,  put_read, put_close_write, put_read, put_dns,
	put_read, put_connect, put_read, put_close,	  put_read, put_unlink,
};

static void put_round(struct writer *w, unsigned int cnt)
{
	w->pid++;
	if (cnt < 3) {
		while (cnt--)
			put_read(w, cnt);
		return;
	}
	put_fork(w, 0);
	put_exec(w, 0);
	for (unsigned int i = 0; i + 3 < cnt; i++)
		acts[i % ARRAY_SIZE(acts)](w, i % NAMES);
	put_exit(w, 0);
}

/* --- the frame: the run, and the container's start and end */

static void put_run_start(struct writer *w)
{
	Varve__V1__RunStart start = VARVE__V1__RUN_START__INIT;
	Varve__V1__Coverage coverage = VARVE__V1__COVERAGE__INIT;
	Varve__V1__Hook hook = VARVE__V1__HOOK__INIT, *hooks = &hook;
	struct made m;

	begin_of_node(w, &m, VARVE__V1__EVENT__BODY_RUN_START);
	m.ev.run_start = &start;
	SET(&start, watched_since_unix_nano, T0);
	put(w, &m);
	begin_of_node(w, &m, VARVE__V1__EVENT__BODY_COVERAGE);
	m.ev.coverage = &coverage;
	coverage.hooks = &hooks;
	coverage.n_hooks = 1;
	hook.name = TEXT("exec");
	SET(&hook, attached, 1);
	put(w, &m);
}

static void put_heartbeat(struct writer *w)
{
	Varve__V1__Heartbeat body = VARVE__V1__HEARTBEAT__INIT;
	struct made m;

	begin_of_node(w, &m, VARVE__V1__EVENT__BODY_HEARTBEAT);
	m.ev.heartbeat = &body;
	put(w, &m);
}

static void put_start(struct writer *w)
{
	Varve__V1__ContainerStart body = VARVE__V1__CONTAINER_START__INIT;
	struct made m;

	begin_of_container(w, &m, VARVE__V1__EVENT__BODY_CONTAINER_START);
	m.ev.container_start = &body;
	body.cgroup_path = TEXT("/kubepods/burstable/pod" POD "/" ID);
	number(w, &m);
	put(w, &m);
}

static void put_stop(struct writer *w)
{
	Varve__V1__ContainerStop body = VARVE__V1__CONTAINER_STOP__INIT;
	struct made m;

	begin_of_container(w, &m, VARVE__V1__EVENT__BODY_CONTAINER_STOP);
	m.ev.container_stop = &body;
	body.cgroup_path = TEXT("/kubepods/burstable/pod" POD "/" ID);
	number(w, &m);
	put(w, &m);
}

static void put_account(struct writer *w)
{
	Varve__V1__Account body = VARVE__V1__ACCOUNT__INIT;
	Varve__V1__ClassCount counts[ARRAY_SIZE(classes)], *pointers[ARRAY_SIZE(classes)];
	struct made m;

	begin_of_container(w, &m, VARVE__V1__EVENT__BODY_ACCOUNT);
	m.ev.account = &body;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		varve__v1__class_count__init(&counts[i]);
		pointers[i] = &counts[i];
		counts[i].event_class = TEXT(classes[i]);
		SET(&counts[i], generated, w->counts[i]);
		SET(&counts[i], recorded, w->counts[i]);
		SET(&counts[i], lost, 0);
		SET(&counts[i], suppressed, 0);
	}
	body.counts = pointers;
	body.n_counts = ARRAY_SIZE(pointers);
	SET(&body, closed, 1);
	put(w, &m);
}

static void put_run_end(struct writer *w)
{
	Varve__V1__RunEnd body = VARVE__V1__RUN_END__INIT;
	struct made m;

	begin_of_node(w, &m, VARVE__V1__EVENT__BODY_RUN_END);
	m.ev.run_end = &body;
	body.reason = TEXT("SIGTERM");
	SET(&body, watched_until_unix_nano, m.ev.time_unix_nano);
	put(w, &m);
}

static void put_life(struct writer *w, uint64_t cnt, uint64_t round)
{
	uint64_t next_heartbeat = HEARTBEAT_EVERY;

	put_start(w);
	cnt -= 3;
	while (cnt) {
		uint64_t n = MIN(cnt, round);

		put_round(w, (unsigned int)n);
		cnt -= n;
		if (w->sequence < next_heartbeat)
			continue;
		put_heartbeat(w);
		next_heartbeat += HEARTBEAT_EVERY;
	}
	put_stop(w);
	put_account(w);
}

int main(int argc, char **argv)
{
	const struct log_opts opts = {.segment_bytes = 64 << 20};
	uint64_t cnt = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t round = argc > 3 ? strtoull(argv[3], NULL, 10) : ROUND;
	struct writer w = {.pid = 4201};
	struct log_recovery recovery;

	diag_init("replay", DIAG_WARN);
	if (cnt < 3 || !round || round > UINT32_MAX)
		die("want DIR RECORDS [ROUND], at least 3 records");
	if (log_open(argv[1], &opts, &w.log, &recovery))
		die("cannot write %s", argv[1]);
	put_run_start(&w);
	put_life(&w, cnt, round);
	put_heartbeat(&w);
	put_heartbeat(&w);
	put_run_end(&w);
	log_close(w.log);
	return 0;
}
