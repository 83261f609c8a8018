/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/indirect.h"

#include <sys/uio.h>
#include <unistd.h>

bool
indirect_read(void *to, uint64_t ptr, size_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { (void *)(uintptr_t)ptr, len };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	    (ssize_t)len;
}
