/* SPDX-License-Identifier: Apache-2.0 */
/* --check: capabilities, each with what comes of its absence. docs/varve-sensor.8 has the same. */
#include "sensor/check.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"

#include <linux/capability.h>
#include <string.h>

#define BIT(cap) (1ULL << (cap))
#define TODO                                                                                     \
	"give it: capabilities.add in the pod's securityContext, CapabilityBoundingSet= in the " \
	"unit, or run as root"

static bool always(const struct conf *conf)
{
	(void)conf;
	return true;
}

static bool hashes(const struct conf *conf)
{
	return conf->hash == CONF_HASH_ON;
}

static bool asks_kube(const struct conf *conf)
{
	return strcmp(conf->kube_api, "off");
}

static bool hashes_or_pins(const struct conf *conf)
{
	return hashes(conf) || conf->pin;
}

static const struct {
	const char *name;
	uint64_t any; /* one of these does */
	bool (*is_needed)(const struct conf *conf);
	enum check_state without;
	const char *lacks;
} capabilities[] = {
	{"CAP_BPF", BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN), always, CHECK_MISSING,
	 "no BPF program can be loaded"},
	{"CAP_PERFMON", BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN), always, CHECK_MISSING,
	 "no program can be loaded that reads the kernel's memory"},
	{"CAP_NET_ADMIN", BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN), always, CHECK_LIMITED,
	 "programs on cgroups' sockets and packets are refused: no UDP_FLOW, no DNS"},
	{"CAP_DAC_READ_SEARCH", BIT(CAP_DAC_READ_SEARCH), always, CHECK_LIMITED,
	 "runtimes' files of other users and cgroups by their number are not read: containers may "
	 "be without pod, name and image"},
	{"CAP_SYS_PTRACE", BIT(CAP_SYS_PTRACE), hashes, CHECK_LIMITED,
	 "/proc/PID/exe and root of other users' processes are not read: less is hashed"},
	{"CAP_SYS_ADMIN", BIT(CAP_SYS_ADMIN), hashes_or_pins, CHECK_LIMITED,
	 "containers' roots cannot be held to hash in them, nor pinned programs be asked what they "
	 "missed"},
	{"CAP_SYS_NICE", BIT(CAP_SYS_NICE), always, CHECK_LIMITED,
	 "on a busy node short containers may be gone before their names are read, and buffers "
	 "fill sooner"},
	{"CAP_SETUID", BIT(CAP_SETUID), asks_kube, CHECK_MISSING,
	 "varve-kubewatch cannot become nobody"},
	{"CAP_SETGID", BIT(CAP_SETGID), asks_kube, CHECK_MISSING,
	 "varve-kubewatch cannot leave root's groups"},
	{"CAP_SYS_CHROOT", BIT(CAP_SYS_CHROOT), asks_kube, CHECK_MISSING,
	 "varve-kubewatch cannot go into its empty root"},
	{"CAP_KILL", BIT(CAP_KILL), asks_kube, CHECK_MISSING,
	 "varve-kubewatch, which is nobody's, cannot be ended"},
};

void check_capabilities(struct check *c, uint64_t effective)
{
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		const char *name = capabilities[i].name;

		if (effective & capabilities[i].any)
			check_say(c, name, CHECK_OK, NULL, "effective");
		else if (!capabilities[i].is_needed(c->conf))
			check_say(c, name, CHECK_OK, NULL, "not needed as it is configured");
		else
			check_say(c, name, capabilities[i].without, TODO, "%s",
				  capabilities[i].lacks);
	}
}

int check_can_watch(uint64_t effective)
{
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (effective & capabilities[i].any || capabilities[i].is_needed != always ||
		    capabilities[i].without != CHECK_MISSING)
			continue;
		return log_err(-EPERM,
			       "%s is missing: %s: " TODO "; --check tells what else is missing",
			       capabilities[i].name, capabilities[i].lacks);
	}
	return 0;
}
