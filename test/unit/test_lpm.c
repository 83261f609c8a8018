/* SPDX-License-Identifier: BSD-2-Clause */
/* The trie against a plain list of prefixes, and its borders. */
#include "table/lpm.h"

#include "base/cdefs.h"
#include "base/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { LIST_MAX = 400 };

struct list {
	struct lpm_prefix p[LIST_MAX];
	unsigned n;
};

static bool
equal(struct lpm_key a, struct lpm_key b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static uint32_t
list_lookup(const struct list *l, struct lpm_key k)
{
	const struct lpm_prefix *best = NULL;

	for (unsigned i = 0; i < l->n; i++)
		if (equal(lpm_mask(k, l->p[i].len), l->p[i].key) &&
		    (best == NULL || l->p[i].len > best->len))
			best = &l->p[i];
	return best != NULL ? best->value : 0;
}

static int
list_at(const struct list *l, const struct lpm_prefix *p)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->p[i].len == p->len && equal(l->p[i].key, p->key))
			return (int)i;
	return -1;
}

/* A key near one that is in the list, or anywhere. */
static struct lpm_key
some_key(struct rng *r, const struct list *l, unsigned bits)
{
	struct lpm_key k = {rng_u64(r), rng_u64(r)};
	uint64_t pick = rng_u64(r);

	if (l->n > 0 && pick % 4 != 0) {
		k = l->p[pick / 4 % l->n].key;
		if (pick >> 32 & 1)
			k.hi ^= 1ull << rng_u64(r) % 64;
		if (pick >> 33 & 1)
			k.lo ^= 1ull << rng_u64(r) % 64;
	} else if (pick >> 34 & 1) {
		k.hi &= 0xff000000000f00ff; /* crowd a few places */
		k.lo &= 0xff;
	}
	return lpm_mask(k, bits);
}

struct check {
	const struct list *l;
	unsigned n;
	struct lpm_prefix last;
};

static void
check_one(void *arg, const struct lpm_prefix *p)
{
	struct check *c = arg;
	int at = list_at(c->l, p);

	assert_true(at >= 0);
	assert_int_equal(p->value, c->l->p[at].value);
	if (c->n++ > 0)
		assert_true(p->key.hi > c->last.key.hi ||
		    (p->key.hi == c->last.key.hi &&
			(p->key.lo > c->last.key.lo ||
			    (p->key.lo == c->last.key.lo &&
				p->len > c->last.len))));
	c->last = *p;
}

static void
compare(struct lpm *t, const struct list *l)
{
	struct check c = {.l = l};

	lpm_walk(t, check_one, &c);
	assert_int_equal(c.n, l->n);
	assert_int_equal(lpm_count(t), l->n);
}

static void
step(struct rng *r, struct lpm *t, struct list *l, unsigned bits)
{
	struct lpm_prefix p = {.key = some_key(r, l, bits),
	    .len = (unsigned)(rng_u64(r) % (bits + 1)),
	    .value = (uint32_t)rng_u64(r) | 1};
	uint64_t what = rng_u64(r) % 16;
	int at;

	/* Short prefixes fill much of the root: let them be few. */
	if (p.len < 12 && rng_u64(r) % 8 != 0)
		p.len += 12;
	if (p.len > bits)
		p.len = bits;
	p.key = lpm_mask(p.key, p.len);
	at = list_at(l, &p);
	if (what < 6 && (at >= 0 || l->n < LIST_MAX)) {
		assert_int_equal(lpm_set(t, &p), 0);
		l->p[at >= 0 ? at : (int)l->n++] = p;
	} else if (what < 11) {
		if (what < 10 && l->n > 0) { /* one that is there */
			at = (int)(rng_u64(r) % l->n);
			p = l->p[at];
		}
		assert_int_equal(
		    lpm_delete(t, p.key, p.len), at >= 0 ? 0 : -ENOENT);
		if (at >= 0)
			l->p[at] = l->p[--l->n];
	} else {
		p.key = some_key(r, l, bits);
		assert_int_equal(lpm_lookup(t, p.key), list_lookup(l, p.key));
	}
}

static void
random_ops(unsigned bits, unsigned n)
{
	struct limbo limbo = {0};
	struct lpm *t = lpm_create(&limbo);
	struct list l = {.n = 0};
	struct rng r;

	rng_init(&r, bits);
	assert_non_null(t);
	for (unsigned i = 0; i < n; i++) {
		step(&r, t, &l, bits);
		if (i % 64 == 0)
			limbo_empty(&limbo);
		if (i % 10000 == 0)
			compare(t, &l);
	}
	compare(t, &l);
	while (l.n > 0) {
		l.n--;
		assert_int_equal(lpm_get(t, l.p[l.n].key, l.p[l.n].len),
		    l.p[l.n].value);
		assert_int_equal(lpm_delete(t, l.p[l.n].key, l.p[l.n].len), 0);
		assert_int_equal(lpm_get(t, l.p[l.n].key, l.p[l.n].len), 0);
	}
	compare(t, &l);
	assert_int_equal(lpm_bytes(t), 0); /* all that was built is gone */
	limbo_fini(&limbo);
	lpm_destroy(t);
}

static void
test_ip4_against_a_list(void **state)
{
	(void)state;
	random_ops(32, 100000);
}

static void
test_ip6_against_a_list(void **state)
{
	(void)state;
	random_ops(128, 100000);
}

static void
test_mac_against_a_list(void **state)
{
	(void)state;
	random_ops(48, 20000);
}

static void
test_borders(void **state)
{
	struct limbo limbo = {0};
	struct lpm *t = lpm_create(&limbo);
	struct lpm_key zero = {0, 0}, ones = {~0ull, ~0ull};

	(void)state;
	assert_int_equal(lpm_lookup(t, zero), 0);
	assert_int_equal(lpm_delete(t, zero, 0), -ENOENT);
	assert_int_equal(lpm_delete(t, ones, 128), -ENOENT);
	assert_int_equal(lpm_set(t, &(struct lpm_prefix){zero, 0, 7}), 0);
	assert_int_equal(lpm_lookup(t, ones), 7);
	/* Each length in turn, over the one before. */
	for (unsigned len = 1; len <= 128; len++) {
		struct lpm_prefix p = {lpm_mask(ones, len), len, 100 + len};

		assert_int_equal(lpm_set(t, &p), 0);
		assert_int_equal(lpm_lookup(t, ones), 100 + len);
		assert_int_equal(lpm_lookup(t, zero), 7);
	}
	for (unsigned len = 128; len > 0; len--) {
		assert_int_equal(lpm_lookup(t, ones), 100 + len);
		assert_int_equal(lpm_delete(t, lpm_mask(ones, len), len), 0);
	}
	assert_int_equal(lpm_lookup(t, ones), 7);
	assert_int_equal(lpm_count(t), 1);
	limbo_fini(&limbo);
	lpm_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_borders),
	    cmocka_unit_test(test_ip4_against_a_list),
	    cmocka_unit_test(test_ip6_against_a_list),
	    cmocka_unit_test(test_mac_against_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
