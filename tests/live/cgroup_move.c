/* SPDX-License-Identifier: Apache-2.0 */
/* A process that leaves its container's cgroup stays the container's, and so do its children. */
#include "tests/live/harness.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct place {
	char path[256];
	uint64_t id;
};

static void make_outside(struct live *t, struct place *out)
{
	char name[100];

	snprintf(name, sizeof(name), "%s-outside", t->id);
	out->id = live_make_cgroup(t, name, out->path);
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

	live_begin(t);
	make_outside(t, &outside);
	pid = live_do(t, clone_outside, &outside);
	child = t->shared->value[0];
	MUST(rmdir(outside.path));
	live_end(t);
	ev = live_one(t, "CGROUP_MOVE", child);
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, outside.id);
	EXPECT_UINT(ev->cgroup_move->by->pid, pid);
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

/* A socket made outside is of the host's cgroup, and its datagrams are the container's. */
static void send_from_outside(struct live *t, void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct place *outside = arg;
	int fd;

	(void)t;
	live_enter(outside->path);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	EXPECT_UINT(MUST(sendto(fd, "out", 3, 0, (void *)&to, sizeof(to))), 3);
	close(fd);
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
}

/* A process of the container that waits for the end of its standard input, twice making a file on
 * the way. */
static pid_t start_member(struct live *t, int *ret_go, int *ret_done)
{
	int go[2], done[2];
	char byte;
	pid_t pid;

	MUST(pipe(go));
	MUST(pipe(done));
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
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, t->cgroup_id);
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
	EXPECT_FIELD(ev->cgroup_move, to_cgroup_id, other.cgroup_id);
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
