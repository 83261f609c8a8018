/* SPDX-License-Identifier: BSD-2-Clause */
/* Readers of a trie: one key, or many on their way together. */
#include "table/lpm.h"

#include "table/lpm_layout.h"

/* The heap indexes of all beginnings of a chunk, by chunk. */
#define ANCESTORS(c) \
	(1ull << 0 | 1ull << (1 + ((c) >> 5)) | 1ull << (3 + ((c) >> 4)) | \
	    1ull << (7 + ((c) >> 3)) | 1ull << (15 + ((c) >> 2)) | \
	    1ull << (31 + ((c) >> 1)))
#define ANCESTORS4(c) \
	ANCESTORS(c), ANCESTORS((c) + 1), ANCESTORS((c) + 2), ANCESTORS((c) + 3)
#define ANCESTORS16(c) \
	ANCESTORS4(c), ANCESTORS4((c) + 4), ANCESTORS4((c) + 8), \
	    ANCESTORS4((c) + 12)
static const uint64_t ancestors[FANOUT] = {
	ANCESTORS16(0), ANCESTORS16(16), ANCESTORS16(32), ANCESTORS16(48)};

/* ---- one key ---- */

struct lpm_key
lpm_mask(struct lpm_key k, unsigned len)
{
	if (len < 64)
		return (struct lpm_key){len == 0 ? 0 : k.hi & ~0ull << (64 - len),
		    0};
	if (len < KEY_BITS)
		k.lo = len == 64 ? 0 : k.lo & ~0ull << (KEY_BITS - len);
	return k;
}

static inline bool
inline_covers(uint64_t s, struct lpm_key k, unsigned depth)
{
	unsigned len = (unsigned)(s >> 2 & 0x3f);
	uint64_t diff = (bits_from(k, depth) >> 40 ^ s >> 8) & 0xffffff;

	return diff >> (INLINE_BITS - len) == 0;
}

static inline uint32_t
apart_covers(uint64_t s, struct lpm_key k)
{
	const struct lpm_prefix *p = apart_of(s);

	return same_key(lpm_mask(k, p->len), p->key) ? p->value : 0;
}

uint32_t
lpm_lookup(const struct lpm *l, struct lpm_key k)
{
	const struct root *root = root_get(l);
	uint64_t s = slot_get(&root->cell[cell_of(k)].slot), m;
	const uint32_t *value = &root->cell[cell_of(k)].best;

	for (unsigned depth = ROOT_BITS; s != 0; depth += STRIDE) {
		const struct node *n = node_of(s);
		unsigned c = chunk(k, depth);
		uint32_t v;

		if ((s & INLINE) != 0) {
			if (inline_covers(s, k, depth))
				return (uint32_t)(s >> 32);
			break;
		}
		if ((s & APART) != 0) {
			v = apart_covers(s, k);
			if (v != 0)
				return v;
			break;
		}
		m = n->in & ancestors[c];
		if (m != 0)
			value = value_at(n, rank(n->in,
			    63 - (unsigned)__builtin_clzll(m)));
		if ((n->ext >> c & 1) == 0)
			break;
		s = slot_get(&n->child[rank(n->ext, c)]);
	}
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* ---- several keys ---- */

/*
 * Keys on their way down.  Each step is taken for all that are still on the
 * way, and only asks the cache for what the next one reads.  What a random key
 * decides is computed, not branched on: it would be guessed wrong too often.
 */
struct trips {
	const struct lpm_key *key;
	uint64_t slot[LPM_BURST];	  /* a node, or a prefix apart */
	const uint64_t *child[LPM_BURST]; /* where the next slot is */
	const uint32_t *value[LPM_BURST]; /* of the longest prefix so far */
	uint32_t direct[LPM_BURST];	  /* what a single prefix says, or 0 */
	uint8_t on[LPM_BURST + 1];	  /* those on the way, 'left' of them */
	unsigned left;
};

static inline uint32_t
all_if(bool yes)
{
	return 0 - (uint32_t)yes;
}

/* 'yes ? a : b' */
static inline uintptr_t
pick(bool yes, uintptr_t a, uintptr_t b)
{
	return b ^ ((a ^ b) & (0 - (uintptr_t)yes));
}

/* Key 'i' has read slot 's' at 'depth': it is 0, an inline prefix, which ends
 * the trip, or leads on. */
static inline void
enter(struct trips *t, unsigned i, uint64_t s, unsigned depth)
{
	unsigned len = s >> 2 & 0x1f; /* of an inline one, at most 24 */
	uint64_t diff = (bits_from(t->key[i], depth) >> 40 ^ s >> 8) & 0xffffff;
	bool is_inline = (s & INLINE) != 0;
	bool covers = diff >> ((INLINE_BITS - len) & 0x1f) == 0;
	bool goes_on = (s != 0) & !is_inline;

	t->direct[i] = (uint32_t)(s >> 32) & all_if(is_inline & covers);
	t->slot[i] = s;
	__builtin_prefetch((const void *)pick(goes_on,
	    (uintptr_t)s & ~(uintptr_t)TAGS, (uintptr_t)t->value[i]));
	t->on[t->left] = (uint8_t)i;
	t->left += goes_on;
}

/* Looks into the node that key 'i' has come to; true if it goes on. */
static inline bool
look_into(struct trips *t, unsigned i, unsigned depth)
{
	const struct node *n = node_of(t->slot[i]);
	unsigned c = chunk(t->key[i], depth);
	uint64_t m = n->in & ancestors[c];
	unsigned last = 63 - (unsigned)__builtin_clzll(m | 1);
	const uint32_t *value = value_at(n, rank(n->in, last));
	bool goes_on = (n->ext >> c & 1) != 0;

	t->value[i] = (const uint32_t *)pick(
	    m != 0, (uintptr_t)value, (uintptr_t)t->value[i]);
	t->child[i] = &n->child[rank(n->ext, c)];
	__builtin_prefetch((const void *)pick(
	    goes_on, (uintptr_t)t->child[i], (uintptr_t)t->value[i]));
	return goes_on;
}

/* Takes all one level down, from 'depth'. */
static void
descend(struct trips *t, unsigned depth)
{
	unsigned n = 0;

	for (unsigned k = 0; k < t->left; k++) {
		unsigned i = t->on[k];

		if (unlikely((t->slot[i] & APART) != 0)) {
			t->direct[i] = apart_covers(t->slot[i], t->key[i]);
			continue;
		}
		t->on[n] = (uint8_t)i;
		n += look_into(t, i, depth);
	}
	t->left = 0;
	for (unsigned k = 0; k < n; k++)
		enter(t, t->on[k], slot_get(t->child[t->on[k]]),
		    depth + STRIDE);
}

static void
lookup_some(const struct root *root, const struct lpm_key *keys, unsigned n,
    uint32_t *out)
{
	struct trips t;

	t.key = keys;
	t.left = 0;
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(&root->cell[cell_of(keys[i])]);
	for (unsigned i = 0; i < n; i++) {
		const struct cell *c = &root->cell[cell_of(keys[i])];

		t.value[i] = &c->best;
		enter(&t, i, slot_get(&c->slot), ROOT_BITS);
	}
	for (unsigned depth = ROOT_BITS; t.left > 0; depth += STRIDE)
		descend(&t, depth);
	for (unsigned i = 0; i < n; i++) {
		uint32_t value = __atomic_load_n(t.value[i], __ATOMIC_RELAXED);

		out[i] = t.direct[i] | (value & all_if(t.direct[i] == 0));
	}
}

void
lpm_lookup_burst(const struct lpm *l, const struct lpm_key *keys, unsigned n,
    uint32_t *out)
{
	const struct root *root = root_get(l);

	for (unsigned i = 0; i < n; i += LPM_BURST)
		lookup_some(root, keys + i, n - i < LPM_BURST ? n - i :
		    LPM_BURST, out + i);
}
