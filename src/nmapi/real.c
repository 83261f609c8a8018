/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/real.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct real real_table;

/* Name and place of each; a function pointer is copied as octets because C
 * does not convert a data pointer to one. */
#define ROW(name) { #name, offsetof(struct real, name) }
static const struct {
	const char *name;
	size_t ofs;
} rows[] = {
	ROW(open), ROW(openat), ROW(close), ROW(dup), ROW(dup2), ROW(dup3),
	ROW(fcntl), ROW(ioctl), ROW(mmap), ROW(munmap), ROW(mlockall), ROW(read), ROW(write),
	ROW(readv), ROW(writev), ROW(poll), ROW(ppoll), ROW(select),
	ROW(pselect), ROW(epoll_ctl), ROW(epoll_wait), ROW(epoll_pwait),
};

void
real_find(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *f = dlsym(RTLD_NEXT, rows[i].name);

		if (f == NULL)
			abort();
		memcpy((char *)&real_table + rows[i].ofs, &f, sizeof(f));
	}
	__atomic_store_n(&real_table.is_found, true, __ATOMIC_RELEASE);
}
