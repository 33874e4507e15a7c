/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the node as seen below `root` ("" on the node itself, "/host" in a pod). */
#ifndef VARVE_NODEFILE_H
#define VARVE_NODEFILE_H

#include <stddef.h>
#include <stdlib.h>

struct nodefile {
	char *text; /* no NUL behind it */
	size_t len;
};

static inline void cleanup_nodefile(struct nodefile *f)
{
	free(f->text);
}
#define _cleanup_nodefile_ __attribute__((cleanup(cleanup_nodefile)))

/* As open(): -1 and errno. path is absolute. Symbolic links are followed below root and never lead
 * out of it. */
int nodefile_open(const char *root, const char *path, int flags);
/* -ENOENT: cannot be opened; -EINVAL: no regular file, or larger than limit. */
int nodefile_read(const char *root, const char *path, size_t limit, struct nodefile *ret_file);

#endif
