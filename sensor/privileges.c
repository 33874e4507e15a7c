/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/privileges.h"

#include "evidence/base.h"
#include "evidence/diag.h"
#include "sensor/conf.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define BIT(cap) (1ULL << (cap))

/* Set once, while there is one thread. */
static bool drops;

static int get(struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &head, caps) ? -errno : 0;
}

uint64_t privileges_effective(void)
{
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {};

	return get(caps) ? 0 : caps[0].effective | (uint64_t)caps[1].effective << 32;
}

int privileges_begin(const struct conf *conf)
{
	drops = conf->drop_privileges;
	if (!drops)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return log_err(-errno, "cannot give up privileges: set drop-privileges = off");
	return 0;
}

int privileges_keep(uint64_t set)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {};
	int err;

	if (!drops)
		return 0;
	err = get(caps);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t keep = set >> (32 * i);

		caps[i].permitted &= keep;
		caps[i].effective &= keep;
		caps[i].inheritable &= keep;
	}
	/* What is not permitted cannot be ambient either. */
	if (!err && syscall(SYS_capset, &head, caps))
		err = -errno;
	return err ? log_err(err, "cannot give up capabilities: set drop-privileges = off") : 0;
}

/* Root, without CAP_DAC_OVERRIDE, is to directories of others as anybody is. */
static bool is_others(const char *dir)
{
	struct stat st;

	return stat(dir, &st) || st.st_uid != geteuid() || !(st.st_mode & S_IWUSR);
}

uint64_t privileges_of_loop(const struct conf *conf)
{
	/* Maps (before 5.19 each call of bpf(2), where unprivileged ones are off), pins. */
	uint64_t set = BIT(CAP_BPF);

	/* Runtimes' files, cgroups by their number; /proc/PID of whom they ran for. */
	set |= BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE);
	/* Clones of bundles' roots. */
	if (conf->hash == CONF_HASH_ON)
		set |= BIT(CAP_SYS_ADMIN);
	/* varve-kubewatch is started again when it ends, and becomes nobody. */
	if (strcmp(conf->kube_api, "off"))
		set |= BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL);
	if (is_others(conf->log_dir))
		set |= BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER);
	return set;
}

uint64_t privileges_of_births(void)
{
	return BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE);
}

uint64_t privileges_of_hash(void)
{
	return BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE);
}
