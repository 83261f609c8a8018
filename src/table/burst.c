/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/burst.h"

#include "table/content.h"

#include <string.h>

/* Looks 'n' keys, LPM_BURST at most, up in a trie that may not be there. */
static void
find_keys(struct lpm *const *at, const struct lpm_key *keys, unsigned n,
    uint32_t *out)
{
	/* Partner: the release in content.c. */
	const struct lpm *l = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	if (l != NULL)
		lpm_lookup_burst(l, keys, n, out);
	else
		memset(out, 0, n * sizeof(*out));
}

static unsigned
part(unsigned left)
{
	return left < LPM_BURST ? left : LPM_BURST;
}

void
tables_ip4_burst(const struct tables *ts, unsigned kidx,
    const uint32_t *addrs, unsigned n, uint32_t *out)
{
	const struct content *c = tables_content(ts, kidx, TABLE_ADDR);
	struct lpm_key keys[LPM_BURST];

	if (c == NULL) {
		memset(out, 0, n * sizeof(*out));
		return;
	}
	for (unsigned i = 0, m; i < n; i += m) {
		m = part(n - i);
		for (unsigned k = 0; k < m; k++)
			keys[k] = content_key4(addrs[i + k]);
		find_keys(&c->v4, keys, m, out + i);
	}
}

/* Keys of 16 or 6 octets. */
static void
find_octets(const struct content *c, const uint8_t *const *at, unsigned n,
    uint32_t *out)
{
	struct lpm_key keys[LPM_BURST];

	if (c == NULL) {
		memset(out, 0, n * sizeof(*out));
		return;
	}
	for (unsigned i = 0, m; i < n; i += m) {
		m = part(n - i);
		for (unsigned k = 0; k < m; k++)
			keys[k] = c->type == TABLE_MAC ?
			    content_key_mac(at[i + k]) :
			    content_key6(at[i + k]);
		find_keys(&c->v6, keys, m, out + i);
	}
}

void
tables_ip6_burst(const struct tables *ts, unsigned kidx,
    const uint8_t *const *addrs, unsigned n, uint32_t *out)
{
	find_octets(tables_content(ts, kidx, TABLE_ADDR), addrs, n, out);
}

void
tables_mac_burst(const struct tables *ts, unsigned kidx,
    const uint8_t *const *macs, unsigned n, uint32_t *out)
{
	find_octets(tables_content(ts, kidx, TABLE_MAC), macs, n, out);
}

static void
find_hashed(const struct content *c, const void *keys, unsigned n,
    uint32_t *out)
{
	if (c != NULL)
		hmap_find_burst(c->map, keys, n, out);
	else
		memset(out, 0, n * sizeof(*out));
}

void
tables_number_burst(const struct tables *ts, unsigned kidx,
    const uint32_t *keys, unsigned n, uint32_t *out)
{
	find_hashed(tables_content(ts, kidx, TABLE_NUMBER), keys, n, out);
}

void
tables_flow_burst(const struct tables *ts, unsigned kidx,
    struct table_flow *flows, unsigned n, uint32_t *out)
{
	const struct content *c = tables_content(ts, kidx, TABLE_FLOW);

	if (c != NULL && c->fields != FLOW_ALL)
		for (unsigned i = 0; i < n; i++)
			content_fit_flow(&flows[i], c->fields);
	find_hashed(c, flows, n, out);
}

bool
tables_is_large(const struct tables *ts, unsigned kidx, uint8_t type)
{
	const struct content *c = tables_content(ts, kidx, type);

	return c != NULL && __atomic_load_n(&c->large, __ATOMIC_RELAXED);
}
