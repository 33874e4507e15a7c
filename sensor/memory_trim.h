/* SPDX-License-Identifier: Apache-2.0 */
/* Gives back what only the start needed. */
#ifndef VARVE_MEMORY_TRIM_H
#define VARVE_MEMORY_TRIM_H

/*
 * Free heap, and the pages of program and libraries that are the file's own bytes: the BPF objects
 * in the program's read-only data are 10 MiB that nobody reads again. What is needed after all
 * comes back from the page cache.
 */
void memory_trim(void);

#endif
