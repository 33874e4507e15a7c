/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence, wherever it is: a log directory, a bundle, a Kafka topic, standard input, or several of
 * them. What a source gives from open to its end is fixed when it is opened (Kafka: the high
 * watermarks), and can be read again.
 */
#ifndef VARVE_RESPONDER_SOURCE_H
#define VARVE_RESPONDER_SOURCE_H

#include "evidence/log.h"
#include <stddef.h>
#include <stdint.h>

struct source;

struct source_property {
	const char *name, *value;
	const char *where; /* the file and line that it is from; NULL: -X */
};

struct source_opts {
	const char *topic;			  /* Kafka: NULL is varve.events */
	const struct source_property *properties; /* Kafka: librdkafka's, from -X */
	size_t property_cnt;
	int directory;	/* Kafka: the topic is compacted, and need not be there: -ENOENT untold */
	int timeout_ms; /* Kafka: how long to wait for a broker; 0 is 10 s */
	const char *const *more; /* sources besides the one that is named */
	size_t more_cnt;
	/*
	 * The source has no end: where there is nothing (more) yet it gives SOURCE_WAIT. Kafka
	 * begins with what comes after open, a directory with its newest segment, or both with this
	 * time, INT64_MIN: none. Not of a bundle or standard input.
	 */
	int follow;
	int64_t follow_since_ns;
};

enum source_what {
	SOURCE_END,
	SOURCE_RECORD, /* a payload, nothing said about what is in it */
	SOURCE_LEAF, /* of a bundle: the leaf hash of a record that is not in it; if with_leaves */
	SOURCE_DAMAGE, /* something that could not be read was here */
	SOURCE_WAIT,   /* nothing more has come in the last moment; if it is followed */
};

struct source_item {
	enum source_what what;
	const uint8_t *payload; /* valid until the next call */
	size_t len;
	unsigned int partition; /* strand of records that stand in order; below partition_cnt */
	const char *where;	/* SOURCE_DAMAGE: the place in words; valid until the next call */
	int at_tail;		/* SOURCE_DAMAGE: nothing readable behind it */
	/* Of a directory: */
	uint64_t segment; /* SOURCE_RECORD: the one that it lies in */
	uint64_t skipped; /* records that were left out before this one (source_outline()) */
	int is_old;	  /* followed: was there before, and is only to learn from */
};

struct source_part;

/* A kind of source. All calls log what goes wrong, once, and return a negative errno. */
struct source_type {
	int (*next)(struct source *src, struct source_item *ret_item);
	int (*rewind)(struct source *src);
	/* or NULL; partition: of whole */
	int (*outline)(struct source *src, unsigned int partition, const struct log_range *whole,
		       size_t cnt);
	int (*part)(struct source *src, const struct source_part *part); /* or NULL; NULL: all */
	void (*close)(struct source *src);
};

struct source {
	const struct source_type *type;
	int with_leaves;	    /* set it to be given them */
	int no_wait;		    /* set it to be given SOURCE_WAIT at once */
	unsigned int partition_cnt; /* a directory, a bundle: 1 */
};

/*
 * name: a path, kafka://host:port[,host:port...], or "-". With opts->more: what cannot be opened is
 * told, and is damage, as long as one can.
 */
int source_open(const char *name, const struct source_opts *opts, struct source **ret_src);
/* 0 with what == SOURCE_END at the end. */
int source_next(struct source *src, struct source_item *ret_item);
/* Back to the first record. */
int source_rewind(struct source *src);
/*
 * Rewinds, and from now on gives the outline only (evidence/log.h) but for the segments in `whole`
 * (not copied), which it gives whole. -ENOTSUP: it cannot.
 */
int source_outline(struct source *src, const struct log_range *whole, size_t cnt);
/* The same; the segments are of this partition. */
int source_outline_but(struct source *src, unsigned int partition, const struct log_range *whole,
		       size_t cnt);
/* Rewinds, and gives all again. */
int source_read_all(struct source *src);
void source_close(struct source *src);

/* Kafka: only the records of these nodes, of this time; rewinds. */
struct source_part {
	const char **nodes;
	size_t node_cnt;
	int is_anywhere; /* look for them in all partitions, not only in those where they belong:
			    the topic may have had fewer before */
	int64_t since_ns, until_ns; /* INT64_MIN, INT64_MAX: no bound */
};
int source_kafka_part(struct source *src, const struct source_part *part);

int source_is_kafka(const char *name);
int source_dir_open(const char *dir, struct source **ret_src);
/* since_ns: as follow_since_ns in struct source_opts */
int source_dir_follow(const char *dir, int64_t since_ns, struct source **ret_src);
int source_bundle_open(const char *path, struct source **ret_src);
int source_kafka_open(const char *servers, const struct source_opts *opts, struct source **ret_src);
int source_stdin_open(struct source **ret_src);
/* names: at least two; opts->more is not looked at. */
int source_many_open(const char *const *names, size_t cnt, const struct source_opts *opts,
		     struct source **ret_src);

#endif
