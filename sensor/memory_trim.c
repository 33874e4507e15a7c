/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/memory_trim.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Segments that nothing is written to, relocations neither: those are in writable ones, whose part
 * that is read-only later (RELRO) is not a segment of its own. The kernel's own object is no file.
 */
static int trim_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);

	(void)size, (void)ctx;
	if (*info->dlpi_name && *info->dlpi_name != '/')
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = (info->dlpi_addr + p->p_vaddr) & -page;
		uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_filesz) & -page;

		/* Clean pages of a private mapping: they are read again from the file. */
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && end > begin)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

void memory_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(trim_object, NULL);
}
