/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally LOG TRUTH: what the log says of the containers in TRUTH (load.c), as lines of words, for
 * judge.py. Counts only; with TRACE=1 also one line for each record that carries a token. With
 * TRACE=boot times are those of CLOCK_BOOTTIME, which no step of the wall clock changes.
 *
 *   run ID FIRST_SEQUENCE COUNT MISSING TWICE CLEAN PREVIOUS SINCE UNTIL
 *                                   SINCE and UNTIL: not watched, as its RUN_START says
 *   records CONTAINER CLASS N       records that the kernel numbered
 *   kind CONTAINER KIND N           of the operations: they carry the container's token
 *   account CONTAINER CLASS GENERATED RECORDED LOST SUPPRESSED CLOSED
 *   loss CONTAINER|- CLASS|- CAUSE COUNT
 *   wrong CONTAINER N               records with its token in no container, or in another's
 *   damage N                        places that could not be read
 *   op CONTAINER KIND NUMBER PID TIME   CREATE: an OPEN that made the file
 */
#include "evidence/base.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include <string.h>

#define CONTAINERS_MAX 64
#define RUNS_MAX       1024
#define KINDS	       256
#define CLASSES	       8

struct container {
	char id[65], token[24];
	uint64_t records[CLASSES], kinds[KINDS], wrong;
};

struct run {
	char id[UUID_LEN + 1], previous[UUID_LEN + 1];
	uint64_t first, next, cnt, missing, twice;
	bool clean;
	int64_t since, until;
};

static struct container containers[CONTAINERS_MAX];
static struct run runs[RUNS_MAX];
static unsigned int container_cnt, run_cnt;
static bool trace, by_boot;

static int read_truth(const char *path)
{
	_cleanup_fclose_ FILE *in = fopen(path, "re");
	char line[512];

	if (!in)
		return log_err(-errno, "cannot read %s", path);
	while (container_cnt < CONTAINERS_MAX && fgets(line, sizeof(line), in)) {
		struct container *c = &containers[container_cnt];

		if (sscanf(line, "%*u %64s %23s", c->id, c->token) == 2)
			container_cnt++;
	}
	return 0;
}

static struct container *by_id(const char *id)
{
	unsigned int i;

	for (i = 0; id && i < container_cnt; i++) {
		if (!strcmp(containers[i].id, id))
			return &containers[i];
	}
	return NULL;
}

/* "...TOKEN.NUMBER" */
static struct container *by_name(const char *name, uint64_t *ret_number)
{
	const char *base = name ? strrchr(name, '/') : NULL, *dot;
	unsigned int i;

	base = base ? base + 1 : name;
	dot = base ? strchr(base, '.') : NULL;
	for (i = 0; dot && i < container_cnt; i++) {
		const char *token = containers[i].token;

		if (strlen(token) == (size_t)(dot - base) && !strncmp(base, token, dot - base)) {
			*ret_number = strtoull(dot + 1, NULL, 10);
			return &containers[i];
		}
	}
	return NULL;
}

static struct container *by_address(const Varve__V1__Endpoint *to, uint64_t *ret_number)
{
	unsigned int c, hi, lo, id;

	if (!to || !to->ip || sscanf(to->ip, "127.%u.%u.%u", &c, &hi, &lo) != 3 || c < 64 ||
	    c - 64 >= container_cnt || sscanf(containers[c - 64].id, "%4x", &id) != 1 ||
	    to->port != 700 + id % 128)
		return NULL;
	*ret_number = hi << 8 | lo;
	return &containers[c - 64];
}

/* Whose generator made this, by what the generator itself wrote into it; NULL: no operation. */
static struct container *maker(const Varve__V1__Event *ev, uint64_t *ret_number)
{
	const Varve__V1__File *file = NULL;

	switch (ev->body_case) {
	case VARVE__V1__EVENT__BODY_EXEC:
		return ev->exec->n_args > 1 ? by_name(ev->exec->args[1], ret_number) : NULL;
	case VARVE__V1__EVENT__BODY_OPEN:
		file = ev->open->file;
		break;
	case VARVE__V1__EVENT__BODY_CLOSE_WRITE:
		file = ev->close_write->file;
		break;
	case VARVE__V1__EVENT__BODY_UNLINK:
		file = ev->unlink->file;
		break;
	case VARVE__V1__EVENT__BODY_CONNECT:
		return by_address(ev->connect->destination, ret_number);
	default:
		break;
	}
	return file ? by_name(file->path, ret_number) : NULL;
}

static struct run *run_of(const Varve__V1__Event *ev)
{
	unsigned int i;

	for (i = run_cnt; i--;) {
		if (!strcmp(runs[i].id, ev->run_id))
			return &runs[i];
	}
	if (run_cnt == RUNS_MAX)
		return NULL;
	runs[run_cnt].first = runs[run_cnt].next = ev->sequence;
	snprintf(runs[run_cnt].id, sizeof(runs[0].id), "%s", ev->run_id);
	return &runs[run_cnt++];
}

static void take_sequence(const Varve__V1__Event *ev)
{
	struct run *run = run_of(ev);

	if (!run)
		return;
	run->cnt++;
	if (ev->sequence < run->next)
		run->twice++;
	else
		run->missing += ev->sequence - run->next;
	run->next = MAX(run->next, ev->sequence + 1);
	if (ev->body_case != VARVE__V1__EVENT__BODY_RUN_START)
		return;
	run->clean = ev->run_start->previous_clean;
	run->since = ev->run_start->not_watched_since_unix_nano;
	run->until = ev->run_start->watched_since_unix_nano;
	if (by_boot) {
		run->since -= ev->time_unix_nano - (int64_t)ev->boot_time_nano;
		run->until -= ev->time_unix_nano - (int64_t)ev->boot_time_nano;
	}
	snprintf(run->previous, sizeof(run->previous), "%s",
		 ev->run_start->previous_run_id ? ev->run_start->previous_run_id : "-");
}

static void print_account(const char *id, const Varve__V1__Account *account)
{
	size_t i;

	for (i = 0; i < account->n_counts; i++) {
		const Varve__V1__ClassCount *c = account->counts[i];

		printf("account %s %s %llu %llu %llu %llu %d\n", id, c->event_class,
		       (unsigned long long)c->generated, (unsigned long long)c->recorded,
		       (unsigned long long)c->lost, (unsigned long long)c->suppressed,
		       account->closed);
	}
}

static unsigned int class_number(const char *name)
{
	unsigned int i;

	for (i = 0; i < CLASSES - 1; i++) {
		if (event_class_name(i) && !strcmp(event_class_name(i), name))
			return i;
	}
	return CLASSES - 1;
}

static void print_op(const struct container *c, const Varve__V1__Event *ev, uint64_t number)
{
	bool created = ev->body_case == VARVE__V1__EVENT__BODY_OPEN && ev->open->created;

	printf("op %s %s %llu %u %lld\n", c->id, created ? "CREATE" : ev->kind,
	       (unsigned long long)number, ev->process ? ev->process->pid : 0,
	       by_boot ? (long long)ev->boot_time_nano : (long long)ev->time_unix_nano);
}

static void take_operation(const Varve__V1__Event *ev, struct container *c)
{
	uint64_t number = 0;
	struct container *made = maker(ev, &number);
	bool of_process = ev->body_case == VARVE__V1__EVENT__BODY_FORK ||
			  ev->body_case == VARVE__V1__EVENT__BODY_EXIT;

	if (made && made != c)
		made->wrong++;
	if (made && ev->body_case < KINDS)
		made->kinds[ev->body_case]++;
	if (c && of_process)
		c->kinds[ev->body_case]++;
	if (trace && (made || (c && of_process)))
		print_op(made ? made : c, ev, number);
}

static void take(const Varve__V1__Event *ev)
{
	struct container *c = by_id(ev->container ? ev->container->id : NULL);

	take_sequence(ev);
	if (ev->body_case == VARVE__V1__EVENT__BODY_LOSS)
		printf("loss %s %s %s %llu\n",
		       c	       ? c->id
		       : ev->container ? "other"
				       : "-",
		       ev->loss->event_class ? ev->loss->event_class : "-", ev->loss->cause,
		       (unsigned long long)ev->loss->count);
	if (c && ev->body_case == VARVE__V1__EVENT__BODY_ACCOUNT)
		print_account(c->id, ev->account);
	if (c && ev->kernel_number)
		c->records[class_number(ev->kernel_number->event_class)]++;
	if (ev->kernel_number)
		take_operation(ev, c);
}

static int read_log(const char *dir)
{
	struct log_reader *reader;
	const uint8_t *payload;
	unsigned int damage = 0;
	struct log_pos pos;
	size_t len;
	int err = log_reader_open(dir, 0, &reader);

	if (err)
		return err;
	while ((err = log_reader_next(reader, &payload, &len, &pos))) {
		Varve__V1__Event *ev = err > 0 ? event_decode(payload, len) : NULL;

		if (err < 0 && err != -EBADMSG)
			break;
		damage += !ev;
		if (!ev)
			continue;
		take(ev);
		varve__v1__event__free_unpacked(ev, NULL);
	}
	log_reader_close(reader);
	printf("damage %u\n", damage);
	return err;
}

static void print_sums(void)
{
	unsigned int i, k;

	for (i = 0; i < run_cnt; i++) {
		const struct run *r = &runs[i];

		printf("run %s %llu %llu %llu %llu %d %s %lld %lld\n", r->id,
		       (unsigned long long)r->first, (unsigned long long)r->cnt,
		       (unsigned long long)r->missing, (unsigned long long)r->twice, r->clean,
		       r->previous[0] ? r->previous : "-", (long long)r->since,
		       (long long)r->until);
	}
	for (i = 0; i < container_cnt; i++) {
		const struct container *c = &containers[i];

		for (k = 0; k < CLASSES; k++) {
			if (c->records[k])
				printf("records %s %s %llu\n", c->id,
				       event_class_name(k) ? event_class_name(k) : "other",
				       (unsigned long long)c->records[k]);
		}
		for (k = 0; k < KINDS; k++) {
			if (c->kinds[k])
				printf("kind %s %s %llu\n", c->id, event_kind_name(k),
				       (unsigned long long)c->kinds[k]);
		}
		printf("wrong %s %llu\n", c->id, (unsigned long long)c->wrong);
	}
}

int main(int argc, char **argv)
{
	int err;

	diag_init("tally", DIAG_INFO);
	if (argc != 3)
		return fprintf(stderr, "tally LOG TRUTH\n"), 2;
	trace = getenv("TRACE");
	by_boot = trace && !strcmp(getenv("TRACE"), "boot");
	err = read_truth(argv[2]);
	if (!err)
		err = read_log(argv[1]);
	print_sums();
	return err < 0;
}
