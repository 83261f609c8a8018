/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/tag.h"

bool
tag_find(const struct tag_pool *pool, uint32_t head, unsigned lo, unsigned hi)
{
	for (uint32_t i = head; i != 0; i = pool->tags[i].next) {
		if (pool->tags[i].value >= lo && pool->tags[i].value <= hi)
			return true;
	}
	return false;
}

bool
tag_set(struct tag_pool *pool, uint32_t *head, uint16_t value)
{
	unsigned i = pool->n_used;

	if (tag_find(pool, *head, value, value))
		return true;
	if (i == TAG_POOL)
		return false;
	pool->tags[i] = (struct tag){value, (uint16_t)*head};
	pool->n_used = i + 1;
	*head = i;
	return true;
}

void
tag_clear(struct tag_pool *pool, uint32_t *head, uint16_t value)
{
	uint32_t before = 0;

	for (uint32_t i = *head; i != 0; i = pool->tags[i].next) {
		if (pool->tags[i].value == value) {
			if (before == 0)
				*head = pool->tags[i].next;
			else
				pool->tags[before].next = pool->tags[i].next;
			return;
		}
		before = i;
	}
}
