/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/user.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t copy_fn(pid_t, const struct iovec *, unsigned long,
    const struct iovec *, unsigned long, unsigned long);

static int
copy(copy_fn *fn, void *here, void *there, size_t size)
{
	const struct iovec a = { here, size }, b = { there, size };
	ssize_t n = fn(getpid(), &a, 1, &b, 1, 0);

	if (n == (ssize_t)size)
		return 0;
	return n >= 0 || errno == EFAULT ? -EFAULT : -EAGAIN;
}

int
user_copyin(void *to, uint64_t from, size_t size)
{
	void *p = (void *)(uintptr_t)from;
	int rc = size == 0 ? 0 : copy(process_vm_readv, to, p, size);

	if (rc == -EAGAIN) {
		memcpy(to, p, size);
		rc = 0;
	}
	return rc;
}

int
user_copyout(uint64_t to, const void *from, size_t size)
{
	void *p = (void *)(uintptr_t)to;
	struct iovec here = { 0 };
	int rc;

	memcpy(&here.iov_base, &from, sizeof(from)); /* only read */
	rc = size == 0 ? 0 : copy(process_vm_writev, here.iov_base, p, size);
	if (rc == -EAGAIN) {
		memcpy(p, from, size);
		rc = 0;
	}
	return rc;
}
