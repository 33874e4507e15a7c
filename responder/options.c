/* SPDX-License-Identifier: Apache-2.0 */
/* One table of options; every error names the word that is wrong and what would be right. */
#include "responder/options.h"
#include "responder/complain.h"
#include "evidence/base.h"
#include "evidence/note.h"
#include "responder/memory.h"
#include "responder/properties.h"
#include "responder/views/view.h"
#include "responder/when.h"
#include <string.h>

static int set_pod(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	if (!*value || *value == '/' || value[strlen(value) - 1] == '/')
		return complain(-EINVAL, "--pod \"%s\": want NAMESPACE/NAME or the pod's UID",
				value);
	o->pod = value;
	return 0;
}

static int set_container(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	if (!*value)
		return complain(-EINVAL, "--container \"\": want a container id");
	o->container = value;
	return 0;
}

static int set_time(const char *option, const char *value, int64_t now_ns, int64_t *ret_ns)
{
	struct when_error e;

	if (!when_parse(value, now_ns, ret_ns, &e))
		return 0;
	return complain(-EINVAL,
			"%s \"%s\": \"%.*s\" is %s; want a time (2026-11-21T20:19:33Z, 20:19, "
			"yesterday 14:00, @1795204800) or an age (30s, 10m, 2h, 3d)",
			option, value, (int)e.word_len, e.word, e.why);
}

static int set_since(struct options *o, const char *value, int64_t now_ns)
{
	return set_time("--since", value, now_ns, &o->window.since_ns);
}

static int set_until(struct options *o, const char *value, int64_t now_ns)
{
	return set_time("--until", value, now_ns, &o->window.until_ns);
}

static int set_format(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->view = view_find(value);
	return o->view ? 0 : complain(-EINVAL, "--format \"%s\": want %s", value, VIEW_NAMES);
}

static int set_read_all(struct options *o, const char *value, int64_t now_ns)
{
	(void)value;
	(void)now_ns;
	o->read_all = true;
	return 0;
}

static int set_as_recorded(struct options *o, const char *value, int64_t now_ns)
{
	(void)value;
	(void)now_ns;
	o->as_recorded = true;
	return 0;
}

static int set_topic(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->source_opts.topic = value;
	return 0;
}

static int set_pods_topic(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->pods_topic = value;
	return 0;
}

static int add_property(struct options *o, const char *value, int64_t now_ns)
{
	const char *equals = strchr(value, '=');

	(void)now_ns;
	if (!equals || equals == value) {
		return complain(-EINVAL, "-X \"%s\": want PROPERTY=VALUE", value);
	}
	properties_add(o, (struct note_span){value, equals - value},
		       (struct note_span){equals + 1, strlen(equals + 1)}, NULL);
	return 0;
}

static int load_properties(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return properties_load(o, value);
}

static int set_cat_format(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->as_delimited = !strcmp(value, "delimited");
	if (o->as_delimited || !strcmp(value, "jsonl"))
		return 0;
	return complain(-EINVAL, "--format \"%s\": want jsonl or delimited", value);
}

static int set_follow_format(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->view = !strcmp(value, view_timeline.name) ? &view_timeline
		  : !strcmp(value, view_jsonl.name)  ? &view_jsonl
						     : NULL;
	return o->view ? 0
		       : complain(-EINVAL, "--format \"%s\": want timeline or jsonl", value);
}

static int add_key(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->key_files = memory_grow(o->key_files, o->key_file_cnt, &o->key_file_cap,
				   sizeof(*o->key_files));
	o->key_files[o->key_file_cnt++] = value;
	return 0;
}

static int set_changes(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->changes_file = value;
	return 0;
}

static int set_verdict(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->verdict_file = value;
	return 0;
}

static int add_checkpoint(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->checkpoint_files = memory_grow(o->checkpoint_files, o->checkpoint_file_cnt,
					  &o->checkpoint_file_cap, sizeof(*o->checkpoint_files));
	o->checkpoint_files[o->checkpoint_file_cnt++] = value;
	return 0;
}

static int set_case(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	if (!*value || strchr(value, '/'))
		return complain(-EINVAL, "--case \"%s\": want a number or name without a slash", value);
	o->case_id = value;
	return 0;
}

static int set_evidence_id(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->evidence_id = value;
	return 0;
}

static int set_description(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->description = value;
	return 0;
}

static int set_examiner(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->examiner = value;
	return 0;
}

static int set_proof(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->proof_file = value;
	return 0;
}

static int set_out(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	o->out_file = value;
	return 0;
}

static int set_event(struct options *o, const char *value, int64_t now_ns)
{
	const char *slash = strchr(value, '/');

	(void)now_ns;
	if (!slash || slash - value != UUID_LEN ||
	    !note_parse_number((struct note_span){slash + 1, strlen(slash + 1)},
			       &o->event_sequence))
		return complain(-EINVAL, "--event \"%s\": want RUN/SEQUENCE, as the record has them",
				value);
	free((char *)o->event_run);
	o->event_run = memory_printf("%.*s", UUID_LEN, value);
	return 0;
}

static int set_silent(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	if (note_parse_number((struct note_span){value, strlen(value)}, &o->silent_heartbeats) &&
	    o->silent_heartbeats && o->silent_heartbeats <= 1000)
		return 0;
	return complain(-EINVAL, "--silent \"%s\": want 1 to 1000 heartbeats", value);
}

static int set_kind(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_kind(&o->filter, value);
}

static int set_class(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_class(&o->filter, value);
}

static int set_process(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_process(&o->filter, value);
}

static int set_path(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_path(&o->filter, value);
}

static int set_result(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_result(&o->filter, value);
}

static int set_limit(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	return filter_set_limit(&o->filter, value);
}

static int add_indicator(struct options *o, enum indicator_type type, const char *value)
{
	if (!o->indicators)
		o->indicators = memory_zalloc(sizeof(*o->indicators));
	return indicators_add(o->indicators, type, value);
}

#define ADD_INDICATOR(name, type)                                                   \
	static int add_##name(struct options *o, const char *value, int64_t now_ns) \
	{                                                                           \
		(void)now_ns;                                                       \
		return add_indicator(o, type, value);                               \
	}
ADD_INDICATOR(path, INDICATOR_PATH)
ADD_INDICATOR(sha256, INDICATOR_SHA256)
ADD_INDICATOR(ip, INDICATOR_IP)
ADD_INDICATOR(domain, INDICATOR_DOMAIN)
ADD_INDICATOR(exec, INDICATOR_EXEC)
ADD_INDICATOR(user, INDICATOR_USER)
ADD_INDICATOR(comm, INDICATOR_COMM)

static int add_indicators(struct options *o, const char *value, int64_t now_ns)
{
	(void)now_ns;
	if (!o->indicators)
		o->indicators = memory_zalloc(sizeof(*o->indicators));
	return indicators_load(o->indicators, value);
}

static int add_side(struct options *o, bool is_pod, const char *value)
{
	if (o->side_cnt == ARRAY_SIZE(o->sides))
		return complain(-EINVAL, "\"%s\": two are compared, not more", value);
	o->sides[o->side_cnt++] = (struct options_side){is_pod, value};
	return 0;
}

/* Checked as for all other commands. */
static int add_pod_side(struct options *o, const char *value, int64_t now_ns)
{
	struct options scratch;

	return set_pod(&scratch, value, now_ns) ? -EINVAL : add_side(o, true, value);
}

static int add_container_side(struct options *o, const char *value, int64_t now_ns)
{
	struct options scratch;

	return set_container(&scratch, value, now_ns) ? -EINVAL : add_side(o, false, value);
}

static int set_json(struct options *o, const char *value, int64_t now_ns)
{
	(void)value;
	(void)now_ns;
	o->as_json = true;
	return 0;
}

static const struct option {
	const char *name, *value, *help; /* value NULL: it takes none */
	unsigned int commands;		 /* enum options_for */
	int (*set)(struct options *o, const char *value, int64_t now_ns);
} table[] = {
	{"--pod", "NAMESPACE/NAME|UID", "the containers of this pod",
	 FOR_REPLAY | FOR_PODS | FOR_EXPORT | FOR_FOLLOW, set_pod},
	{"--container", "ID", "this container: its id, or at least 8 digits of it",
	 FOR_REPLAY | FOR_EXPORT | FOR_FOLLOW, set_container},
	{"--since", "TIME",
	 "from then on: 2026-11-21T20:19:33Z, 20:19, yesterday 14:00, or an age: 10m, 2h, 3d",
	 FOR_REPLAY | FOR_PODS | FOR_CAT | FOR_FIND | FOR_DIFF, set_since},
	{"--until", "TIME", "up to then", FOR_REPLAY | FOR_PODS | FOR_CAT | FOR_FIND | FOR_DIFF,
	 set_until},
	{"--kind", "NAME[,NAME]...", "only records of these kinds: EXEC, OPEN ...", FOR_FILTERED,
	 set_kind},
	{"--class", "NAME[,NAME]...",
	 "or of these classes: process, file, network, kernel, container, sensor", FOR_FILTERED,
	 set_class},
	{"--process", "PID|UID", "only this process and what it began", FOR_FILTERED, set_process},
	{"--path", "GLOB", "only what is about such a path; * takes slashes too", FOR_FILTERED,
	 set_path},
	{"--result", "ok|failed", "only what succeeded, or what failed", FOR_FILTERED, set_result},
	{"--limit", "N", "the first N of these records; how many more there are is said",
	 FOR_FILTERED, set_limit},
	{"--path", "GLOB",
	 "a file or unix socket; * takes slashes too, a name without one is the last of a path",
	 FOR_FIND, add_path},
	{"--sha256", "HEX", "of what was executed or loaded", FOR_FIND, add_sha256},
	{"--ip", "ADDRESS|CIDR",
	 "to or from which there was a connection, or that a name stood for", FOR_FIND, add_ip},
	{"--domain", "NAME", "that was looked up, or any below it", FOR_FIND, add_domain},
	{"--exec", "GLOB", "a program: path, last name of it, or command line", FOR_FIND, add_exec},
	{"--user", "UID", "whose processes", FOR_FIND, add_user},
	{"--comm", "GLOB", "name of a process", FOR_FIND, add_comm},
	{"--indicators", "FILE",
	 "all of these, one per line: TYPE VALUE, or a value that shows what it is", FOR_FIND,
	 add_indicators},
	{"--pod", "NAMESPACE/NAME|UID", "one of the two; given twice", FOR_DIFF, add_pod_side},
	{"--container", "ID", "or a container instead of a pod", FOR_DIFF, add_container_side},
	{"--since", "TIME", "begin with what happened then; from now on if not given", FOR_FOLLOW,
	 set_since},
	{"--format", "timeline|jsonl", "the first is the default", FOR_FOLLOW, set_follow_format},
	{"--format", "jsonl|delimited",
	 "lines of JSON, or the records as they are, each behind its length, for another varve",
	 FOR_CAT, set_cat_format},
	{"--since", "TIME", "what is before need not be there, nor begin with a seal", FOR_VERIFY,
	 set_since},
	{"--until", "TIME", "a run that is sealed up to then needs no end", FOR_VERIFY, set_until},
	{"--key", "FILE", "public keys that are trusted, as sensor.pub has them; may be given again",
	 FOR_REPLAY | FOR_VERIFY | FOR_EXPORT, add_key},
	{"--changes", "FILE",
	 "how the sensor came from one key to the next: its sensor.keys, a directory's own if not given",
	 FOR_REPLAY | FOR_VERIFY | FOR_EXPORT, set_changes},
	{"--verdict", "FILE", "the verdict with its reasons as one JSON object", FOR_REPLAY, set_verdict},
	{"--checkpoint", "FILE",
	 "the evidence must contain what was sealed then: a checkpoint kept elsewhere", FOR_VERIFY,
	 add_checkpoint},
	{"--proof", "FILE", "check this proof of one record, without the evidence", FOR_VERIFY,
	 set_proof},
	{"--event", "RUN/SEQUENCE", "the record, by its run_id and sequence", FOR_PROVE, set_event},
	{"--out", "FILE", "where to; RUN-SEQUENCE.tlog-proof if not given", FOR_PROVE, set_out},
	{"--case", "ID", "number or name of the case", FOR_EXPORT, set_case},
	{"--evidence-id", "ID", "of this piece of evidence", FOR_EXPORT, set_evidence_id},
	{"--description", "TEXT", "what it is", FOR_EXPORT, set_description},
	{"--examiner", "NAME", "who takes it", FOR_EXPORT, set_examiner},
	{"--out", "FILE", "where to; varve-CASE.zip if not given", FOR_EXPORT, set_out},
	{"--silent", "N", "a node is silent after more than N heartbeats without a word: 3",
	 FOR_COVERAGE, set_silent},
	{"--json", NULL, "lines of JSON", FOR_VERIFY | FOR_COVERAGE | FOR_FIND | FOR_DIFF,
	 set_json},
	{"--format", VIEW_NAMES, "the first is the default", FOR_REPLAY, set_format},
	{"--as-recorded", NULL, "names as each record has them, not as they became known later",
	 FOR_REPLAY, set_as_recorded},
	{"--read-all", NULL, "read all records, not only those that the directory leads to",
	 FOR_REPLAY | FOR_PODS, set_read_all},
	{"--topic", "NAME", "Kafka: the topic, varve.events if not given", FOR_ALL, set_topic},
	{"--pods-topic", "NAME", "Kafka: the directory's topic, varve.pods if not given",
	 FOR_REPLAY | FOR_PODS, set_pods_topic},
	{"-X", "PROPERTY=VALUE", "Kafka: a property of librdkafka (TLS, SASL ...)", FOR_ALL,
	 add_property},
	{"-F", "FILE", "Kafka: a file of such properties, as kcat has it; or " PROPERTIES_ENV, FOR_ALL,
	 load_properties},
};

static const struct option *find_option(const struct command *cmd, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == len && !strncmp(table[i].name, word, len) &&
		    (cmd->takes & table[i].commands))
			return &table[i];
	return NULL;
}

/* Takes one option and its value, "--name value" or "--name=value"; *i is left on the last word of
 * it. */
static int take_option(const struct command *cmd, int argc, char **argv, int *i, int64_t now_ns,
		       struct options *o)
{
	const char *word = argv[*i], *value = NULL;
	size_t len = strlen(word);

	if ((!strncmp(word, "-X", 2) || !strncmp(word, "-F", 2)) && len > 2) {
		value = word + 2;
		len = 2;
	} else if (!strncmp(word, "--", 2) && strchr(word, '=')) {
		len = strchr(word, '=') - word;
		value = word + len + 1;
	}
	const struct option *opt = find_option(cmd, word, len);

	if (!opt) {
		return complain(-EINVAL, "unknown option \"%s\" (varve %s --help lists them)", word,
				cmd->name);
	}
	if (!opt->value && value)
		return complain(-EINVAL, "%s takes no value", opt->name);
	if (opt->value && !value && *i + 1 < argc)
		value = argv[++*i];
	if (opt->value && !value) {
		return complain(-EINVAL, "%s wants a value: %s", opt->name, opt->value);
	}
	return opt->set(o, value, now_ns);
}

/* A bundle is made, and a record proven, of one. */
static bool takes_several(const struct command *cmd)
{
	return !(cmd->takes & (FOR_EXPORT | FOR_PROVE));
}

static size_t cnt_of_stdin(const struct options *o)
{
	size_t cnt = 0;

	for (size_t i = 0; i < o->source_cnt; i++)
		cnt += !strcmp(o->sources[i], "-");
	return cnt;
}

static bool has_window(const struct options *o)
{
	return o->window.since_ns != INT64_MIN || o->window.until_ns != INT64_MAX;
}

static bool has_kafka(const struct options *o)
{
	for (size_t i = 0; i < o->source_cnt; i++)
		if (source_is_kafka(o->sources[i]))
			return true;
	return false;
}

static int check(const struct command *cmd, const struct options *o)
{
	const char *wrong = NULL;

	if (o->proof_file && o->source)
		wrong = "--proof needs no SOURCE";
	else if (!o->source && !o->proof_file)
		wrong = "SOURCE is missing: a log directory, a bundle, kafka://host:port[,host:port] or -";
	else if (cmd->takes & FOR_REPLAY && !o->pod && !o->container)
		wrong = "say what to replay: --pod NAMESPACE/NAME or --container ID (varve pods "
			"lists them)";
	else if (cmd->takes & FOR_EXPORT && !o->pod && !o->container)
		wrong = "say what to export: --pod NAMESPACE/NAME or --container ID (varve pods "
			"lists them)";
	else if (cmd->takes & FOR_FIND && (!o->indicators || !o->indicators->cnt))
		wrong = "say what to find: --path, --sha256, --ip, --domain, --exec, --user, "
			"--comm or "
			"--indicators FILE";
	else if (cmd->takes & FOR_DIFF && o->side_cnt != 2)
		wrong = "say what to compare: --pod A --pod B (varve pods lists them)";
	else if (cmd->takes & FOR_EXPORT && !o->case_id)
		wrong = "say for which case: --case ID";
	else if (cmd->takes & FOR_PROVE && !o->event_run)
		wrong = "say which record to prove: --event RUN/SEQUENCE";
	else if (o->source_cnt > 1 && !takes_several(cmd))
		wrong = "one SOURCE only";
	else if (o->as_delimited && (filter_is_on(&o->filter) || has_window(o)))
		wrong = "--format delimited passes on all records: no filters, no time";
	else if (cnt_of_stdin(o) > 1)
		wrong = "standard input (-) can be read once only";
	else if (o->pod && o->container)
		wrong = "--pod and --container exclude each other";
	else if (o->window.since_ns > o->window.until_ns)
		wrong = "--since is later than --until";
	if (!wrong)
		return 0;
	return complain(-EINVAL, "%s", wrong);
}

static void add_source(struct options *o, const char *name)
{
	o->sources = memory_grow(o->sources, o->source_cnt, &o->source_cap, sizeof(*o->sources));
	o->sources[o->source_cnt++] = name;
	o->source = o->sources[0];
	o->source_opts.more = o->sources + 1;
	o->source_opts.more_cnt = o->source_cnt - 1;
}

int options_parse(const struct command *cmd, int argc, char **argv, int64_t now_ns,
		  struct options *ret_opts)
{
	struct options *o = ret_opts;
	int err = 0;

	*o = (struct options){
		.view = cmd->takes & FOR_FOLLOW ? &view_timeline : &view_tree, .silent_heartbeats = 3, .now_ns = now_ns, .pods_topic = "varve.pods", .window = {INT64_MIN, INT64_MAX}};
	for (int i = 0; i < argc && !err; i++) {
		if (argv[i][0] == '-' && argv[i][1])
			err = take_option(cmd, argc, argv, &i, now_ns, o);
		else
			add_source(o, argv[i]);
	}
	if (!err && !o->has_properties_file && has_kafka(o) && getenv(PROPERTIES_ENV))
		err = properties_load(o, getenv(PROPERTIES_ENV));
	return err ? err : check(cmd, o);
}

void options_fini(struct options *o)
{
	properties_fini(o);
	free(o->sources);
	free(o->key_files);
	free(o->checkpoint_files);
	free((char *)o->event_run);
	if (o->indicators)
		indicators_fini(o->indicators);
	free(o->indicators);
	*o = (struct options){};
}

void options_each(const struct command *cmd, void (*fn)(const struct option_text *o, void *ctx),
		  void *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (cmd->takes & table[i].commands)
			fn(&(struct option_text){table[i].name, table[i].value, table[i].help},
			   ctx);
}

void options_print_help(const struct command *cmd, FILE *out)
{
	fprintf(out,
		"Usage: varve %s %s\n\n%s\n\nSOURCE is a log directory, an evidence bundle, "
		"kafka://host:port[,host:port],\nor - for records on standard input.\n\n",
		cmd->name, cmd->usage, cmd->summary);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (cmd->takes & table[i].commands)
			fprintf(out, "  %s%s%s\n        %s\n", table[i].name,
				table[i].value ? " " : "", table[i].value ? table[i].value : "",
				table[i].help);
}
