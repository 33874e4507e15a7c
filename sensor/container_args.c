/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle's directory out of an OCI runtime's command line. */
#include "sensor/container_bundle.h"

#include "evidence/base.h"

#include <string.h>

struct args {
	const char *p, *end;
};

/* The next argument; the last one may lack its NUL (a command line cut by the kernel side). */
static const char *args_next(struct args *a, size_t *ret_len)
{
	const char *arg = a->p;

	if (a->p >= a->end)
		return NULL;
	*ret_len = strnlen(arg, a->end - arg);
	a->p += *ret_len + 1;
	return arg;
}

/*
 * The option's value: behind "=", or the next argument. runc takes one or two dashes before a long
 * option; crun takes "-bDIR" as well, which runc would not, so it comes last.
 */
static const char *bundle_value(struct args *a, const char *arg, size_t len, size_t *ret_len)
{
	static const char *const forms[] = {"--bundle", "-bundle", "-b"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t n = strlen(forms[i]);

		if (len < n || memcmp(arg, forms[i], n))
			continue;
		if (len == n)
			return args_next(a, ret_len);
		if (arg[n] == '=') {
			*ret_len = len - n - 1;
			return arg + n + 1;
		}
	}
	if (len > 2 && !memcmp(arg, "-b", 2)) {
		*ret_len = len - 2;
		return arg + 2;
	}
	return NULL;
}

static int join(const char *cwd, const char *dir, size_t dir_len, char *ret_dir, size_t ret_size)
{
	size_t cwd_len = dir_len && dir[0] == '/' ? 0 : strlen(cwd);
	bool slash = cwd_len && dir_len && cwd[cwd_len - 1] != '/';

	if (cwd_len + slash + dir_len >= ret_size)
		return -ENAMETOOLONG;
	memcpy(ret_dir, cwd, cwd_len);
	if (slash)
		ret_dir[cwd_len] = '/';
	memcpy(ret_dir + cwd_len + slash, dir, dir_len);
	ret_dir[cwd_len + slash + dir_len] = 0;
	return 0;
}

int container_bundle_from_args(const char *args, size_t len, const char *cwd, char *ret_dir,
			       size_t ret_size)
{
	struct args a = {args, args + len};
	const char *arg, *dir = "";
	size_t arg_len, dir_len = 0;

	if (!args_next(&a, &arg_len))
		return -ENOENT;
	while ((arg = args_next(&a, &arg_len))) {
		size_t value_len = 0;
		const char *value = bundle_value(&a, arg, arg_len, &value_len);

		if (arg_len == 2 && !memcmp(arg, "--", 2))
			break;
		if (!value || !value_len)
			continue;
		dir = value;
		dir_len = value_len;
	}
	if (dir_len && dir[0] == '/')
		return join("", dir, dir_len, ret_dir, ret_size);
	if (!cwd || cwd[0] != '/')
		return -ENOENT;
	return join(cwd, dir, dir_len, ret_dir, ret_size);
}
