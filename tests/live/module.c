/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts fail on any kernel. For a load and an unload that work, TEST_MODULE names a module of
 * the running kernel that is not loaded.
 */
#include "tests/live/harness.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uint32_t errno_of(long ret)
{
	return ret < 0 ? errno : 0;
}

static void attempts(struct live *t, void *arg)
{
	/* On the stack: of a call that fails at once the kernel reads nothing, and a probe cannot
	 * bring in a page that nobody has touched. */
	char image[100] = "no module", name[] = "varve_no_such", two[] = "first=1 second=2",
	     one[] = "x=y";
	int fd = MUST(open(arg, O_RDONLY | O_CLOEXEC));

	t->shared->value[0] = errno_of(syscall(SYS_finit_module, fd, two, 3));
	t->shared->value[1] = errno_of(syscall(SYS_init_module, image, sizeof(image), one));
	t->shared->value[2] = errno_of(syscall(SYS_delete_module, name, O_NONBLOCK));
	t->shared->value[3] = errno_of(syscall(SYS_delete_module, NULL, 0));
	t->shared->value[4] = errno_of(syscall(SYS_finit_module, -1, "", 0));
}

LIVE(module_attempts, LIVE_FIRST)
{
	const Varve__V1__Module *ev[5];
	char path[300];
	struct stat st;
	pid_t pid;
	size_t i;

	snprintf(path, sizeof(path), "%s/rootkit.ko", t->dir);
	close(MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	MUST(stat(path, &st));
	pid = live_do(t, attempts, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MODULE", 0), ARRAY_SIZE(ev));
	for (i = 0; i < ARRAY_SIZE(ev); i++) {
		ev[i] = live_nth(t, "MODULE", pid, i)->module;
		EXPECT(t->shared->value[i]);
		EXPECT_FIELD(ev[i], call_errno, t->shared->value[i]);
	}
	EXPECT_STR(ev[0]->operation, "finit_module");
	EXPECT_STR(ev[0]->file->path, path);
	EXPECT_FIELD(ev[0]->file, inode, st.st_ino);
	EXPECT_STR(ev[0]->parameters, "first=1 second=2");
	EXPECT_FIELD(ev[0], flags, 3);
	EXPECT(!ev[0]->name);
	EXPECT_STR(ev[1]->operation, "init_module");
	EXPECT_FIELD(ev[1], image_length, 100);
	EXPECT_STR(ev[1]->parameters, "x=y");
	EXPECT(!ev[1]->name && !ev[1]->file);
	EXPECT_STR(ev[2]->operation, "delete_module");
	EXPECT_STR(ev[2]->name, "varve_no_such");
	EXPECT_FIELD(ev[2], name_user_memory, 1);
	EXPECT_FIELD(ev[2], flags, O_NONBLOCK);
	EXPECT(!ev[3]->name && !ev[4]->file);
	EXPECT_STR(live_nth(t, "MODULE", pid, 0)->kernel_number->event_class, "kernel");
}

static void refused(struct live *t, void *arg)
{
	MUST(setgid(65534));
	MUST(setuid(65534));
	attempts(t, arg);
}

/* Without privilege; with parameters of whatever length. */
static void long_parameters(struct live *t, void *arg)
{
	char text[3000];

	(void)arg;
	memset(text, 'p', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	syscall(SYS_init_module, text, 8, text);
	text[1024] = '\0';
	syscall(SYS_init_module, text, 8, text);
	snprintf(text, sizeof(text), "%s/f", t->dir);
	close(MUST(open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
	refused(t, text);
}

LIVE(module_unprivileged, LIVE_FIRST)
{
	pid_t pid = live_do(t, long_parameters, NULL);
	const Varve__V1__Module *ev;

	live_end(t);
	EXPECT_UINT(live_count(t, "MODULE", 0), 7);
	ev = live_nth(t, "MODULE", pid, 0)->module;
	EXPECT_UINT(strlen(ev->parameters), 1024);
	EXPECT_FIELD(ev, parameters_truncated, 1);
	ev = live_nth(t, "MODULE", pid, 1)->module;
	EXPECT_UINT(strlen(ev->parameters), 1024);
	EXPECT(!ev->has_parameters_truncated);
	EXPECT_FIELD(live_nth(t, "MODULE", pid, 2)->module, call_errno, t->shared->value[0]);
	EXPECT_UINT(live_nth(t, "MODULE", pid, 2)->process->euid, 65534);
}

/* The kernel's own list: the newest is first. */
static void newest_module(char ret_name[64])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/modules", "re");

	ret_name[0] = '\0';
	if (f && fscanf(f, "%63s", ret_name) != 1)
		ret_name[0] = '\0';
}

static void load_and_unload(struct live *t, void *arg)
{
	int fd = MUST(open(arg, O_RDONLY | O_CLOEXEC));
	off_t len = MUST(lseek(fd, 0, SEEK_END));
	void *image = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);

	EXPECT(image != MAP_FAILED);
	MUST(syscall(SYS_finit_module, fd, "", 0));
	newest_module(t->shared->text[0]);
	EXPECT(syscall(SYS_finit_module, fd, "", 0) < 0 && errno == EEXIST);
	MUST(syscall(SYS_delete_module, t->shared->text[0], O_NONBLOCK));
	MUST(syscall(SYS_init_module, image, len, ""));
	MUST(syscall(SYS_delete_module, t->shared->text[0], O_NONBLOCK));
	t->shared->value[0] = len;
}

/* Of the file, however many loads there were of it. */
static void expect_module_hash(struct live *t, const char *path)
{
	const Varve__V1__FileHash *hash;
	const Varve__V1__Module *ev = live_nth(t, "MODULE", 0, 0)->module;
	char want[LIVE_SHA256_SIZE];

	hash = live_one(t, "FILE_HASH", 0)->file_hash;
	EXPECT_STR(hash->event_kind, "MODULE");
	EXPECT_STR(hash->file->path, path);
	EXPECT_FIELD(hash->file, inode, ev->file->inode);
	live_sha256(path, want);
	EXPECT_STR(hash->sha256, want);
}

/* One record for each call; the name from the kernel, though no call but delete_module says it. */
LIVE(module_loaded, LIVE_FIRST)
{
	static const char *const operations[] = {"finit_module", "finit_module", "delete_module",
						 "init_module", "delete_module"};
	char *path = getenv("TEST_MODULE");
	const Varve__V1__Module *ev;
	pid_t pid;
	size_t i;

	if (!path)
		live_skip("TEST_MODULE names no module to load");
	pid = live_do(t, load_and_unload, path);
	live_end(t);
	EXPECT_UINT(live_count(t, "MODULE", 0), ARRAY_SIZE(operations));
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		ev = live_nth(t, "MODULE", pid, i)->module;
		EXPECT_STR(ev->operation, operations[i]);
		if (i == 1) {
			EXPECT_FIELD(ev, call_errno, EEXIST);
			continue;
		}
		EXPECT_STR(ev->name, t->shared->text[0]);
		EXPECT(!ev->has_name_user_memory && !ev->has_call_errno);
	}
	EXPECT_STR(live_nth(t, "MODULE", pid, 0)->module->file->path, path);
	EXPECT_FIELD(live_nth(t, "MODULE", pid, 3)->module, image_length, t->shared->value[0]);
	expect_module_hash(t, path);
}
