/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/events/fill.h"
#include "evidence/text.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

int fill_text(struct arena *arena, const char *bytes, size_t len, char **ret_text,
	      protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw)
{
	bool lossy = false;
	char *text = text_from_bytes(arena, bytes, len, &lossy);

	if (!text)
		return -ENOMEM;
	*ret_text = text;
	if (lossy && ret_raw) {
		*ret_has_raw = 1;
		ret_raw->data = (uint8_t *)bytes;
		ret_raw->len = len;
	}
	return 0;
}

int fill_ref(const struct record *rec, const struct ev_ref *ref, struct arena *arena,
	     char **ret_text, protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw)
{
	const char *bytes;

	if (!ref->off)
		return 0;
	bytes = record_bytes(rec, ref);
	if (!bytes)
		return -EBADMSG;
	return fill_text(arena, bytes, ref->len, ret_text, ret_has_raw, ret_raw);
}

static void fill_inode(const struct ev_file *f, Varve__V1__File *file)
{
	/* Consumers' 64-bit integers are signed; a number beyond would come out as another one. */
	if (f->ino <= INT64_MAX)
		SET(file, inode, f->ino);
	SET(file, device, f->dev);
	SET(file, mode, f->mode);
	SET(file, uid, f->uid);
	SET(file, gid, f->gid);
	if (f->size <= INT64_MAX)
		SET(file, size, f->size);
	if (f->flags & EV_FILE_UPPER)
		SET(file, overlay_upper, 1);
	if (f->flags & EV_FILE_UNLINKED)
		SET(file, unlinked, 1);
	if (f->flags & EV_FILE_MEMFD)
		SET(file, memfd, 1);
}

int fill_file_at(const struct ev_file *f, const char *path, size_t len, struct arena *arena,
		 Varve__V1__File **ret_file)
{
	Varve__V1__File *file = arena_alloc(arena, sizeof(*file));
	int err = 0;

	if (!file)
		return -ENOMEM;
	varve__v1__file__init(file);
	if (path)
		err = fill_text(arena, path, len, &file->path, &file->has_path_raw,
				&file->path_raw);
	if (err)
		return err;
	if (f->flags & EV_FILE_CUT)
		SET(file, path_length, f->path_len);
	if (f->flags & EV_FILE_USER_MEMORY)
		SET(file, path_user_memory, 1);
	/* A memfd has no place in any tree: nothing odd about that. */
	if ((f->flags & (EV_FILE_UNREACHABLE | EV_FILE_MEMFD)) == EV_FILE_UNREACHABLE)
		SET(file, path_unreachable, 1);
	if (f->flags & EV_FILE_HAS_INODE)
		fill_inode(f, file);
	*ret_file = file;
	return 0;
}

int fill_file(const struct record *rec, const struct ev_file *f, struct arena *arena,
	      Varve__V1__File **ret_file)
{
	const char *path = NULL;

	if (!f->flags) /* nothing was obtained */
		return 0;
	if (f->flags & EV_FILE_HAS_PATH && f->path.off) {
		path = record_bytes(rec, &f->path);
		if (!path)
			return -EBADMSG;
	}
	return fill_file_at(f, path, f->path.len, arena, ret_file);
}

int fill_peer(const struct ev_peer *p, struct arena *arena, Varve__V1__OtherProcess **ret_other)
{
	Varve__V1__OtherProcess *o;
	int err;

	if (!p->start_ns)
		return 0;
	o = arena_alloc(arena, sizeof(*o));
	if (!o)
		return -ENOMEM;
	varve__v1__other_process__init(o);
	SET(o, pid, p->tgid);
	SET(o, start_boot_time_nano, p->start_ns);
	if (p->tid)
		SET(o, tid, p->tid);
	if (p->cgroup_id)
		SET(o, cgroup_id, p->cgroup_id);
	err = fill_text(arena, p->comm, strnlen(p->comm, sizeof(p->comm)), &o->name,
			&o->has_name_raw, &o->name_raw);
	if (!err)
		*ret_other = o;
	return err;
}

int fill_endpoint(const struct ev_addr *a, struct arena *arena, Varve__V1__Endpoint **ret_endpoint)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	Varve__V1__Endpoint *e;
	char *ip;

	if (!a->family)
		return 0;
	e = arena_alloc(arena, sizeof(*e));
	ip = arena_alloc(arena, INET6_ADDRSTRLEN);
	if (!e || !ip)
		return -ENOMEM;
	/* An IPv4 address in an IPv6 socket is an IPv4 address to everybody who reads it. */
	if (a->family == AF_INET6 && !memcmp(a->ip, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, a->ip + sizeof(mapped), ip, INET6_ADDRSTRLEN);
	else if (!inet_ntop(a->family, a->ip, ip, INET6_ADDRSTRLEN))
		return -EBADMSG;
	varve__v1__endpoint__init(e);
	e->ip = ip;
	SET(e, port, a->port);
	*ret_endpoint = e;
	return 0;
}

char *fill_owner_by(uint32_t by)
{
	static const char *const names[] = {
		[EV_OWNER_CREATE] = "create",
		[EV_OWNER_BIND] = "bind",
		[EV_OWNER_CONNECT] = "connect",
		[EV_OWNER_SEND] = "send",
	};

	return (char *)(by < ARRAY_SIZE(names) ? names[by] : NULL);
}

char *fill_protocol(struct arena *arena, uint32_t protocol)
{
	char *s;

	if (protocol == IPPROTO_TCP)
		return (char *)"tcp";
	if (protocol == IPPROTO_UDP)
		return (char *)"udp";
	s = arena_alloc(arena, 16);
	if (s)
		snprintf(s, 16, "%u", protocol);
	return s;
}

int fill_namespaces(const struct ev_namespaces *ns, struct arena *arena,
		    Varve__V1__Namespaces **ret_ns)
{
	Varve__V1__Namespaces *n;

	if (!ns->obtained)
		return 0;
	n = arena_alloc(arena, sizeof(*n));
	if (!n)
		return -ENOMEM;
	varve__v1__namespaces__init(n);
	SET(n, mnt, ns->mnt);
	SET(n, pid, ns->pid);
	SET(n, net, ns->net);
	SET(n, user, ns->user);
	SET(n, uts, ns->uts);
	SET(n, ipc, ns->ipc);
	SET(n, cgroup, ns->cgroup);
	*ret_ns = n;
	return 0;
}

int fill_tty(const char tty[EV_TTY_LEN], struct arena *arena, char **ret_tty)
{
	size_t len = strnlen(tty, EV_TTY_LEN);
	char name[EV_TTY_LEN + 1];

	if (!len)
		return 0;
	/* What is /dev/pts/0 to everybody is "pts0" to the kernel. */
	if (len < 4 || memcmp(tty, "pts", 3) || tty[3] < '0' || tty[3] > '9')
		return fill_text(arena, tty, len, ret_tty, NULL, NULL);
	memcpy(name, "pts/", 4);
	memcpy(name + 4, tty + 3, len - 3);
	return fill_text(arena, name, len + 1, ret_tty, NULL, NULL);
}

int fill_args(struct arena *arena, const char *args, size_t len, size_t *ret_cnt, char ***ret_args,
	      protobuf_c_boolean *ret_has_raw, ProtobufCBinaryData *ret_raw)
{
	bool lossy = false, one;
	size_t cnt = 0, i, n;
	char **list;

	for (i = 0; i < len; i += n + 1, cnt++)
		n = strnlen(args + i, len - i);
	list = arena_alloc(arena, (cnt + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0, cnt = 0; i < len; i += n + 1, cnt++) {
		n = strnlen(args + i, len - i);
		one = false;
		list[cnt] = text_from_bytes(arena, args + i, n, &one);
		if (!list[cnt])
			return -ENOMEM;
		lossy |= one;
	}
	*ret_cnt = cnt;
	*ret_args = list;
	if (lossy) {
		*ret_has_raw = 1;
		ret_raw->data = (uint8_t *)args;
		ret_raw->len = len;
	}
	return 0;
}

/* Copies arguments with spaces for the NULs between them. */
static char *join(char *to, const char *args, size_t len)
{
	size_t i;

	if (len && !args[len - 1])
		len--;
	for (i = 0; i < len; i++)
		*to++ = args[i] ? args[i] : ' ';
	return to;
}

int fill_cmd_line(struct arena *arena, const char *args, size_t len, const char *tail,
		  size_t tail_len, char **ret_line)
{
	char *joined = arena_alloc(arena, len + tail_len + 8), *end;

	if (!joined)
		return -ENOMEM;
	end = join(joined, args, len);
	if (tail) {
		memcpy(end, " ... ", 5);
		end = join(end + 5, tail, tail_len);
	}
	return fill_text(arena, joined, end - joined, ret_line, NULL, NULL);
}

char *fill_call(uint32_t nr)
{
	static const struct {
		uint32_t nr;
		const char *name;
	} calls[] = {
#define SYSCALL(name, nr, nr32) {nr, #name},
#include "bpf/syscalls.def"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == nr)
			return (char *)calls[i].name;
	return NULL;
}
