/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pin.h"
#include "bpf/event.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/hooks.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct pin {
	char *dir;
	int dir_fd; /* holds the lock */
	uint32_t generation;
	bool found;
	uint32_t *current; /* which generation records, by CPU */
	__u32 cpu_cnt;
};

/* Maps that each set of programs has for itself: configuration, buffers, and tail calls. */
static const char *const own_maps[] = {"scratch",      "pending",	"uring_names",
				       "uring_owner",  "always_rows",	"always_known",
				       "account_copy", "syscall_progs", "uring_progs"};
/* Of these, those that the kernel empties when nobody holds them. */
static const char *const tail_calls[] = {"syscall_progs", "uring_progs"};

static bool is_among(const char *const *names, size_t cnt, const char *name)
{
	for (size_t i = 0; i < cnt; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool is_shared(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) &&
	       !is_among(own_maps, ARRAY_SIZE(own_maps), bpf_map__name(map));
}

/* 0: not the name of a generation. */
static uint32_t generation_of(const char *name)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	return *end || n > UINT32_MAX ? 0 : n;
}

static int is_ours(int dir_fd, const char *name, void *ctx)
{
	(void)dir_fd;
	(void)ctx;
	return generation_of(name) || !strcmp(name, "maps");
}

/* Calls fn with each name in DIR. Ends with the first that does not return 0. */
static int each_name(int dir_fd, int (*fn)(int dir_fd, const char *name, void *ctx), void *ctx)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir)
		return -errno;
	while (!err && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			err = fn(dir_fd, d->d_name, ctx);
	closedir(dir);
	return err;
}

static int told(int err, const struct pin *p, const char *what)
{
	return err ? log_err(err, "cannot %s in %s", what, p->dir) : 0;
}

/* --- removing */

static int remove_file(int dir_fd, const char *name, void *ctx)
{
	(void)ctx;
	return unlinkat(dir_fd, name, 0) && errno != ENOENT ? -errno : 0;
}

/* A directory may be read while it is emptied: until nothing is left. */
static int remove_dir(int dir_fd, const char *name)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	while (unlinkat(dir_fd, name, AT_REMOVEDIR)) {
		if (errno != ENOTEMPTY)
			return -errno;
		err = each_name(fd, remove_file, NULL);
		if (err)
			return err;
	}
	return 0;
}

static int remove_any(int dir_fd, const char *name, void *ctx)
{
	return is_ours(dir_fd, name, ctx) ? remove_dir(dir_fd, name) : 0;
}

/* The map that says that all is there goes first: what is left of this, cut off, is no set. */
static int remove_all(int dir_fd)
{
	if (unlinkat(dir_fd, "maps/shared", 0) && errno != ENOENT)
		return -errno;
	return each_name(dir_fd, remove_any, NULL);
}

/* --- opening */

static int find_latest(int dir_fd, const char *name, void *ctx)
{
	struct pin *p = ctx;

	(void)dir_fd;
	p->generation = MAX(p->generation, generation_of(name));
	return 0;
}

/* Whoever can change it can hold its lock, and take away what is to outlive the sensor. */
static int check_owner(const struct pin *p)
{
	struct stat st;

	if (fstat(p->dir_fd, &st))
		return log_err(-errno, "cannot look at %s", p->dir);
	if ((!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return log_err(
		-EPERM,
		"others can change %s (user %u, mode %o): remove it, or take it over (chown, "
		"chmod 700), or use another --pin-directory",
		p->dir, st.st_uid, st.st_mode & 07777);
}

static int check_file_system(const struct pin *p, bool made)
{
	struct statfs fs;

	if (!fstatfs(p->dir_fd, &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (made)
		rmdir(p->dir);
	return log_err(-ENOTDIR,
		       "%s is in no BPF file system: mount one (mount -t bpf -o mode=700 bpf "
		       "/sys/fs/bpf), or use --pin off",
		       p->dir);
}

static int lock(struct pin *p)
{
	bool made = !mkdir(p->dir, 0700);
	int err;

	if (!made && errno != EEXIST)
		return log_err(-errno, "cannot make %s, where hooks are to be pinned", p->dir);
	p->dir_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->dir_fd < 0)
		return log_err(-errno, "cannot open %s, where hooks are to be pinned", p->dir);
	err = check_file_system(p, made);
	if (!err)
		err = check_owner(p);
	if (err)
		return err;
	if (flock(p->dir_fd, LOCK_EX | LOCK_NB))
		return log_err(-EBUSY,
			       "another sensor has what is pinned in %s: stop it, or use another "
			       "--pin-directory",
			       p->dir);
	return 0;
}

/* An array that is pinned. -ENOENT: it is not. -EPROTO: what is there is something else. */
static int open_array(const struct pin *p, const char *name, size_t value_size, __u32 *ret_cnt)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (asprintf(&path, "%s/maps/%s", p->dir, name) < 0)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	/* A lookup copies as much as the map's values have. */
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_MAP_TYPE_ARRAY ||
	    info.value_size != value_size)
		return -EPROTO;
	*ret_cnt = info.max_entries;
	return TAKE_FD(fd);
}

static int cannot_open(int err, const struct pin *p)
{
	if (err == -EPROTO)
		return log_err(err,
			       "what a sensor of another release left pinned in %s has another "
			       "form: remove it (varve-sensor --unpin); what happened since that "
			       "sensor ended is then lost",
			       p->dir);
	return log_err(err, "cannot open what is pinned in %s", p->dir);
}

/* What is pinned is this form's; what it would say in another form is not known. */
static int check_layout(struct pin *p)
{
	struct ev_shared shared = {};
	__u32 first = 0, cnt;
	_cleanup_close_ int fd = open_array(p, "shared", sizeof(shared), &cnt);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return cannot_open(fd, p);
	if (bpf_map_lookup_elem(fd, &first, &shared) || shared.layout != EV_LAYOUT)
		return cannot_open(-EPROTO, p);
	p->found = true;
	return 0;
}

/* Without the map no programs of the set do anything: `found` is false, as for parts of one. */
static int read_current(struct pin *p)
{
	_cleanup_close_ int fd = open_array(p, "current_set", sizeof(*p->current), &p->cpu_cnt);

	if (fd == -ENOENT)
		p->found = false;
	if (fd < 0)
		return fd == -ENOENT ? 0 : cannot_open(fd, p);
	p->current = calloc(p->cpu_cnt, sizeof(*p->current));
	if (!p->current)
		return -ENOMEM;
	for (__u32 cpu = 0; cpu < p->cpu_cnt; cpu++) {
		if (bpf_map_lookup_elem(fd, &cpu, &p->current[cpu]))
			return cannot_open(-errno, p);
		p->generation = MAX(p->generation, p->current[cpu]);
	}
	return 0;
}

static int drop_stale(int dir_fd, const char *name, void *ctx)
{
	const struct pin *p = ctx;
	uint32_t generation = generation_of(name);

	for (__u32 cpu = 0; cpu < p->cpu_cnt; cpu++)
		if (p->current[cpu] == generation)
			return 0;
	return generation ? remove_dir(dir_fd, name) : 0;
}

/*
 * What a start or a removal that was cut off has left: programs that never took over, and would be
 * run at each hook beside all that come; and maps that are no set, whose counters fit nobody's
 * numbers.
 */
static int drop_left(struct pin *p)
{
	int err = p->found ? read_current(p) : 0;

	if (err)
		return err;
	if (p->found) {
		err = each_name(p->dir_fd, drop_stale, p);
	} else if (each_name(p->dir_fd, is_ours, NULL) > 0) {
		log_warn("what is pinned in %s is not whole: a start or a removal was cut off. It "
			 "is removed",
			 p->dir);
		err = remove_all(p->dir_fd);
	}
	return told(err, p, "remove what is pinned");
}

int pin_open(const char *dir, struct pin **ret_pin)
{
	struct pin *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->dir_fd = -1;
	p->dir = strdup(dir);
	err = p->dir ? lock(p) : -ENOMEM;
	if (!err)
		err = each_name(p->dir_fd, find_latest, p);
	if (!err)
		err = check_layout(p);
	if (!err)
		err = drop_left(p);
	if (err) {
		pin_close(p);
		return err;
	}
	p->generation++;
	*ret_pin = p;
	return 0;
}

void pin_close(struct pin *p)
{
	if (!p)
		return;
	cleanup_close(&p->dir_fd);
	free(p->current);
	free(p->dir);
	free(p);
}

uint32_t pin_generation(const struct pin *p)
{
	return p ? p->generation : 0;
}

bool pin_found(const struct pin *p)
{
	return p && p->found;
}

void pin_tell_left(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && each_name(fd, is_ours, NULL) > 0)
		log_warn("hooks are pinned in %s, by a sensor that runs or did: they go on beside "
			 "those of this one, which does not take them over (--pin off). Without "
			 "their sensor nobody reads what they take: remove them (varve-sensor "
			 "--unpin)",
			 dir);
}

/* --- maps */

static bool fits(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map);
}

static char *map_path(const struct pin *p, const struct bpf_map *map)
{
	char *path;

	return asprintf(&path, "%s/maps/%s", p->dir, bpf_map__name(map)) < 0 ? NULL : path;
}

static int reuse_map(const struct pin *p, struct bpf_map *map)
{
	_cleanup_free_ char *path = map_path(p, map);
	_cleanup_close_ int fd = -1;

	if (!path)
		return -ENOMEM;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : log_err(-errno, "cannot open %s", path);
	if (!fits(map, fd))
		return log_err(-EPROTO,
			       "%s does not fit this release: remove it (varve-sensor --unpin)",
			       path);
	return bpf_map__reuse_fd(map, fd);
}

int pin_reuse_maps(const struct pin *p, struct bpf_object *obj)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, obj)
	{
		if (!err && is_shared(map))
			err = reuse_map(p, map);
	}
	return err;
}

/* One that is there already is the same. */
static int pin_at(int fd, const char *path)
{
	return !bpf_obj_pin(fd, path) || errno == EEXIST ? 0 : -errno;
}

static int make_dir(const struct pin *p, const char *name)
{
	return mkdirat(p->dir_fd, name, 0700) && errno != EEXIST ? -errno : 0;
}

static int keep_map(const struct pin *p, const struct bpf_map *map)
{
	_cleanup_free_ char *path = map_path(p, map);

	return path ? pin_at(bpf_map__fd(map), path) : -ENOMEM;
}

int pin_keep_maps(const struct pin *p, struct bpf_object *obj)
{
	const struct bpf_map *last = bpf_object__find_map_by_name(obj, "shared");
	struct bpf_map *map;
	int err = make_dir(p, "maps");

	bpf_object__for_each_map(map, obj)
	{
		if (!err && is_shared(map) && map != last)
			err = keep_map(p, map);
	}
	/* It says that all the others are there. */
	if (!err)
		err = keep_map(p, last);
	return told(err, p, "pin");
}

/* --- programs */

static int keep(const struct pin *p, int fd, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%u/%s", p->dir, p->generation, name) < 0)
		return -ENOMEM;
	return pin_at(fd, path);
}

int pin_keep_hooks(const struct pin *p, struct bpf_object *obj, const struct hooks *hooks)
{
	char name[16];
	int err;

	snprintf(name, sizeof(name), "%u", p->generation);
	err = make_dir(p, name);
	for (size_t i = 0; i < ARRAY_SIZE(tail_calls) && !err; i++)
		err = keep(p, bpf_object__find_map_fd_by_name(obj, tail_calls[i]), tail_calls[i]);
	for (size_t i = 0; i < hooks->cnt && !err; i++) {
		const struct hook *h = &hooks->hook[i];

		if (h->link)
			err = keep(p, bpf_link__fd(h->link), bpf_program__name(h->prog));
	}
	if (err)
		remove_dir(p->dir_fd, name); /* they have not taken over */
	return told(err, p, "pin");
}

/* --- the end of others */

static bool is_other(const struct pin *p, const char *name)
{
	uint32_t generation = generation_of(name);

	return generation && generation != p->generation;
}

/* Of the program behind a link. bpf_prog_get_fd_by_id() asks for CAP_SYS_ADMIN. */
static int read_misses(const char *path, uint64_t *ret_misses)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info prog = {};
	__u32 link_len = sizeof(link), prog_len = sizeof(prog);
	_cleanup_close_ int fd = bpf_obj_get(path), prog_fd = -1;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &link, &link_len))
		return -errno;
	prog_fd = bpf_prog_get_fd_by_id(link.prog_id);
	if (prog_fd < 0 || bpf_obj_get_info_by_fd(prog_fd, &prog, &prog_len))
		return -errno;
	*ret_misses = prog.recursion_misses;
	return 0;
}

struct misses {
	const struct pin *pin;
	const char *generation;
	uint32_t latest;
	uint64_t sum;
	int err; /* the first */
};

static int add_misses(int dir_fd, const char *name, void *ctx)
{
	struct misses *m = ctx;
	_cleanup_free_ char *path = NULL;
	uint64_t misses = 0;
	int err;

	(void)dir_fd;
	if (is_among(tail_calls, ARRAY_SIZE(tail_calls), name))
		return 0;
	if (asprintf(&path, "%s/%s/%s", m->pin->dir, m->generation, name) < 0)
		return -ENOMEM;
	err = read_misses(path, &misses);
	m->sum += misses;
	m->err = m->err ? m->err : err;
	return 0;
}

static int add_misses_of_other(int dir_fd, const char *name, void *ctx)
{
	struct misses *m = ctx;
	_cleanup_close_ int fd = -1;

	if (!is_other(m->pin, name))
		return 0;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->generation = name;
	m->latest = MAX(m->latest, generation_of(name));
	return fd < 0 ? -errno : each_name(fd, add_misses, m);
}

uint64_t pin_others_misses(const struct pin *p, uint32_t *ret_latest, int *ret_err)
{
	struct misses m = {.pin = p};
	int err = each_name(p->dir_fd, add_misses_of_other, &m);

	*ret_err = err ? err : m.err;
	*ret_latest = m.latest;
	return m.sum;
}

bool pin_has_generation(const struct pin *p, uint32_t generation)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", generation);
	return !faccessat(p->dir_fd, name, F_OK, 0);
}

static int drop_other(int dir_fd, const char *name, void *ctx)
{
	return is_other(ctx, name) ? remove_dir(dir_fd, name) : 0;
}

int pin_drop_others(const struct pin *p)
{
	return told(each_name(p->dir_fd, drop_other, (void *)p), p, "remove what is pinned");
}

int pin_remove(const char *dir)
{
	struct pin p = {.dir = (char *)dir, .dir_fd = -1};
	int err;

	if (access(dir, F_OK) && errno == ENOENT)
		return -ENOENT;
	err = lock(&p);
	if (!err)
		err = told(remove_all(p.dir_fd), &p, "remove what is pinned");
	if (!err && rmdir(dir))
		err = log_err(-errno, "what was pinned in %s is removed, but the directory is not",
			      dir);
	cleanup_close(&p.dir_fd);
	return err;
}
