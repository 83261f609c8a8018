/* SPDX-License-Identifier: BSD-2-Clause */
/* The three structures of src/pipe that keep things in order of time, each
 * against a plain array that is searched: 10^6 operations. */
#include "unit.h"

#include "base/rng.h"
#include "pipe/events.h"
#include "pipe/line.h"
#include "pipe/pheap.h"

#include <stdlib.h>
#include <string.h>

enum { OPS = 1000000, THINGS = 200 };

static void
events_are_in_order(void **state)
{
	static uint32_t places[THINGS];
	static ns_t times[THINGS];
	struct events ev;
	struct rng rng;

	(void)state;
	rng_init(&rng, 1);
	assert_true(events_init(&ev, THINGS));
	for (unsigned i = 0; i < THINGS; i++) {
		places[i] = EVENT_NONE;
		times[i] = UINT64_MAX;
	}
	for (unsigned op = 0; op < OPS; op++) {
		unsigned i = (unsigned)(rng_u64(&rng) % THINGS), n = 0;
		ns_t first = UINT64_MAX, second = UINT64_MAX;

		times[i] = op % 3 == 0 ? UINT64_MAX : rng_u64(&rng) % 1000;
		events_set(&ev, &times[i], &places[i], times[i]);
		if (op % 16 != 0)
			continue;
		for (unsigned k = 0; k < THINGS; k++) {
			n += times[k] != UINT64_MAX;
			assert_int_equal(times[k] == UINT64_MAX,
			    places[k] == EVENT_NONE);
			if (times[k] < first) {
				second = first;
				first = times[k];
			} else if (times[k] < second) {
				second = times[k];
			}
		}
		assert_int_equal(n, ev.n);
		assert_int_equal(second, events_second(&ev));
		if (n == 0) {
			assert_null(events_first(&ev));
			continue;
		}
		assert_int_equal(first, events_first(&ev)->at);
		assert_int_equal(first, *(ns_t *)events_first(&ev)->what);
	}
	events_fini(&ev);
}

struct thing {
	struct pnode node;
	bool in;
};

static void
heaps_pop_the_least(void **state)
{
	static struct thing things[THINGS];
	struct pheap h = {NULL};
	struct rng rng;

	(void)state;
	rng_init(&rng, 2);
	for (unsigned op = 0; op < OPS; op++) {
		unsigned i = (unsigned)(rng_u64(&rng) % THINGS);
		struct thing *t = &things[i];
		struct pnode *least;

		if (!t->in) { /* near the wrap */
			t->node.key = (uint64_t)-500 + rng_u64(&rng) % 1000;
			pheap_insert(&h, &t->node);
			t->in = true;
		} else if (op % 2 == 0) {
			pheap_remove(&h, &t->node);
			t->in = false;
		} else {
			least = pheap_min(&h);
			for (unsigned k = 0; op % 8 == 1 && k < THINGS; k++)
				assert_false(things[k].in && pheap_less(
				    things[k].node.key, least->key));
			assert_ptr_equal(least, pheap_pop(&h));
			((struct thing *)(void *)least)->in = false;
		}
	}
}

struct twin {
	ns_t time;
	uint32_t seq;
	bool in;
};

/* Packets with random times: in order, and overtaking. */
static void
line_is_a_sorted_list(void **state)
{
	static struct held held[THINGS];
	static struct twin twins[THINGS];
	struct line l = {0};
	struct rng rng;
	ns_t now = 1000;
	uint32_t seq = 0;

	(void)state;
	rng_init(&rng, 3);
	for (unsigned op = 0; op < OPS; op++) {
		unsigned i = (unsigned)(rng_u64(&rng) % THINGS), best = THINGS;
		struct held *got;

		if (op / 50000 % 2 == 0 || op % 2 == 0) {
			if (twins[i].in)
				continue;
			/* phases without overtaking, then with */
			held[i].time = op / 10000 % 2 == 0 ? now + 100 :
			    now + rng_u64(&rng) % 200;
			twins[i] = (struct twin){held[i].time, seq++, true};
			line_add(&l, &held[i]);
			now += rng_u64(&rng) % 3;
			if (rng_u64(&rng) % 4 != 0)
				continue;
		}
		for (unsigned k = 0; k < THINGS; k++) {
			if (twins[k].in && (best == THINGS ||
			    twins[k].time < twins[best].time ||
			    (twins[k].time == twins[best].time &&
			    twins[k].seq < twins[best].seq)))
				best = k;
		}
		assert_int_equal(best == THINGS ? UINT64_MAX :
		    twins[best].time, line_next(&l));
		got = line_take(&l, now);
		if (best == THINGS || twins[best].time > now) {
			assert_null(got);
			continue;
		}
		assert_ptr_equal(&held[best], got);
		twins[best].in = false;
		memset(got, 0xee, sizeof(*got)); /* nobody may look again */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(events_are_in_order),
	    cmocka_unit_test(heaps_pop_the_least),
	    cmocka_unit_test(line_is_a_sorted_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
