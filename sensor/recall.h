/* SPDX-License-Identifier: Apache-2.0 */
/* Who containers were, by what the log says of them: for those that ended while no sensor ran, of
 * which there is nothing else left to ask. */
#ifndef VARVE_RECALL_H
#define VARVE_RECALL_H

struct container_table;

/*
 * Resolves those of the table that are still CONTAINER_PENDING and that a record of that run names:
 * of another run's, cgroup ids and plain runc's names may be others'. Reads the outline of the log
 * in log_dir, if there are any. 0, or what reading says; what was found by then holds.
 */
int recall_containers(struct container_table *table, const char *log_dir, const char *run_id);

#endif
