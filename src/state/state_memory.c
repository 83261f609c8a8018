/* SPDX-License-Identifier: BSD-2-Clause */
/* A table of states made and ended. */
#include "state/state.h"

#include "state/state_layout.h"

#include <stdlib.h>

static uint32_t
power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

/* Numbers of lines; their sum is what a table takes. */
struct sizes {
	uint32_t heads, chained, states;
};

static struct sizes
sizes_of(uint32_t capacity)
{
	return (struct sizes){power_of_two(capacity / PER_BUCKET),
	    capacity / PER_CHAINED, capacity + 1};
}

size_t
state_memory(uint32_t capacity)
{
	struct sizes n = sizes_of(capacity);

	return ((size_t)n.heads + n.chained + 2 * (size_t)n.states) *
	    CACHE_LINE;
}

struct state_table *
state_create_in(uint32_t capacity, struct rng *rng, void *memory)
{
	struct sizes n = sizes_of(capacity);
	struct state_table *t;

	if (capacity < STATE_CAPACITY_MIN || capacity > STATE_CAPACITY_MAX)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	flow_key_init(&t->key, rng);
	t->capacity = capacity;
	t->mask = n.heads - 1;
	t->heads = memory;
	t->states = (struct state *)(void *)(t->heads + n.heads + n.chained);
	t->rests = (struct rest *)(void *)(t->states + n.states);
	t->pool = (struct pool){.end = 1, .max = n.states};
	t->chained = (struct pool){
	    .end = n.heads, .max = n.heads + n.chained};
	return t;
}

struct state_table *
state_create(uint32_t capacity, struct rng *rng)
{
	struct state_table *t;
	uintptr_t at;
	void *memory;

	if (capacity < STATE_CAPACITY_MIN || capacity > STATE_CAPACITY_MAX)
		return NULL;
	memory = calloc(1, state_memory(capacity) + CACHE_LINE);
	if (memory == NULL)
		return NULL;
	at = ((uintptr_t)memory + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
	t = state_create_in(capacity, rng, (void *)at);
	if (t == NULL)
		free(memory);
	else
		t->memory = memory;
	return t;
}

void
state_destroy(struct state_table *t)
{
	if (t == NULL)
		return;
	free(t->memory);
	free(t);
}
