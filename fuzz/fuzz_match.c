/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as rules, changes of them and packets: the index must do what the
 * linear interpreter does.
 *
 * Input      the draws of a world (test/oracle), one after the other; its end
 *            ends the world.
 */
#include "test/oracle/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PKTS = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *w;
	struct world_stats st = {0};
	struct chance c;
	const char *diff;

	if (w == NULL && (w = world_create()) == NULL)
		abort();
	chance_input(&c, data, size);
	diff = world_run(w, &c, MAX_PKTS, &st);
	if (diff != NULL) {
		fprintf(stderr, "index and linear interpreter: %s\n", diff);
		world_dump(w);
		abort();
	}
	return 0;
}
