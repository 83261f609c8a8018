/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/plan.h"

#include "base/sizes.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_ALIGN = 64 };

enum field { SRC, SRC_MASK, DST, DST_MASK, META, META_MASK, LO, HI, N_FIELDS };

_Static_assert(sizeof(struct rule_key) == N_FIELDS * sizeof(uint32_t) &&
	offsetof(struct rule_key, ports_hi) == HI * sizeof(uint32_t),
    "fields are the members of rule_key");

/* ---- scans: one comparison of eight lanes gives eight bits ---- */

__attribute__((target("avx2"))) static inline unsigned
fit_avx2(const struct plan *pl, const struct pkt_key *k, unsigned at)
{
#define LOAD(f) _mm256_load_si256((const __m256i *)(const void *)(pl->fields[f] + at))
	__m256i src = _mm256_set1_epi32((int)k->src);
	__m256i dst = _mm256_set1_epi32((int)k->dst);
	__m256i meta = _mm256_set1_epi32((int)k->meta);
	__m256i ports = _mm256_set1_epi32((int)k->ports);
	__m256i bad, in;

	bad = _mm256_and_si256(_mm256_xor_si256(src, LOAD(SRC)),
	    LOAD(SRC_MASK));
	bad = _mm256_or_si256(bad, _mm256_and_si256(
	    _mm256_xor_si256(dst, LOAD(DST)), LOAD(DST_MASK)));
	bad = _mm256_or_si256(bad, _mm256_and_si256(
	    _mm256_xor_si256(meta, LOAD(META)), LOAD(META_MASK)));
	in = _mm256_min_epu16(_mm256_max_epu16(ports, LOAD(LO)), LOAD(HI));
	bad = _mm256_or_si256(bad, _mm256_xor_si256(in, ports));
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
	    _mm256_cmpeq_epi32(bad, _mm256_setzero_si256())));
#undef LOAD
}

__attribute__((target("sse4.1"))) static inline unsigned
fit4_sse41(const struct plan *pl, const struct pkt_key *k, unsigned at)
{
#define LOAD(f) _mm_load_si128((const __m128i *)(const void *)(pl->fields[f] + at))
	__m128i src = _mm_set1_epi32((int)k->src);
	__m128i dst = _mm_set1_epi32((int)k->dst);
	__m128i meta = _mm_set1_epi32((int)k->meta);
	__m128i ports = _mm_set1_epi32((int)k->ports);
	__m128i bad, in;

	bad = _mm_and_si128(_mm_xor_si128(src, LOAD(SRC)), LOAD(SRC_MASK));
	bad = _mm_or_si128(bad, _mm_and_si128(
	    _mm_xor_si128(dst, LOAD(DST)), LOAD(DST_MASK)));
	bad = _mm_or_si128(bad, _mm_and_si128(
	    _mm_xor_si128(meta, LOAD(META)), LOAD(META_MASK)));
	in = _mm_min_epu16(_mm_max_epu16(ports, LOAD(LO)), LOAD(HI));
	bad = _mm_or_si128(bad, _mm_xor_si128(in, ports));
	return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(
	    _mm_cmpeq_epi32(bad, _mm_setzero_si128())));
#undef LOAD
}

__attribute__((target("sse4.1"))) static inline unsigned
fit_sse41(const struct plan *pl, const struct pkt_key *k, unsigned at)
{
	return fit4_sse41(pl, k, at) | fit4_sse41(pl, k, at + 4) << 4;
}

static inline unsigned
fit_c(const struct plan *pl, const struct pkt_key *k, unsigned at)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < PLAN_LANES; i++) {
		struct rule_key r;

		for (unsigned f = 0; f < N_FIELDS; f++)
			((uint32_t *)&r)[f] = pl->fields[f][at + i];
		bits |= (unsigned)key_fits(&r, k) << i;
	}
	return bits;
}

/* The scan over a comparison: the first group may begin in its middle. */
#define SCAN(name, attr, fit)                                                  \
	attr static unsigned name(const struct plan *pl,                       \
	    const struct pkt_key *k, unsigned from)                            \
	{                                                                      \
		unsigned at = from & ~(PLAN_LANES - 1u);                       \
		unsigned bits = fit(pl, k, at) & ~0u << (from - at);           \
                                                                               \
		while (bits == 0) {                                            \
			at += PLAN_LANES;                                      \
			if (unlikely(at >= pl->n_lanes))                       \
				return pl->n_rules - 1;                        \
			bits = fit(pl, k, at);                                 \
		}                                                              \
		return at + (unsigned)__builtin_ctz(bits);                     \
	}

SCAN(scan_avx2, __attribute__((target("avx2"))), fit_avx2)
SCAN(scan_sse41, __attribute__((target("sse4.1"))), fit_sse41)
SCAN(scan_c, , fit_c)

plan_scan_fn *const *
plan_scans(void)
{
	static plan_scan_fn *const all[] = {scan_avx2, scan_sse41, scan_c, NULL};

	if (__builtin_cpu_supports("avx2"))
		return all;
	return __builtin_cpu_supports("sse4.1") ? all + 1 : all + 2;
}

/* ---- building ---- */

static struct plan *
alloc(unsigned n_rules)
{
	unsigned n_lanes = (n_rules + PLAN_LANES - 1) & ~(PLAN_LANES - 1u);
	size_t field = ((size_t)n_lanes * sizeof(uint32_t) + FIELD_ALIGN - 1) &
	    ~(size_t)(FIELD_ALIGN - 1);
	/* Aligned by hand: what aligned_alloc() gave and got back is too small
	 * for its next request of that size. */
	struct plan *pl = malloc(size_class(sizeof(*pl) + FIELD_ALIGN +
	    N_FIELDS * field));
	char *fields;

	if (pl == NULL)
		return NULL;
	fields = (char *)(pl + 1);
	fields += -(uintptr_t)fields % FIELD_ALIGN;
	pl->scan = plan_scans()[0];
	pl->n_rules = n_rules;
	pl->n_lanes = n_lanes;
	for (unsigned f = 0; f < N_FIELDS; f++)
		pl->fields[f] = (uint32_t *)(void *)(fields + f * field);
	return pl;
}

static void
set_lane(struct plan *pl, unsigned at, const struct rule_key *key)
{
	for (unsigned f = 0; f < N_FIELDS; f++)
		pl->fields[f][at] = ((const uint32_t *)key)[f];
}

static void
copy_lanes(struct plan *to, unsigned at, const struct plan *from,
    unsigned from_at, unsigned n)
{
	for (unsigned f = 0; f < N_FIELDS; f++)
		memcpy(to->fields[f] + at, from->fields[f] + from_at,
		    n * sizeof(uint32_t));
}

/* How many rules at the beginning are the same in both. */
static unsigned
common_head(const struct ruleset *a, const struct ruleset *b)
{
	unsigned n = a->n_rules < b->n_rules ? a->n_rules : b->n_rules, i = 0;

	while (i < n && a->rules[i] == b->rules[i])
		i++;
	return i;
}

/* How many at the end, the first 'head' aside. */
static unsigned
common_tail(const struct ruleset *a, const struct ruleset *b, unsigned head)
{
	unsigned n = (a->n_rules < b->n_rules ? a->n_rules : b->n_rules) - head;
	unsigned i = 0;

	while (i < n &&
	    a->rules[a->n_rules - 1 - i] == b->rules[b->n_rules - 1 - i])
		i++;
	return i;
}

struct plan *
plan_create(const struct ruleset *rs, const struct ruleset *old)
{
	const struct plan *op = old != NULL ? old->plan : NULL;
	unsigned n = rs->n_rules, head = 0, tail = 0;
	struct plan *pl;
	struct rule_key key;

	if (n < PLAN_MIN_RULES || (pl = alloc(n)) == NULL)
		return NULL;
	if (op != NULL) {
		head = common_head(rs, old);
		tail = common_tail(rs, old, head);
		copy_lanes(pl, 0, op, 0, head);
		copy_lanes(pl, n - tail, op, op->n_rules - tail, tail);
	}
	for (unsigned i = head; i < n - tail; i++) {
		key_of_rule(rs->rules[i], &key);
		set_lane(pl, i, &key);
	}
	key = (struct rule_key){.ports_hi = 0xffffffff};
	for (unsigned i = n; i < pl->n_lanes; i++)
		set_lane(pl, i, &key);
	return pl;
}

void
plan_destroy(struct plan *pl)
{
	free(pl);
}
