/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/seen.h"
#include "evidence/base.h"
#include "evidence/event.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum seen seen_kind(const struct probes_hook *hooks, size_t cnt, unsigned int kind)
{
	bool any = false, missing = false;

	for (size_t i = 0; i < cnt; i++) {
		if (hooks[i].kind != kind)
			continue;
		any |= hooks[i].attached;
		missing |= !hooks[i].attached && !hooks[i].served_by;
	}
	return !any ? SEEN_NOT : missing ? SEEN_PARTLY : SEEN_WHOLLY;
}

static const char *const words[] = {
	[SEEN_NOT] = "not seen", [SEEN_PARTLY] = "partly", [SEEN_WHOLLY] = "seen"};

/* Program, place, and how it stands: attached, or why not and what does its work. */
static void print_hook(const struct probes_hook *h)
{
	printf("  %-24s %-38s ", h->name, h->target);
	if (h->insns)
		printf("%6u  ", h->insns);
	else
		printf("%6s  ", "-");
	if (h->attached)
		printf("attached\n");
	else
		printf("%s%s%s\n", strerror(-h->err), h->served_by ? "; instead: " : "",
		       h->served_by ? h->served_by : "");
}

static void print_table(const struct probes_hook *hooks, size_t cnt, const char *release,
			uint64_t load_ns)
{
	printf("Linux %s, programs loaded in %.1f s\n\nHooks (program, place, instructions verified)\n",
	       release, load_ns / 1e9);
	for (size_t i = 0; i < cnt; i++)
		print_hook(&hooks[i]);
	printf("\nEvents\n");
	for (unsigned int kind = 0; kind < EV_KIND_END; kind++)
		if (event_kind_label(kind))
			printf("  %-24s %s\n", event_kind_name(kind),
			       words[seen_kind(hooks, cnt, kind)]);
}

static json_t *hook_to_json(const struct probes_hook *h)
{
	json_t *o = json_pack("{s:s, s:s, s:b}", "name", h->name, "target", h->target, "attached",
			      h->attached);

	if (o && h->insns)
		json_object_set_new(o, "verified_insns", json_integer(h->insns));
	if (o && h->err)
		json_object_set_new(o, "error", json_string(strerror(-h->err)));
	if (o && h->served_by)
		json_object_set_new(o, "served_by", json_string(h->served_by));
	if (o && h->kind)
		json_object_set_new(o, "kind", json_string(event_kind_name(h->kind)));
	return o;
}

static int print_json(const struct probes_hook *hooks, size_t cnt, const char *release,
		      uint64_t load_ns)
{
	json_t *list = json_array(), *kinds = json_object(), *all;
	int err = -ENOMEM;

	for (size_t i = 0; i < cnt; i++)
		json_array_append_new(list, hook_to_json(&hooks[i]));
	for (unsigned int kind = 0; kind < EV_KIND_END; kind++)
		if (event_kind_label(kind))
			json_object_set_new(kinds, event_kind_name(kind),
					    json_string(words[seen_kind(hooks, cnt, kind)]));
	all = json_pack("{s:s, s:I, s:o, s:o}", "kernel_release", release, "load_nano",
			(json_int_t)load_ns, "hooks", list, "events", kinds);
	if (all && !json_dumpf(all, stdout, JSON_INDENT(2)))
		err = 0;
	printf("\n");
	json_decref(all);
	return err;
}

int seen_show(const struct probes *probes, bool json)
{
	const struct probes_hook *hooks;
	struct utsname uts;
	size_t cnt;

	uname(&uts);
	hooks = probes_hooks(probes, &cnt);
	if (json)
		return print_json(hooks, cnt, uts.release, probes_load_ns(probes));
	print_table(hooks, cnt, uts.release, probes_load_ns(probes));
	return 0;
}
