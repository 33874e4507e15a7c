/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load DIR TREE CONTAINERS MIX RATE SECONDS: ground truth. Makes so many containers (cgroups as
 * runtimes name them, below TREE), and in each a process that does operations and counts them
 * itself: it knows of no sensor. RATE operations a second in all, 0: as many as can be; SECONDS 0:
 * until SIGTERM, else so long.
 *
 * MIX is a cycle of letters, one for each operation: x fork and exec of a program, w open of a new
 * file for writing, r two opens of it for reading, u its unlink, c a connect that is refused. Each
 * carries whose it is: program and file in their names (TOKEN.NUMBER, the number of the operation;
 * r and u have that of their w), the connect in its destination, 127.(64+container).N.N and a port
 * by its id.
 *
 * "doing" is printed when all do. At the end DIR/truth has a line for each container: its number,
 * id, token, letters, and how many of each letter were done; and TRACE=1: DIR/trace.TOKEN has begin
 * and end (CLOCK_REALTIME; TRACE=boot: CLOCK_BOOTTIME) and the child's pid of each, as three 64-bit
 * numbers.
 */
#include "evidence/base.h"
#include <elf.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CONTAINERS_MAX 64
#define TRACE_MAX      (4u << 20)

static const char letters[] = "xwruc";

struct step {
	uint64_t begin, end, pid;
};

/* In memory that the worker shares with its parent. */
struct worker {
	char id[65], token[24], cgroup[512], dir[256];
	uint64_t done;		     /* operations, in the order of the mix */
	uint64_t count[256];	     /* by letter */
	uint64_t begun_ns, ended_ns; /* CLOCK_MONOTONIC */
	pid_t pid;
	int ready;
};

static struct shared {
	int go, end;
	struct worker workers[CONTAINERS_MAX];
} * shared;

static const char *mix;
static clockid_t trace_clock = CLOCK_REALTIME;
static char program[300];

#define DIE(...)                                            \
	do {                                                \
		fprintf(stderr, "load: ");                  \
		fprintf(stderr, __VA_ARGS__);               \
		fprintf(stderr, ": %s\n", strerror(errno)); \
		_exit(1);                                   \
	} while (0)

static void write_file(const char *path, const void *data, size_t len, int flags, int mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | flags, mode);
	const char *at = data;
	ssize_t n;

	if (fd < 0)
		DIE("%s", path);
	for (; len; at += n, len -= n) {
		n = write(fd, at, len);
		if (n <= 0)
			DIE("%s", path);
	}
}

/* The smallest program: it ends. */
static void write_program(const char *path)
{
	static const uint8_t code[] = {
		0x31, 0xff,		      /* xor edi, edi */
		0xb8, 0xe7, 0x00, 0x00, 0x00, /* mov eax, 231: exit_group */
		0x0f, 0x05,		      /* syscall */
	};
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p;
		uint8_t code[sizeof(code)];
	} file = {
		.e = {.e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_version = EV_CURRENT,
		      .e_entry = 0x400000 + offsetof(__typeof__(file), code),
		      .e_phoff = offsetof(__typeof__(file), p),
		      .e_ehsize = sizeof(Elf64_Ehdr),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 1},
		.p = {.p_type = PT_LOAD,
		      .p_flags = PF_R | PF_X,
		      .p_vaddr = 0x400000,
		      .p_paddr = 0x400000,
		      .p_filesz = sizeof(file),
		      .p_memsz = sizeof(file),
		      .p_align = 4096},
	};

	memcpy(file.e.e_ident, ELFMAG "\2\1\1", SELFMAG + 3); /* 64 bits, little endian */
	memcpy(file.code, code, sizeof(code));
	write_file(path, &file, sizeof(file), O_CREAT | O_TRUNC, 0755);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* --- the operations */

static uint64_t do_exec(const struct worker *w, uint64_t n)
{
	char name[64];
	pid_t pid;

	snprintf(name, sizeof(name), "%s.%llu", w->token, (unsigned long long)n);
	pid = vfork();
	if (!pid) {
		execl(program, program, name, NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		DIE("cannot run a program");
	return pid;
}

static void do_open(const struct worker *w, uint64_t n, int flags)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%s.%llu", w->token, (unsigned long long)n);
	fd = open(name, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		DIE("cannot open %s", name);
	close(fd);
}

static void do_unlink(const struct worker *w, uint64_t n)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%llu", w->token, (unsigned long long)n);
	if (unlink(name))
		DIE("cannot unlink %s", name);
}

/* Of this load and not another's beside it: by the container's id, where nobody listens. */
static in_port_t port_of(const struct worker *w)
{
	char digits[5] = "";

	memcpy(digits, w->id, 4);
	return htons((uint16_t)(700 + strtoul(digits, NULL, 16) % 128));
}

static void do_connect(const struct worker *w, uint64_t n)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = port_of(w),
		.sin_addr.s_addr = htonl(127u << 24 | (64 + (uint32_t)(w - shared->workers)) << 16 |
					 (n & 0xffff)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !connect(fd, (void *)&to, sizeof(to)) || errno != ECONNREFUSED)
		DIE("a connect that was to be refused");
	close(fd);
}

static uint64_t do_one(const struct worker *w, char letter, uint64_t n, uint64_t *file)
{
	switch (letter) {
	case 'x':
		return do_exec(w, n);
	case 'w':
		*file = n;
		do_open(w, n, O_WRONLY | O_CREAT | O_EXCL);
		break;
	case 'r':
		do_open(w, *file, O_RDONLY);
		do_open(w, *file, O_RDONLY);
		break;
	case 'u':
		do_unlink(w, *file);
		break;
	case 'c':
		do_connect(w, n);
		break;
	}
	return 0;
}

/* --- a container's process */

static void pace(const struct worker *w, double rate)
{
	uint64_t due = w->begun_ns + (uint64_t)(w->done / rate * NSEC_PER_SEC);
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	struct timespec ts = {.tv_sec = due / NSEC_PER_SEC, .tv_nsec = due % NSEC_PER_SEC};

	/* Not for less than a millisecond: sleeping costs as much as working. */
	if (due > now + NSEC_PER_MSEC)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void work(struct worker *w, struct step *trace, double rate, double seconds)
{
	uint64_t len = strlen(mix), until, file = 0;

	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		usleep(1000);
	w->begun_ns = now_ns(CLOCK_MONOTONIC);
	until = w->begun_ns + (uint64_t)(seconds * NSEC_PER_SEC);
	/* Whole cycles only: no file is left. */
	while (w->done % len || (!__atomic_load_n(&shared->end, __ATOMIC_ACQUIRE) &&
				 (!seconds || now_ns(CLOCK_MONOTONIC) < until))) {
		char letter = mix[w->done % len];
		uint64_t begin = trace ? now_ns(trace_clock) : 0;
		uint64_t pid = do_one(w, letter, w->done, &file);

		if (trace && w->done < TRACE_MAX)
			trace[w->done] = (struct step){begin, now_ns(trace_clock), pid};
		w->done++;
		w->count[(unsigned char)letter]++;
		if (rate)
			pace(w, rate);
	}
	w->ended_ns = now_ns(CLOCK_MONOTONIC);
}

/* In the container from its first moment on: what it is before is no container's. */
static pid_t start(struct worker *w, struct step *trace, double rate, double seconds)
{
	char procs[600];
	pid_t pid;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", w->cgroup);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_IGN); /* the parent says when */
	signal(SIGINT, SIG_IGN);
	if (chdir(w->dir))
		DIE("%s", w->dir);
	write_file(procs, "0", 1, 0, 0);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	work(w, trace, rate, seconds);
	_exit(0);
}

/* --- all of them */

static void make_parents(char *path, size_t from)
{
	char *at;

	for (at = path + from; (at = strchr(at + 1, '/'));) {
		*at = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			DIE("%s", path);
		*at = '/';
	}
}

static void prepare(struct worker *w, const char *dir, const char *tree)
{
	unsigned int i;
	uint8_t r[32];
	char id[65], token[24];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		DIE("no random bytes");
	for (i = 0; i < sizeof(r); i++)
		sprintf(id + 2 * i, "%02x", r[i]);
	snprintf(token, sizeof(token), "t%u-%.12s", (unsigned int)(w - shared->workers), id);
	snprintf(w->dir, sizeof(w->dir), "%s/%s", dir, token);
	if (mkdir(w->dir, 0700))
		DIE("%s", w->dir);
	snprintf(w->cgroup, sizeof(w->cgroup),
		 "%s/kubepods/burstable/pod%.8s-0000-4000-8000-%.12s/%s", tree, id, id, id);
	memcpy(w->id, id, sizeof(id));
	memcpy(w->token, token, sizeof(token));
	make_parents(w->cgroup, strlen(tree) - 1);
	if (mkdir(w->cgroup, 0755))
		DIE("%s", w->cgroup);
}

/* A cgroup is busy for a moment after its last process has been waited for. */
static void remove_cgroup(struct worker *w)
{
	int tries;

	for (tries = 0; rmdir(w->cgroup) && errno == EBUSY && tries < 1000; tries++)
		usleep(1000);
	*strrchr(w->cgroup, '/') = '\0';
	rmdir(w->cgroup);
	rmdir(w->dir);
}

static void tell(const char *dir, unsigned int cnt, struct step *const *traces)
{
	char path[400];
	unsigned int i;
	FILE *out;

	snprintf(path, sizeof(path), "%s/truth", dir);
	out = fopen(path, "we");
	if (!out)
		DIE("%s", path);
	for (i = 0; i < cnt; i++) {
		const struct worker *w = &shared->workers[i];
		const char *l;

		fprintf(out, "%u %s %s %s %.3f", i, w->id, w->token, mix,
			(double)(w->ended_ns - w->begun_ns) / NSEC_PER_SEC);
		for (l = letters; *l; l++)
			fprintf(out, " %c=%llu", *l,
				(unsigned long long)w->count[(unsigned char)*l]);
		fputc('\n', out);
		if (!traces[i])
			continue;
		snprintf(path, sizeof(path), "%s/trace.%s", dir, w->token);
		write_file(path, traces[i], MIN(w->done, TRACE_MAX) * sizeof(**traces),
			   O_CREAT | O_TRUNC, 0600);
	}
	if (fclose(out))
		DIE("truth");
}

static void on_term(int sig)
{
	(void)sig;
	__atomic_store_n(&shared->end, 1, __ATOMIC_RELEASE);
}

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		DIE("no memory");
	return p;
}

static bool reap(unsigned int cnt)
{
	bool right = true;
	unsigned int i;
	int status;

	for (i = 0; i < cnt; i++) {
		while (waitpid(shared->workers[i].pid, &status, 0) < 0 && errno == EINTR)
			;
		right &= !status;
		remove_cgroup(&shared->workers[i]);
	}
	return right;
}

int main(int argc, char **argv)
{
	struct sigaction end = {.sa_handler = on_term};
	struct step *traces[CONTAINERS_MAX] = {};
	unsigned int cnt, i;
	double rate, seconds;
	bool right;

	if (argc != 7 || !(cnt = atoi(argv[3])) || cnt > CONTAINERS_MAX ||
	    strspn(argv[4], letters) != strlen(argv[4]))
		return fprintf(stderr, "load DIR TREE CONTAINERS MIX RATE SECONDS\n"), 2;
	mix = argv[4];
	rate = atof(argv[5]) / cnt;
	seconds = atof(argv[6]);
	shared = share(sizeof(*shared));
	if (getenv("TRACE") && !strcmp(getenv("TRACE"), "boot"))
		trace_clock = CLOCK_BOOTTIME;
	snprintf(program, sizeof(program), "%s/program", argv[1]);
	write_program(program);
	close(0);
	if (open("/dev/null", O_RDONLY | O_CLOEXEC))
		DIE("/dev/null");
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	for (i = 0; i < cnt; i++) {
		prepare(&shared->workers[i], argv[1], argv[2]);
		if (getenv("TRACE"))
			traces[i] = share(TRACE_MAX * sizeof(struct step));
		shared->workers[i].pid = start(&shared->workers[i], traces[i], rate, seconds);
	}
	for (i = 0; i < cnt; i++) {
		while (!__atomic_load_n(&shared->workers[i].ready, __ATOMIC_ACQUIRE))
			usleep(1000);
	}
	usleep(300000); /* all containers are known before the first operation */
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	puts("doing");
	fflush(stdout);
	right = reap(cnt);
	tell(argv[1], cnt, traces);
	return !right;
}
