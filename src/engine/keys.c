/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/keys.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int
keys_draw(struct keys *k, void *key, size_t size, const char *what,
    struct err *e)
{
	uint8_t *to = key;

	if (k == NULL || !k->seeded)
		return getrandom(key, size, 0) == (ssize_t)size ? 0 :
		    err_set(e, errno, "no key for %s: %s", what,
			strerror(errno));
	while (size > 0) {
		uint64_t v = rng_u64(&k->rng);
		size_t n = size < sizeof(v) ? size : sizeof(v);

		memcpy(to, &v, n);
		to += n;
		size -= n;
	}
	return 0;
}
