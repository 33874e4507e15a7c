/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short list, not a detector: what Kubernetes, clouds and Linux keep credentials in. A read that
 * is not on it is still in the timeline.
 */
#include "responder/secrets.h"
#include "evidence/base.h"
#include <fnmatch.h>

bool secrets_is_secret(const char *path)
{
	/* '*' matches slashes too. */
	static const char *const patterns[] = {
		"/run/secrets/*",
		"/var/run/secrets/*",
		"*/serviceaccount/*",
		"/etc/shadow*",
		"/etc/gshadow*",
		"/etc/sudoers*",
		"/etc/kubernetes/*",
		"*/.kube/*",
		"*/.ssh/*",
		"/etc/ssh/ssh_host_*",
		"*/.aws/*",
		"*/.azure/*",
		"*/.config/gcloud/*",
		"*/.docker/config.json",
		"*/.git-credentials",
		"*/.netrc",
		"*/.pgpass",
		"*/.my.cnf",
		"*/.vault-token",
		"*/.env",
		"/proc/*/environ",
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
