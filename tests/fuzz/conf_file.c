/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file; what it says goes on to the digest, to --print-config and to
 * --sample-config. */
#include "sensor/conf.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is printed is for a person; the fuzzer's own output must stay readable. */
static int load_quietly(struct conf *conf, int argc, char **argv)
{
	static FILE *null;
	FILE *out = stdout, *err = stderr;
	int ret;

	null = null ? null : fopen("/dev/null", "we");
	stdout = stderr = null;
	ret = conf_load(conf, argc, argv);
	stdout = out;
	stderr = err;
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char option[64];
	char *argv[] = {"varve-sensor", option, NULL, NULL};
	struct conf conf;
	char hex[65];

	if (fd < 0) {
		fd = memfd_create("conf", MFD_CLOEXEC);
		snprintf(option, sizeof(option), "--config=/proc/self/fd/%d", fd);
	}
	argv[2] = size % 2 ? "--print-config" : "--sample-config";
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (load_quietly(&conf, 3, argv) >= 0) {
		conf_digest(&conf, hex);
		if (strlen(hex) != 64 || !*conf.log_dir || !*conf.node_name ||
		    conf.ring_bytes & (conf.ring_bytes - 1))
			abort();
	}
	conf_fini(&conf);
	return 0;
}
