/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, kept so that it can be read again. */
#ifndef VARVE_RESPONDER_SPOOL_H
#define VARVE_RESPONDER_SPOOL_H

/*
 * Reads fd to its end into a file without a name in $TMPDIR, or /var/tmp, and gives a descriptor of
 * it, at its beginning; of a plain file that fd already is, a duplicate. The file system is left
 * with some room. Errors are told: -ENOSPC, -EINVAL (a terminal), and errno's.
 */
int spool(int fd, int *ret_fd);

#endif
