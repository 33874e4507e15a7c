/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/run.h"
#include "evidence/diag.h"
#include "evidence/digest.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/declare.h"
#include "sensor/emit.h"
#include "sensor/events/fill.h"
#include "sensor/policy.h"
#include "sensor/hierarchy.h"
#include "sensor/probes.h"
#include "sensor/seen.h"
#include "sensor/streams.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

/* First line of a small file, without the newline. */
static int read_line(const char *path, char *ret_line, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_line, size - 1);

	if (n < 0)
		return -errno;
	ret_line[n] = '\0';
	ret_line[strcspn(ret_line, "\n")] = '\0';
	return 0;
}

int run_boot_id(char ret_id[UUID_LEN + 1])
{
	char line[64];
	int err = read_line("/proc/sys/kernel/random/boot_id", line, sizeof(line));

	if (err || strlen(line) != UUID_LEN)
		return log_err(err ? err : -EPROTO, "cannot read the boot id");
	memcpy(ret_id, line, UUID_LEN + 1);
	return 0;
}

static void place_of(const Varve__V1__Event *ev, struct run_place *ret)
{
	/* The seal of a run's end adds its sequence to what is known of that. */
	if (ret->is_end && ev->body_case == VARVE__V1__EVENT__BODY_SEAL &&
	    !strcmp(ret->run_id, ev->run_id)) {
		ret->sequence = ev->sequence;
		return;
	}
	snprintf(ret->run_id, sizeof(ret->run_id), "%s", ev->run_id);
	ret->sequence = ev->sequence;
	ret->time_unix_nano = ev->time_unix_nano;
	ret->is_end = ev->body_case == VARVE__V1__EVENT__BODY_RUN_END;
	if (ret->is_end && ev->run_end->has_watched_until_unix_nano)
		ret->time_unix_nano = ev->run_end->watched_until_unix_nano;
}

/* The first or the last record from the index on; none is no error. */
static int find_place(const char *dir, uint64_t from_index, bool first, struct run_place *ret)
{
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;
	int err = log_reader_open(dir, from_index, &reader);

	if (err)
		return err;
	while ((err = log_reader_next(reader, &payload, &len, &pos)) == 1 || err == -EBADMSG) {
		Varve__V1__Event *ev = err == 1 ? event_decode(payload, len) : NULL;

		if (ev)
			place_of(ev, ret);
		varve__v1__event__free_unpacked(ev, NULL);
		if (first && ret->run_id[0]) {
			err = 0;
			break;
		}
	}
	log_reader_close(reader);
	return err;
}

int run_find_first(const char *dir, uint64_t from_index, struct run_place *ret_first)
{
	*ret_first = (struct run_place){};
	return find_place(dir, from_index, true, ret_first);
}

int run_find_previous(const char *dir, uint64_t next_index, struct run_place *ret_previous)
{
	int err;

	*ret_previous = (struct run_place){};
	/* The last record, and before a seal the RUN_END that may be there. */
	err = find_place(dir, next_index - MIN(next_index, 2), false, ret_previous);
	/* Damage at the end, or numbers that were passed over: then the last is further back. */
	if (!err && !ret_previous->run_id[0] && next_index)
		err = find_place(dir, 0, false, ret_previous);
	return err;
}

int run_emit_start(struct emit *e, const char *host_root, const struct run_place *previous,
		   const struct tree *tree, const struct log_recovery *recovery, bool takes_over)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	struct tree_hash root;
	char path[4096], machine_id[64] = "", boot_id[UUID_LEN + 1] = "";
	Varve__V1__RunStart *out;
	struct utsname uts;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, RUN_START, run_start, out);
	if (err)
		return err;
	uname(&uts);
	out->sensor_version = (char *)VARVE_VERSION;
	out->kernel_release = uts.release;
	if (!run_boot_id(boot_id))
		out->boot_id = boot_id;
	snprintf(path, sizeof(path), "%s/etc/machine-id", host_root);
	if (!read_line(path, machine_id, sizeof(machine_id)))
		out->machine_id = machine_id;
	SET(&ev, boot_time_nano, emit_boot_ns());
	SET(out, watched_since_unix_nano, (int64_t)ev.boot_time_nano + e->clock_offset_ns);
	if (previous->run_id[0]) {
		out->previous_run_id = (char *)previous->run_id;
		SET(out, previous_last_sequence, previous->sequence);
		SET(out, previous_clean, previous->is_end);
		if (takes_over)
			SET(out, takes_over, 1);
		else
			SET(out, not_watched_since_unix_nano, previous->time_unix_nano);
	}
	if (tree->size) {
		tree_root(tree, &root);
		out->has_previous_root = 1;
		out->previous_root = (ProtobufCBinaryData){sizeof(root.bytes), root.bytes};
	}
	if (recovery->cut_bytes)
		SET(out, log_cut_bytes, recovery->cut_bytes);
	if (recovery->corrupt_cnt)
		SET(out, log_corrupt_count, recovery->corrupt_cnt);
	return emit_event(e, &ev, NULL);
}

static char *binary_digest(struct arena *arena)
{
	char *hex = arena_alloc(arena, DIGEST_HEX_SIZE);

	return hex && !digest_file("/proc/self/exe", hex, NULL) ? hex : NULL;
}

static int fill_hooks(struct arena *arena, const struct probes_hook *hooks, size_t cnt,
		      Varve__V1__Coverage *out)
{
	size_t i;

	out->hooks = arena_alloc(arena, cnt * sizeof(*out->hooks));
	if (!out->hooks)
		return -ENOMEM;
	for (i = 0; i < cnt; i++) {
		Varve__V1__Hook *h = arena_alloc(arena, sizeof(*h));

		if (!h)
			return -ENOMEM;
		varve__v1__hook__init(h);
		h->name = (char *)hooks[i].name;
		h->target = (char *)hooks[i].target;
		SET(h, attached, hooks[i].attached);
		if (hooks[i].err)
			h->error = strerror(-hooks[i].err);
		h->served_by = (char *)hooks[i].served_by;
		h->kind = (char *)event_kind_name(hooks[i].kind);
		out->hooks[i] = h;
	}
	out->n_hooks = cnt;
	return 0;
}

static int fill_unseen(struct arena *arena, const struct probes_hook *hooks, size_t cnt,
		       Varve__V1__Coverage *out)
{
	out->not_seen = arena_alloc(arena, EV_KIND_END * sizeof(*out->not_seen));
	out->partly_seen = arena_alloc(arena, EV_KIND_END * sizeof(*out->partly_seen));
	if (!out->not_seen || !out->partly_seen)
		return -ENOMEM;
	for (unsigned int kind = 0; kind < EV_KIND_END; kind++) {
		enum seen seen = event_kind_label(kind) ? seen_kind(hooks, cnt, kind) : SEEN_WHOLLY;

		if (seen == SEEN_NOT)
			out->not_seen[out->n_not_seen++] = (char *)event_kind_name(kind);
		else if (seen == SEEN_PARTLY)
			out->partly_seen[out->n_partly_seen++] = (char *)event_kind_name(kind);
	}
	return 0;
}

/* What the log keeps, and how surely. */
static void fill_log(const struct conf *conf, Varve__V1__Coverage *out)
{
	struct room_disk disk;
	uint64_t keep;

	out->log_full = (char *)conf_log_full_name(conf);
	SET(out, log_limit_bytes, conf->log_limit_bytes);
	if (!room_read_disk(conf->log_dir, &disk) &&
	    room_parse_free(conf->log_free, disk.total, &keep))
		SET(out, log_free_bytes, keep);
	out->sync = (char *)conf_sync_name(conf);
	if (conf->sync == CONF_SYNC_INTERVAL)
		SET(out, sync_interval_nano, conf->sync_interval_ms * NSEC_PER_MSEC);
}

/* What is left out by the options, and what never is. */
static int fill_policy(struct arena *arena, const struct conf *conf, Varve__V1__Coverage *out)
{
	static const char *const read_opens[] = {"off", "first", "all"};
	struct policy_paths *paths = arena_alloc(arena, sizeof(*paths));
	bool off[EV_KINDS_MAX];
	char rule[256];

	out->read_opens_always = arena_alloc(arena, POLICY_PATHS_MAX * sizeof(char *));
	out->kinds_off = arena_alloc(arena, EV_KIND_END * sizeof(char *));
	if (!paths || !out->read_opens_always || !out->kinds_off)
		return -ENOMEM;
	out->read_opens = (char *)read_opens[conf->read_opens];
	if (conf->scope == CONF_SCOPE_ALL)
		out->read_opens_host = (char *)read_opens[conf_read_opens_host(conf)];
	policy_parse_paths(conf->read_opens_always, paths, rule, sizeof(rule));
	for (size_t i = 0; i < paths->cnt; i++)
		out->read_opens_always[out->n_read_opens_always++] = paths->text[i];
	policy_parse_events(conf->events, off, rule, sizeof(rule));
	for (unsigned int kind = 0; kind < EV_KIND_END; kind++)
		if (off[kind])
			out->kinds_off[out->n_kinds_off++] = (char *)event_kind_name(kind);
	return 0;
}

static int fill_limits(struct arena *arena, const struct conf *conf, const struct probes *probes,
		       Varve__V1__Coverage *out)
{
	struct probes_rings rings = probes_rings(probes);
	uint32_t rates[EV_CLASS_CNT];
	char rule[256];

	out->rate_limits = arena_alloc(arena, EV_CLASS_CNT * sizeof(char *));
	if (!out->rate_limits)
		return -ENOMEM;
	policy_parse_rates(conf->rate_limits, rates, rule, sizeof(rule));
	for (unsigned int c = 0; c < EV_CLASS_CNT; c++) {
		char *text = rates[c] ? arena_alloc(arena, 32) : NULL;

		if (!rates[c])
			continue;
		if (!text)
			return -ENOMEM;
		snprintf(text, 32, "%s:%u", event_class_name(c), rates[c]);
		out->rate_limits[out->n_rate_limits++] = text;
	}
	SET(out, ring_bytes, rings.bytes);
	SET(out, decisive_ring_bytes, rings.decisive_bytes);
	SET(out, fair_share, conf->fair_share);
	SET(out, heartbeat_nano, conf->heartbeat_ms * NSEC_PER_MSEC);
	return 0;
}

/* The kernel lets calls that are under way pass them by when programs come or go there. */
static bool sees_ends(const struct probes_hook *hooks, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (hooks[i].attached && !strncmp(hooks[i].target, "fexit/", 6))
			return true;
	return false;
}

int run_emit_coverage(struct emit *e, const struct conf *conf, const struct hierarchy *hierarchy,
		      const struct probes *probes)
{
	size_t exclusion_cnt = 4;
	char *exclusions[8] = {
		(char *)"the sensor's own process",
		(char *)"x32 programs: calls that have numbers of their own (execve, ptrace, "
			"writev ...)",
		(char *)"processes that had left their container's cgroup before the sensor "
			"started",
		(char *)(probes_see_uring(probes)
				 ? "io_uring: operations without a kind of their own; requests "
				   "that asked for no completion (IOSQE_CQE_SKIP_SUCCESS) and "
				   "that no kernel function sees are declared as lost"
				 : "io_uring: file and network events")};
	const struct probes_hook *hooks;
	size_t hook_cnt;
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Coverage *out;
	struct utsname uts;
	char config[65];
	int err;

	hooks = probes_hooks(probes, &hook_cnt);
	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, COVERAGE, coverage, out);
	if (!err)
		err = fill_hooks(&e->arena, hooks, hook_cnt, out);
	if (!err)
		err = fill_unseen(&e->arena, hooks, hook_cnt, out);
	if (!err)
		err = fill_policy(&e->arena, conf, out);
	if (!err)
		err = fill_limits(&e->arena, conf, probes, out);
	if (err)
		return err;
	fill_log(conf, out);
	uname(&uts);
	conf_digest(conf, config);
	out->config_sha256 = config;
	out->binary_sha256 = binary_digest(&e->arena);
	out->kernel_release = uts.release;
	out->scope = (char *)(conf->scope == CONF_SCOPE_ALL ? "all" : "containers");
	out->cgroup_hierarchy = (char *)hierarchy->name;
	if (hierarchy->number)
		exclusions[exclusion_cnt++] =
			(char *)"v1 cgroups: UDP flows and DNS of sockets that were made before "
				"the sensor "
				"started, until their process binds, connects or sends by address";
	if (hierarchy->beside_has)
		exclusions[exclusion_cnt++] = (char *)"containers that have a cgroup in another "
						      "hierarchy only: there are some";
	if (conf->pin && sees_ends(hooks, hook_cnt))
		exclusions[exclusion_cnt++] =
			(char *)"calls that are under way while a sensor starts, or another tool "
				"attaches, of functions that are seen at their end (fexit)";
	if (probes_misses_unknown(probes))
		exclusions[exclusion_cnt++] =
			(char *)"runs of hooks that the kernel left out before this sensor took them "
				"over: how many could not be read";
	out->n_exclusions = exclusion_cnt;
	out->exclusions = exclusions;
	return emit_event(e, &ev, NULL);
}

uint64_t run_rss_bytes(void)
{
	char line[128];
	unsigned long pages = 0;

	if (read_line("/proc/self/statm", line, sizeof(line)) ||
	    sscanf(line, "%*u %lu", &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

uint64_t run_cpu_ns(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000;
}

static void fill_pods(const struct run_state *state, Varve__V1__Heartbeat *out)
{
	SET(out, pods, state->pods);
	SET(out, pods_evicted, state->pods_evicted);
	SET(out, pods_refused, state->pods_refused);
	SET(out, pods_contradicted, state->pods_contradicted);
	if (!state->has_api)
		return;
	SET(out, api_listed, state->api_listed);
	SET(out, api_restarts, state->api_restarts);
	SET(out, api_invalid, state->api_invalid);
}

int run_emit_heartbeat(struct emit *e, const struct run_state *state)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__Heartbeat *out;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, HEARTBEAT, heartbeat, out);
	if (!err)
		err = declare_fill_counts(state->sums, &e->arena, &out->n_counts, &out->counts);
	if (err)
		return err;
	SET(out, clock_offset_nano, e->clock_offset_ns);
	SET(out, rss_bytes, run_rss_bytes());
	SET(out, cpu_time_nano, run_cpu_ns());
	SET(out, unshipped_records, state->unshipped_records);
	SET(out, invalid_records, state->invalid_records);
	SET(out, containers, state->containers);
	SET(out, processes, state->processes);
	SET(out, containers_refused, state->containers_refused);
	SET(out, processes_refused, state->processes_refused);
	SET(out, processes_evicted, state->processes_evicted);
	SET(out, images_left_out, state->images_left_out);
	SET(out, dns_streams_evicted, state->dns_streams_evicted);
	SET(out, udp_flows, state->udp_flows);
	SET(out, canary, state->canary);
	if (state->canary)
		SET(out, canary_nano, state->canary_ns);
	fill_pods(state, out);
	return emit_event(e, &ev, NULL);
}

int run_emit_end(struct emit *e, const char *reason, uint64_t until_ns, bool hooks_go_on)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	Varve__V1__RunEnd *out;
	int err;

	arena_reset(&e->arena);
	err = NEW_BODY(&e->arena, &ev, RUN_END, run_end, out);
	if (err)
		return err;
	SET(&ev, boot_time_nano, emit_boot_ns());
	SET(out, watched_until_unix_nano, (int64_t)until_ns + e->clock_offset_ns);
	out->reason = (char *)reason;
	if (hooks_go_on)
		SET(out, hooks_go_on, 1);
	return emit_event(e, &ev, NULL);
}
