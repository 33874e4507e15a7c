/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* What /proc says of the mapping that begins there. */
static bool is_writable_and_executable(const void *at)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;
	char line[512];
	unsigned long begin;
	char mode[5];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%*x %4s", &begin, mode) == 2 && begin == (unsigned long)at)
			found = !strcmp(mode, "rwxp");
	if (maps)
		fclose(maps);
	return found;
}

enum { MAPPED, CHANGED, KEYED, OF_FILE, INODE };

static void map(struct live *t, void *arg)
{
	uint64_t *value = t->shared->value;
	struct stat st;
	char *at;
	int fd;

	at = mmap(NULL, 4096, ALL, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(is_writable_and_executable(at));
	value[MAPPED] = (uintptr_t)at;
	at = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mprotect(at + 4096, 100, ALL));
	EXPECT(is_writable_and_executable(at + 4096));
	value[CHANGED] = (uintptr_t)at + 4096;
	MUST(mprotect(at, 4096, PROT_READ | PROT_EXEC)); /* never both: not recorded */
	MUST((int)syscall(SYS_pkey_mprotect, at + 8192, 4096, ALL, -1));
	value[KEYED] = (uintptr_t)at + 8192;
	fd = MUST(open(arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, 4096));
	MUST(fstat(fd, &st));
	at = mmap(NULL, 4096, ALL, MAP_PRIVATE, fd, 0);
	EXPECT(is_writable_and_executable(at));
	value[OF_FILE] = (uintptr_t)at;
	value[INODE] = st.st_ino;
}

static const Varve__V1__MemoryProtect *expect(const struct live *t, pid_t pid, size_t i,
					      const char *call, uint64_t address, uint64_t length)
{
	const Varve__V1__MemoryProtect *m = live_nth(t, "MEMORY_PROTECT", pid, i)->memory_protect;

	EXPECT_STR(m->call, call);
	EXPECT_FIELD(m, address, address);
	EXPECT_FIELD(m, length, length);
	EXPECT_FIELD(m, protection, ALL);
	EXPECT(m->has_map_flags == !strcmp(call, "mmap"));
	return m;
}

LIVE(memory_protect_both, LIVE_FIRST)
{
	const uint64_t *value = t->shared->value;
	const Varve__V1__MemoryProtect *m;
	char path[300];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/mapped", t->dir);
	pid = live_do(t, map, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MEMORY_PROTECT", 0), 4);
	m = expect(t, pid, 0, "mmap", value[MAPPED], 4096);
	EXPECT_FIELD(m, map_flags, MAP_PRIVATE | MAP_ANONYMOUS);
	EXPECT(!m->file && !m->has_call_errno);
	m = expect(t, pid, 1, "mprotect", value[CHANGED], 100);
	EXPECT(!m->file && !m->has_call_errno);
	expect(t, pid, 2, "pkey_mprotect", value[KEYED], 4096);
	m = expect(t, pid, 3, "mmap", value[OF_FILE], 4096);
	EXPECT_FIELD(m, map_flags, MAP_PRIVATE);
	EXPECT_STR(m->file->path, path);
	EXPECT_FIELD(m->file, inode, value[INODE]);
}

static void fail(struct live *t, void *arg)
{
	(void)arg;
	t->shared->value[0] = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(munmap((void *)t->shared->value[0], 4096));
	EXPECT(mprotect((void *)t->shared->value[0], 4096, ALL) < 0 && errno == ENOMEM);
	EXPECT(mmap(NULL, 0, ALL, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	       errno == EINVAL);
	EXPECT(mmap(NULL, 4096, ALL, MAP_PRIVATE, 999, 0) == MAP_FAILED && errno == EBADF);
	EXPECT(syscall(SYS_mprotect, -4096L, 4096, ALL) < 0 && errno == ENOMEM);
}

LIVE(memory_protect_failed, LIVE_FIRST)
{
	pid_t pid = live_do(t, fail, NULL);
	const Varve__V1__MemoryProtect *m;

	live_end(t);
	EXPECT_UINT(live_count(t, "MEMORY_PROTECT", 0), 4);
	m = expect(t, pid, 0, "mprotect", t->shared->value[0], 4096);
	EXPECT_FIELD(m, call_errno, ENOMEM);
	EXPECT_FIELD(expect(t, pid, 1, "mmap", 0, 0), call_errno, EINVAL);
	m = expect(t, pid, 2, "mmap", 0, 4096);
	EXPECT_FIELD(m, call_errno, EBADF);
	EXPECT(!m->file);
	/* Beyond what a signed number holds. */
	m = live_nth(t, "MEMORY_PROTECT", pid, 3)->memory_protect;
	EXPECT_FIELD(m, call_errno, ENOMEM);
	EXPECT(!m->has_address);
}

/* A system call of a 32-bit program; what it maps may be at an address that is negative there. */
static long mmap2_32(unsigned long length, unsigned int protection, unsigned int flags)
{
	long ret = 192;

	asm volatile("push %%rbp; xor %%ebp, %%ebp; int $0x80; pop %%rbp"
		     : "+a"(ret)
		     : "b"(0), "c"(length), "d"(protection), "S"(flags), "D"(-1)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static void map_32(struct live *t, void *arg)
{
	long at = mmap2_32(8192, ALL, MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	t->shared->value[0] = (uint32_t)at;
	t->shared->value[1] = is_writable_and_executable((void *)(uintptr_t)(uint32_t)at);
}

LIVE(memory_protect_32, LIVE_FIRST)
{
	pid_t pid = live_do(t, map_32, NULL);

	live_end(t);
	if (!t->shared->value[1])
		live_skip("the kernel has no 32-bit calls");
	expect(t, pid, 0, "mmap", t->shared->value[0], 8192);
}
