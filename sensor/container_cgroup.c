/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a container out of a cgroup path. Each runtime, cgroup driver and version has its own
 * naming; what they share is that one component carries the id, and that deeper components belong
 * to that container until another one names a container again (docker in docker, Kubernetes in
 * docker). So: one walk from the root, each component classified alone with its parent as a hint,
 * the last container found wins.
 *
 * The path is outside data: a privileged container can make cgroups of any name below its own. It
 * can only pretend to hold further containers; it cannot leave the subtree of the one it is.
 */
#include "sensor/container_cgroup.h"

#include "bpf/event.h"
#include "evidence/base.h"
#include "evidence/text.h"
#include "sensor/span.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define HEX_ID_LEN 64

struct walk {
	struct cgroup_identity id;
	struct span last;  /* the component before this one */
	struct span found; /* the component that named id */
	char pod_uid[37];  /* of the innermost pod so far */
	bool in_kubepods;
	size_t depth;
};

/* What stands before the 64-digit id. More specific ones first. */
static const struct {
	const char *prefix;
	const char *runtime; /* NULL: the monitor of a container, not the container */
} id_prefixes[] = {
	{"cri-containerd-", "containerd"},
	{"nerdctl-", "containerd"},
	{"crio-conmon-", NULL},
	{"crio-", "cri-o"},
	{"docker-", "docker"},
	{"libpod-conmon-", NULL},
	{"libpod-payload-", "podman"},
	{"libpod-", "podman"},
};

/* "<prefix><any name>.scope", the systemd driver of a low-level runtime used alone. */
#define PREFIX(runtime) runtime "-",
static const char *const name_prefixes[] = {EV_RUNTIMES(PREFIX)};
#undef PREFIX

/* Directories that runtimes make on the way to a container's, at any depth. */
static const char *const parents[] = {
	"docker",     "libpod_parent", "libpod-parent", "kubepods",   "burstable",  "besteffort",
	"guaranteed", "kubelet",       "buildkit",	"init.scope", "user.slice",
};

/* containerd puts a container without a parent in "/<namespace>/<id>"; these are the namespaces
 * people have. */
static const char *const containerd_namespaces[] = {"default", "k8s.io", "buildkit", "nerdctl"};

static bool is_hex(struct span c, size_t len)
{
	if (c.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)c.s[i]))
			return false;
	return true;
}

/* Copies text, each byte that is not part of valid UTF-8 as U+FFFD; cut between characters at the
 * bound. */
static void copy_utf8(char *dst, size_t size, struct span c)
{
	size_t out = 0;

	for (size_t i = 0; i < c.len;) {
		size_t n = 1;

		while (n < 4 && n < c.len - i && !text_is_utf8(c.s + i, n))
			n++;
		bool valid = text_is_utf8(c.s + i, n);
		const char *from = valid ? c.s + i : "\xef\xbf\xbd";
		size_t len = valid ? n : 3;

		if (len >= size - out)
			break;
		memcpy(dst + out, from, len);
		out += len;
		i += valid ? n : 1;
	}
	dst[out] = 0;
}

/* A pod's UID: 8-4-4-4-12, with _ for - in slice names, or the 32 digits of a static pod. */
static bool parse_pod_uid(struct span c, char ret_uid[37])
{
	bool dashed = c.len == 36;

	if (!dashed && c.len != 32)
		return false;
	for (size_t i = 0; i < c.len; i++) {
		bool dash = dashed && (i == 8 || i == 13 || i == 18 || i == 23);

		if (dash ? c.s[i] != '-' && c.s[i] != '_' : !isxdigit((unsigned char)c.s[i]))
			return false;
	}
	for (size_t i = 0; i < c.len; i++)
		ret_uid[i] = c.s[i] == '_' ? '-' : c.s[i];
	ret_uid[c.len] = 0;
	return true;
}

/* "pod<uid>" (cgroupfs) or "kubepods-burstable-pod<uid>.slice" (systemd; kind has a prefix before
 * it). */
static bool parse_pod(struct span c, char ret_uid[37])
{
	struct span uid = c;

	if (!span_cut_suffix(&uid, ".slice"))
		return span_cut_prefix(&uid, "pod") && parse_pod_uid(uid, ret_uid);
	for (const char *p = uid.s; (p = memmem(p, uid.s + uid.len - p, "-pod", 4)); p++) {
		struct span rest = {p + 4, uid.s + uid.len - (p + 4)};

		if (parse_pod_uid(rest, ret_uid))
			return true;
	}
	return false;
}

static void found(struct walk *w, struct span c, struct span id, const char *runtime)
{
	copy_utf8(w->id.container_id, sizeof(w->id.container_id), id);
	snprintf(w->id.runtime, sizeof(w->id.runtime), "%s", runtime);
	/* The pod the container is in: one that comes deeper in the path is not it. */
	memcpy(w->id.pod_uid, w->pod_uid, sizeof(w->id.pod_uid));
	w->found = c;
}

/* "docker-<id>.scope", "crio-<id>", ... True if c is of such a form, be it a container or a
 * monitor. */
static bool parse_prefixed(struct walk *w, struct span c)
{
	struct span name = c;
	bool scope = span_cut_suffix(&name, ".scope");

	for (size_t i = 0; i < ARRAY_SIZE(id_prefixes); i++) {
		struct span id = name;

		if (!span_cut_prefix(&id, id_prefixes[i].prefix) || !is_hex(id, HEX_ID_LEN))
			continue;
		if (id_prefixes[i].runtime)
			found(w, c, id, id_prefixes[i].runtime);
		return true;
	}
	for (size_t i = 0; scope && i < ARRAY_SIZE(name_prefixes); i++) {
		struct span id = name;

		if (!span_cut_prefix(&id, name_prefixes[i]) || !id.len)
			continue;
		found(w, c, id, "runc");
		return true;
	}
	return false;
}

/* "<anything>-<64 hex>.scope" of a runtime we have no name for. */
static bool parse_unknown_scope(struct walk *w, struct span c)
{
	struct span id = c;

	if (!span_cut_suffix(&id, ".scope") || id.len < HEX_ID_LEN + 2)
		return false;
	id.s += id.len - HEX_ID_LEN;
	id.len = HEX_ID_LEN;
	if (id.s[-1] != '-' || !is_hex(id, HEX_ID_LEN))
		return false;
	found(w, c, id, "");
	return true;
}

/* A bare 64-digit id: its parent says whose it is. */
static bool parse_bare(struct walk *w, struct span c)
{
	if (!is_hex(c, HEX_ID_LEN))
		return false;
	/* podman's pods: the container is one below */
	if (span_is(w->last, "libpod_parent") || span_is(w->last, "libpod-parent"))
		return true;
	if (span_is(w->last, "docker"))
		found(w, c, c, "docker");
	else if (w->in_kubepods || *w->pod_uid)
		found(w, c, c, "containerd");
	else if (w->depth == 1 &&
		 span_in(w->last, containerd_namespaces, ARRAY_SIZE(containerd_namespaces)))
		found(w, c, c, "containerd");
	else
		found(w, c, c, "");
	return true;
}

/*
 * "kubepods-burstable-pod<uid>.slice:cri-containerd:<id>": what a runtime with the cgroupfs driver
 * makes of a path meant for systemd's, a common mistake of set-up under which everything runs.
 */
static bool parse_colons(struct walk *w, struct span c)
{
	const char *colon = memchr(c.s, ':', c.len);
	const char *last = memrchr(c.s, ':', c.len);
	char joined[32 + HEX_ID_LEN];

	if (!colon || colon == last || last - colon > 20 || c.s + c.len - last > HEX_ID_LEN + 1)
		return false;
	parse_pod((struct span){c.s, colon - c.s}, w->pod_uid);
	snprintf(joined, sizeof(joined), "%.*s-%.*s", (int)(last - colon - 1), colon + 1,
		 (int)(c.s + c.len - last - 1), last + 1);
	if (!parse_prefixed(w, (struct span){joined, strlen(joined)}))
		return false;
	w->found = c;
	return true;
}

static bool is_parent(const struct walk *w, struct span c)
{
	struct span name = c;

	return span_cut_suffix(&name, ".slice") || span_cut_suffix(&name, ".service") ||
	       (w->in_kubepods && span_cut_prefix(&name, "pod")) ||
	       span_in(c, parents, ARRAY_SIZE(parents)) ||
	       (!w->depth && span_in(c, containerd_namespaces, ARRAY_SIZE(containerd_namespaces)));
}

/* The last component, made by an OCI runtime: its name is the id, whatever it looks like. */
static void parse_named(struct walk *w, struct span c)
{
	bool in_namespace = w->depth == 1 && span_in(w->last, containerd_namespaces,
						     ARRAY_SIZE(containerd_namespaces));

	if (is_parent(w, c))
		return;
	/* crun gives a container below a scope a cgroup of its own */
	if (w->found.s && w->found.s == w->last.s && span_is(c, "container"))
		return;
	found(w, c, c, in_namespace ? "containerd" : "runc");
}

static void walk_component(struct walk *w, struct span c, bool named)
{
	struct span kube = c;

	if (memmem(kube.s, kube.len, "kubepods", 8))
		w->in_kubepods = true;
	if (!parse_pod(c, w->pod_uid) && !parse_prefixed(w, c) && !parse_bare(w, c) &&
	    !parse_colons(w, c) && !parse_unknown_scope(w, c) && named)
		parse_named(w, c);
	w->last = c;
	w->depth++;
}

/* The next component that is a name; "..", as seen across cgroup namespaces, and "." are none. */
static bool next_component(const char **p, const char *end, struct span *ret_c)
{
	while (*p < end) {
		const char *slash = memchr(*p, '/', end - *p);
		struct span c = {*p, (slash ? slash : end) - *p};

		*p = slash ? slash + 1 : end;
		if (!c.len || span_is(c, ".") || span_is(c, ".."))
			continue;
		*ret_c = c;
		return true;
	}
	return false;
}

int container_parse_cgroup(const char *path, bool named_by_runtime, struct cgroup_identity *ret_id)
{
	struct walk w = {};
	struct span c, whole = {path, strnlen(path, PATH_MAX)};
	const char *p = path;

	if (whole.s[0] != '/' || whole.len >= PATH_MAX)
		return -EINVAL;
	/* /proc/PID/cgroup says so of a process that outlived its cgroup */
	span_cut_suffix(&whole, " (deleted)");
	while (next_component(&p, whole.s + whole.len, &c)) {
		const char *ahead = p;
		struct span next;
		bool last = !next_component(&ahead, whole.s + whole.len, &next);

		walk_component(&w, c, named_by_runtime && last);
	}
	if (!*w.id.container_id)
		return -ENOENT;
	*ret_id = w.id;
	return 0;
}
