/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hash_file.h"
#include "evidence/base.h"
#include "sensor/emit.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

/*
 * A file's times are those of the kernel's clock tick (at most 10 ms apart). After that long
 * another write must give it another time: until then neither a comparison of before and after nor
 * a cache would notice one.
 */
#define TICK_NS	      (20 * NSEC_PER_MSEC)
#define TIME_SLACK_NS ((int64_t)NSEC_PER_MSEC) /* of the clock offset, measured each second */
#define MOUNTINFO_MAX (1 << 20)

const char *hash_outcome_name(enum hash_outcome outcome)
{
	static const char *const names[HASH_OUTCOME_CNT] = {
		[HASH_GONE] = "gone",
		[HASH_CHANGED] = "changed",
		[HASH_UNVERIFIED] = "unverified",
		[HASH_TOO_LARGE] = "too_large",
		[HASH_RATE_LIMITED] = "rate_limited",
		[HASH_QUEUE_FULL] = "queue_full",
		[HASH_TIMED_OUT] = "timed_out",
		[HASH_UNREADABLE] = "unreadable",
		[HASH_RUN_ENDED] = "run_ended",
	};

	return names[outcome];
}

/* --- who it is */

int hash_open_process(uint32_t pid, uint64_t start_ns)
{
	_cleanup_close_ int dir = -1, fd = -1;
	unsigned long long ticks;
	char text[1024], *end;
	ssize_t n;

	snprintf(text, sizeof(text), "/proc/%u", pid);
	dir = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = dir < 0 ? -1 : openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -1;
	text[n] = '\0';
	end = strrchr(text, ')'); /* a name may hold anything */
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &ticks) != 1)
		return -1;
	return ticks == start_ns / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)) ? TAKE_FD(dir) : -1;
}

int hash_open_below(int root_fd, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       /* The kernel's path has none; where one is now, it is another. */
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};

	return syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

struct identity {
	uint64_t dev, ino, mnt_id;
	struct hash_stat stat;
	mode_t mode;
};

static int64_t ns_of(const struct statx_timestamp *t)
{
	return t->tv_sec * (int64_t)NSEC_PER_SEC + t->tv_nsec;
}

/* Without asking a remote file system, or one whose server the container runs, for news. */
static int identity_of(int fd, struct identity *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_BASIC_STATS | STATX_MNT_ID, &stx))
		return -errno;
	*ret = (struct identity){
		.dev = (uint64_t)stx.stx_dev_major << 20 | stx.stx_dev_minor,
		.ino = stx.stx_ino,
		.mnt_id = stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0,
		.stat = {ns_of(&stx.stx_ctime), ns_of(&stx.stx_mtime), stx.stx_size},
		.mode = stx.stx_mode,
	};
	return 0;
}

/* The kernel's own inode number, which an overlay does not show in stat; Linux 5.15 and later say
 * it. */
static bool kernel_ino(int fd, uint64_t *ret_ino)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long ino;
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "ino: %llu", &ino) != 1)
			continue;
		*ret_ino = ino;
		return true;
	}
	return false;
}

/* Device of a mount's super block; ids are the same in all mount namespaces. pid 0: the sensor's.
 */
static bool mount_dev(uint32_t pid, uint64_t mnt_id, uint64_t *ret_dev)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned int major, minor;
	unsigned long long id;
	char line[4352], path[64];
	size_t seen = 0;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%u/mountinfo", pid);
	else
		strcpy(path, "/proc/self/mountinfo");
	f = fopen(path, "re");
	while (f && seen < MOUNTINFO_MAX && fgets(line, sizeof(line), f)) {
		seen += strlen(line);
		if (sscanf(line, "%llu %*u %u:%u ", &id, &major, &minor) != 3 || id != mnt_id)
			continue;
		*ret_dev = (uint64_t)major << 20 | minor;
		return true;
	}
	return false;
}

static bool is_overlay(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* A directory of an overlay always shows the overlay's own device. */
static bool beside_dev(int beside_fd, const struct identity *file, uint64_t *ret_dev)
{
	struct identity dir;

	if (beside_fd < 0 || !is_overlay(beside_fd) || identity_of(beside_fd, &dir) ||
	    dir.mnt_id != file->mnt_id)
		return false;
	*ret_dev = dir.dev;
	return true;
}

/*
 * Device and number as the kernel side reads them from the inode. stat(2) shows others on an
 * overlay (device and number of the layer, as the mount's options have it) and on btrfs (the
 * subvolume's device).
 */
static enum hash_outcome verify_inside(int fd, int beside_fd, const struct identity *id,
				       const struct hash_target *target, const uint32_t pids[2])
{
	uint64_t ino = id->ino, dev;
	bool sure = kernel_ino(fd, &ino) || !is_overlay(fd);

	if (ino != target->ino)
		return sure ? HASH_CHANGED : HASH_UNVERIFIED;
	if (!id->mnt_id ||
	    (!beside_dev(beside_fd, id, &dev) &&
	     !(pids[0] && mount_dev(pids[0], id->mnt_id, &dev)) &&
	     !(pids[1] && mount_dev(pids[1], id->mnt_id, &dev)) && !mount_dev(0, id->mnt_id, &dev)))
		return HASH_UNVERIFIED;
	return dev == target->dev ? HASH_DONE : HASH_CHANGED;
}

enum hash_outcome hash_verify(int fd, int beside_fd, const struct hash_target *target,
			      const uint32_t pids[2], struct hash_stat *ret_stat)
{
	enum hash_outcome outcome = HASH_DONE;
	struct identity id;

	if (identity_of(fd, &id))
		return HASH_GONE;
	if (!S_ISREG(id.mode))
		return HASH_CHANGED;
	if (id.dev != target->dev || id.ino != target->ino)
		outcome = verify_inside(fd, beside_fd, &id, target, pids);
	if (outcome == HASH_DONE)
		*ret_stat = id.stat;
	return outcome;
}

bool hash_is_unchanged(const struct hash_stat *st, int64_t unix_ns, bool held)
{
	int64_t last = unix_ns + TIME_SLACK_NS;

	/* A name more or less changes the ctime alone. */
	return st->ctime_ns <= last || (held && st->mtime_ns <= last);
}

/* --- what is in it */

static int reopen(int path_fd)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOATIME);
	return fd >= 0 || errno != EPERM ? fd
					 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

/* Sleeps until a write from now on would change the file's time. */
static void wait_for_tick(const struct hash_stat *st)
{
	struct timespec ts;
	int64_t age_ns;

	clock_gettime(CLOCK_REALTIME, &ts);
	age_ns = ts.tv_sec * (int64_t)NSEC_PER_SEC + ts.tv_nsec - st->ctime_ns;
	if (age_ns >= 0 && age_ns < (int64_t)TICK_NS)
		usleep((TICK_NS - age_ns) / 1000);
}

static enum hash_outcome read_all(int fd, EVP_MD_CTX *md, const struct hash_stat *st,
				  const atomic_bool *stop, atomic_ullong *alive_ns, int *ret_err)
{
	static _Thread_local uint8_t buf[64 << 10];
	uint64_t have = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		have += n;
		if (atomic_load(stop))
			return HASH_RUN_ENDED;
		/* It grows while it is read, perhaps for ever. */
		if (have > st->size)
			return HASH_CHANGED;
		EVP_DigestUpdate(md, buf, n);
		atomic_store(alive_ns, emit_boot_ns());
	}
	if (n < 0) {
		*ret_err = errno;
		return HASH_UNREADABLE;
	}
	return have == st->size ? HASH_DONE : HASH_CHANGED;
}

bool hash_is_same_content(const struct hash_stat *a, const struct hash_stat *b)
{
	return a->mtime_ns == b->mtime_ns && a->size == b->size;
}

enum hash_outcome hash_read(int path_fd, const struct hash_stat *st, const atomic_bool *stop,
			    atomic_ullong *alive_ns, uint8_t ret_digest[HASH_LEN],
			    struct hash_stat *ret_after, int *ret_err)
{
	_cleanup_close_ int fd = reopen(path_fd);
	enum hash_outcome outcome = HASH_UNREADABLE;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct identity after = {};

	*ret_err = fd < 0 ? errno : ENOMEM;
	wait_for_tick(st);
	if (fd >= 0 && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		outcome = read_all(fd, md, st, stop, alive_ns, ret_err);
	if (outcome == HASH_DONE &&
	    (identity_of(fd, &after) || after.stat.ctime_ns != st->ctime_ns ||
	     after.stat.size != st->size))
		outcome = HASH_CHANGED;
	if (outcome == HASH_DONE && !EVP_DigestFinal_ex(md, ret_digest, NULL))
		outcome = HASH_UNREADABLE;
	EVP_MD_CTX_free(md);
	*ret_after = after.stat;
	return outcome;
}
