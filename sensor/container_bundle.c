/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the files runtimes write about a container: the OCI bundle's config.json, docker's
 * config.v2.json, the list of containers/storage, and the low-level runtimes' state. All are JSON
 * from outside: jansson limits the nesting, we limit the size, every value is checked for its type.
 *
 * Some annotations come from whoever wrote the pod's manifest: runtimes pass them through when told
 * to (containerd) or for allowed prefixes (CRI-O). So the runtime that wrote the bundle is
 * determined first and then only the keys that runtime sets itself are believed.
 */
#include "sensor/container_bundle.h"

#include "evidence/base.h"
#include "evidence/text.h"
#include "sensor/json_string.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

/* Where each runtime says what. NULL: it does not. */
struct dialect {
	const char *type, *sandbox;
	const char *sandbox_name; /* what name is of a sandbox; believed before type */
	const char *name, *image, *image2, *pod_uid, *pod_name, *pod_namespace;
};

static const struct dialect containerd_cri = {
	.type = "io.kubernetes.cri.container-type",
	.sandbox = "sandbox",
	.name = "io.kubernetes.cri.container-name",
	.image = "io.kubernetes.cri.image-name",
	.pod_uid = "io.kubernetes.cri.sandbox-uid",
	.pod_name = "io.kubernetes.cri.sandbox-name",
	.pod_namespace = "io.kubernetes.cri.sandbox-namespace",
};
/* kubelet's labels, which CRI-O copies over everything else; in a sandbox's bundle it copies the
 * pod's annotations over all but those. */
static const struct dialect crio = {
	.type = "io.kubernetes.cri-o.ContainerType",
	.sandbox = "sandbox",
	.sandbox_name = "POD",
	.name = "io.kubernetes.container.name",
	.image = "io.kubernetes.cri-o.ImageName",
	.image2 = "io.kubernetes.cri-o.Image",
	.pod_uid = "io.kubernetes.pod.uid",
	.pod_name = "io.kubernetes.pod.name",
	.pod_namespace = "io.kubernetes.pod.namespace",
};
static const struct dialect docker_labels = {
	.type = "io.kubernetes.docker.type",
	.sandbox = "podsandbox",
	.name = "io.kubernetes.container.name",
	.pod_uid = "io.kubernetes.pod.uid",
	.pod_name = "io.kubernetes.pod.name",
	.pod_namespace = "io.kubernetes.pod.namespace",
};
/* Any other bundle: whoever made it was root on the node. */
static const struct dialect plain = {
	.type = "io.kubernetes.cri.container-type",
	.sandbox = "sandbox",
	.name = "io.kubernetes.container.name",
	.image = "org.opencontainers.image.ref.name",
	.pod_uid = "io.kubernetes.pod.uid",
	.pod_name = "io.kubernetes.pod.name",
	.pod_namespace = "io.kubernetes.pod.namespace",
};

/* The UTF-16 unit of an escape \uXXXX at s (a string with a NUL behind); 0 if there is none. */
static unsigned int escaped_unit(const char *s)
{
	unsigned int unit;
	int used = 0;

	if (s[0] != '\\' || s[1] != 'u' || strspn(s + 2, "0123456789abcdefABCDEF") < 4)
		return 0;
	return sscanf(s + 2, "%4x%n", &unit, &used) == 1 ? unit : 0;
}

/* How far to go on behind the escape at s, which is changed to \uFFFD if it is half of a surrogate
 * pair. */
static size_t repair_escape(char *s)
{
	unsigned int unit = escaped_unit(s);

	if ((unit & 0xf800) != 0xd800)
		return 2;
	if (unit < 0xdc00 && (escaped_unit(s + 6) & 0xfc00) == 0xdc00)
		return 12;
	memcpy(s, "\\uFFFD", 6);
	return 6;
}

/*
 * The same text with '?' and \uFFFD for what is no Unicode: jansson rejects a whole file for one
 * such byte among the arguments, and runtimes do not; a container must not lose its name by it.
 */
static char *repair(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	size_t i, n;
	uint32_t cp;

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (i = 0; i < len; i += n) {
		n = text_decode(copy + i, len - i, &cp);
		if (!n) {
			copy[i] = '?';
			n = 1;
		} else if (copy[i] == '\\') {
			n = repair_escape(copy + i);
		}
	}
	return copy;
}

/*
 * An error in the last bytes is one of a file still being written: the text ends early, or in the
 * middle of a word or a character.
 */
static int load(const char *text, size_t len, json_t **ret_json)
{
	json_error_t error;
	json_t *json;

	if (!len)
		return -EAGAIN;
	if (len > CONTAINER_FILE_LIMIT)
		return -EINVAL;
	/* A NUL in a string and numbers beyond 64 bits are legal and must not hide a container's
	 * name. */
	json = json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (!json && (json_error_code(&error) == json_error_invalid_utf8 ||
		      json_error_code(&error) == json_error_invalid_syntax)) {
		_cleanup_free_ char *repaired = repair(text, len);

		if (repaired)
			json = json_loadb(repaired, len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
					  &error);
	}
	if (!json && (json_error_code(&error) == json_error_premature_end_of_input ||
		      error.position + 16 > (int)len))
		return -EAGAIN;
	if (!json)
		return -EINVAL;
	*ret_json = json;
	return 0;
}

static bool is_sandbox(const json_t *from, const struct dialect *d)
{
	const char *type = json_string_value(json_object_get(from, d->type));
	const char *name = json_string_value(json_object_get(from, d->name));

	if (d->sandbox_name && name)
		return !strcmp(name, d->sandbox_name);
	return type && !strcmp(type, d->sandbox);
}

static void read_dialect(const json_t *from, const struct dialect *d,
			 struct container_metadata *meta)
{
	meta->is_sandbox = is_sandbox(from, d);
	/* "POD" is what CRI-O and docker call every sandbox; an image that is named for one may be
	 * of the pod's author */
	if (!meta->is_sandbox) {
		JSON_COPY_KEY(from, d->name, meta->name);
		JSON_COPY_KEY(from, d->image, meta->image);
		if (!*meta->image)
			JSON_COPY_KEY(from, d->image2, meta->image);
	}
	JSON_COPY_KEY(from, d->pod_uid, meta->pod_uid);
	JSON_COPY_KEY(from, d->pod_name, meta->pod_name);
	JSON_COPY_KEY(from, d->pod_namespace, meta->pod_namespace);
}

/* The cgroup path is the runtime's own: ".../crio-<id>" or "<slice>:crio:<id>" is CRI-O's. */
static bool path_is_crio(const json_t *root)
{
	const char *path =
		json_string_value(json_object_get(json_object_get(root, "linux"), "cgroupsPath"));

	return path && (strstr(path, "/crio-") || strstr(path, ":crio:"));
}

static const struct dialect *dialect_of(const json_t *root, const json_t *annotations)
{
	bool is_crio = json_object_get(annotations, crio.type);
	bool is_containerd = json_object_get(annotations, containerd_cri.type);

	/* One of the two was set by the pod. */
	if (is_crio && is_containerd)
		return path_is_crio(root) ? &crio : &containerd_cri;
	return is_crio ? &crio : is_containerd ? &containerd_cri : &plain;
}

/* CRI-O says a container's name once more as JSON in an annotation; older versions only there. */
static void read_crio_metadata(const json_t *annotations, struct container_metadata *meta)
{
	const json_t *text = json_object_get(annotations, "io.kubernetes.cri-o.Metadata");
	_cleanup_json_ json_t *json = NULL;

	if (*meta->name || meta->is_sandbox || !json_is_string(text) ||
	    load(json_string_value(text), json_string_length(text), &json))
		return;
	JSON_COPY_KEY(json, "name", meta->name);
}

int container_parse_bundle(const char *text, size_t len, struct container_metadata *ret_meta)
{
	_cleanup_json_ json_t *root = NULL;
	struct container_metadata meta = {};
	const struct dialect *dialect;
	json_t *annotations;
	int err = load(text, len, &root);

	if (err)
		return err;
	if (!json_is_string(json_object_get(root, "ociVersion")))
		return -EINVAL;
	annotations = json_object_get(root, "annotations");
	dialect = dialect_of(root, annotations);
	read_dialect(annotations, dialect, &meta);
	if (dialect == &crio)
		read_crio_metadata(annotations, &meta);
	if (dialect == &plain && !*meta.name)
		JSON_COPY_KEY(annotations, "nerdctl/name", meta.name);
	if (dialect == &plain && !*meta.image)
		JSON_COPY_KEY(annotations, "io.containerd.image.name", meta.image);
	*ret_meta = meta;
	return 0;
}

int container_parse_docker(const char *text, size_t len, struct container_metadata *ret_meta)
{
	_cleanup_json_ json_t *root = NULL;
	struct container_metadata meta = {};
	json_t *config, *labels;
	int err = load(text, len, &root);

	if (err)
		return err;
	config = json_object_get(root, "Config");
	if (!json_is_string(json_object_get(root, "ID")) || !json_is_object(config))
		return -EINVAL;
	labels = json_object_get(config, "Labels");
	/* Anyone may label a container; a docker shim always sets the type. */
	if (json_object_get(labels, docker_labels.type))
		read_dialect(labels, &docker_labels, &meta);
	if (!*meta.name && !meta.is_sandbox)
		JSON_COPY_KEY(root, "Name", meta.name);
	if (meta.name[0] == '/')
		memmove(meta.name, meta.name + 1, strlen(meta.name));
	JSON_COPY_KEY(config, "Image", meta.image);
	*ret_meta = meta;
	return 0;
}

int container_parse_storage(const char *text, size_t len, const char *id,
			    struct container_metadata *ret_meta)
{
	_cleanup_json_ json_t *root = NULL, *inner = NULL;
	struct container_metadata meta = {};
	json_t *entry, *metadata;
	size_t i;
	int err = load(text, len, &root);

	if (err)
		return err;
	if (!json_is_array(root))
		return -EINVAL;
	json_array_foreach(root, i, entry)
	{
		const char *this_id = json_string_value(json_object_get(entry, "id"));

		if (!this_id || strcmp(this_id, id))
			continue;
		metadata = json_object_get(entry, "metadata");
		json_string_copy(json_array_get(json_object_get(entry, "names"), 0), meta.name,
			    sizeof(meta.name));
		if (json_is_string(metadata) &&
		    !load(json_string_value(metadata), json_string_length(metadata), &inner)) {
			/* CRI-O's "names" are k8s_<container>_<pod>_...; this is the container's
			 * own */
			JSON_COPY_KEY(inner, "metadata-name", meta.name);
			JSON_COPY_KEY(inner, "image-name", meta.image);
		}
		*ret_meta = meta;
		return 0;
	}
	return -ENOENT;
}

static int copy_dir(const char *dir, size_t len, char *ret_dir, size_t ret_size)
{
	if (!len || dir[0] != '/' || memchr(dir, 0, len))
		return -ENOENT;
	if (len >= ret_size)
		return -ENAMETOOLONG;
	memcpy(ret_dir, dir, len);
	ret_dir[len] = 0;
	return 0;
}

int container_parse_state(const char *text, size_t len, char *ret_dir, size_t ret_size)
{
	_cleanup_json_ json_t *root = NULL;
	json_t *bundle, *label, *labels;
	size_t i, found = SIZE_MAX;
	int err = load(text, len, &root);

	if (err)
		return err;
	bundle = json_object_get(root, "bundle"); /* crun */
	if (bundle)
		return json_is_string(bundle)
			       ? copy_dir(json_string_value(bundle), json_string_length(bundle),
					  ret_dir, ret_size)
			       : -ENOENT;
	labels = json_object_get(json_object_get(root, "config"), "labels");
	/* runc puts the annotations into the same list and the bundle behind them: an annotation
	 * "bundle" loses */
	json_array_foreach(labels, i, label) if (json_is_string(label) &&
						 !strncmp(json_string_value(label), "bundle=", 7))
		found = i;
	label = json_array_get(labels, found);
	if (!label)
		return -ENOENT;
	return copy_dir(json_string_value(label) + 7, json_string_length(label) - 7, ret_dir,
			ret_size);
}
