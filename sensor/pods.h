/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods that the sensor knows: by UID, from the containers it sees and from what the API server
 * says. Writes POD_STATE, the directory's record.
 */
#ifndef VARVE_PODS_H
#define VARVE_PODS_H

#include "sensor/container_bundle.h"
#include "sensor/kube_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container;
struct emit;

enum pod_api {
	POD_API_NONE,	 /* nobody is asked */
	POD_API_PENDING, /* no answer yet */
	POD_API_KNOWN,
	POD_API_UNRESOLVED, /* nor within the bound; it may come later */
};

/* Owned by the table; there as long as a container is attached to it. */
struct pod {
	char uid[37];
	/* As the runtime says; "" until it does. As the API server says, if the runtime does not.
	 */
	char name[CONTAINER_NAME_MAX + 1];
	char namespace_[CONTAINER_NAME_MAX + 1];
	bool named_by_runtime;
	enum pod_api api;
	uint64_t pending_ns;		   /* boot time since when POD_API_PENDING */
	struct kube_owner owner, workload; /* of POD_API_KNOWN */
	uint8_t *state; /* varve.v1.PodState, packed, as the API server says it */
	size_t state_len;
	bool deleted; /* at the API server */
	size_t container_cnt;
	bool has_records;
	uint64_t first_sequence, last_sequence;
	uint64_t first_ns, last_ns; /* boot time */
	uint64_t idle_ns;	    /* boot time when it was last of use; 0: it is */
	uint32_t list;		    /* the last list it was in */
	bool due;		    /* a POD_STATE is to be written */
	bool rebind;		    /* and a BINDING of each of its containers */
	struct pod *next;	    /* hash chain */
};

struct pods_cost {
	uint64_t evicted;      /* before their time, for want of room */
	uint64_t refused;      /* no room: records lack what the API server says */
	uint64_t contradicted; /* the API server names the UID otherwise than the runtime: not
				  believed */
};

struct pods;

/* limit: most pods kept. asks_api: whether an API server is asked. */
int pods_new(size_t limit, bool asks_api, struct pods **ret_pods);
void pods_free(struct pods *pods);

/*
 * The container is of a pod whose UID is known: makes them known to each other, if they are not;
 * and says its names. sequence, now_ns: of the record that is about to be written.
 */
void pods_attach(struct pods *pods, struct container *c, uint64_t sequence, uint64_t now_ns);
/* The container goes. next_sequence: behind its last record. */
void pods_detach(struct pods *pods, struct container *c, uint64_t next_sequence, uint64_t now_ns);

/* What varve-kubewatch says (checked). */
void pods_take(struct pods *pods, const struct kube_message *message, uint64_t now_ns);
/* Gives up those that the API server has said nothing of for half a minute, as of now_ns: is to be
 * told. */
void pods_give_up(struct pods *pods, uint64_t now_ns);
/* True once a whole list has come. */
bool pods_listed(const struct pods *pods);

/* True if pods_flush() has something to do. */
bool pods_are_due(const struct pods *pods);
/* Writes the POD_STATE records that are due. The BINDINGs of its containers are to be written
 * before. */
void pods_flush(struct pods *pods, struct emit *emit);
/* At the end of the run: each pod that has records. */
void pods_finish(struct pods *pods, struct emit *emit);
/* Forgets those that nobody needed for a minute. */
void pods_expire(struct pods *pods, uint64_t now_ns);

const struct pod *pods_find(const struct pods *pods, const char *uid);
size_t pods_count(const struct pods *pods);
struct pods_cost pods_cost(const struct pods *pods);

#endif
