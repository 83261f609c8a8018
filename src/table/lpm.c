/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/lpm.h"

#include "table/lpm_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Puts the 64 bits of 'v' at bit 'at' of a key that is zero from there on. */
static struct lpm_key
put_bits(struct lpm_key k, unsigned at, uint64_t v)
{
	if (at < 64) {
		k.hi |= v >> at;
		k.lo |= at == 0 ? 0 : v << (64 - at);
	} else if (at < KEY_BITS) {
		k.lo |= v >> (at - 64);
	}
	return k;
}

/* ---- memory ---- */

static size_t
values_size(const struct node *n)
{
	return (count_bits(n->in) * sizeof(uint32_t) + 7) & ~(size_t)7;
}

static size_t
node_size(const struct node *n)
{
	return values_size(n) + sizeof(*n) +
	    count_bits(n->ext) * sizeof(uint64_t);
}

/* A node with these maps, its values and slots zero. */
static struct node *
node_alloc(struct lpm *l, uint64_t in, uint64_t ext)
{
	struct node maps = {in, ext}, *n;
	unsigned char *block = calloc(1, node_size(&maps));

	if (block == NULL)
		return NULL;
	n = (struct node *)(void *)(block + values_size(&maps));
	n->in = in;
	n->ext = ext;
	l->bytes += node_size(n);
	return n;
}

/* Gives back the block behind a slot: at once, or when readers are gone. */
static void
release(struct lpm *l, uint64_t s, bool live)
{
	void *block;

	if (s == 0 || (s & INLINE) != 0)
		return;
	if ((s & APART) != 0) {
		block = apart_of(s);
		l->bytes -= sizeof(struct lpm_prefix);
	} else {
		block = (unsigned char *)node_of(s) - values_size(node_of(s));
		l->bytes -= node_size(node_of(s));
	}
	if (live)
		limbo_block(l->limbo, block);
	else
		free(block);
}

static void
destroy_slot(struct lpm *l, uint64_t s)
{
	if (s != 0 && (s & TAGS) == 0)
		for (unsigned i = 0; i < count_bits(node_of(s)->ext); i++)
			destroy_slot(l, node_of(s)->child[i]);
	release(l, s, false);
}

struct lpm *
lpm_create(struct limbo *limbo)
{
	struct lpm *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->limbo = limbo;
	l->lo = ROOT_SIZE;
	l->root = calloc(1, sizeof(*l->root));
	l->shorts = calloc(ROOT_SIZE, sizeof(*l->shorts));
	if (l->root == NULL || l->shorts == NULL) {
		lpm_destroy(l);
		return NULL;
	}
	return l;
}

static void
give_root(struct lpm *l)
{
	if (l->paged)
		limbo_give(l->limbo, l->root, sizeof(*l->root));
	else
		free(l->root);
}

/* Moves the root into big pages, now that it is worth them.  Without memory it
 * stays where it is.  The limbo has room. */
static void
use_pages(struct lpm *l)
{
	struct root *root, *old = l->root;

	if (l->limbo->pages == NULL)
		return;
	root = limbo_take(l->limbo, sizeof(*root));
	if (root == NULL)
		return;
	memcpy(root, old, sizeof(*root));
	__atomic_store_n(&l->root, root, __ATOMIC_RELEASE);
	l->paged = true;
	limbo_block(l->limbo, old);
}

void
lpm_destroy(struct lpm *l)
{
	if (l == NULL)
		return;
	for (uint32_t i = l->lo; i < l->hi; i++)
		destroy_slot(l, l->root->cell[i].slot);
	give_root(l);
	free(l->shorts);
	free(l);
}

uint32_t
lpm_count(const struct lpm *l)
{
	return l->count;
}

size_t
lpm_bytes(const struct lpm *l)
{
	return l->bytes;
}

/* ---- single prefixes ---- */

/* The slot for a single prefix below 'depth', 0 without memory. */
static uint64_t
single_make(struct lpm *l, const struct lpm_prefix *p, unsigned depth)
{
	unsigned left = p->len - depth;
	struct lpm_prefix *apart;

	if (left <= INLINE_BITS)
		return (uint64_t)p->value << 32 |
		    (bits_from(p->key, depth) >> 40) << 8 |
		    (uint64_t)left << 2 | INLINE;
	apart = malloc(sizeof(*apart));
	if (apart == NULL)
		return 0;
	*apart = *p;
	l->bytes += sizeof(*apart);
	return (uint64_t)(uintptr_t)apart | APART;
}

/* The prefix in a slot at 'depth' on the way of 'path'. */
static struct lpm_prefix
single_read(uint64_t s, struct lpm_key path, unsigned depth)
{
	if ((s & APART) != 0)
		return *apart_of(s);
	return (struct lpm_prefix){
	    .key = put_bits(lpm_mask(path, depth), depth,
		(s >> 8 & 0xffffff) << 40),
	    .len = depth + (unsigned)(s >> 2 & 0x3f),
	    .value = (uint32_t)(s >> 32),
	};
}

/* ---- changes of one node ---- */

/* A copy of 'n' with maps that have one bit more or less; what is new is 0. */
static struct node *
node_remake(struct lpm *l, const struct node *n, uint64_t in, uint64_t ext)
{
	struct node *c = node_alloc(l, in, ext);
	uint64_t both;

	if (c == NULL)
		return NULL;
	for (both = in & n->in; both != 0; both &= both - 1) {
		unsigned b = (unsigned)__builtin_ctzll(both);

		*value_at(c, rank(in, b)) = *value_at(n, rank(n->in, b));
	}
	for (both = ext & n->ext; both != 0; both &= both - 1) {
		unsigned b = (unsigned)__builtin_ctzll(both);

		c->child[rank(ext, b)] = n->child[rank(n->ext, b)];
	}
	return c;
}

/* Puts 'c' in the place of the node in 'slot'. */
static void
node_replace(struct lpm *l, uint64_t *slot, struct node *c, bool live)
{
	uint64_t old = *slot;

	slot_put(slot, (uint64_t)(uintptr_t)c);
	release(l, old, live);
}

static int
set_value(struct lpm *l, uint64_t *slot, const struct lpm_prefix *p,
    unsigned depth, bool live)
{
	struct node *n = node_of(*slot), *c;
	unsigned bit = heap_of(chunk(p->key, depth), p->len - depth);

	if ((n->in >> bit & 1) == 0) {
		c = node_remake(l, n, n->in | 1ull << bit, n->ext);
		if (c == NULL)
			return -ENOMEM;
		*value_at(c, rank(c->in, bit)) = p->value;
		node_replace(l, slot, c, live);
		return 0;
	}
	__atomic_store_n(
	    value_at(n, rank(n->in, bit)), p->value, __ATOMIC_RELAXED);
	return 0;
}

static int
add_child(struct lpm *l, uint64_t *slot, const struct lpm_prefix *p,
    unsigned depth, bool live)
{
	struct node *n = node_of(*slot), *c;
	unsigned bit = chunk(p->key, depth);
	uint64_t s = single_make(l, p, depth + STRIDE);

	if (s == 0)
		return -ENOMEM;
	c = node_remake(l, n, n->in, n->ext | 1ull << bit);
	if (c == NULL) {
		release(l, s, false);
		return -ENOMEM;
	}
	c->child[rank(c->ext, bit)] = s;
	node_replace(l, slot, c, live);
	return 0;
}

static int set_at(struct lpm *l, uint64_t *slot, const struct lpm_prefix *p,
    unsigned depth, bool live);

/* A slot with a single prefix gets a second one: a node for both, which
 * readers see when it is complete. */
static int
split(struct lpm *l, uint64_t *slot, const struct lpm_prefix *a,
    const struct lpm_prefix *b, unsigned depth, bool live)
{
	uint64_t old = *slot;
	uint64_t s = (uint64_t)(uintptr_t)node_alloc(l, 0, 0);

	if (s == 0)
		return -ENOMEM;
	if (set_at(l, &s, a, depth, false) != 0 ||
	    set_at(l, &s, b, depth, false) != 0) {
		destroy_slot(l, s);
		return -ENOMEM;
	}
	slot_put(slot, s);
	release(l, old, live);
	return 0;
}

/* Sets a prefix in the slot at 'depth'; 'live' if readers see the slot. */
static int
set_at(struct lpm *l, uint64_t *slot, const struct lpm_prefix *p,
    unsigned depth, bool live)
{
	uint64_t s = *slot, fresh;
	struct lpm_prefix old;
	struct node *n;
	unsigned c;

	if (s != 0 && (s & TAGS) == 0) {
		n = node_of(s);
		if (p->len - depth < STRIDE)
			return set_value(l, slot, p, depth, live);
		c = chunk(p->key, depth);
		if ((n->ext >> c & 1) == 0)
			return add_child(l, slot, p, depth, live);
		return set_at(l, &n->child[rank(n->ext, c)], p, depth + STRIDE,
		    live);
	}
	if (s != 0) {
		old = single_read(s, p->key, depth);
		if (old.len != p->len || !same_key(old.key, p->key))
			return split(l, slot, &old, p, depth, live);
	}
	fresh = single_make(l, p, depth);
	if (fresh == 0)
		return -ENOMEM;
	slot_put(slot, fresh);
	release(l, s, live);
	return 0;
}

/* A node that holds one thing at most becomes that thing.  Without memory for
 * it everything stays, which is as right. */
static void
collapse(struct lpm *l, uint64_t *slot, struct lpm_key path, unsigned depth)
{
	const struct node *n = node_of(*slot);
	struct lpm_prefix p = {.key = lpm_mask(path, depth)};
	uint64_t old = *slot, s = 0;
	unsigned bit, rel = 0;

	if (count_bits(n->in) + count_bits(n->ext) > 1)
		return;
	if (n->in != 0) {
		bit = (unsigned)__builtin_ctzll(n->in);
		while (bit + 1 >= 2u << rel)
			rel++;
		p.key = put_bits(p.key, depth,
		    rel == 0 ? 0 : (uint64_t)(bit + 1 - (1u << rel)) << (64 - rel));
		p.len = depth + rel;
		p.value = *value_at(n, 0);
		s = single_make(l, &p, depth);
	} else if (n->ext != 0 && n->child[0] != 0) {
		if ((n->child[0] & TAGS) == 0)
			return;
		bit = (unsigned)__builtin_ctzll(n->ext);
		p.key = put_bits(p.key, depth, (uint64_t)bit << (64 - STRIDE));
		p = single_read(n->child[0], p.key, depth + STRIDE);
		s = single_make(l, &p, depth);
	}
	if (s == 0 && (n->in != 0 || (n->ext != 0 && n->child[0] != 0)))
		return;
	slot_put(slot, s);
	if (n->ext != 0)
		release(l, n->child[0], true);
	release(l, old, true);
}

static int
delete_at(struct lpm *l, uint64_t *slot, struct lpm_key k, unsigned len,
    unsigned depth)
{
	uint64_t s = *slot, *below;
	struct lpm_prefix p;
	struct node *n = node_of(s), *c;
	unsigned bit;
	int r;

	if (s == 0)
		return -ENOENT;
	if ((s & TAGS) != 0) {
		p = single_read(s, k, depth);
		if (p.len != len || !same_key(p.key, k))
			return -ENOENT;
		slot_put(slot, 0);
		release(l, s, true);
		return 0;
	}
	bit = chunk(k, depth);
	if (len - depth < STRIDE) {
		bit = heap_of(bit, len - depth);
		if ((n->in >> bit & 1) == 0)
			return -ENOENT;
		c = node_remake(l, n, n->in & ~(1ull << bit), n->ext);
		if (c == NULL)
			return -ENOMEM;
		node_replace(l, slot, c, true);
	} else {
		if ((n->ext >> bit & 1) == 0)
			return -ENOENT;
		below = &n->child[rank(n->ext, bit)];
		r = delete_at(l, below, k, len, depth + STRIDE);
		if (r != 0)
			return r;
		c = *below == 0 ?
		    node_remake(l, n, n->in, n->ext & ~(1ull << bit)) : NULL;
		if (c != NULL)
			node_replace(l, slot, c, true);
	}
	collapse(l, slot, k, depth);
	return 0;
}

/* ---- prefixes shorter than the root's index ---- */

/* Heap index of a short prefix; the cells of the root are its last row. */
static uint32_t
short_of(struct lpm_key k, unsigned len)
{
	return len == 0 ? 1 : 1u << len | (uint32_t)(k.hi >> (64 - len));
}

/* Gives 'v' to the cells below 'i' that no longer prefix covers. */
static void
paint(struct lpm *l, uint32_t i, uint32_t v)
{
	if (i >= ROOT_SIZE) {
		__atomic_store_n(
		    &l->root->cell[i - ROOT_SIZE].best, v, __ATOMIC_RELAXED);
		return;
	}
	for (uint32_t c = 2 * i; c <= 2 * i + 1; c++)
		if (c >= ROOT_SIZE || l->shorts[c] == 0)
			paint(l, c, v);
}

static int
short_delete(struct lpm *l, uint32_t i)
{
	uint32_t up = i >> 1;

	if (l->shorts[i] == 0)
		return -ENOENT;
	l->shorts[i] = 0;
	while (up != 0 && l->shorts[up] == 0)
		up >>= 1;
	paint(l, i, up != 0 ? l->shorts[up] : 0);
	return 0;
}

/* ---- the whole ---- */

uint32_t
lpm_get(const struct lpm *l, struct lpm_key k, unsigned len)
{
	uint64_t s;
	unsigned depth = ROOT_BITS;

	if (len < ROOT_BITS)
		return l->shorts[short_of(k, len)];
	s = l->root->cell[cell_of(k)].slot;
	for (; s != 0 && (s & TAGS) == 0; depth += STRIDE) {
		const struct node *n = node_of(s);
		unsigned c = chunk(k, depth);

		if (len - depth < STRIDE) {
			c = heap_of(c, len - depth);
			return (n->in >> c & 1) == 0 ? 0 :
			    *value_at(n, rank(n->in, c));
		}
		s = (n->ext >> c & 1) == 0 ? 0 : n->child[rank(n->ext, c)];
	}
	if (s != 0) {
		struct lpm_prefix p = single_read(s, k, depth);

		if (p.len == len && same_key(p.key, k))
			return p.value;
	}
	return 0;
}

/* Notes that cells from that of 'k' on are used, as far as 'len' covers. */
static void
note_use(struct lpm *l, struct lpm_key k, unsigned len)
{
	uint32_t first = (uint32_t)(k.hi >> (64 - ROOT_BITS));
	uint32_t n = len < ROOT_BITS ? 1u << (ROOT_BITS - len) : 1;

	if (first < l->lo)
		l->lo = first;
	if (first + n > l->hi)
		l->hi = first + n;
}

int
lpm_set(struct lpm *l, const struct lpm_prefix *p)
{
	bool had = lpm_get(l, p->key, p->len) != 0;
	uint32_t i;
	int r;

	if (!limbo_reserve(l->limbo, RETIRED_MAX + 1))
		return -ENOMEM;
	note_use(l, p->key, p->len);
	if (!l->paged && l->count >= PAGED_COUNT)
		use_pages(l);
	if (p->len < ROOT_BITS) {
		i = short_of(p->key, p->len);
		l->shorts[i] = p->value;
		paint(l, i, p->value);
	} else {
		r = set_at(l, &l->root->cell[cell_of(p->key)].slot, p,
		    ROOT_BITS, true);
		if (r != 0)
			return r;
	}
	l->count += !had;
	return 0;
}

int
lpm_delete(struct lpm *l, struct lpm_key k, unsigned len)
{
	int r;

	if (!limbo_reserve(l->limbo, RETIRED_MAX))
		return -ENOMEM;
	if (len < ROOT_BITS)
		r = short_delete(l, short_of(k, len));
	else
		r = delete_at(l, &l->root->cell[cell_of(k)].slot, k, len,
		    ROOT_BITS);
	l->count -= r == 0;
	return r;
}

/* ---- walking ---- */

struct walk {
	const struct lpm *l;
	lpm_fn *fn;
	void *arg;
};

static void walk_slot(const struct walk *w, uint64_t s, struct lpm_key path,
    unsigned depth);

/* The part of a node below heap index 'h', 'rel' bits 'b' deep. */
static void
walk_node(const struct walk *w, const struct node *n, struct lpm_key path,
    unsigned depth, unsigned rel, unsigned b)
{
	unsigned h = (1u << rel) - 1 + b;
	struct lpm_prefix p = {
	    .key = put_bits(path, depth, rel == 0 ? 0 : (uint64_t)b << (64 - rel)),
	    .len = depth + rel,
	};

	if (rel == STRIDE) {
		if ((n->ext >> b & 1) != 0)
			walk_slot(w, n->child[rank(n->ext, b)], p.key,
			    depth + STRIDE);
		return;
	}
	if ((n->in >> h & 1) != 0) {
		p.value = *value_at(n, rank(n->in, h));
		w->fn(w->arg, &p);
	}
	walk_node(w, n, path, depth, rel + 1, 2 * b);
	walk_node(w, n, path, depth, rel + 1, 2 * b + 1);
}

static void
walk_slot(const struct walk *w, uint64_t s, struct lpm_key path,
    unsigned depth)
{
	struct lpm_prefix p;

	if (s == 0)
		return;
	if ((s & TAGS) == 0) {
		walk_node(w, node_of(s), path, depth, 0, 0);
		return;
	}
	p = single_read(s, path, depth);
	w->fn(w->arg, &p);
}

/* The heap of short prefixes from 'i' on, which is 'len' bits long. */
static void
walk_short(const struct walk *w, uint32_t i, unsigned len)
{
	uint32_t bits = i - (1u << len);
	uint32_t first = bits << (ROOT_BITS - len);
	uint32_t n = 1u << (ROOT_BITS - len);
	struct lpm_prefix p = {.key.hi = (uint64_t)first << (64 - ROOT_BITS),
	    .len = len};

	if (first + n <= w->l->lo || first >= w->l->hi)
		return;
	if (len == ROOT_BITS) {
		walk_slot(w, w->l->root->cell[bits].slot, p.key, ROOT_BITS);
		return;
	}
	p.value = w->l->shorts[i];
	if (p.value != 0)
		w->fn(w->arg, &p);
	walk_short(w, 2 * i, len + 1);
	walk_short(w, 2 * i + 1, len + 1);
}

void
lpm_walk(const struct lpm *l, lpm_fn *fn, void *arg)
{
	struct walk w = {l, fn, arg};

	walk_short(&w, 1, 0);
}
