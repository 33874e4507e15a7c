/* SPDX-License-Identifier: Apache-2.0 */
/* A process that leaves its container's cgroup stays the container's, and so do its children. */
#include "bpf/event.h"
#include "tests/live/network.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define OUTSIDE_ID 31 /* of shared->value: of the cgroup outside */

struct place {
	char path[256];
	uint64_t id;
};

static void make_outside(struct live *t, struct place *out)
{
	char name[100];

	snprintf(name, sizeof(name), "%s-outside", t->id);
	out->id = t->shared->value[OUTSIDE_ID] = live_make_cgroup(t, name, out->path);
}

static void make_file(struct live *t, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

/* As an intruder would who found the host's cgroups writable. */
static void leave_and_go_on(struct live *t, void *arg)
{
	struct place *outside = arg;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1)};
	pid_t pid;
	int fd;

	make_file(t, "inside");
	live_enter(outside->path);
	make_file(t, "outside");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	EXPECT(connect(fd, (void *)&to, sizeof(to)) && errno == ECONNREFUSED);
	close(fd);
	pid = MUST(fork());
	if (!pid) {
		make_file(t, "child");
		execl("/bin/true", "true", "from-outside", NULL);
		_exit(1);
	}
	EXPECT_UINT(live_wait(pid), 0);
	t->shared->value[0] = pid;
}

static Varve__V1__Event *open_of(struct live *t, pid_t pid, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	for (size_t i = 0; i < live_count(t, "OPEN", pid); i++) {
		Varve__V1__Event *ev = live_nth(t, "OPEN", pid, i);

		if (ev->open->file && ev->open->file->path && !strcmp(ev->open->file->path, path))
			return ev;
	}
	FAIL("there is no OPEN of %s", path);
}

static void expect_outside(struct live *t, const Varve__V1__Event *ev)
{
	EXPECT_FIELD(ev->process, outside, 1);
	EXPECT_FIELD(ev->process, outside_cgroup_id, t->shared->value[OUTSIDE_ID]);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->cgroup_id);
	EXPECT_STR(ev->container->id, t->id);
	EXPECT_STR(ev->process->entry->how, "entrypoint");
}

LIVE(cgroup_move_escape, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;
	pid_t pid, child;

	live_begin(t);
	make_outside(t, &outside);
	pid = live_do(t, leave_and_go_on, &outside);
	child = t->shared->value[0];
	MUST(rmdir(outside.path));
	live_end(t);
	EXPECT(!open_of(t, pid, "inside")->process->has_outside);
	ev = live_one(t, "CGROUP_MOVE", pid);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside.id);
	EXPECT_STR(ev->cgroup_move->to_cgroup_path, outside.path + strlen(live_cgroup_mount()));
	EXPECT(!ev->cgroup_move->by && !ev->cgroup_move->has_into_container &&
	       !ev->cgroup_move->has_not_followed);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	EXPECT(!ev->cgroup_move->has_to_container_cgroup_id);
	EXPECT_STR(ev->cgroup_move->how, "moved");
	EXPECT(ev->cgroup_move->by_cmd_line && *ev->cgroup_move->by_cmd_line);
	expect_outside(t, ev);
	expect_outside(t, open_of(t, pid, "outside"));
	ev = live_one(t, "CONNECT", pid);
	expect_outside(t, ev);
	EXPECT_FIELD(ev->connect, call_errno, ECONNREFUSED);
	expect_outside(t, live_one(t, "FORK", child));
	expect_outside(t, open_of(t, child, "child"));
	ev = live_one(t, "EXEC", child);
	expect_outside(t, ev);
	EXPECT_STR(ev->exec->args[1], "from-outside");
	expect_outside(t, live_one(t, "EXIT", child));
	expect_outside(t, live_one(t, "EXIT", pid));
}

static void clone_to(const char *cgroup, struct live *t)
{
	_cleanup_close_ int fd = MUST(open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = fd};
	pid_t pid = MUST((pid_t)syscall(SYS_clone3, &args, sizeof(args)));

	if (!pid) {
		make_file(t, "cloned");
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
	t->shared->value[0] = pid;
}

/* No process is moved: the child is made outside. */
static void clone_outside(struct live *t, void *arg)
{
	clone_to(((struct place *)arg)->path, t);
}

LIVE(cgroup_move_by_clone, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;
	pid_t pid, child;

	live_needs_v2("clone into a cgroup");
	live_begin(t);
	make_outside(t, &outside);
	pid = live_do(t, clone_outside, &outside);
	child = t->shared->value[0];
	MUST(rmdir(outside.path));
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", child);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside.id);
	EXPECT_UINT(ev->cgroup_move->by->pid, pid);
	EXPECT_STR(ev->cgroup_move->how, "cloned");
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	expect_outside(t, live_one(t, "FORK", child));
	expect_outside(t, open_of(t, child, "cloned"));
	expect_outside(t, live_one(t, "EXIT", child));
}

/* It gives a cgroup of the host the form of a container's, and goes there: it stays what it is. */
static void pose(struct live *t, void *arg)
{
	struct live other = {.sensor = t->sensor, .shared = t->shared};
	struct place *outside = arg;
	char name[200];

	live_enter(outside->path);
	live_new_id(&other);
	snprintf(name, sizeof(name), "%s-outside/%s", t->id, other.id);
	live_make_cgroup(t, name, other.cgroup);
	snprintf(t->shared->text[0], sizeof(t->shared->text[0]), "%s", other.cgroup);
	live_enter(other.cgroup);
	make_file(t, "posing");
	live_enter(outside->path);
}

LIVE(cgroup_move_poses_as_a_container, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;
	pid_t pid;

	live_begin(t);
	make_outside(t, &outside);
	pid = live_do(t, pose, &outside);
	MUST(rmdir(t->shared->text[0]));
	MUST(rmdir(outside.path));
	live_end(t);
	ev = open_of(t, pid, "posing");
	EXPECT_STR(ev->container->id, t->id);
	EXPECT_STR(ev->process->entry->how, "entrypoint");
}

static void send_out(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT_UINT(MUST(sendto(fd, "out", 3, 0, (void *)&to, sizeof(to))), 3);
	close(fd);
}

/* A socket made outside is of the host's cgroup, and its datagrams are the container's. */
static void send_from_outside(struct live *t, void *arg)
{
	struct place *outside = arg;

	(void)t;
	live_enter(outside->path);
	send_out();
}

LIVE(cgroup_move_datagram, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;
	pid_t pid;

	live_begin(t);
	make_outside(t, &outside);
	pid = live_do(t, send_from_outside, &outside);
	MUST(rmdir(outside.path));
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", pid), 2); /* begin and end */
	ev = live_nth(t, "UDP_FLOW", pid, 1);
	EXPECT_FIELD(ev->udp_flow, bytes_sent, 3);
	EXPECT_FIELD(ev->process, outside, 1);
	EXPECT_FIELD(ev->process, outside_cgroup_id, outside.id);
}

/* A process of the container that waits for the end of its standard input, twice making a file on
 * the way. */
static pid_t start_member(struct live *t, int *ret_go, int *ret_done)
{
	int go[2], done[2];
	char byte;
	pid_t pid;

	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(done, O_CLOEXEC));
	pid = MUST(fork());
	if (!pid) {
		close(go[1]);
		close(done[0]);
		live_enter(t->cgroup);
		MUST(write(done[1], "", 1));
		for (int i = 0; read(go[0], &byte, 1) == 1; i++) {
			make_file(t, i ? "second" : "first");
			MUST(write(done[1], "", 1));
		}
		_exit(0);
	}
	close(go[0]);
	close(done[1]);
	*ret_go = go[1];
	*ret_done = done[0];
	MUST(read(*ret_done, &byte, 1));
	return pid;
}

static void step(int go, int done)
{
	char byte;

	MUST(write(go, "", 1));
	EXPECT_UINT(MUST(read(done, &byte, 1)), 1);
}

/* Out by another's hand, and back: both show, and its entry is what it was. */
LIVE(cgroup_move_back, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;
	int go, done;
	pid_t pid;

	live_begin(t);
	make_outside(t, &outside);
	pid = start_member(t, &go, &done);
	live_move(pid, outside.path);
	step(go, done);
	live_move(pid, t->cgroup);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside.path));
	live_end(t);
	ev = live_nth(t, "CGROUP_MOVE", pid, 0);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside.id);
	EXPECT_UINT(ev->cgroup_move->by->pid, getpid());
	EXPECT_STR(ev->cgroup_move->by->process_uid, ev->process->parent->process_uid);
	ev = live_nth(t, "CGROUP_MOVE", pid, 1);
	EXPECT_FIELD(ev->cgroup_move, into_container, 1);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, outside.id);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, t->cgroup_id);
	EXPECT_FIELD(ev->cgroup_move, to_container_cgroup_id, t->cgroup_id);
	ev = live_one(t, "EXEC_SESSION", pid);
	EXPECT_FIELD(ev->exec_session, from_cgroup_id, t->cgroup_id);
	expect_outside(t, open_of(t, pid, "first"));
	EXPECT(!open_of(t, pid, "second")->process->has_outside);
	EXPECT_STR(open_of(t, pid, "second")->process->entry->how, "entrypoint");
	EXPECT(!live_one(t, "EXIT", pid)->process->has_outside);
}

/* From one container into another: what it does is the other's then, and both streams say so. */
LIVE(cgroup_move_to_another_container, LIVE_FIRST)
{
	struct live other = {.sensor = t->sensor, .shared = t->shared};
	Varve__V1__Event *ev;
	int go, done;
	pid_t pid;

	live_begin(t);
	strcpy(other.dir, t->dir);
	live_begin(&other);
	EXPECT_UINT(live_wait(live_spawn(&other, (live_fn)make_file, "own")), 0);
	pid = start_member(t, &go, &done);
	live_move(pid, other.cgroup);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	live_end(&other);
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", pid);
	EXPECT_FIELD(ev->cgroup_move, into_container, 1);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, other.cgroup_id);
	EXPECT_FIELD(ev->cgroup_move, to_container_cgroup_id, other.cgroup_id);
	EXPECT_UINT(live_count(t, "EXIT", pid), 0);
	ev = live_one(&other, "EXEC_SESSION", pid);
	EXPECT_FIELD(ev->exec_session, from_cgroup_id, t->cgroup_id);
	ev = open_of(&other, pid, "first");
	EXPECT(!ev->process->has_outside);
	EXPECT_STR(ev->process->entry->how, "session");
	live_one(&other, "EXIT", pid);
}

/* The container's account is open as long as one of its processes lives elsewhere. */
LIVE(cgroup_move_outlives_its_container, LIVE_FIRST)
{
	struct place outside;
	int go, done;
	pid_t pid;

	live_begin(t);
	make_outside(t, &outside);
	pid = start_member(t, &go, &done);
	live_move(pid, outside.path);
	MUST(rmdir(t->cgroup));
	live_pause_ms(1000);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside.path));
	t->wait_s = 30;
	live_collect(t, t->id);
	expect_outside(t, open_of(t, pid, "first"));
	expect_outside(t, live_one(t, "EXIT", pid));
}

/* A pid that is used again inherits nothing. */
LIVE(cgroup_move_pid_used_again, LIVE_FIRST)
{
	pid_t want[1];
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)want, .set_tid_size = 1};
	struct place outside;
	int go, done;
	pid_t pid;

	live_begin(t);
	make_outside(t, &outside);
	pid = start_member(t, &go, &done);
	live_move(pid, outside.path);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	want[0] = pid;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		live_skip("clone3 with set_tid: %s", strerror(errno));
	if (!pid) {
		make_file(t, "again");
		_exit(0);
	}
	EXPECT_UINT(pid, want[0]);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside.path));
	live_end(t);
	live_one(t, "EXIT", pid);
	EXPECT_UINT(live_count(t, "OPEN", pid), 0);
}

/* --- while others are outside, too: the kernel side looks for each process then */

LIVE(cgroup_move_pid_used_again_elsewhere, LIVE_FIRST)
{
	struct live other = {.sensor = t->sensor, .shared = t->shared};
	int go, done, keeper_go, keeper_done;
	pid_t want, pid, keeper;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&want, .set_tid_size = 1};
	struct place outside;

	live_begin(t);
	make_outside(t, &outside);
	keeper = start_member(t, &keeper_go, &keeper_done);
	want = start_member(t, &go, &done);
	live_move(keeper, outside.path);
	live_move(want, outside.path);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(want), 0);
	strcpy(other.dir, t->dir);
	live_begin(&other);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		live_skip("clone3 with set_tid: %s", strerror(errno));
	if (!pid) {
		live_enter(outside.path); /* as its namesake: of no container there */
		make_file(t, "again");
		live_enter(other.cgroup);
		make_file(t, "there");
		_exit(0);
	}
	EXPECT_UINT(live_wait(pid), 0);
	step(keeper_go, keeper_done);
	close(keeper_go);
	EXPECT_UINT(live_wait(keeper), 0);
	MUST(rmdir(outside.path));
	live_end(t);
	live_end(&other);
	EXPECT_FIELD(open_of(t, want, "first")->process, outside, 1);
	EXPECT_UINT(live_count(t, "OPEN", want), 1);
	EXPECT_FIELD(open_of(t, keeper, "first")->process, outside, 1);
	EXPECT_UINT(live_count(&other, "OPEN", pid), 1);
	EXPECT(!open_of(&other, pid, "there")->process->has_outside);
	EXPECT_UINT(live_count(&other, "CGROUP_MOVE", 0), 0);
}

/* --- a cgroup that the container made elsewhere is the container's, and no less lasting */

static void make_elsewhere(struct live *t, void *arg)
{
	char name[100], path[256];
	int *input = arg;
	char byte;

	close(input[1]);
	snprintf(name, sizeof(name), "%s-made", t->id);
	t->shared->value[1] = live_make_cgroup(t, name, path);
	live_enter(path);
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_RELEASE);
	EXPECT_UINT(MUST(read(input[0], &byte, 1)), 0);
	make_file(t, "late");
}

LIVE(cgroup_move_cgroup_outlives_container, LIVE_FIRST)
{
	Varve__V1__Event *ev;
	char path[256];
	int input[2];
	pid_t pid;

	MUST(pipe(input));
	pid = live_spawn(t, make_elsewhere, input);
	close(input[0]);
	while (!__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	MUST(rmdir(t->cgroup));
	live_pause_ms(400);
	close(input[1]);
	EXPECT_UINT(live_wait(pid), 0);
	snprintf(path, sizeof(path), "%s/%.64s-made", live_cgroup_mount(), t->id);
	MUST(rmdir(path));
	t->wait_s = 30;
	live_collect(t, t->id);
	ev = open_of(t, pid, "late");
	EXPECT_STR(ev->container->id, t->id);
	EXPECT_FIELD(ev->kernel_number, cgroup_id, t->shared->value[1]);
	EXPECT(!ev->process->has_outside);
	live_one(t, "EXIT", pid);
}

/* --- the end of a connection of one that outlives its container is in the container's account */

struct connected {
	struct end to;
	struct place outside;
	int listener, input[2];
};

static void connect_outside(struct live *t, void *arg)
{
	struct connected *c = arg;
	char byte;
	int fd;

	close(c->input[1]);
	live_enter(c->outside.path);
	fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MUST(connect(fd, &c->to.addr.any, c->to.len));
	__atomic_store_n(&t->shared->value[0], 1, __ATOMIC_RELEASE);
	EXPECT_UINT(MUST(read(c->input[0], &byte, 1)), 0);
	close(fd);
	/* What the peer sends when it closes ends the connection. */
	while (!__atomic_load_n(&t->shared->value[1], __ATOMIC_ACQUIRE))
		usleep(1000);
}

LIVE(cgroup_move_connection_outlives_container, LIVE_FIRST)
{
	struct connected c = {.to = network_loopback(AF_INET)};
	Varve__V1__Event *ev;
	pid_t pid;
	int peer;

	live_begin(t);
	make_outside(t, &c.outside);
	c.listener = network_listen(&c.to, 1);
	MUST(pipe(c.input));
	pid = live_spawn(t, connect_outside, &c);
	close(c.input[0]);
	peer = MUST(accept(c.listener, NULL, NULL));
	while (!__atomic_load_n(&t->shared->value[0], __ATOMIC_ACQUIRE))
		usleep(1000);
	MUST(rmdir(t->cgroup));
	live_pause_ms(200);
	close(c.input[1]);
	EXPECT_UINT(MUST(read(peer, &(char){0}, 1)), 0);
	close(peer);
	live_pause_ms(100);
	__atomic_store_n(&t->shared->value[1], 1, __ATOMIC_RELEASE);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(c.outside.path));
	t->wait_s = 30;
	live_collect(t, t->id);
	ev = live_one(t, "CLOSE", pid);
	expect_outside(t, ev);
	expect_outside(t, live_one(t, "CONNECT", pid));
}

/* --- members that were there before the sensor */

LIVE(cgroup_move_of_one_from_before, LIVE_OWN)
{
	static const char *const args[] = {"--heartbeat", "500ms", NULL};
	struct place outside;
	Varve__V1__Event *ev;
	int go, done;
	pid_t pid;

	live_begin(t);
	pid = start_member(t, &go, &done);
	live_own_sensor(t, args);
	t->log_from = 0;
	make_outside(t, &outside);
	live_move(pid, outside.path);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside.path));
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", pid);
	EXPECT_FIELD(ev->cgroup_move, from_cgroup_id, t->cgroup_id);
	ev = open_of(t, pid, "first");
	EXPECT_FIELD(ev->process, outside_cgroup_id, outside.id);
	EXPECT_FIELD(ev->container, cgroup_id, t->cgroup_id);
	live_sensor_stop(t->sensor);
}

/* --- more than there is room for */

/* With processes that there are not, of numbers that no process can have. */
static void fill_map(int fd)
{
	struct ev_escapee value = {.start_ns = 1, .container = 1, .now = 1};
	union bpf_attr attr = {.map_fd = fd, .value = (uintptr_t)&value};
	uint32_t key, i;

	attr.key = (uintptr_t)&key;
	for (i = 0; i < 1 << 20; i++) {
		key = (1u << 30) + i;
		if (!syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
			continue;
		EXPECT_UINT(errno, E2BIG);
		return;
	}
	FAIL("the map has no end");
}

LIVE(cgroup_move_without_room, LIVE_OWN)
{
	static const char *const args[] = {"--heartbeat", "500ms", NULL};
	struct bpf_map_info info;
	struct place outside;
	Varve__V1__Event *ev;
	int go, done, map;
	pid_t pid;

	live_own_sensor(t, args);
	live_begin(t);
	make_outside(t, &outside);
	pid = start_member(t, &go, &done);
	map = live_sensor_map(t->sensor, "escapees", &info);
	fill_map(map);
	close(map);
	live_move(pid, outside.path);
	step(go, done);
	close(go);
	EXPECT_UINT(live_wait(pid), 0);
	MUST(rmdir(outside.path));
	t->loss_expected = true;
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", pid);
	EXPECT_FIELD(ev->cgroup_move, not_followed, 1);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside.id);
	EXPECT(!ev->process->has_outside);
	EXPECT_UINT(live_count(t, "OPEN", pid), 0);
	ev = live_one(t, "LOSS", 0);
	EXPECT_STR(ev->loss->cause, "map_full");
	EXPECT_STR(ev->loss->event_class, "container");
	EXPECT_UINT(ev->loss->count, 1);
	live_sensor_stop(t->sensor);
}

/* No room in a socket for whose it is: where its own cgroup does not tell, that is a loss. */
static void send_without_room(struct live *t, void *arg)
{
	struct place *outside = arg;
	int fd;

	(void)t;
	if (!live_cgroup_is_v1())
		live_enter(outside->path);
	network_own();
	fd = open("/proc/sys/net/core/optmem_max", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		live_skip("the limit of a socket's memory is not the network namespace's own "
			  "(Linux 6.8)");
	MUST(write(fd, "0", 1));
	close(fd);
	send_out();
}

LIVE(cgroup_move_socket_without_room, LIVE_FIRST)
{
	struct place outside;
	Varve__V1__Event *ev;

	live_begin(t);
	make_outside(t, &outside);
	live_do(t, send_without_room, &outside);
	MUST(rmdir(outside.path));
	t->loss_expected = true;
	live_end(t);
	EXPECT_UINT(live_count(t, "UDP_FLOW", 0), 0);
	ev = live_one(t, "LOSS", 0);
	EXPECT_STR(ev->loss->cause, "map_full");
	EXPECT_STR(ev->loss->event_class, "network");
	EXPECT_UINT(ev->loss->count, 1);
}
