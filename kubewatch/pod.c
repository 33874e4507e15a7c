/* SPDX-License-Identifier: Apache-2.0 */
#include "kubewatch/pod.h"

#include "evidence/base.h"
#include "sensor/json_string.h"

#include <string.h>
#include <time.h>

#define MINUTE_DIGITS 8 /* of a CronJob's Job, minutes since 1970 */

bool pod_label_allowed(const char *allowed, const char *key)
{
	while (*allowed) {
		size_t len = strcspn(allowed, ",");

		if (len && allowed[len - 1] == '*'
			    ? !strncmp(allowed, key, len - 1)
			    : strlen(key) == len && !strncmp(allowed, key, len))
			return true;
		allowed += len + (allowed[len] == ',');
	}
	return false;
}

/* Copies name without its last len bytes. */
static void set_owner(struct kube_owner *o, const char *kind, const char *name, size_t less)
{
	*o = (struct kube_owner){.concluded = 1};
	snprintf(o->kind, sizeof(o->kind), "%s", kind);
	snprintf(o->name, sizeof(o->name), "%.*s", (int)(strlen(name) - less), name);
}

/* The Deployment's controller names a ReplicaSet NAME-HASH, and labels its pods with the hash. */
static bool is_of_deployment(const struct kube_owner *owner, const json_t *labels, size_t *ret_less)
{
	const char *hash = json_string_value(json_object_get(labels, "pod-template-hash"));
	size_t len = strlen(owner->name), hash_len = hash ? strlen(hash) : 0;

	if (strcmp(owner->kind, "ReplicaSet") || !hash_len || len < hash_len + 2 ||
	    owner->name[len - hash_len - 1] != '-' || strcmp(owner->name + len - hash_len, hash))
		return false;
	*ret_less = hash_len + 1;
	return true;
}

/* The CronJob's controller names a Job NAME-MINUTE. */
static bool is_of_cron_job(const struct kube_owner *owner, size_t *ret_less)
{
	const char *dash = strrchr(owner->name, '-');

	if (strcmp(owner->kind, "Job") || !dash || dash == owner->name ||
	    strspn(dash + 1, "0123456789") != strlen(dash + 1) || strlen(dash + 1) != MINUTE_DIGITS)
		return false;
	*ret_less = strlen(dash);
	return true;
}

static void read_owner(const json_t *metadata, struct kube_pod *pod)
{
	const json_t *list = json_object_get(metadata, "ownerReferences"), *ref;
	size_t i, less;

	json_array_foreach(list, i, ref)
	{
		if (!json_is_true(json_object_get(ref, "controller")))
			continue;
		JSON_COPY_KEY(ref, "kind", pod->owner.kind);
		JSON_COPY_KEY(ref, "name", pod->owner.name);
	}
	pod->workload = pod->owner;
	if (is_of_deployment(&pod->owner, json_object_get(metadata, "labels"), &less))
		set_owner(&pod->workload, "Deployment", pod->owner.name, less);
	else if (is_of_cron_job(&pod->owner, &less))
		set_owner(&pod->workload, "CronJob", pod->owner.name, less);
}

static void read_labels(json_t *labels, const char *allowed, struct kube_pod *pod)
{
	const char *key;
	json_t *value;

	json_object_foreach(labels, key, value)
	{
		if (!pod_label_allowed(allowed, key) || !json_is_string(value))
			continue;
		if (pod->label_cnt == KUBE_LABELS_MAX) {
			pod->labels_left_out++;
			continue;
		}
		struct kube_label *l = &pod->labels[pod->label_cnt++];

		snprintf(l->key, sizeof(l->key), "%s", key);
		JSON_COPY_KEY(labels, key, l->value);
	}
}

static const json_t *find_named(const json_t *list, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *n = json_string_value(json_object_get(entry, "name"));

		if (n && !strcmp(n, name))
			return entry;
	}
	return NULL;
}

/* "containerd://ID"; "docker.io/library/busybox@sha256:DIGEST", or the digest alone. */
static void copy_behind(const json_t *status, const char *key, const char *mark, char *dst,
			size_t size)
{
	const char *text = json_string_value(json_object_get(status, key));
	const char *found = text ? strstr(text, mark) : NULL;

	if (found)
		snprintf(dst, size, "%s", found + strlen(mark));
	else if (text && !strncmp(text, "sha256:", 7))
		snprintf(dst, size, "%s", text);
}

static void read_container(const json_t *spec, const json_t *statuses, const char *type,
			   struct kube_container *c)
{
	const json_t *status, *count;

	snprintf(c->type, sizeof(c->type), "%s", type);
	c->restart_count = -1;
	JSON_COPY_KEY(spec, "name", c->name);
	JSON_COPY_KEY(spec, "image", c->image);
	status = find_named(statuses, c->name);
	copy_behind(status, "containerID", "://", c->id, sizeof(c->id));
	copy_behind(status, "imageID", "@", c->image_digest, sizeof(c->image_digest));
	count = json_object_get(status, "restartCount");
	if (json_is_integer(count) && json_integer_value(count) >= 0)
		c->restart_count = MIN(json_integer_value(count), INT32_MAX);
}

static void read_containers(const json_t *spec, const json_t *status, struct kube_pod *pod)
{
	static const struct {
		const char *type, *specs, *statuses;
	} lists[] = {
		{"init", "initContainers", "initContainerStatuses"},
		{"container", "containers", "containerStatuses"},
		{"ephemeral", "ephemeralContainers", "ephemeralContainerStatuses"},
	};
	const json_t *entry;
	size_t i;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		json_array_foreach(json_object_get(spec, lists[l].specs), i, entry)
		{
			if (pod->container_cnt == KUBE_CONTAINERS_MAX) {
				pod->containers_left_out++;
				continue;
			}
			read_container(entry, json_object_get(status, lists[l].statuses),
				       lists[l].type, &pod->containers[pod->container_cnt++]);
		}
	}
}

static void read_ips(const json_t *status, struct kube_pod *pod)
{
	const json_t *list = json_object_get(status, "podIPs"), *entry;
	size_t i;

	JSON_COPY_KEY(status, "podIP", pod->ips[0]);
	json_array_foreach(list, i, entry) if (i < KUBE_IPS_MAX)
		JSON_COPY_KEY(entry, "ip", pod->ips[i]);
}

static void read_created(const json_t *metadata, struct kube_pod *pod)
{
	const char *text = json_string_value(json_object_get(metadata, "creationTimestamp"));
	struct tm tm = {};

	int64_t time = text && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;

	if (time > 0 && time <= KUBE_TIME_MAX)
		pod->created_unix = time;
}

/*
 * kubelet runs static pods from files, and makes a mirror of each at the API server, which has a
 * UID of its own. On the node a static pod's UID is the hash of its file, 32 hex digits. Anything
 * else in the annotation would be somebody's who speaks for another pod: those have UIDs with
 * dashes.
 */
static void read_uid(const json_t *metadata, struct kube_pod *pod)
{
	const json_t *annotations = json_object_get(metadata, "annotations");

	const char *hash =
		json_string_value(json_object_get(annotations, "kubernetes.io/config.hash"));

	JSON_COPY_KEY(metadata, "uid", pod->uid);
	if (!json_is_string(json_object_get(annotations, "kubernetes.io/config.mirror")) || !hash ||
	    strlen(hash) != 32 || strspn(hash, "0123456789abcdef") != 32)
		return;
	memcpy(pod->api_uid, pod->uid, sizeof(pod->api_uid));
	JSON_COPY_KEY(annotations, "kubernetes.io/config.hash", pod->uid);
}

int pod_from_json(const json_t *object, const char *allowed_labels, struct kube_pod *ret_pod)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *spec = json_object_get(object, "spec");
	const json_t *status = json_object_get(object, "status");

	*ret_pod = (struct kube_pod){};
	read_uid(metadata, ret_pod);
	if (!ret_pod->uid[0])
		return -EINVAL;
	JSON_COPY_KEY(metadata, "name", ret_pod->name);
	JSON_COPY_KEY(metadata, "namespace", ret_pod->namespace_);
	JSON_COPY_KEY(spec, "serviceAccountName", ret_pod->service_account);
	JSON_COPY_KEY(spec, "nodeName", ret_pod->node_name);
	JSON_COPY_KEY(status, "phase", ret_pod->phase);
	read_owner(metadata, ret_pod);
	read_labels(json_object_get(metadata, "labels"), allowed_labels, ret_pod);
	read_containers(spec, status, ret_pod);
	read_ips(status, ret_pod);
	read_created(metadata, ret_pod);
	return 0;
}
