/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/sieve.h"

#include "rule/block_fit.h"

#include <stdlib.h>

/* ---- making ---- */

static void
half_of(const struct rule *r, unsigned at, uint32_t value[2], uint32_t mask[2])
{
	const struct insn *i = r->cmd + at - 1;

	if (at == 0)
		return;
	memcpy(value, i + 3, 8);
	memset(mask, 0xff, 8);
	if (insn_words(i) == 9)
		memcpy(mask, i + 7, 8);
	value[0] &= mask[0];
	value[1] &= mask[1];
}

static void
note_act(struct sieve *s, unsigned n, uint32_t act)
{
	s->acts[n] = act;
	s->verdicts[n] = act == 0 || (act & ACT_FATE) != 0 ? SIEVE_ASK :
	    (uint8_t)((act >> ACT_COUNTER_BITS) - 1);
}

/* What a rule's key leaves to be asked of IPv6. */
static uint32_t
more_of(const struct rule_key *k)
{
	return ((k->src2_mask | k->dst2_mask) != 0 ? SIEVE_LONG : 0) |
	    ((k->act & ACT_REST) != 0 ? SIEVE_REST : 0);
}

static void
add_rule(struct sieve *s, unsigned n, const struct rule *r)
{
	struct sieve_rule *to = &s->rules[n];
	struct sieve_rest *rest = &s->rests[n];
	struct rule_key *k = &to->key;

	key_of_rule(r, k);
	to->more = more_of(k);
	if ((to->more & SIEVE_REST) != 0) {
		half_of(r, r->rest_src, rest->src, rest->src_mask);
		half_of(r, r->rest_dst, rest->dst, rest->dst_mask);
	}
	/* Bits outside of a mask are not compared. */
	k->src &= k->src_mask;
	k->dst &= k->dst_mask;
	k->meta &= k->meta_mask;
	k->src2 &= k->src2_mask;
	k->dst2 &= k->dst2_mask;
	s->is_long = s->is_long || to->more != 0;
	note_act(s, n, k->act & ~(uint32_t)ACT_REST);
}

unsigned
sieve_cost(const struct ruleset *rs)
{
	unsigned cost = 0;

	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct rule_key k;

		key_of_rule(rs->rules[i], &k);
		cost += (more_of(&k) & SIEVE_LONG) != 0 ? 6 : 4;
		cost += (more_of(&k) & SIEVE_REST) != 0;
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

struct sieve *
sieve_create(const struct ruleset *rs)
{
	struct sieve *s = calloc(1, sizeof(*s));
	size_t n = rs->n_rules;

	if (s == NULL)
		return NULL;
	s->rules = aligned_alloc(CACHE_LINE, n * sizeof(*s->rules));
	s->rests = calloc(n, sizeof(*s->rests));
	s->acts = calloc(n, sizeof(*s->acts));
	s->verdicts = calloc(n, sizeof(*s->verdicts));
	if (s->rules == NULL || s->rests == NULL || s->acts == NULL ||
	    s->verdicts == NULL) {
		sieve_destroy(s);
		return NULL;
	}
	memset(s->rules, 0, n * sizeof(*s->rules));
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
	free(s->rests);
	free(s->acts);
	free(s->verdicts);
	free(s);
}

size_t
sieve_size(const struct sieve *s)
{
	return sizeof(*s) + (s->n + 1) *
	    (sizeof(*s->rules) + sizeof(*s->rests) + sizeof(*s->acts) +
		sizeof(*s->verdicts));
}

bool
sieve_passes_over(const struct sieve *s, unsigned index, const struct rule *r,
    const struct pkt *p)
{
	return (s->rules[index].more & SIEVE_REST) != 0 &&
	    !key_rest_fits(r, p);
}

/* ---- comparing ---- */

/* Each lane remembers how far from the end its first rule is: the greatest number
 * is the first rule's, and 0 is the last rule's. */

enum { LOOK = 8 }; /* rules until it is asked whether all lanes have theirs */

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
fit8_long(const struct rows *r, unsigned at, const struct rule_key *k)
{
	return _mm256_and_si256(AVX2_SAME(r->src6[0], k->src2, k->src2_mask),
	    AVX2_SAME(r->dst6[0], k->dst2, k->dst2_mask));
}

BLOCK_AVX2 static inline __m256i
fit8_rest(const struct rows *r, unsigned at, const struct sieve_rest *k)
{
	return _mm256_and_si256(
	    _mm256_and_si256(AVX2_SAME(r->src6[1], k->src[0], k->src_mask[0]),
		AVX2_SAME(r->src6[2], k->src[1], k->src_mask[1])),
	    _mm256_and_si256(AVX2_SAME(r->dst6[1], k->dst[0], k->dst_mask[0]),
		AVX2_SAME(r->dst6[2], k->dst[1], k->dst_mask[1])));
}

BLOCK_AVX2 static inline __attribute__((always_inline)) void
sift_avx2(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool is_long)
{
	__m256i a = _mm256_setzero_si256(), b = a;

	for (unsigned n = 0; n < s->n; n++) {
		const struct sieve_rule *i = &s->rules[n];
		__m256i here = AVX2_ALL(s->n - n);
		__m256i fa = fit8(r, 0, &i->key), fb = fit8(r, 8, &i->key);

		if (is_long && (i->more & SIEVE_LONG) != 0) {
			fa = _mm256_and_si256(fa, fit8_long(r, 0, &i->key));
			fb = _mm256_and_si256(fb, fit8_long(r, 8, &i->key));
		}
		if (is_long && (i->more & SIEVE_REST) != 0) {
			fa = _mm256_and_si256(fa, fit8_rest(r, 0, &s->rests[n]));
			fb = _mm256_and_si256(fb, fit8_rest(r, 8, &s->rests[n]));
		}
		a = _mm256_max_epi32(a, _mm256_and_si256(fa, here));
		b = _mm256_max_epi32(b, _mm256_and_si256(fb, here));
		if (n % LOOK == LOOK - 1 && _mm256_movemask_epi8(
			_mm256_cmpeq_epi32(_mm256_min_epi32(a, b),
			    _mm256_setzero_si256())) == 0)
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
fit4_long(const struct rows *r, unsigned at, const struct rule_key *k)
{
	return _mm_and_si128(SSE_SAME(r->src6[0], k->src2, k->src2_mask),
	    SSE_SAME(r->dst6[0], k->dst2, k->dst2_mask));
}

BLOCK_SSE41 static inline __m128i
fit4_rest(const struct rows *r, unsigned at, const struct sieve_rest *k)
{
	return _mm_and_si128(
	    _mm_and_si128(SSE_SAME(r->src6[1], k->src[0], k->src_mask[0]),
		SSE_SAME(r->src6[2], k->src[1], k->src_mask[1])),
	    _mm_and_si128(SSE_SAME(r->dst6[1], k->dst[0], k->dst_mask[0]),
		SSE_SAME(r->dst6[2], k->dst[1], k->dst_mask[1])));
}

BLOCK_SSE41 static inline __attribute__((always_inline)) void
sift_sse41(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool is_long)
{
	__m128i a[ROWS / 4] = {_mm_setzero_si128()};

	for (unsigned n = 0; n < s->n; n++) {
		const struct sieve_rule *i = &s->rules[n];
		__m128i here = SSE_ALL(s->n - n), least;

		for (unsigned q = 0; q < ROWS / 4; q++) {
			__m128i f = fit4(r, 4 * q, &i->key);

			if (is_long && (i->more & SIEVE_LONG) != 0)
				f = _mm_and_si128(f, fit4_long(r, 4 * q,
				    &i->key));
			if (is_long && (i->more & SIEVE_REST) != 0)
				f = _mm_and_si128(f, fit4_rest(r, 4 * q,
				    &s->rests[n]));
			a[q] = _mm_max_epi32(a[q], _mm_and_si128(f, here));
		}
		least = _mm_min_epi32(_mm_min_epi32(a[0], a[1]),
		    _mm_min_epi32(a[2], a[3]));
		if (n % LOOK == LOOK - 1 && _mm_movemask_epi8(
			_mm_cmpeq_epi32(least, _mm_setzero_si128())) == 0)
			break;
	}
	for (unsigned q = 0; q < ROWS / 4; q++)
		_mm_storeu_si128((__m128i *)(void *)(left + 4 * q), a[q]);
}

static bool
rest_fits(const struct rows *r, unsigned at, const struct sieve_rest *k)
{
	return (((r->src6[1][at] & k->src_mask[0]) ^ k->src[0]) |
	    ((r->src6[2][at] & k->src_mask[1]) ^ k->src[1]) |
	    ((r->dst6[1][at] & k->dst_mask[0]) ^ k->dst[0]) |
	    ((r->dst6[2][at] & k->dst_mask[1]) ^ k->dst[1])) == 0;
}

static void
sift_c(const struct sieve *s, const struct rows *r, uint32_t left[ROWS],
    const bool is_long)
{
	for (unsigned at = 0; at < ROWS; at++) {
		struct pkt_key k = {r->src[at], r->dst[at], r->meta[at],
		    r->ports[at], 0, 0};
		unsigned n = 0;

		if (is_long) {
			k.src2 = r->src6[0][at];
			k.dst2 = r->dst6[0][at];
		}
		while (n < s->n && !(key_fits(&s->rules[n].key, &k) &&
			((s->rules[n].more & SIEVE_REST) == 0 ||
			    rest_fits(r, at, &s->rests[n]))))
			n++;
		left[at] = s->n - n;
	}
}

#define SIEVE(name, attr)                                                      \
	attr static bool firsts_##name(const struct sieve *s,                  \
	    struct pkt *const pkts[ROWS], bool pass_out, struct rows *rows,    \
	    uint32_t index[ROWS])                                              \
	{                                                                      \
		struct rows_seen seen = rows_fill(rows, pkts, pass_out);       \
                                                                               \
		if (unlikely(seen.bad))                                        \
			return false;                                          \
		if (seen.six && s->is_long) {                                  \
			rows_fill6(rows, pkts);                                \
			sift_##name(s, rows, index, true);                     \
		} else {                                                       \
			sift_##name(s, rows, index, false);                    \
		}                                                              \
		for (unsigned i = 0; i < ROWS; i++)                            \
			index[i] = s->n - index[i];                            \
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
