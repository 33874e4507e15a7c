/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload [-c CGROUP] [-s CGROUP] [-w DIR] [-x PROGRAM] [-p PERCENT] [-d MS] [NAME...]: does each
 *operation many times and says what one took, a line of JSON each; no name: all.
 *
 *	-c  enters this cgroup first: the container's, whose CPU time is "cpu_us"
 *	-s  the sensor's cgroup: its CPU time is "sensor_us", that while the operations ran
 *"sensor_during_us" -w  where files are made; -x what is executed; -p so many of the usual times;
 *-d pause before and after
 *
 * "tsc" is the time stamp counter's difference: in a virtual machine that counts, guest
 *instructions. No operation waits for anything, so that these are its own, but for what the sensor
 *did meanwhile.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "evidence/base.h"

#define READ_LEN 64

static const char *option[128]; /* by letter */
static char bytes[READ_LEN];

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Each function does operations number `first` to before `end`. */

static void do_getppid(long first, long end)
{
	for (long i = first; i < end; i++)
		syscall(SYS_getppid);
}

static void do_exec(long first, long end)
{
	char *argv[] = {"nop", "-x", "argument", NULL}, *env[] = {"A=1", "PATH=/bin", NULL};
	int status;
	pid_t pid;

	for (long i = first; i < end; i++) {
		pid = fork();
		if (!pid) {
			execve(option['x'], argv, env);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die(option['x']);
	}
}

static void read_file(const char *path)
{
	char buf[READ_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof(buf)) != sizeof(buf))
		die(path);
	close(fd);
}

static void make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		die(path);
	close(fd);
}

static void prepare_one(long end)
{
	(void)end;
	unlink("one");
	make_file("one");
}

static void do_open_again(long first, long end)
{
	for (long i = first; i < end; i++)
		read_file("one");
}

static void nth_file(long n, char *ret_name, size_t size)
{
	snprintf(ret_name, size, "many/%ld", n);
}

static void prepare_many(long end)
{
	char name[32];

	if (!mkdir("many", 0700))
		for (long i = 0; i < end; i++) {
			nth_file(i, name, sizeof(name));
			make_file(name);
		}
	else if (errno != EEXIST)
		die("many");
}

static void do_open_first(long first, long end)
{
	char name[32];

	for (long i = first; i < end; i++) {
		nth_file(i, name, sizeof(name));
		read_file(name);
	}
}

static void do_write(long first, long end)
{
	for (long i = first; i < end; i++) {
		make_file("new");
		if (unlink("new"))
			die("unlink");
	}
}

static void do_rename(long first, long end)
{
	for (long i = first; i < end; i++)
		if (rename(i % 2 ? "two" : "one", i % 2 ? "one" : "two"))
			die("rename");
	if (end % 2 && rename("two", "one"))
		die("rename");
}

static void do_file(long first, long end)
{
	for (long i = first; i < end; i++) {
		int fd = open("a", O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0)
			die("create");
		close(fd);
		if (rename("a", "b") || unlink("b"))
			die("rename, unlink");
	}
}

static int listening = -1, receiving = -1, sending = -1;
static struct sockaddr_in address;

/* On a port of the kernel's choice; where it is, is left in `address`. */
static int bound_socket(int type)
{
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	address = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		die("bind");
	return fd;
}

static void prepare_tcp(long end)
{
	(void)end;
	listening = bound_socket(SOCK_STREAM);
	if (listen(listening, 64))
		die("listen");
}

static void do_tcp(long first, long end)
{
	for (long i = first; i < end; i++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

		if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof(address)))
			die("connect");
		server = accept(listening, NULL, NULL);
		if (server < 0)
			die("accept");
		close(client);
		close(server);
	}
}

static void prepare_udp(long end)
{
	(void)end;
	receiving = bound_socket(SOCK_DGRAM);
	sending = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sending < 0)
		die("socket");
}

static void do_udp(long first, long end)
{
	char buf[READ_LEN];

	for (long i = first; i < end; i++)
		if (sendto(sending, bytes, sizeof(bytes), 0, (struct sockaddr *)&address,
			   sizeof(address)) < 0 ||
		    recv(receiving, buf, sizeof(buf), 0) < 0)
			die("sendto, recv");
}

static const struct workload {
	const char *name;
	long times;
	void (*run)(long first, long end);
	void (*prepare)(long end);
} workloads[] = {
	{"getppid", 1000000, do_getppid, NULL},
	{"fork, exec, wait", 2000, do_exec, NULL},
	{"open, read, close: first", 10000, do_open_first, prepare_many},
	{"open, read, close: again", 100000, do_open_again, prepare_one},
	{"create, write, close, unlink", 20000, do_write, NULL},
	{"rename", 40000, do_rename, prepare_one},
	{"create, close, rename, unlink", 20000, do_file, NULL},
	{"TCP connect, accept, close both", 10000, do_tcp, prepare_tcp},
	{"UDP send, receive", 50000, do_udp, prepare_udp},
};

/* CPU time of a cgroup and all that was in it; 0 without one. */
static uint64_t cgroup_us(const char *dir)
{
	char path[4096];
	uint64_t us = 0;
	FILE *f;

	if (!dir)
		return 0;
	snprintf(path, sizeof(path), "%s/cpu.stat", dir);
	f = fopen(path, "re");
	if (!f || fscanf(f, "usage_usec %" SCNu64, &us) != 1)
		die(path);
	fclose(f);
	return us;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* For what comes later: the sensor's drain, what the kernel frees after a grace period. */
static void wait_a_while(void)
{
	long ms = atol(option['d']);
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

struct sample {
	uint64_t sensor_us, cpu_us, ns, tsc;
};

static struct sample sample_before(void)
{
	struct sample s = {.sensor_us = cgroup_us(option['s']), .cpu_us = cgroup_us(option['c'])};

	s.ns = now_ns();
	s.tsc = __rdtsc();
	return s;
}

/* The inner ones of both are the ones that nothing is done in between. */
static struct sample sample_after(void)
{
	struct sample s = {.tsc = __rdtsc()};

	s.ns = now_ns();
	s.cpu_us = cgroup_us(option['c']);
	s.sensor_us = cgroup_us(option['s']);
	return s;
}

static void measure(const struct workload *w, long times)
{
	long warm = times / 10 & ~1L;
	struct sample before, after;

	if (w->prepare)
		w->prepare(warm + times);
	w->run(0, warm);
	wait_a_while();
	before = sample_before();
	w->run(warm, warm + times);
	after = sample_after();
	wait_a_while();
	printf("{\"operation\": \"%s\", \"times\": %ld, \"tsc\": %" PRIu64 ", \"wall_ns\": %" PRIu64
	       ", \"cpu_us\": %" PRIu64 ", \"sensor_during_us\": %" PRIu64
	       ", \"sensor_us\": %" PRIu64 "}\n",
	       w->name, times, after.tsc - before.tsc, after.ns - before.ns,
	       after.cpu_us - before.cpu_us, after.sensor_us - before.sensor_us,
	       cgroup_us(option['s']) - before.sensor_us);
	fflush(stdout);
}

static void enter(const char *cgroup)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
}

static bool is_named(const struct workload *w, char *const *names, int cnt)
{
	for (int i = 0; i < cnt; i++)
		if (!strcmp(names[i], w->name))
			return true;
	return !cnt;
}

int main(int argc, char **argv)
{
	int o;

	option['w'] = "/tmp";
	option['x'] = "/bin/nop";
	option['p'] = option['d'] = "100";
	while ((o = getopt(argc, argv, "c:s:w:x:p:d:")) != -1) {
		if (o == '?')
			return 2;
		option[o] = optarg;
	}
	if (option['c'])
		enter(option['c']);
	if (chdir(option['w']))
		die(option['w']);
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		if (is_named(&workloads[i], argv + optind, argc - optind))
			measure(&workloads[i],
				MAX(workloads[i].times * atol(option['p']) / 100, 2));
	return EXIT_SUCCESS;
}
