/* SPDX-License-Identifier: Apache-2.0 */
/* A program that ends at once, without libc: what the benches execute, so that exec is all they
 * measure. */
void _start(void);

void _start(void)
{
	__asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall"); /* exit(0) */
}
