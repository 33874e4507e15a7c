/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes API concepts, "Efficient detection of changes": a list gives a resourceVersion, a
 * watch goes on from it and gives a JSON object a line; bookmarks move the resourceVersion without
 * a change; 410 Gone says that the server does not remember it any more.
 */
#include "kubewatch/watch.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "kubewatch/client.h"
#include "kubewatch/pod.h"
#include "sensor/json_string.h"

#include <curl/curl.h>
#include <string.h>

#define PAGE_PODS     50
#define PAGES_MAX     1000 /* of a list that would never end */
#define LIST_S	      60L
#define WATCH_S	      290L /* the server ends it then ... */
#define WATCH_GRACE_S 20L  /* ... or we do */

struct watch {
	struct watch_opts opts;
	struct kube_credentials cred;
	struct kube_pod pod;	   /* scratch */
	char resource_version[64]; /* "": list first */
	char next_page[4096];	   /* the list's `continue`; "": it is whole */
	char why[256];
	char *body; /* of a list; of a watch: the line that is not whole yet */
	size_t len, size;
};

int watch_new(const struct watch_opts *opts, struct watch **ret_watch)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->opts = *opts;
	*ret_watch = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	free(w->body);
	free(w);
}

static int nonsense(struct watch *w, const char *what)
{
	snprintf(w->why, sizeof(w->why), "it sends %s", what);
	return -EPROTO;
}

static int append(struct watch *w, const char *data, size_t len)
{
	size_t size = w->size ? w->size : 64 << 10;
	char *body;

	if (len > WATCH_BODY_MAX - w->len)
		return nonsense(w, "more than an answer may hold");
	while (size < w->len + len)
		size *= 2;
	if (size != w->size) {
		body = realloc(w->body, size);
		if (!body)
			return -ENOMEM;
		w->body = body;
		w->size = size;
	}
	memcpy(w->body + w->len, data, len);
	w->len += len;
	return 0;
}

/* Another node's pod is none of ours, whatever the server thinks of the field selector. */
static int tell_pod(struct watch *w, enum kube_message_type type, const json_t *object)
{
	if (pod_from_json(object, w->opts.allowed_labels, &w->pod))
		return 0;
	if (strcmp(w->pod.node_name, w->opts.node))
		return 0;
	return w->opts.tell(type, &w->pod, w->opts.ctx);
}

static bool copy_version(struct watch *w, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));

	if (!version || !*version || strlen(version) >= sizeof(w->resource_version))
		return false;
	strcpy(w->resource_version, version);
	return true;
}

static void answered(const struct watch *w)
{
	if (w->opts.answered)
		w->opts.answered(w->opts.ctx);
}

int watch_take_page(struct watch *w, const char *text, size_t len)
{
	_cleanup_json_ json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	const json_t *items = json_object_get(root, "items"), *item;
	int err = 0;
	size_t i;

	/* Go writes an empty list as null. */
	if (!root || (!json_is_array(items) && !json_is_null(items)))
		return nonsense(w, "a list that is none");
	w->next_page[0] = '\0';
	JSON_COPY_KEY(json_object_get(root, "metadata"), "continue", w->next_page);
	json_array_foreach(items, i, item)
	{
		err = tell_pod(w, KUBE_POD, item);
		if (err < 0)
			return err;
	}
	if (!w->next_page[0] && !copy_version(w, root))
		return nonsense(w, "a list without a resourceVersion");
	answered(w);
	return 0;
}

static int take_error(struct watch *w, const json_t *object)
{
	const json_t *code = json_object_get(object, "code");

	if (json_integer_value(code) == 410) {
		snprintf(w->why, sizeof(w->why), "it does not remember where the watch was (410)");
		return -ESTALE;
	}
	snprintf(w->why, sizeof(w->why), "it ended the watch with an error (%lld)",
		 (long long)json_integer_value(code));
	return -EPROTO;
}

static int take_line(struct watch *w, const char *text, size_t len)
{
	_cleanup_json_ json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *object = json_object_get(root, "object");
	int err = 0;

	if (!type || !json_is_object(object))
		return nonsense(w, "a line that is no event of a watch");
	if (!strcmp(type, "ERROR"))
		return take_error(w, object);
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		err = tell_pod(w, KUBE_POD, object);
	else if (!strcmp(type, "DELETED"))
		err = tell_pod(w, KUBE_POD_GONE, object);
	if (err >= 0 && !copy_version(w, object))
		return nonsense(w, "an event without a resourceVersion");
	answered(w);
	return err;
}

int watch_take_piece(struct watch *w, const char *text, size_t len)
{
	const char *end;
	size_t n;
	int err;

	while (len) {
		end = memchr(text, '\n', len);
		n = end ? (size_t)(end - text) + 1 : len;
		err = append(w, text, n);
		if (err)
			return err;
		text += n;
		len -= n;
		if (!end)
			break;
		err = w->len > 1 ? take_line(w, w->body, w->len) : 0;
		w->len = 0;
		if (err < 0)
			return err;
	}
	return 0;
}

static int on_page(const char *data, size_t len, void *ctx)
{
	return append(ctx, data, len);
}

static int on_piece(const char *data, size_t len, void *ctx)
{
	return watch_take_piece(ctx, data, len);
}

/* Query strings: the node's name and `continue` are from outside. */
static int make_path(struct watch *w, const char *rest, char *ret_path, size_t size)
{
	char *node = curl_easy_escape(NULL, w->opts.node, 0);
	char *next = curl_easy_escape(NULL, w->next_page, 0);
	int n = -1;

	if (node && next)
		n = snprintf(ret_path, size, "/api/v1/pods?fieldSelector=spec.nodeName%%3D%s%s%s%s",
			     node, rest, *next ? "&continue=" : "", next);
	curl_free(node);
	curl_free(next);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int request(struct watch *w, struct client *client, const char *rest, long timeout_s,
		   client_fn fn, const char **ret_why)
{
	char path[3072];
	int err = make_path(w, rest, path, sizeof(path));

	w->len = 0;
	w->why[0] = '\0';
	if (!err)
		err = w->opts.get_credentials(&w->cred, w->opts.ctx);
	if (!err)
		err = client_get(client, &w->cred, path, timeout_s, fn, w, ret_why);
	if (w->why[0])
		*ret_why = w->why;
	return err;
}

static int list(struct watch *w, struct client *client, const char **ret_why)
{
	char rest[32];
	int err = w->opts.tell(KUBE_LIST_BEGIN, NULL, w->opts.ctx), page = 0;

	snprintf(rest, sizeof(rest), "&limit=%d", PAGE_PODS);
	w->next_page[0] = '\0';
	do {
		if (!err)
			err = request(w, client, rest, LIST_S, on_page, ret_why);
		if (!err)
			err = watch_take_page(w, w->body ? w->body : "", w->len);
		if (!err && ++page == PAGES_MAX)
			err = nonsense(w, "a list without an end");
	} while (!err && w->next_page[0]);
	if (w->why[0])
		*ret_why = w->why;
	w->next_page[0] = '\0';
	return err ? err : w->opts.tell(KUBE_LIST_END, NULL, w->opts.ctx);
}

int watch_round(struct watch *w, struct client *client, const char **ret_why)
{
	char *version;
	char rest[384];
	int err = 0;

	*ret_why = "";
	if (!w->resource_version[0])
		err = list(w, client, ret_why);
	if (err) {
		w->resource_version[0] = '\0';
		return err;
	}
	version = curl_easy_escape(NULL, w->resource_version, 0);
	snprintf(rest, sizeof(rest),
		 "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%ld&resourceVersion=%s", WATCH_S,
		 version ? version : "");
	curl_free(version);
	err = request(w, client, rest, WATCH_S + WATCH_GRACE_S, on_piece, ret_why);
	if (err == -ESTALE || err == -EPROTO)
		w->resource_version[0] = '\0';
	return err;
}
