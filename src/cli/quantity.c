/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/quantity.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_US 1000ull
#define NS_MS (1000 * NS_US)
#define NS_S  (1000 * NS_MS)

enum { FRACTION_DIGITS = 9 };
#define FRACTION_ONE 1000000000ull /* ten to that */

static const char too_big[] = "is too big";
static const char no_number[] = "a number is expected";

/* A decimal number: whole + part / FRACTION_ONE; '*end' is what follows. */
struct decimal {
	uint64_t whole;
	uint64_t part;
	const char *end;
};

static const char *
read_decimal(const char *s, struct decimal *d)
{
	uint64_t unit = FRACTION_ONE / 10;

	*d = (struct decimal){0};
	if (!isdigit((unsigned char)*s) &&
	    !(*s == '.' && isdigit((unsigned char)s[1])))
		return *s == '-' ? "must not be negative" : no_number;
	for (; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
		    __builtin_add_overflow(d->whole, (uint64_t)(*s - '0'),
			&d->whole))
			return too_big;
	}
	if (*s == '.')
		s++;
	for (; isdigit((unsigned char)*s); s++, unit /= 10) {
		if (unit == 0 && *s != '0')
			return "has more than nine decimals";
		d->part += (uint64_t)(*s - '0') * unit;
	}
	d->end = s;
	return NULL;
}

/* d times 'scale' as a whole number. */
static const char *
scale_decimal(const struct decimal *d, uint64_t scale, uint64_t *out)
{
	unsigned __int128 v = (unsigned __int128)d->part * scale;

	if (v % FRACTION_ONE != 0)
		return "is finer than what can be set";
	v = v / FRACTION_ONE + (unsigned __int128)d->whole * scale;
	if (v > UINT64_MAX)
		return too_big;
	*out = (uint64_t)v;
	return NULL;
}

/* A unit: how it begins (case counts) and what it multiplies with. */
struct unit {
	const char *name;
	uint64_t scale;
};

/* The rest of the word as one of the units; the last row's name is NULL. */
static const struct unit *
find_unit(const struct unit *u, const char *s)
{
	while (u->name != NULL && strcasecmp(u->name, s) != 0)
		u++;
	return u->name != NULL ? u : NULL;
}

const char *
quantity_rate(const char *s, uint64_t *bps)
{
	static const struct unit octets[] = {
	    {"B", 8}, {"B/s", 8}, {"Bps", 8}, {"by", 8}, {"byte", 8},
	    {"bytes", 8}, {"byte/s", 8}, {"bytes/s", 8}, {NULL, 0},
	};
	static const struct unit bits[] = {
	    {"", 1}, {"bit", 1}, {"bits", 1}, {"bit/s", 1}, {"bits/s", 1},
	    {"bps", 1}, {NULL, 0},
	};
	static const char prefixes[] = "kKmMgG";
	static const uint64_t powers[] = {1000, 1000 * 1000,
	    1000ull * 1000 * 1000};
	const struct unit *u = NULL;
	struct decimal d;
	uint64_t scale = 1;
	const char *why = read_decimal(s, &d), *p;

	if (why != NULL)
		return why;
	if (*d.end != '\0' && (p = strchr(prefixes, *d.end)) != NULL) {
		scale = powers[(p - prefixes) / 2];
		d.end++;
	}
	/* "Bps" are octets and "bps" bits: of all units only here case tells. */
	if (strcmp(d.end, "bps") != 0 && strcmp(d.end, "b/s") != 0)
		u = find_unit(octets, d.end);
	if (u == NULL)
		u = find_unit(bits, strcmp(d.end, "b/s") == 0 ? "" : d.end);
	if (u == NULL)
		return "bit/s or Byte/s after K, M or G is expected, as in "
		       "10Mbit/s";
	return scale_decimal(&d, scale * u->scale, bps);
}

const char *
quantity_time(const char *s, uint64_t *ns)
{
	static const struct unit units[] = {
	    {"", NS_MS}, {"ms", NS_MS}, {"us", NS_US}, {"ns", 1}, {"s", NS_S},
	    {"m", 60 * NS_S}, {"min", 60 * NS_S}, {NULL, 0},
	};
	struct decimal d;
	const struct unit *u;
	const char *why = read_decimal(s, &d);

	if (why != NULL)
		return why;
	if ((u = find_unit(units, d.end)) == NULL)
		return "ns, us, ms, s or min is expected after the number";
	return scale_decimal(&d, u->scale, ns);
}

const char *
quantity_bytes(const char *s, uint64_t *bytes)
{
	static const struct unit units[] = {
	    {"", 1}, {"B", 1}, {"byte", 1}, {"bytes", 1}, {"K", 1 << 10},
	    {"KB", 1 << 10}, {"Kbyte", 1 << 10}, {"Kbytes", 1 << 10},
	    {"M", 1 << 20}, {"MB", 1 << 20}, {"Mbyte", 1 << 20},
	    {"Mbytes", 1 << 20}, {"G", 1 << 30}, {"GB", 1 << 30},
	    {"Gbyte", 1 << 30}, {"Gbytes", 1 << 30}, {NULL, 0},
	};
	struct decimal d;
	const struct unit *u;
	const char *why = read_decimal(s, &d);

	if (why != NULL)
		return why;
	if ((u = find_unit(units, d.end)) == NULL)
		return "K, M or G, or nothing, is expected after the number";
	return scale_decimal(&d, u->scale, bytes);
}

const char *
quantity_queue(const char *s, uint64_t *n, bool *in_bytes)
{
	const char *unit = s + strspn(s, "0123456789.");

	*in_bytes = !(*unit == '\0' || strcasecmp(unit, "slots") == 0 ||
	    strcasecmp(unit, "sl") == 0 || strcasecmp(unit, "sl.") == 0);
	if (!*in_bytes) {
		struct decimal d;
		const char *why = read_decimal(s, &d);

		return why != NULL ? why : scale_decimal(&d, 1, n);
	}
	return quantity_bytes(s, n);
}

const char *
quantity_part(const char *s, uint32_t one, uint32_t *part)
{
	struct decimal d;
	uint64_t full = FRACTION_ONE;
	unsigned __int128 v;
	const char *why = read_decimal(s, &d);

	if (why != NULL)
		return why;
	if (strcmp(d.end, "%") == 0)
		full *= 100;
	else if (*d.end != '\0')
		return "a number from 0 to 1, or per cent, is expected";
	v = (unsigned __int128)d.whole * FRACTION_ONE + d.part;
	if (v > full)
		return full == FRACTION_ONE ? "must be from 0 to 1" :
					      "must be from 0% to 100%";
	*part = (uint32_t)(v * one / full);
	return NULL;
}

const char *
quantity_scaled(const char *s, double max, uint32_t scale, uint32_t *value)
{
	struct decimal d;
	double v;
	const char *why = read_decimal(s, &d);

	if (why != NULL)
		return why;
	if (*d.end != '\0')
		return no_number;
	v = (double)d.whole + (double)d.part / (double)FRACTION_ONE;
	if (v > max)
		return too_big;
	*value = (uint32_t)(v * scale + 0.5);
	return NULL;
}

void
quantity_put_time(struct text *t, uint64_t ns)
{
	static const struct unit units[] = {
	    {"s", NS_S}, {"ms", NS_MS}, {"us", NS_US}, {"ns", 1},
	};
	const struct unit *u = units;

	if (ns == 0) {
		text_f(t, "0ms");
		return;
	}
	/* Three decimals at most: 1.5s, but 1500001us. */
	while (ns < u->scale || ns % (u->scale >= 1000 ? u->scale / 1000 : 1) != 0)
		u++;
	if (ns % u->scale == 0)
		text_f(t, "%llu%s", (unsigned long long)(ns / u->scale),
		    u->name);
	else
		text_f(t, "%.*g%s", 15, (double)ns / (double)u->scale, u->name);
}
