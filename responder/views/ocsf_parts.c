/* SPDX-License-Identifier: Apache-2.0 */
/* What each class of OCSF has of its own, one function per class in a table. */
#include "evidence/base.h"
#include "responder/views/ocsf.h"
#include <inttypes.h>

#define SYSTEM_CALL 2 /* kernel.type_id */

static void put_file_activity(struct projector *p)
{
	const struct facts *f = &p->facts;

	ocsf_put_file(&p->out, "file", f->file, f->sha256);
	ocsf_put_file(&p->out, "file_result", f->other_file, NULL);
}

static void put_file_query(struct projector *p)
{
	ocsf_put_file(&p->out, "file", p->facts.file, p->facts.sha256);
	writer_number(&p->out, "query_result_id", p->facts.sha256 ? 1 : 4);
}

static void put_process_query(struct projector *p)
{
	ocsf_put_process(p, "process", true);
	writer_number(&p->out, "query_result_id", 1);
}

static void put_process_activity(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	static const unsigned char launch_types[] = {
		[VARVE__V1__EVENT__BODY_FORK] = 2,
		[VARVE__V1__EVENT__BODY_EXEC] = 3,
		[VARVE__V1__EVENT__BODY_EXEC_FAILED] = 3,
	};

	ocsf_put_process(p, "process", true);
	if ((size_t)ev->body_case < sizeof(launch_types) && launch_types[ev->body_case])
		writer_number(&p->out, "launch_type_id", launch_types[ev->body_case]);
	if (p->facts.exit_code.known)
		writer_number(&p->out, "exit_code", p->facts.exit_code.v);
}

static void put_process_other(struct projector *p)
{
	ocsf_put_other(p, "process");
}

static void put_hex(struct writer *w, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	writer_text(w, key, text);
}

static void put_memory(struct projector *p)
{
	const Varve__V1__MemoryProtect *m = p->facts.ev->memory_protect;

	ocsf_put_process(p, "process", true);
	if (m->has_address)
		put_hex(&p->out, "base_address", m->address);
	if (m->has_length)
		writer_number(&p->out, "size", m->length);
	if (m->has_protection)
		writer_number(&p->out, "requested_permissions", m->protection);
}

static void put_memory_other(struct projector *p)
{
	const Varve__V1__ProcessMemory *m = p->facts.ev->process_memory;

	put_process_other(p);
	if (m->has_address)
		put_hex(&p->out, "base_address", m->address);
	if (m->has_bytes)
		writer_number(&p->out, "size", m->bytes);
}

/* is_local: it is in this container (or on this node). */
static void put_kernel(struct projector *p)
{
	static const struct {
		Varve__V1__Event__BodyCase body;
		const char *system_call;
	} calls[] = {
		{VARVE__V1__EVENT__BODY_RAW_SOCKET, "socket"},
		{VARVE__V1__EVENT__BODY_BPF, "bpf"},
		{VARVE__V1__EVENT__BODY_PERF_EVENT, "perf_event_open"},
		{VARVE__V1__EVENT__BODY_IO_URING, "io_uring_setup"},
		{VARVE__V1__EVENT__BODY_KEYRING, "keyctl"},
	};
	const char *call = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].body == p->facts.ev->body_case)
			call = calls[i].system_call;
	writer_object(&p->out, "kernel");
	writer_text(&p->out, "name", p->facts.call ? p->facts.call : call ? call : "");
	writer_number(&p->out, "type_id", SYSTEM_CALL);
	writer_text(&p->out, "system_call", call);
	writer_end(&p->out);
}

static void put_kernel_extension(struct projector *p)
{
	const Varve__V1__Module *m = p->facts.ev->module;
	const char *path = p->facts.file ? p->facts.file->path : NULL;

	writer_object(&p->out, "driver");
	writer_object(&p->out, "file");
	writer_text(&p->out, "name", m->name ? m->name : facts_base_name(path));
	writer_text(&p->out, "path", path);
	writer_number(&p->out, "type_id", 1);
	writer_end(&p->out);
	writer_end(&p->out);
}

static void put_application(struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	const Varve__V1__Container *c = ev->container;
	bool is_run = ev->body_case == VARVE__V1__EVENT__BODY_RUN_START ||
		      ev->body_case == VARVE__V1__EVENT__BODY_RUN_END;

	writer_object(&p->out, "app");
	writer_text(&p->out, "name", is_run ? "varve-sensor" : c ? c->name : NULL);
	writer_text(&p->out, "uid", is_run ? ev->run_id : c && c->id ? c->id : ev->stream);
	writer_end(&p->out);
}

static void put_nothing(struct projector *p)
{
	(void)p;
}

static void (*const parts[])(struct projector *p) = {
	[OCSF_BASE] = put_nothing,
	[OCSF_FILE] = put_file_activity,
	[OCSF_KERNEL_EXTENSION] = put_kernel_extension,
	[OCSF_KERNEL] = put_kernel,
	[OCSF_MEMORY] = put_memory,
	[OCSF_MEMORY_OTHER] = put_memory_other,
	[OCSF_PROCESS] = put_process_activity,
	[OCSF_PROCESS_OTHER] = put_process_other,
	[OCSF_NETWORK] = ocsf_put_network,
	[OCSF_DNS] = ocsf_put_dns,
	[OCSF_FILE_QUERY] = put_file_query,
	[OCSF_PROCESS_QUERY] = put_process_query,
	[OCSF_APPLICATION] = put_application,
};
_Static_assert(ARRAY_SIZE(parts) == OCSF_CLASS_CNT, "each class has its part");

void ocsf_put_part(struct projector *p, enum ocsf_class class)
{
	parts[class](p);
}
