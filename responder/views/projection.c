/* SPDX-License-Identifier: Apache-2.0 */
/* See projection.h. */
#include "responder/views/projection.h"
#include "evidence/base.h"
#include "responder/describe.h"
#include "responder/memory.h"
#include <inttypes.h>
#include <string.h>

/* --- conditions of projection.def */

static bool when_any(const struct facts *f)
{
	(void)f;
	return true;
}

static bool when_failed(const struct facts *f)
{
	return f->failed;
}

static bool when_created(const struct facts *f)
{
	return f->ev->open->has_created && f->ev->open->created;
}

static bool when_written(const struct facts *f)
{
	return f->ev->open->has_written && f->ev->open->written;
}

static bool when_pending(const struct facts *f)
{
	return f->result && !strcmp(f->result, "in_progress");
}

static bool when_refused(const struct facts *f)
{
	return f->failed && f->error.known && f->error.v == ECONNREFUSED;
}

/* setuid, setreuid, setresuid, setfsuid. */
static bool when_set_user(const struct facts *f)
{
	size_t len = f->call ? strlen(f->call) : 0;

	return len > 3 && !strcmp(f->call + len - 3, "uid");
}

static bool when_traceme(const struct facts *f)
{
	return f->call && !strcmp(f->call, "TRACEME");
}

static bool when_poke(const struct facts *f)
{
	return f->call && (!strncmp(f->call, "POKE", 4) || !strncmp(f->call, "SETREG", 6) ||
			   !strncmp(f->call, "SETFPREG", 8));
}

static bool when_memory_written(const struct facts *f)
{
	return f->ev->process_memory->has_write && f->ev->process_memory->write;
}

static bool when_reset(const struct facts *f)
{
	return f->result && !strcmp(f->result, "reset");
}

static bool when_flow_ended(const struct facts *f)
{
	return f->ev->udp_flow->end;
}

static bool when_dns_response(const struct facts *f)
{
	return f->dns && f->dns->has_response && f->dns->response;
}

static bool when_dns_query(const struct facts *f)
{
	return f->dns && f->dns->has_response;
}

static bool when_module_unloaded(const struct facts *f)
{
	return f->call && !strcmp(f->call, "delete_module");
}

static bool when_bpf_loaded(const struct facts *f)
{
	return f->call && !strcmp(f->call, "BPF_PROG_LOAD");
}

static bool when_mapped(const struct facts *f)
{
	return f->call && !strcmp(f->call, "mmap");
}

/* --- the table */

#define EV(number, NAME, name, group)	     KIND_##NAME = number,
#define EV_SENSOR(number, NAME, name, group) KIND_##NAME = number,
enum {
#include "bpf/events.def"
};

static const struct projection table[] = {
#define PROJECTION(kind_, if_, words_, class_, activity_, category_, type_, id_, sigma_) \
	{.kind = KIND_##kind_,                                                           \
	 .condition = #if_,                                                              \
	 .when = when_##if_,                                                             \
	 .words = words_,                                                                \
	 .ocsf_class = OCSF_##class_,                                                    \
	 .ocsf_activity = activity_,                                                     \
	 .ecs_category = category_,                                                      \
	 .ecs_type = type_,                                                              \
	 .sysmon_id = id_,                                                               \
	 .sigma_category = sigma_},
#include "responder/views/projection.def"
};

/* A kind that this build does not know. */
static const struct projection unknown = {
	.condition = "any",
	.when = when_any,
	.words = "Event of a kind that is not known",
	.ocsf_class = OCSF_BASE,
	.ocsf_activity = 99,
	.ecs_category = "host",
	.ecs_type = "info",
	.sigma_category = "",
};

const struct projection *projection_table(size_t *ret_cnt)
{
	*ret_cnt = ARRAY_SIZE(table);
	return table;
}

/* --- the record at hand */

void *projection_open(const struct history *h, const struct verdict *verdict, FILE *out)
{
	struct projector *p = memory_zalloc(sizeof(*p));

	(void)verdict;
	(void)out;
	p->h = h;
	p->plan = facts_plan_new();
	for (size_t i = ARRAY_SIZE(table); i--;)
		p->first[table[i].kind] = &table[i];
	p->words = open_memstream(&p->words_buf, &p->words_size);
	p->scratch = open_memstream(&p->scratch_buf, &p->scratch_size);
	if (!p->words || !p->scratch)
		memory_exhausted();
	return p;
}

void projection_free(void *state)
{
	struct projector *p = state;

	facts_plan_free(p->plan);
	writer_fini(&p->out);
	fclose(p->words);
	fclose(p->scratch);
	free(p->words_buf);
	free(p->scratch_buf);
	free(p);
}

static const struct projection *find(const struct projector *p, const struct facts *f)
{
	unsigned int kind = f->ev->body_case;
	const struct projection *as = kind < ARRAY_SIZE(p->first) ? p->first[kind] : NULL;

	if (!as)
		return &unknown;
	while (!as->when(f))
		as++; /* the last one of a kind always holds */
	return as;
}

/* In the same memory for every record. */
static void put_words(struct projector *p, const Varve__V1__Event *ev)
{
	const Varve__V1__Process *process = ev->process;

	rewind(p->words);
	if (process) {
		describe_text(p->words, process->name, process->has_name_raw, process->name_raw);
		if (process->has_pid)
			fprintf(p->words, "[%" PRIu32 "]", process->pid);
		fputc(' ', p->words);
	}
	describe_string(p->words, ev->kind);
	fputc(' ', p->words);
	p->what_at = ftell(p->words);
	describe_event(p->words, ev);
	p->message_len = ftell(p->words);
	if (p->message_len == p->what_at) { /* nothing to say */
		p->what_at--;
		p->message_len--;
	}
	if (fflush(p->words))
		memory_exhausted();
	p->message = p->words_buf;
}

void projection_take(struct projector *p, const Varve__V1__Event *ev)
{
	facts_gather(p->plan, ev, &p->facts);
	p->as = find(p, &p->facts);
	p->time_ns = history_time(history_find_run(p->h, ev->run_id), ev);
	when_format(p->time_ns, p->when);
	put_words(p, ev);
}

void projection_end(struct projector *p, FILE *out)
{
	writer_end(&p->out);
	writer_raw(&p->out, "\n", 1);
	writer_flush(&p->out, out);
}

const char *projection_id(const Varve__V1__Event *ev, char buf[static PROJECTION_ID_LEN])
{
	snprintf(buf, PROJECTION_ID_LEN, "%s/%" PRIu64, ev->run_id, ev->sequence);
	return buf;
}

const char *projection_scratch(struct projector *p, size_t *ret_len)
{
	*ret_len = (size_t)ftell(p->scratch);
	if (fflush(p->scratch))
		memory_exhausted();
	return p->scratch_buf;
}

const char *projection_exe(const struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;
	bool is_image = ev->body_case == VARVE__V1__EVENT__BODY_EXEC ||
			ev->body_case == VARVE__V1__EVENT__BODY_PROCESS_SNAPSHOT;

	if (is_image && p->facts.file && p->facts.file->path)
		return p->facts.file->path;
	return ev->process ? ev->process->exe_path : NULL;
}

const char *projection_cmd_line(const struct projector *p)
{
	const Varve__V1__Event *ev = p->facts.ev;

	if (p->facts.cmd_line && ev->body_case != VARVE__V1__EVENT__BODY_EXEC_FAILED)
		return p->facts.cmd_line;
	return ev->process ? ev->process->cmd_line : NULL;
}
