/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* acc = acc * 10 + digit, or false if that does not fit. */
static bool
push_digit(uint64_t *acc, char c)
{
	return !__builtin_mul_overflow(*acc, 10, acc) &&
	       !__builtin_add_overflow(*acc, (uint64_t)(c - '0'), acc);
}

/* Power of ten of a suffix; -1 if it is none. */
static int
suffix_power(const char *s)
{
	static const struct {
		char letter;
		int power;
	} suffixes[] = {
	    {'k', 3}, {'K', 3}, {'m', 6}, {'M', 6}, {'g', 9}, {'G', 9},
	};

	if (s[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (s[0] == suffixes[i].letter && s[1] == '\0')
			return suffixes[i].power;
	return -1;
}

static int
refuse(int code, uint64_t lo, uint64_t hi, struct err *e)
{
	if (hi == UINT64_MAX)
		return err_set(e, code, "must be a number from %" PRIu64, lo);
	return err_set(e, code, "must be a number from %" PRIu64 " to %" PRIu64,
		       lo, hi);
}

static int
parse(const char *s, bool scaled, uint64_t *out)
{
	uint64_t v = 0;
	int digits = 0, power = 0, places = 0;

	for (; is_digit(*s); s++, digits++)
		if (!push_digit(&v, *s))
			return -ERANGE;
	if (digits == 0)
		return -EINVAL;
	if (scaled && *s == '.') {
		for (s++; is_digit(*s); s++, places++)
			if (!push_digit(&v, *s))
				return -ERANGE;
		if (places == 0)
			return -EINVAL;
	}
	power = scaled ? suffix_power(s) : (*s == '\0' ? 0 : -1);
	if (power == -1)
		return -EINVAL;
	for (; places < power; places++)
		if (__builtin_mul_overflow(v, 10, &v))
			return -ERANGE;
	for (; places > power; places--) {
		if (v % 10 != 0)
			return -EINVAL;
		v /= 10;
	}
	*out = v;
	return 0;
}

static int
parse_within(const char *text, bool scaled, uint64_t lo, uint64_t hi,
	     uint64_t *out, struct err *e)
{
	uint64_t v = 0;
	int rc = parse(text, scaled, &v);

	if (rc == 0 && (v < lo || v > hi))
		rc = -ERANGE;
	if (rc != 0)
		return refuse(-rc, lo, hi, e);
	*out = v;
	return 0;
}

int
gen_num_parse(const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
	      struct err *e)
{
	return parse_within(text, false, lo, hi, out, e);
}

int
gen_num_scaled(const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
	       struct err *e)
{
	return parse_within(text, true, lo, hi, out, e);
}
