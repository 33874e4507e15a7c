/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration of varve-sensor: one table of options gives command line, environment
 * (VARVE_LOG_DIR), file
 * ("log-dir = /var/lib/varve"), defaults, checks and help. Later sources win: defaults, file,
 * environment, command line.
 */
#ifndef VARVE_CONF_H
#define VARVE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_scope { CONF_SCOPE_CONTAINERS, CONF_SCOPE_ALL };
enum conf_hooks { CONF_HOOKS_AUTO, CONF_HOOKS_TRACEPOINT, CONF_HOOKS_TRAMPOLINE };
/* The cgroup hierarchy that containers are told apart by, see hierarchy.h. */
enum conf_hierarchy {
	CONF_HIERARCHY_AUTO,
	CONF_HIERARCHY_V2,
	CONF_HIERARCHY_PIDS,
	CONF_HIERARCHY_MEMORY,
	CONF_HIERARCHY_CNT
};
enum conf_read_opens { CONF_READ_OPENS_OFF, CONF_READ_OPENS_FIRST, CONF_READ_OPENS_ALL, CONF_READ_OPENS_SAME };

/* What goes when the log is full; auto: the newest with Kafka, which makes room, else the oldest. */
enum conf_log_full { CONF_LOG_FULL_AUTO, CONF_LOG_FULL_NEWEST, CONF_LOG_FULL_OLDEST };
enum conf_sync { CONF_SYNC_LAG, CONF_SYNC_EACH, CONF_SYNC_INTERVAL, CONF_SYNC_NONE };
/* What stands before the payload in a Kafka record, see evidence/confluent.h. */
enum conf_framing { CONF_FRAMING_NONE, CONF_FRAMING_CONFLUENT };
enum conf_hash { CONF_HASH_OFF, CONF_HASH_ON };

struct conf_kafka_property {
	char *name; /* without "kafka." */
	char *value;
};

struct conf {
	char *log_dir;		    /* --log-dir, /var/lib/varve */
	uint64_t log_segment_bytes; /* --log-segment-size, 16M */
	uint64_t log_limit_bytes;   /* --log-limit, 1G */
	char *log_free;		    /* --log-free, auto; see room.h */
	int log_full;		    /* --log-full, auto; conf_log_full() */
	int sync;		    /* --sync lag|each|interval|none, lag */
	uint64_t sync_interval_ms;  /* --sync-interval, 5s */
	char *node_name;	    /* --node-name, the host name */
	int scope;		    /* --scope containers|all */
	int hierarchy;		    /* --cgroup-hierarchy auto|v2|pids|memory, auto */
	int read_opens;		    /* --read-opens off|first|all, first */
	int read_opens_host;	    /* --read-opens-host off|first|all|same, same; conf_read_opens_host() */
	char *read_opens_always;    /* --read-opens-always, default; see policy.h */
	char *events;		    /* --events, all; see policy.h */
	char *rate_limits;	    /* --rate-limits, off; see policy.h */
	int fair_share;		    /* --fair-share on|off, on */
	int pin;		    /* --pin off|on, off */
	char *pin_dir;		    /* --pin-directory, /sys/fs/bpf/varve */
	int hooks;		    /* --hooks auto|tracepoint|trampoline, auto */
	uint64_t ring_bytes; /* --ring-size, of the file and network ring, power of two; 0: auto */
	uint64_t decisive_ring_bytes; /* --decisive-ring-size, process and container events, as well
				       */
	uint64_t container_limit;     /* --container-limit, 8192 */
	uint64_t process_limit;	      /* --process-limit, 65536 */
	uint64_t heartbeat_ms;	      /* --heartbeat 10s */
	char *host_root;	      /* --host-root, "": where the node's file system is seen */
	char *kafka_topic;	      /* --kafka-topic, varve.events */
	char *kafka_pods_topic;	      /* --kafka-pods-topic, varve.pods; "": none */
	int kafka_framing;	      /* --kafka-framing none|confluent, none */
	uint64_t kafka_schema_id;     /* --kafka-schema-id, for confluent */
	char *kube_api;		      /* --kube-api off|in-cluster|URL, off */
	char *kube_token_file, *kube_ca_file; /* --kube-token-file, --kube-ca-file; read anew for each request */
	char *kube_labels;	      /* --kube-labels, see kubewatch/pod.h */
	char *seal_key;		      /* --seal-key FILE, "": the first signing key is made */
	uint64_t seal_key_interval_ms; /* --seal-key-interval, 15m: then another key signs */
	char *record_file; /* --record FILE: also write the raw ring records there, for replay tests
			    */
	int unpin;	   /* --unpin: 1 */
	/* Instead of watching: what of the kernel can be watched is tried out and told; what the sensor needs is looked
	 * for; and told as JSON. */
	bool probe, check, json; /* --probe, --check, --json */
	int hash;	   /* --hash on|off, on */
	uint64_t hash_size_bytes;	   /* --hash-size-limit, 64M */
	uint64_t hash_rate_bytes;	   /* --hash-rate, per second, 64M */
	int drop_privileges;		   /* --drop-privileges on|off, on; privileges.h */
	int log_level;			   /* --log-level error|warn|info|debug */
	int log_format;			   /* --log-format text|json */
	char *listen;			   /* --listen ADDRESS, off; see listen.h */
	struct conf_kafka_property *kafka; /* --kafka.PROPERTY=VALUE, any of librdkafka's;
					      bootstrap.servers turns Kafka on */
	size_t kafka_cnt;
};

#define CONF_KAFKA_LIMIT  256 /* properties */
#define CONF_FILE_DEFAULT "/etc/varve/sensor.conf"

/*
 * Fills conf from defaults, the file (--config FILE; /etc/varve/sensor.conf if it is there),
 * environment and arguments. 0: go on. 1: --help, --version, --print-config or --sample-config
 * answered, end with success. Negative: told in one line (what, why, what to do), end with failure; an unknown option
 * names the nearest one. Whatever it returns, conf_fini() is due.
 */
int conf_load(struct conf *conf, int argc, char **argv);
void conf_fini(struct conf *conf);
/*
 * Reads the same sources again and sets what can be set while the sensor runs (conf_option.h,
 * `reload`); told, also what stays as it is. *ret_taken: so many options changed. Negative: told, and
 * nothing has changed.
 */
int conf_reload(struct conf *conf, int argc, char **argv, size_t *ret_taken);
/* Which opens for reading are recorded outside of containers. */
enum conf_read_opens conf_read_opens_host(const struct conf *conf);
/* What goes when the log is full, and its name; never AUTO. */
enum conf_log_full conf_log_full(const struct conf *conf);
const char *conf_log_full_name(const struct conf *conf);
/* As the option has it. */
const char *conf_sync_name(const struct conf *conf);
const char *conf_kafka_get(const struct conf *conf, const char *property);
/* SHA-256 (hex, 65 bytes with NUL) over the effective configuration, secrets (*password*, *secret*,
 * ...) left out. */
void conf_digest(const struct conf *conf, char ret_hex[65]);

#endif
