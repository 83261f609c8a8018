/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/sieve.h"

#include "rule/block_fit.h"

#include <stdlib.h>

/* ---- making ---- */

/* Second half of the address of the instruction whose offset plus 1 is 'at', if
 * there is one. */
static void
half_of(const struct rule *r, unsigned at, uint32_t value[4], uint32_t mask[4])
{
	const struct insn *i = r->cmd + at - 1;

	if (at == 0)
		return;
	memcpy(value + 2, i + 3, 8);
	memset(mask + 2, 0xff, 8);
	if (insn_words(i) == 9)
		memcpy(mask + 2, i + 7, 8);
	value[2] &= mask[2];
	value[3] &= mask[3];
}

/* The row that tells most of an address, and what is asked there. */
static uint8_t
row_of(const uint32_t value[4], const uint32_t mask[4], enum rows_six row,
    uint32_t *word, uint32_t *word_mask)
{
	if ((mask[1] & mask[2] & mask[3]) != ~0u)
		return (uint8_t)row;
	*word = rows_fold(value + 1);
	*word_mask = ~0u;
	return (uint8_t)(row + 1);
}

_Static_assert(ROWS_SRC_FOLD == ROWS_SRC2 + 1 && ROWS_DST_FOLD == ROWS_DST2 + 1,
    "rows of row_of()");

/* What the key of a rule asks of IPv6, and what it leaves out. */
static void
add_addrs(struct sieve_rule *to, struct sieve_addrs *a, const struct rule *r)
{
	struct rule_key *k = &to->key;

	*a = (struct sieve_addrs){
	    .value = {k->src, k->src2, 0, 0, k->dst, k->dst2},
	    .mask = {k->src_mask, k->src2_mask, 0, 0, k->dst_mask,
		k->dst2_mask},
	};
	if ((k->act & ACT_REST) != 0) {
		half_of(r, r->rest_src, a->value, a->mask);
		half_of(r, r->rest_dst, a->value + 4, a->mask + 4);
	}
	to->src_row = row_of(a->value, a->mask, ROWS_SRC2, &k->src2,
	    &k->src2_mask);
	to->dst_row = row_of(a->value + 4, a->mask + 4, ROWS_DST2, &k->dst2,
	    &k->dst2_mask);
}

static void
note_act(struct sieve *s, unsigned n, uint32_t act)
{
	s->acts[n] = act;
	s->verdicts[n] = act == 0 || (act & ACT_FATE) != 0 ? SIEVE_ASK :
	    (uint8_t)((act >> ACT_COUNTER_BITS) - 1);
}

static bool
is_long(const struct rule_key *k)
{
	return (k->src2_mask | k->dst2_mask) != 0 || (k->act & ACT_REST) != 0;
}

static void
add_rule(struct sieve *s, unsigned n, const struct rule *r)
{
	struct sieve_rule *to = &s->rules[n];
	struct rule_key *k = &to->key;

	key_of_rule(r, k);
	/* Bits outside of a mask are not compared. */
	k->src &= k->src_mask;
	k->dst &= k->dst_mask;
	k->meta &= k->meta_mask;
	k->src2 &= k->src2_mask;
	k->dst2 &= k->dst2_mask;
	k->rest_mask = 0;
	to->is_long = is_long(k);
	s->is_long = s->is_long || to->is_long;
	note_act(s, n, k->act & ~(uint32_t)ACT_REST);
	if (to->is_long)
		add_addrs(to, &s->addrs[n], r);
}

unsigned
sieve_cost(const struct ruleset *rs)
{
	unsigned cost = 0;

	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct rule_key k;

		key_of_rule(rs->rules[i], &k);
		cost += is_long(&k) ? 5 : 4;
	}
	return cost;
}

/* What the last rule does to whoever comes to it; 0 if it asks for anything. */
static uint32_t
act_of_last(const struct rule *r)
{
	struct rule_key k;

	return r->act_ofs == 0 && key_of_rule(r, &k) ? k.act : 0;
}

/* Zeroed, in lines. */
static void *
lines_alloc(size_t n, size_t size)
{
	void *m = aligned_alloc(CACHE_LINE, n * size);

	return m != NULL ? memset(m, 0, n * size) : NULL;
}

struct sieve *
sieve_create(const struct ruleset *rs)
{
	struct sieve *s = calloc(1, sizeof(*s));
	size_t n = rs->n_rules;

	if (s == NULL)
		return NULL;
	s->rules = lines_alloc(n, sizeof(*s->rules));
	s->addrs = lines_alloc(n, sizeof(*s->addrs));
	s->acts = calloc(n, sizeof(*s->acts));
	s->verdicts = calloc(n, sizeof(*s->verdicts));
	if (s->rules == NULL || s->addrs == NULL || s->acts == NULL ||
	    s->verdicts == NULL) {
		sieve_destroy(s);
		return NULL;
	}
	for (s->n = 0; s->n + 1 < n; s->n++)
		add_rule(s, s->n, rs->rules[s->n]);
	note_act(s, s->n, act_of_last(rs->rules[s->n]));
	return s;
}

void
sieve_destroy(struct sieve *s)
{
	if (s == NULL)
		return;
	free(s->rules);
	free(s->addrs);
	free(s->acts);
	free(s->verdicts);
	free(s);
}

size_t
sieve_size(const struct sieve *s)
{
	return sizeof(*s) + (s->n + 1) *
	    (sizeof(*s->rules) + sizeof(*s->addrs) + sizeof(*s->acts) +
		sizeof(*s->verdicts));
}

bool
sieve_passes_over(const struct sieve *s, unsigned index, const struct rule *r,
    const struct pkt *p)
{
	return (s->rules[index].key.act & ACT_REST) != 0 &&
	    !key_rest_fits(r, p);
}

/* ---- comparing ---- */

/* Each lane remembers how far from the end its first rule is: the greatest number
 * is the first rule's, and 0 is the last rule's. */

/* Rules until it is asked whether all lanes have theirs. */
static inline unsigned
look_until(const struct sieve *s, unsigned n)
{
	return n + 8 < s->n ? n + 8 : s->n;
}

#define AVX2_ROW(row) _mm256_load_si256((const __m256i *)(const void *)&(row)[at])
#define AVX2_ALL(word) _mm256_set1_epi32((int)(word))
#define AVX2_SAME(row, value, mask) _mm256_cmpeq_epi32(_mm256_and_si256( \
	AVX2_ROW(row), AVX2_ALL(mask)), AVX2_ALL(value))

BLOCK_AVX2 static inline __m256i
fit8(const struct rows *r, unsigned at, const struct rule_key *k)
{
	__m256i ports = AVX2_ROW(r->ports);
	__m256i in = _mm256_min_epu16(_mm256_max_epu16(ports,
	    AVX2_ALL(k->ports_lo)), AVX2_ALL(k->ports_hi));

	return _mm256_and_si256(
	    _mm256_and_si256(AVX2_SAME(r->src, k->src, k->src_mask),
		AVX2_SAME(r->dst, k->dst, k->dst_mask)),
	    _mm256_and_si256(AVX2_SAME(r->meta, k->meta, k->meta_mask),
		_mm256_cmpeq_epi32(in, ports)));
}

BLOCK_AVX2 static inline __m256i
fit8_six(const struct rows *r, unsigned at, const struct sieve_rule *s)
{
	const struct rule_key *k = &s->key;

	return _mm256_and_si256(
	    AVX2_SAME(r->six[s->src_row], k->src2, k->src2_mask),
	    AVX2_SAME(r->six[s->dst_row], k->dst2, k->dst2_mask));
}

BLOCK_AVX2 static inline __attribute__((always_inline)) void
sift_avx2(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool six)
{
	__m256i a = _mm256_setzero_si256(), b = a, here = AVX2_ALL(s->n);

	for (unsigned n = 0; n < s->n;) {
		for (unsigned end = look_until(s, n); n < end; n++) {
			const struct sieve_rule *i = &s->rules[n];
			__m256i fa = fit8(r, 0, &i->key);
			__m256i fb = fit8(r, 8, &i->key);

			if (six && i->is_long) {
				fa = _mm256_and_si256(fa, fit8_six(r, 0, i));
				fb = _mm256_and_si256(fb, fit8_six(r, 8, i));
			}
			a = _mm256_max_epi32(a, _mm256_and_si256(fa, here));
			b = _mm256_max_epi32(b, _mm256_and_si256(fb, here));
			here = _mm256_add_epi32(here, AVX2_ALL(-1));
		}
		if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(
			_mm256_min_epi32(a, b), _mm256_setzero_si256())) == 0)
			break;
	}
	_mm256_storeu_si256((__m256i *)(void *)left, a);
	_mm256_storeu_si256((__m256i *)(void *)(left + 8), b);
}

#define SSE_ROW(row) _mm_load_si128((const __m128i *)(const void *)&(row)[at])
#define SSE_ALL(word) _mm_set1_epi32((int)(word))
#define SSE_SAME(row, value, mask) _mm_cmpeq_epi32(_mm_and_si128( \
	SSE_ROW(row), SSE_ALL(mask)), SSE_ALL(value))

BLOCK_SSE41 static inline __m128i
fit4(const struct rows *r, unsigned at, const struct rule_key *k)
{
	__m128i ports = SSE_ROW(r->ports);
	__m128i in = _mm_min_epu16(_mm_max_epu16(ports, SSE_ALL(k->ports_lo)),
	    SSE_ALL(k->ports_hi));

	return _mm_and_si128(
	    _mm_and_si128(SSE_SAME(r->src, k->src, k->src_mask),
		SSE_SAME(r->dst, k->dst, k->dst_mask)),
	    _mm_and_si128(SSE_SAME(r->meta, k->meta, k->meta_mask),
		_mm_cmpeq_epi32(in, ports)));
}

BLOCK_SSE41 static inline __m128i
fit4_six(const struct rows *r, unsigned at, const struct sieve_rule *s)
{
	const struct rule_key *k = &s->key;

	return _mm_and_si128(
	    SSE_SAME(r->six[s->src_row], k->src2, k->src2_mask),
	    SSE_SAME(r->six[s->dst_row], k->dst2, k->dst2_mask));
}

BLOCK_SSE41 static inline __attribute__((always_inline)) void
sift_sse41(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool six)
{
	__m128i a[ROWS / 4] = {_mm_setzero_si128()}, here = SSE_ALL(s->n);

	for (unsigned n = 0; n < s->n;) {
		for (unsigned end = look_until(s, n); n < end; n++) {
			const struct sieve_rule *i = &s->rules[n];

			for (unsigned q = 0; q < ROWS / 4; q++) {
				__m128i f = fit4(r, 4 * q, &i->key);

				if (six && i->is_long)
					f = _mm_and_si128(f,
					    fit4_six(r, 4 * q, i));
				a[q] = _mm_max_epi32(a[q],
				    _mm_and_si128(f, here));
			}
			here = _mm_add_epi32(here, SSE_ALL(-1));
		}
		if (_mm_movemask_epi8(_mm_cmpeq_epi32(_mm_min_epi32(
			_mm_min_epi32(a[0], a[1]), _mm_min_epi32(a[2], a[3])),
			_mm_setzero_si128())) == 0)
			break;
	}
	for (unsigned q = 0; q < ROWS / 4; q++)
		_mm_storeu_si128((__m128i *)(void *)(left + 4 * q), a[q]);
}

/* The first rule from 'n' on whose rows fit lane 'at'. */
static unsigned
next_of(const struct sieve *s, const struct rows *r, unsigned at, unsigned n,
    const bool six)
{
	struct pkt_key k = {.src = r->src[at], .dst = r->dst[at],
	    .meta = r->meta[at], .ports = r->ports[at]};

	for (; n < s->n; n++) {
		const struct sieve_rule *i = &s->rules[n];

		if (six) {
			k.src2 = r->six[i->src_row][at];
			k.dst2 = r->six[i->dst_row][at];
		}
		if (key_fits(&i->key, &k))
			break;
	}
	return n;
}

static void
sift_c(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool six)
{
	for (unsigned at = 0; at < ROWS; at++)
		left[at] = s->n - next_of(s, r, at, 0, six);
}

/* Both addresses of an IPv6 header. */
typedef uint64_t addrs __attribute__((vector_size(32), aligned(1), may_alias));

/* What differs from the addresses that a rule asks for. */
#define DIFFERENCE(s, index, ip) ((*(const addrs *)((ip) + 8) &                \
	*(const addrs *)(s)->addrs[index].mask) ^                              \
    *(const addrs *)(s)->addrs[index].value)

/* True if some lane's rule asks for other addresses than it has. */
static inline __attribute__((always_inline)) bool
is_mistaken(const struct sieve *s, const struct rows *r,
    const uint32_t index[ROWS])
{
	addrs diff = {0};

	for (unsigned i = 0; i < ROWS; i++)
		diff |= DIFFERENCE(s, index[i], r->ip[i]);
	return (diff[0] | diff[1] | diff[2] | diff[3]) != 0;
}

/* Looks for the next rule in such lanes; they are rare. */
static __attribute__((noinline)) void
look_further(const struct sieve *s, const struct rows *r,
    uint32_t index[ROWS])
{
	for (unsigned i = 0; i < ROWS; i++)
		for (;;) {
			addrs diff = DIFFERENCE(s, index[i], r->ip[i]);

			if ((diff[0] | diff[1] | diff[2] | diff[3]) == 0)
				break;
			index[i] = next_of(s, r, i, index[i] + 1, true);
		}
}

#define SIEVE(name, attr)                                                      \
	attr static bool firsts_##name(const struct sieve *s,                  \
	    struct pkt *const pkts[ROWS], bool pass_out, struct rows *rows,    \
	    uint32_t index[ROWS])                                              \
	{                                                                      \
		struct rows_seen seen = rows_fill(rows, pkts, pass_out);       \
		bool six = seen.six && s->is_long;                             \
                                                                               \
		if (unlikely(seen.bad))                                        \
			return false;                                          \
		if (six) {                                                     \
			rows_fill6(rows, pkts);                                \
			sift_##name(s, rows, index, true);                     \
		} else {                                                       \
			sift_##name(s, rows, index, false);                    \
		}                                                              \
		for (unsigned i = 0; i < ROWS; i++)                            \
			index[i] = s->n - index[i];                            \
		if (six && unlikely(is_mistaken(s, rows, index)))              \
			look_further(s, rows, index);                          \
		return true;                                                   \
	}

SIEVE(avx2, BLOCK_AVX2)
SIEVE(sse41, BLOCK_SSE41)
SIEVE(c, BLOCK_C)

bool
sieve_firsts(const struct sieve *s, enum block_way way,
    struct pkt *const pkts[ROWS], bool pass_out, struct rows *rows,
    uint32_t index[ROWS])
{
	switch (way) {
	case BLOCK_WAY_AVX2:
		return firsts_avx2(s, pkts, pass_out, rows, index);
	case BLOCK_WAY_SSE41:
		return firsts_sse41(s, pkts, pass_out, rows, index);
	case BLOCK_WAY_C:
		return firsts_c(s, pkts, pass_out, rows, index);
	}
	return false;
}
