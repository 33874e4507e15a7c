/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records SENSOR_OPTIONS: a log as a sensor leaves it, with a record of every kind in it, for tests
 * of what reads the schema. Kernel records are those of tests/replay, through the sensor's own
 * code, and once more with something in every field there is; what the sensor says of a run is its
 * own, with seals. What needs a kernel to be watched (COVERAGE) or more than one record (FILE_HASH)
 * is filled as well. Run it from the top of the source.
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/log.h"
#include "sensor/conf.h"
#include "sensor/container.h"
#include "sensor/declare.h"
#include "sensor/emit.h"
#include "sensor/pods.h"
#include "sensor/record.h"
#include "sensor/run.h"
#include "sensor/sealing.h"

#include <ctype.h>
#include <string.h>

#define POD_UID	     "11111111-2222-4333-8444-555555555555"
#define CONTAINER_ID "4b2e9f12ac0111111111111111111111111111111111111111111111111111aa"
#define DEPTH_MAX    8

#define die(...) (fprintf(stderr, "records: " __VA_ARGS__), fputc('\n', stderr), exit(1))

static struct pod pod = {.uid = POD_UID,
			 .name = "web-7f9",
			 .namespace_ = "default",
			 .named_by_runtime = true,
			 .container_cnt = 1,
			 .has_records = true};
static struct container container = {
	.cgroup_id = 7000,
	.id = {.container_id = CONTAINER_ID, .runtime = "containerd", .pod_uid = POD_UID},
	.state = CONTAINER_RESOLVED,
	.pod = &pod,
};

/* --- every field with something in it */

static ProtobufCMessage *fill_new(const ProtobufCMessageDescriptor *type, struct arena *arena,
				  int depth);

/* Strings have what formats stumble over; none is empty, and all are UTF-8. */
static void fill_value(const ProtobufCFieldDescriptor *f, void *at, struct arena *arena, int depth)
{
	static const uint8_t bytes[] = {0xff, 0xfe, 0, '\n', '"'};

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = (char *)"a \"b\"\n\xc3\xa9,=1+1\x1b[31m\x7f\xc2\x9b"
				       "32m\xe2\x80\xae\xf0\x9f\x98\x80";
		break;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)at = (ProtobufCBinaryData){sizeof(bytes), (void *)bytes};
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = fill_new(f->descriptor, arena, depth + 1);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
		*(uint64_t *)at = INT64_MAX;
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = true;
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
		*(int32_t *)at = INT32_MIN;
		break;
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)at = UINT32_MAX;
		break;
	default:
		die("field %s has a type that this program does not know", f->name);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	if (f->type == PROTOBUF_C_TYPE_BYTES)
		return sizeof(ProtobufCBinaryData);
	return f->type == PROTOBUF_C_TYPE_BOOL ? sizeof(protobuf_c_boolean) : 8;
}

static void fill_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct arena *arena,
		       int depth)
{
	char *at = (char *)m + f->offset;
	bool is_pointer = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		*(void **)at = arena_alloc(arena, size_of(f));
		*(size_t *)((char *)m + f->quantifier_offset) = 1;
		fill_value(f, *(void **)at, arena, depth);
		return;
	}
	fill_value(f, at, arena, depth);
	if (!is_pointer)
		*(protobuf_c_boolean *)((char *)m + f->quantifier_offset) = true;
}

static ProtobufCMessage *fill_new(const ProtobufCMessageDescriptor *type, struct arena *arena,
				  int depth)
{
	ProtobufCMessage *m = arena_alloc(arena, type->sizeof_message);

	if (!m || depth > DEPTH_MAX)
		die("%s: too large or too deep", type->name);
	protobuf_c_message_init(type, m);
	for (unsigned int i = 0; i < type->n_fields; i++)
		fill_field(m, &type->fields[i], arena, depth);
	return m;
}

/* --- records */

static void must(int err, const char *what)
{
	if (err)
		die("%s: %s", what, strerror(-err));
}

/* As a kernel record of a container, or (of NULL) as one of the sensor itself. */
static void emit_filled(struct emit *emit, unsigned int number, const char *name,
			struct container *of)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field(&varve__v1__event__descriptor, number);
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;

	arena_reset(&emit->arena);
	ev.body_case = number;
	ev.exec = (void *)fill_new(f->descriptor, &emit->arena, 0); /* any of the union */
	if (of)
		ev.process = (void *)fill_new(&varve__v1__process__descriptor, &emit->arena, 0);
	must(emit_event(emit, &ev, of), name);
}

static void emit_replayed(struct emit *emit, const char *name)
{
	Varve__V1__Event ev = VARVE__V1__EVENT__INIT;
	static uint8_t raw[EV_REC_MAX];
	struct record rec;
	char path[128];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "tests/replay/%s.rec", name);
	f = fopen(path, "re");
	if (!f)
		die("%s: %m", path);
	len = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	arena_reset(&emit->arena);
	must(record_check(raw, len, &rec), path);
	must(record_to_event(&rec, &emit->arena, &ev), path);
	must(emit_event(emit, &ev, &container), path);
}

static void emit_kernel_records(struct emit *emit)
{
#define EV(number, NAME, name, group) \
	emit_replayed(emit, #name);   \
	emit_filled(emit, number, "filled " #name, &container);
#include "bpf/events.def"
	emit_replayed(emit, "process_snapshot");
}

static void emit_declarations(struct emit *emit)
{
	struct streams_finding lost = {.ev_class = EV_CLASS_file,
				       .cause = EV_CAUSE_RING_FULL,
				       .count = 7,
				       .first_ns = 10,
				       .last_ns = 20};
	struct streams_finding left_out = {
		.ev_class = EV_CLASS_file, .suppressed = true, .count = 3, .last_ns = 1};
	struct streams_sum sums[EV_CLASS_CNT] = {[EV_CLASS_file] = {20, 10, 7, 3}};
	struct run_state state = {.sums = sums};

	must(declare_finding(emit, &lost, &container), "LOSS");
	must(declare_finding(emit, &left_out, &container), "SUPPRESSION");
	must(declare_binding(emit, &container), "BINDING");
	must(declare_account(emit, sums, true, &container), "ACCOUNT");
	must(declare_pod_state(emit, &pod), "POD_STATE");
	must(run_emit_heartbeat(emit, &state), "HEARTBEAT");
}

static void write_run(struct emit *emit, struct sealing *sealing)
{
	struct run_place previous = {};
	struct log_recovery recovery = {};
	struct tree tree = {};

	must(run_emit_start(emit, "", &previous, &tree, &recovery, false), "RUN_START");
	emit_filled(emit, EV_COVERAGE, "COVERAGE", NULL);
	emit_kernel_records(emit);
	emit_declarations(emit);
	emit_filled(emit, EV_FILE_HASH, "FILE_HASH", &container);
	must(sealing_turn(sealing, emit_boot_ns()), "SEAL");
	must(run_emit_end(emit, "terminated", emit_boot_ns(), false), "RUN_END");
	must(sealing_end(sealing), "SEAL");
}

int main(int argc, char **argv)
{
	struct log_recovery recovery;
	struct sealing sealing;
	struct log_opts opts;
	struct conf conf;
	struct emit emit;
	struct log *log;

	diag_init("records", DIAG_WARN);
	if (conf_load(&conf, argc, argv))
		return 1;
	opts = (struct log_opts){.segment_bytes = conf.log_segment_bytes,
				 .limit_bytes = conf.log_limit_bytes};
	must(log_open(conf.log_dir, &opts, &log, &recovery), conf.log_dir);
	must(emit_init(&emit, log, conf.node_name), "emit");
	must(sealing_open(&sealing, &conf, &emit), "sealing");
	write_run(&emit, &sealing);
	printf("%llu\n", (unsigned long long)emit.sequence);
	must(log_flush(log), "log");
	sealing_close(&sealing);
	emit_fini(&emit);
	log_close(log);
	conf_fini(&conf);
	return 0;
}
