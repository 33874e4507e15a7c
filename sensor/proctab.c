/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/proctab.h"
#include <openssl/sha.h>
#include <string.h>

#define GRACE_NS	(30 * NSEC_PER_SEC)
#define IMAGE_BYTES_MAX (64u << 20) /* of all images; beyond it one is not kept */

struct proctab {
	uint8_t boot_id[16];
	struct process **bucket;
	size_t mask;
	size_t cnt, limit;
	struct proctab_cost cost;
	size_t image_bytes;
	/* The dead, longest dead first. */
	struct process *dead_head, **dead_tail;
};

static void boot_id_parse(const char *text, uint8_t ret_id[16])
{
	unsigned int byte;
	size_t i;

	for (i = 0; i < 16 && *text; i++) {
		text += *text == '-';
		if (sscanf(text, "%2x", &byte) != 1 || !text[1])
			return;
		ret_id[i] = byte;
		text += 2;
	}
}

int proctab_new(const char *boot_id, size_t limit, struct proctab **ret_table)
{
	struct proctab *t = calloc(1, sizeof(*t));
	size_t buckets = 1024;

	if (!t)
		return -ENOMEM;
	while (buckets < limit / 2)
		buckets *= 2;
	t->bucket = calloc(buckets, sizeof(*t->bucket));
	if (!t->bucket) {
		free(t);
		return -ENOMEM;
	}
	boot_id_parse(boot_id, t->boot_id);
	t->mask = buckets - 1;
	t->limit = limit;
	t->dead_tail = &t->dead_head;
	*ret_table = t;
	return 0;
}

static size_t image_size(const struct proc_image *image)
{
	return sizeof(*image) + image->exe_len + image->cmd_len;
}

static void image_put(struct proctab *t, struct proc_image *image)
{
	if (!image || --image->refs)
		return;
	t->image_bytes -= image_size(image);
	free(image);
}

void proctab_free(struct proctab *t)
{
	struct process *p, *next;
	size_t i;

	if (!t)
		return;
	for (i = 0; i <= t->mask; i++) {
		for (p = t->bucket[i]; p; p = next) {
			next = p->chain;
			image_put(t, p->image);
			free(p);
		}
	}
	free(t->bucket);
	free(t);
}

static struct process **bucket_of(struct proctab *t, uint32_t pid, uint64_t start_ns)
{
	return &t->bucket[((start_ns ^ pid) * 0x9e3779b97f4a7c15ULL >> 32) & t->mask];
}

struct process *proctab_find(struct proctab *t, uint32_t pid, uint64_t start_ns)
{
	struct process *p = *bucket_of(t, pid, start_ns);

	while (p && (p->pid != pid || p->start_ns != start_ns))
		p = p->chain;
	return p;
}

static void drop(struct proctab *t, struct process *p)
{
	struct process **at = bucket_of(t, p->pid, p->start_ns), *parent;

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	parent = p->holds_parent ? proctab_find(t, p->parent_pid, p->parent_start_ns) : NULL;
	if (parent)
		parent->child_cnt--;
	image_put(t, p->image);
	free(p);
	t->cnt--;
}

static void mark_dead(struct proctab *t, struct process *p, uint64_t now_ns)
{
	p->dead_ns = now_ns ? now_ns : 1;
	if (p->in_dead_list)
		return;
	p->in_dead_list = true;
	p->dead_next = NULL;
	*t->dead_tail = p;
	t->dead_tail = &p->dead_next;
}

/*
 * Takes the dead off the front of their list while they are due. One with children goes to the end,
 * to be asked again after another grace time.
 */
static void drop_dead(struct proctab *t, uint64_t due_ns, uint64_t now_ns, size_t most)
{
	struct process *p;

	while (most-- && (p = t->dead_head) && p->dead_ns <= due_ns) {
		t->dead_head = p->dead_next;
		if (!t->dead_head)
			t->dead_tail = &t->dead_head;
		p->in_dead_list = false;
		if (!p->dead_ns) /* a stub that turned out to live */
			continue;
		if (!p->child_cnt) {
			drop(t, p);
			continue;
		}
		mark_dead(t, p, now_ns);
	}
}

void proctab_expire(struct proctab *t, uint64_t now_ns)
{
	if (now_ns > GRACE_NS)
		drop_dead(t, now_ns - GRACE_NS, now_ns, t->limit);
}

/* At most 64 go, or are looked at. */
static bool make_room(struct proctab *t, uint64_t now_ns)
{
	size_t before = t->cnt;

	drop_dead(t, UINT64_MAX, now_ns, 64);
	t->cost.evicted += before - t->cnt;
	return t->cnt < before;
}

static struct process *add(struct proctab *t, uint32_t pid, uint64_t start_ns, uint64_t now_ns)
{
	struct process *p, **bucket = bucket_of(t, pid, start_ns);

	if (t->cnt >= t->limit && !make_room(t, now_ns)) {
		t->cost.refused++;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	p->start_ns = start_ns;
	proctab_uid(t, pid, start_ns, p->uid);
	p->chain = *bucket;
	*bucket = p;
	t->cnt++;
	return p;
}

static struct process *get_parent(struct proctab *t, uint32_t pid, uint64_t start_ns,
				  uint64_t now_ns)
{
	struct process *p = proctab_find(t, pid, start_ns);

	if (p || !pid)
		return p;
	p = add(t, pid, start_ns, now_ns);
	if (p) {
		/* We may never see its end: it goes when its children have gone. */
		p->stub = true;
		mark_dead(t, p, now_ns);
	}
	return p;
}

struct process *proctab_get(struct proctab *t, uint32_t pid, uint64_t start_ns, uint32_t parent_pid,
			    uint64_t parent_start_ns, uint64_t now_ns)
{
	struct process *p = proctab_find(t, pid, start_ns), *parent;

	if (p && !p->stub)
		return p;
	/* Each is held while room may be made for the other. */
	if (p)
		p->child_cnt++;
	parent = get_parent(t, parent_pid, parent_start_ns, now_ns);
	if (parent)
		parent->child_cnt++;
	if (p)
		p->child_cnt--;
	else
		p = add(t, pid, start_ns, now_ns);
	if (!p) {
		if (parent)
			parent->child_cnt--;
		return NULL;
	}
	p->holds_parent = parent;
	if (p->stub)
		p->dead_ns = 0;
	p->stub = false;
	p->parent_pid = parent_pid;
	p->parent_start_ns = parent_start_ns;
	return p;
}

void proctab_fork(struct proctab *t, struct process *p)
{
	const struct process *parent = proctab_find(t, p->parent_pid, p->parent_start_ns);

	/* A parent whose execs we do not see may run something else by now, or did when it forked.
	 */
	if (!parent || !parent->tracked || p->image ||
	    (parent->exec_id && p->exec_id && parent->exec_id != p->exec_id))
		return;
	p->tracked = true;
	p->in_container_image = parent->in_container_image;
	p->image = parent->image;
	if (p->image)
		p->image->refs++;
}

void proctab_exec(struct proctab *t, struct process *p, const char *exe, size_t exe_len,
		  const char *args, size_t args_len)
{
	size_t cmd_len = MIN(args_len, (size_t)PROCTAB_CMD_LINE_MAX), i;
	struct proc_image *image = NULL;

	if (cmd_len == args_len && cmd_len && !args[cmd_len - 1])
		cmd_len--;
	image_put(t, p->image);
	/* What it ran before is not what it runs: none, if there is no room. */
	p->image = NULL;
	if (t->image_bytes + sizeof(*image) + exe_len + cmd_len <= IMAGE_BYTES_MAX)
		image = malloc(sizeof(*image) + exe_len + cmd_len);
	if (!image) {
		t->cost.images_left_out++;
		return;
	}
	t->image_bytes += sizeof(*image) + exe_len + cmd_len;
	image->refs = 1;
	image->exe_len = exe_len;
	image->cmd_len = cmd_len;
	memcpy(image->data, exe, exe_len);
	for (i = 0; i < cmd_len; i++)
		image->data[exe_len + i] = args[i] ? args[i] : ' ';
	p->image = image;
}

void proctab_exec_unseen(struct proctab *t, struct process *p)
{
	image_put(t, p->image);
	p->image = NULL;
}

void proctab_exit(struct proctab *t, struct process *p, uint64_t now_ns)
{
	if (!p->dead_ns)
		mark_dead(t, p, now_ns);
}

void proctab_end_container(struct proctab *t, uint64_t container, uint64_t now_ns)
{
	struct process *p;
	size_t i;

	for (i = 0; i <= t->mask; i++) {
		for (p = t->bucket[i]; p; p = p->chain) {
			if (p->container == container)
				proctab_exit(t, p, now_ns);
		}
	}
}

size_t proctab_count(const struct proctab *t)
{
	return t->cnt;
}

struct proctab_cost proctab_cost(const struct proctab *t)
{
	return t->cost;
}

void proctab_uid(const struct proctab *t, uint32_t pid, uint64_t start_ns,
		 char ret_uid[UUID_LEN + 1])
{
	uint8_t in[28], h[SHA256_DIGEST_LENGTH];
	size_t i;

	memcpy(in, t->boot_id, 16);
	for (i = 0; i < 4; i++)
		in[16 + i] = pid >> (8 * i);
	for (i = 0; i < 8; i++)
		in[20 + i] = start_ns >> (8 * i);
	SHA256(in, sizeof(in), h);
	h[6] = (h[6] & 0x0f) | 0x80; /* version 8, RFC 9562: made by a rule of one's own */
	h[8] = (h[8] & 0x3f) | 0x80;
	uuid_format(h, ret_uid);
}
