/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short list, not a detector: what Kubernetes, clouds and Linux keep credentials in. A read that
 * is not on it is still in the timeline. It begins with what the sensor records each time.
 */
#include "responder/secrets.h"
#include "evidence/base.h"
#include <fnmatch.h>
#include <sys/stat.h>

bool secrets_is_secret(const char *path)
{
	/* '*' matches slashes too. */
	static const char *const patterns[] = {
#define CREDENTIAL(pattern) pattern,
#include "evidence/credentials.def"
		"*/serviceaccount/*",
		"/etc/shadow*",
		"/etc/gshadow*",
		"/etc/sudoers*",
		"*/.kube/*",
		"*/.aws/*",
		"*/.git-credentials",
		"*/.netrc",
		"*/.pgpass",
		"*/.my.cnf",
		"*/.vault-token",
		"*/.env",
		"/proc/*/mem",
		"*.key",
		"*.kdbx",
		"*secret*",
		"*credential*",
		"*password*",
		"*docker.sock",
		"*containerd.sock",
		"*crio.sock",
	};

	for (size_t i = 0; path && i < ARRAY_SIZE(patterns); i++)
		if (!fnmatch(patterns[i], path, 0))
			return true;
	return false;
}

bool secrets_is_secret_file(const Varve__V1__File *file)
{
	return file && !(file->has_mode && S_ISDIR(file->mode)) && secrets_is_secret(file->path);
}
