/* SPDX-License-Identifier: Apache-2.0 */
/* --check: the log's directory and what the runtimes keep on disk. */
#include "sensor/check.h"

#include "evidence/base.h"
#include "sensor/conf.h"
#include "sensor/container_bundle.h"
#include "sensor/nodefile.h"
#include "sensor/room.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MIB (1ULL << 20)

/* The directory, or if it is not there the one that it will be made in. */
static void find_directory(const char *dir, char ret_path[PATH_MAX])
{
	char *slash;

	snprintf(ret_path, PATH_MAX, "%s", dir);
	if (!access(dir, F_OK))
		return;
	slash = strrchr(ret_path, '/');
	if (!slash)
		strcpy(ret_path, ".");
	else
		slash[slash == ret_path] = '\0';
}

static void check_writable(struct check *c, const char *path)
{
	struct stat st;
	int err = stat(path, &st) ? errno : !S_ISDIR(st.st_mode) ? ENOTDIR : 0;

	if (!err && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS))
		err = errno;
	check_say(c, "log directory", err ? CHECK_MISSING : CHECK_OK,
		  "make the directory above it, let this user write there, or set log-dir",
		  "%s%s%s%s", c->conf->log_dir,
		  strcmp(path, c->conf->log_dir) ? ", to be made" : "", err ? ": " : "",
		  err ? strerror(err) : "");
}

/* As far as room.c would let it: bytes that the log may have on that file system. */
static void check_room(struct check *c, const char *path)
{
	struct room_disk disk;
	uint64_t keep = 0, usable;

	if (room_read_disk(path, &disk) || !room_parse_free(c->conf->log_free, disk.total, &keep))
		return;
	usable = disk.free > keep ? disk.free - keep : 0;
	if (usable >= c->conf->log_limit_bytes)
		check_say(c, "log room", CHECK_OK, NULL, "%llu MiB free for a log of %llu MiB",
			  (unsigned long long)(usable / MIB),
			  (unsigned long long)(c->conf->log_limit_bytes / MIB));
	else
		check_say(c, "log room", CHECK_LIMITED,
			  "make room, lower log-limit or log-free, or set log-dir",
			  "%llu MiB can be used beside the %llu MiB of log-free: a new log of %llu "
			  "MiB (log-limit) is full before",
			  (unsigned long long)(usable / MIB), (unsigned long long)(keep / MIB),
			  (unsigned long long)(c->conf->log_limit_bytes / MIB));
}

static void check_seal_key(struct check *c, const char *path)
{
	int err = faccessat(AT_FDCWD, c->conf->seal_key, R_OK, AT_EACCESS) ? errno : 0;

	if (!*c->conf->seal_key || !faccessat(AT_FDCWD, path, F_OK, 0))
		return; /* one is made, or there already */
	check_say(c, "seal key", err ? CHECK_MISSING : CHECK_OK,
		  "put the key there, let this user read it, or leave seal-key out", "%s%s%s",
		  c->conf->seal_key, err ? ": " : "", err ? strerror(err) : "");
}

void check_log(struct check *c)
{
	char path[PATH_MAX], key[PATH_MAX + 16];

	find_directory(c->conf->log_dir, path);
	check_writable(c, path);
	check_room(c, path);
	snprintf(key, sizeof(key), "%s/sensor.key", c->conf->log_dir);
	check_seal_key(c, key);
}

struct places {
	const char *root;
	size_t there;
	char first[PATH_MAX], refused[PATH_MAX]; /* "": none */
	int err;				 /* of the one refused */
};

static void look_at_place(const char *dir, void *ctx)
{
	struct places *p = ctx;
	_cleanup_close_ int fd =
		nodefile_open(p->root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	p->there++;
	if (fd < 0) {
		p->err = -errno;
		snprintf(p->refused, sizeof(p->refused), "%s", dir);
	} else if (!*p->first) {
		snprintf(p->first, sizeof(p->first), "%s", dir);
	}
}

void check_runtimes(struct check *c)
{
	struct places p = {.root = c->conf->host_root};

	container_each_place(look_at_place, &p);
	if (*p.refused)
		check_say(c, "runtimes' files", CHECK_LIMITED,
			  "give CAP_DAC_READ_SEARCH; under SELinux or AppArmor see the manual",
			  "%s%.500s: %s: its containers will be without pod, name and image",
			  p.root, p.refused, strerror(-p.err));
	else if (!p.there)
		check_say(c, "runtimes' files", CHECK_LIMITED,
			  "in a pod mount the node's root and set host-root; else start a runtime",
			  "no runtime's directory below %s/: containers will be without pod, name "
			  "and image",
			  p.root);
	else
		check_say(c, "runtimes' files", CHECK_OK, NULL, "%s%.500s%s", p.root, p.first,
			  p.there > 1 ? " and others" : "");
}
