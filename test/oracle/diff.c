/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Differential fuzzing of the rule index against the linear interpreter.
 *
 *	diff                  a million packets, and some foretold; TAP
 *	diff PACKETS [SEED [x]]
 *	                      so many, from world SEED on; with x the rules of
 *	                      one that makes a difference
 *	diff -w SEED          one world alone, with its rules if there is a
 *	                      difference
 *	diff -x ...           the same as these with
 *	                      one packet a burst, and what engine/trial says of
 *	                      each first is compared with what becomes of it
 *
 * A difference names the world's seed.
 */
#include "test/oracle/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PER_WORLD = 2000,
	DEFAULT_PKTS = 1000 * 1000,
	FORETOLD_PKTS = 200 * 1000,
	FORETOLD_SEED = 104730, /* where a table's value went too far */
	REPORT_EVERY = 5000, /* worlds: ten million packets */
};

static const char agrees[] = "index and linear interpreter do the same";
static const char foretells[] = "what is foretold of packets comes so, and "
    "asking changes nothing";

/* One world; false after a difference. */
static bool
one(struct world *w, uint64_t seed, struct world_stats *st, bool dump)
{
	struct chance c;
	const char *d;

	chance_seed(&c, seed);
	d = world_run(w, &c, PER_WORLD, st);
	if (d == NULL)
		return true;
	printf("# world %" PRIu64 ": %s\n", seed, d);
	if (dump)
		world_dump(w);
	return false;
}

static void
report(const struct world_stats *st)
{
	printf("# %" PRIu64 " packets, %" PRIu64 " worlds, %" PRIu64
	       " changes, %" PRIu64 " matches, %" PRIu64 " states, %" PRIu64
	       " records, %" PRIu64 " answers, %" PRIu64
	       " foretold, up to %u rules\n",
	    st->pkts, st->worlds, st->updates, st->matches, st->states,
	    st->records, st->answers, st->foretold, st->max_rules);
	fflush(stdout);
}

/* As many packets, from world 'seed' on; one line of TAP. */
static bool
many(struct world *w, unsigned test, uint64_t pkts, uint64_t seed, bool dump,
    const char *name)
{
	struct world_stats st = {0};
	bool ok = true;

	while (ok && st.pkts < pkts) {
		ok = one(w, seed++, &st, dump);
		if (st.worlds % REPORT_EVERY == 0)
			report(&st);
	}
	report(&st);
	printf("%s %u - %s\n", ok ? "ok" : "not ok", test, name);
	return ok;
}

int
main(int argc, char **argv)
{
	uint64_t pkts = DEFAULT_PKTS, seed = 1;
	struct world *w = world_create();
	struct world_stats st = {0};
	bool ok, alone = argc > 1 && strcmp(argv[1], "-x") == 0;

	if (w == NULL)
		return 1;
	if (alone) {
		world_foretell(w);
		argc--;
		argv++;
	}
	if (argc == 3 && strcmp(argv[1], "-w") == 0)
		return one(w, strtoull(argv[2], NULL, 10), &st, true) ? 0 : 1;
	if (argc > 1)
		pkts = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	printf("1..%d\n", argc == 1 && !alone ? 2 : 1);
	ok = many(w, 1, pkts, seed, argc > 3, alone ? foretells : agrees);
	if (argc == 1 && !alone) {
		world_foretell(w);
		ok = many(w, 2, FORETOLD_PKTS, FORETOLD_SEED, false,
		    foretells) && ok;
	}
	world_destroy(w);
	return ok ? 0 : 1;
}
