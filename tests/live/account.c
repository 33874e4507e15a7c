/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/live/account.h"
#include <elf.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

uint32_t account_device(dev_t dev)
{
	return major(dev) << 20 | minor(dev);
}

void account_expect_file(const Varve__V1__File *file, const struct stat *st)
{
	EXPECT(file);
	EXPECT_FIELD(file, inode, st->st_ino);
	EXPECT_FIELD(file, device, account_device(st->st_dev));
	EXPECT_FIELD(file, mode, st->st_mode);
	EXPECT_FIELD(file, uid, st->st_uid);
	EXPECT_FIELD(file, gid, st->st_gid);
	EXPECT_FIELD(file, size, (uint64_t)st->st_size);
}

/* --- /proc */

static size_t read_proc(pid_t pid, const char *name, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = -1;
	size_t have = 0;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	while (have < size - 1 && (n = MUST(read(fd, ret_text + have, size - 1 - have))) > 0)
		have += n;
	ret_text[have] = '\0';
	return have;
}

static void read_link(pid_t pid, const char *name, char *ret_path, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, ret_path, size - 1); /* fails for a path of more than a page */
	ret_path[MAX(n, 0)] = '\0';
}

static uint32_t read_namespace(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	MUST(stat(path, &st));
	return st.st_ino;
}

static void read_stat(pid_t pid, struct account_process *ret)
{
	unsigned long long ticks;
	char text[4096], *at;

	read_proc(pid, "stat", text, sizeof(text));
	at = strrchr(text, ')');
	EXPECT(at &&
	       sscanf(at + 1,
		      " %*c %u %*d %*d %d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
		      "%*d %llu",
		      &ret->parent, &ret->tty, &ticks) == 3);
	ret->start_ticks = ticks;
}

static void read_status(pid_t pid, struct account_process *ret)
{
	char text[8192], *at;
	unsigned long long cap;

	read_proc(pid, "status", text, sizeof(text));
	EXPECT((at = strstr(text, "\nUid:")) &&
	       sscanf(at, " Uid: %u %u", &ret->uid, &ret->euid) == 2);
	EXPECT((at = strstr(text, "\nGid:")) &&
	       sscanf(at, " Gid: %u %u", &ret->gid, &ret->egid) == 2);
	EXPECT((at = strstr(text, "\nCapEff:")) && sscanf(at, " CapEff: %llx", &cap) == 1);
	ret->cap_effective = cap;
	EXPECT((at = strstr(text, "\nNSpid:")));
	at[strcspn(at + 1, "\n") + 1] = '\0';
	ret->ns_pid = strtoul(strrchr(at, '\t') + 1, NULL, 10);
}

void account_read_process(pid_t pid, struct account_process *ret)
{
	*ret = (struct account_process){};
	read_stat(pid, ret);
	read_status(pid, ret);
	read_link(pid, "exe", ret->exe, sizeof(ret->exe));
	read_link(pid, "cwd", ret->cwd, sizeof(ret->cwd));
	read_proc(pid, "comm", ret->comm, sizeof(ret->comm));
	ret->comm[strcspn(ret->comm, "\n")] = '\0';
	ret->cmdline_len = read_proc(pid, "cmdline", ret->cmdline, sizeof(ret->cmdline));
	ret->mnt = read_namespace(pid, "mnt");
	ret->pid = read_namespace(pid, "pid");
	ret->net = read_namespace(pid, "net");
	ret->user = read_namespace(pid, "user");
	ret->uts = read_namespace(pid, "uts");
	ret->ipc = read_namespace(pid, "ipc");
	ret->cgroup = read_namespace(pid, "cgroup");
}

void account_expect_process(const Varve__V1__Process *p, pid_t pid,
			    const struct account_process *want)
{
	EXPECT_FIELD(p, pid, (uint32_t)pid);
	EXPECT_FIELD(p, ns_pid, want->ns_pid);
	EXPECT_FIELD(p, uid, want->uid);
	EXPECT_FIELD(p, gid, want->gid);
	EXPECT_FIELD(p, euid, want->euid);
	EXPECT_FIELD(p, egid, want->egid);
	EXPECT_FIELD(p, cap_effective, want->cap_effective);
	EXPECT_STR(p->name, want->comm);
	EXPECT(p->parent);
	EXPECT_FIELD(p->parent, pid, want->parent);
	EXPECT_UINT(p->start_boot_time_nano / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)),
		    want->start_ticks);
}

void account_expect_namespaces(const Varve__V1__Namespaces *ns, const struct account_process *want)
{
	EXPECT(ns);
	EXPECT_FIELD(ns, mnt, want->mnt);
	EXPECT_FIELD(ns, pid, want->pid);
	EXPECT_FIELD(ns, net, want->net);
	EXPECT_FIELD(ns, user, want->user);
	EXPECT_FIELD(ns, uts, want->uts);
	EXPECT_FIELD(ns, ipc, want->ipc);
	EXPECT_FIELD(ns, cgroup, want->cgroup);
}

/* --- the smallest program */

void account_write_program_fd(int fd)
{
	static const uint8_t code[] = {
		0x31, 0xc0, /* xor eax, eax: read */
		0x31, 0xff, /* xor edi, edi */
		0x48, 0x8d,
		0x74, 0x24,
		0xc0, /* lea rsi, [rsp - 64] */
		0xba, 0x01,
		0x00, 0x00,
		0x00,	    /* mov edx, 1 */
		0x0f, 0x05, /* syscall */
		0xb8, 0xe7,
		0x00, 0x00,
		0x00, /* mov eax, 231: exit_group */
		0xbf, ACCOUNT_PROGRAM_CODE,
		0x00, 0x00,
		0x00,	    /* mov edi, 42 */
		0x0f, 0x05, /* syscall */
	};
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p;
		uint8_t code[sizeof(code)];
	} file = {};

	memcpy(file.e.e_ident, ELFMAG, SELFMAG);
	file.e.e_ident[EI_CLASS] = ELFCLASS64;
	file.e.e_ident[EI_DATA] = ELFDATA2LSB;
	file.e.e_ident[EI_VERSION] = EV_CURRENT;
	file.e.e_type = ET_EXEC;
	file.e.e_machine = EM_X86_64;
	file.e.e_version = EV_CURRENT;
	file.e.e_entry = 0x400000 + offsetof(__typeof__(file), code);
	file.e.e_phoff = sizeof(file.e);
	file.e.e_ehsize = sizeof(file.e);
	file.e.e_phentsize = sizeof(file.p);
	file.e.e_phnum = 1;
	file.p.p_type = PT_LOAD;
	file.p.p_flags = PF_R | PF_X;
	file.p.p_vaddr = file.p.p_paddr = 0x400000;
	file.p.p_filesz = file.p.p_memsz = sizeof(file);
	file.p.p_align = 4096;
	memcpy(file.code, code, sizeof(code));
	EXPECT(write(fd, &file, sizeof(file)) == sizeof(file));
}

void account_write_program(const char *path)
{
	_cleanup_close_ int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));

	account_write_program_fd(fd);
}
