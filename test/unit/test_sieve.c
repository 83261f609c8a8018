/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sieve, in each way that this machine has, against one rule after the other:
 * random rules over few values, so that they overlap, and packets over the same.
 */
#include "unit.h"

#include "frames.h"

#include "base/rng.h"
#include "rule/sieve.h"

#include <arpa/inet.h>

static struct rng rng;
static struct frame frames[ROWS];
static struct pkt pkts[ROWS];

static unsigned
draw(unsigned n)
{
	return (unsigned)(rng_u64(&rng) % n);
}

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

/* ---- rules ---- */

struct script {
	struct abi_rule head;
	uint32_t w[64];
};

static void
emit(struct script *d, uint8_t op, uint16_t arg1, const uint32_t *words,
    unsigned n)
{
	struct insn i = {op, (uint8_t)(n + 1), arg1};

	memcpy(&d->w[d->head.cmd_len], &i, 4);
	if (n > 0)
		memcpy(&d->w[d->head.cmd_len + 1], words, n * 4);
	d->head.cmd_len = (uint16_t)(d->head.cmd_len + n + 1);
}

/* An IPv6 address of few, each of its words with its own. */
static void
addr6(uint32_t w[4])
{
	for (unsigned i = 0; i < 4; i++)
		w[i] = htonl(i == 0 ? 0x20010db8 + draw(2) : draw(2));
}

static void
emit_addr6(struct script *d, bool src)
{
	static const unsigned lens[] = {32, 64, 96, 127, 128};
	unsigned len = lens[draw(ARRAY_LEN(lens))];
	uint32_t w[8] = {0};

	addr6(w);
	if (len == 128 && draw(2)) {
		emit(d, src ? O_IP6_SRC : O_IP6_DST, 0, w, 4);
		return;
	}
	for (unsigned i = 0; i < len; i++)
		w[4 + i / 32] |= htonl(1u << (31 - i % 32));
	for (unsigned i = 0; i < 4; i++)
		w[i] &= w[i + 4];
	emit(d, src ? O_IP6_SRC_MASK : O_IP6_DST_MASK, 0, w, 8);
}

static void
emit_test(struct script *d, bool six)
{
	uint32_t w[2] = {htonl(0x0a000000 + draw(3)),
	    htonl(draw(2) ? 0xffffffff : 0xfffffffe)};

	w[0] &= w[1];
	switch (draw(6)) {
	case 0:
	case 1:
		if (six)
			emit_addr6(d, draw(2));
		else
			emit(d, draw(2) ? O_IP_SRC_MASK : O_IP_DST_MASK, 0, w,
			    2);
		break;
	case 2:
		w[0] = draw(3) | (3 + draw(3)) << 16;
		emit(d, draw(2) ? O_IP_SRCPORT : O_IP_DSTPORT, 0, w, 1);
		break;
	case 3:
		emit(d, O_PROTO, draw(2) ? PROTO_TCP : PROTO_UDP, NULL, 0);
		break;
	case 4:
		emit(d, O_TCPFLAGS, (uint16_t)(draw(4) | draw(4) << 10), NULL,
		    0);
		break;
	case 5:
		emit(d, O_ESTAB, 0, NULL, 0);
		break;
	}
}

static struct rule *
random_rule(unsigned num, unsigned tests)
{
	static const uint8_t acts[] = {O_ACCEPT, O_DENY, O_PIPE, O_COUNT};
	unsigned act = draw(8);
	struct script d = {0};
	bool six = draw(2);

	for (unsigned i = 0; i < tests; i++)
		emit_test(&d, six);
	d.head.act_ofs = d.head.cmd_len;
	emit(&d, acts[act < 4 ? act : act % 2], 7, NULL, 0);
	return rule_create(&d.head, (uint16_t)num, num, num);
}

static struct ruleset *
random_rules(unsigned n)
{
	struct ruleset *first = ruleset_create(draw(2), 0), *rs;
	struct rule *r[100];

	for (unsigned i = 0; i < n; i++)
		r[i] = random_rule(i + 1, 1 + draw(n < 20 ? 2 : 5));
	rs = ruleset_add(first, r, n);
	ruleset_destroy(first, ignore, NULL);
	return rs;
}

/* ---- packets ---- */

static void
random_pkt(struct frame *f, struct pkt *p)
{
	unsigned proto = draw(8), kind = draw(10);
	uint8_t *h;

	proto = proto == 0 ? PROTO_ICMP : proto % 2 ? PROTO_TCP : PROTO_UDP;
	if (kind == 0) {
		f_ether(f, 0x0806);
		f_add(f, 46);
	} else if (kind < 5) {
		uint32_t a[8];

		f_ether(f, ETYPE_IP6);
		addr6(a);
		addr6(a + 4);
		h = f_ip6(f, (uint8_t)proto, 0, 0);
		memcpy(h + 8, a, sizeof(a));
	} else {
		f_ether(f, ETYPE_IP4);
		f_ip4(f, (uint8_t)proto, 0x0a000000 + draw(3),
		    0x0a000000 + draw(3), kind == 5 ? (uint16_t)draw(3) : 0);
	}
	h = f_add(f, 20 + draw(20));
	put16(h, (uint16_t)draw(7));
	put16(h + 2, (uint16_t)draw(7));
	h[13] = (uint8_t)draw(32);
	*p = f_parse(f);
	if (kind == 0)
		return;
	/* The length that the header tells, too short or long. */
	put16(f->b + f->l3 + (kind < 5 ? 4 : 2), (uint16_t)draw(90));
	parse(p, &(const struct parse_cfg){false, false});
}

static void
random_pkts(void)
{
	for (unsigned i = 0; i < ROWS; i++)
		do
			random_pkt(&frames[i], &pkts[i]);
		while (pkts[i].bad != PKT_GOOD);
}

/* ---- the same, slowly ---- */

static unsigned
first_of(const struct ruleset *rs, const struct pkt *p, bool out)
{
	struct pkt_key pk = key_of_pkt(p, out);
	struct rule_key k;
	unsigned n = 0;

	for (; n + 1 < rs->n_rules; n++) {
		key_of_rule(rs->rules[n], &k);
		k.rest_mask = 0;
		if (key_fits(&k, &pk) && ((k.act & ACT_REST) == 0 ||
			key_rest_fits(rs->rules[n], p)))
			break;
	}
	return n;
}

static void
check_rows(const struct rows *r, bool out)
{
	for (unsigned i = 0; i < ROWS; i++) {
		struct pkt_key k = key_of_pkt(&pkts[i], out);

		assert_int_equal(r->src[i], k.src);
		assert_int_equal(r->dst[i], k.dst);
		assert_int_equal(r->meta[i], k.meta);
		assert_int_equal(r->ports[i], k.ports);
		assert_int_equal(r->bytes[i], pkt_count_bytes(&pkts[i]));
	}
}

static void
each_way_finds_the_first(void **state)
{
	unsigned found = 0, n_pkts = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct ruleset *rs = random_rules(1 + draw(round % 4 ? 12 :
		    100));
		struct sieve *s = sieve_create(rs);
		bool out = draw(2);
		struct pkt *list[ROWS];
		uint32_t index[ROWS];
		struct rows rows;

		random_pkts();
		for (unsigned i = 0; i < ROWS; i++)
			list[i] = &pkts[i];
		for (const struct block_scan *b = block_scans();
		     b->name != NULL; b++) {
			assert_true(sieve_firsts(s, b->way, list, out, &rows,
			    index));
			check_rows(&rows, out);
			for (unsigned i = 0; i < ROWS; i++) {
				assert_int_equal(index[i], first_of(rs,
				    &pkts[i], out));
				found += index[i] + 1 < rs->n_rules;
				n_pkts++;
			}
		}
		sieve_destroy(s);
		ruleset_destroy(rs, ignore, NULL);
	}
	assert_in_range(found, n_pkts / 4, n_pkts * 3 / 4);
}

static void
bad_packets_are_told(void **state)
{
	struct ruleset *rs = random_rules(3);
	struct sieve *s = sieve_create(rs);
	struct pkt *list[ROWS];
	uint32_t index[ROWS];
	struct rows rows;

	(void)state;
	random_pkts();
	for (unsigned i = 0; i < ROWS; i++)
		list[i] = &pkts[i];
	for (const struct block_scan *b = block_scans(); b->name != NULL; b++)
		for (unsigned i = 0; i < ROWS; i++)
			for (unsigned bad = 0; bad < PKT_BAD_MAX; bad++) {
				pkts[i].bad = (uint8_t)bad;
				assert_int_equal(sieve_firsts(s, b->way, list,
				    false, &rows, index), bad == PKT_GOOD);
				pkts[i].bad = PKT_GOOD;
			}
	sieve_destroy(s);
	ruleset_destroy(rs, ignore, NULL);
}

static void
acts_and_verdicts(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct ruleset *rs = random_rules(20);
		struct sieve *s = sieve_create(rs);

		assert_int_equal(s->n, 20);
		for (unsigned i = 0; i <= s->n; i++) {
			const struct rule *r = rs->rules[i];
			unsigned op = rule_action(r)->opcode;
			struct rule_key k;

			key_of_rule(r, &k);
			assert_int_equal(s->acts[i], k.act &
			    ~(uint32_t)ACT_REST);
			if (k.act == 0 || op == O_PIPE)
				assert_int_equal(s->verdicts[i], SIEVE_ASK);
			else
				assert_int_equal(s->verdicts[i], (k.act >>
				    ACT_COUNTER_BITS & ACT_VERDICT) - 1);
		}
		sieve_destroy(s);
		ruleset_destroy(rs, ignore, NULL);
	}
}

/* What is compared of IPv6 costs more. */
static void
cost_is_what_is_compared(void **state)
{
	static const struct {
		unsigned words, cost;
	} prefixes[] = {{1, 4}, {2, 5}, {4, 5}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct ruleset *first = ruleset_create(true, 0), *rs;
		struct script d = {0};
		uint32_t w[8] = {0};
		struct rule *r;

		memset(w + 4, 0xff, 4 * prefixes[i].words);
		emit(&d, O_IP6_SRC_MASK, 0, w, 8);
		d.head.act_ofs = d.head.cmd_len;
		emit(&d, O_DENY, 0, NULL, 0);
		r = rule_create(&d.head, 1, 1, 1);
		rs = ruleset_add(first, &r, 1);
		ruleset_destroy(first, ignore, NULL);
		assert_int_equal(sieve_cost(rs), 4 + prefixes[i].cost);
		ruleset_destroy(rs, ignore, NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_finds_the_first),
		cmocka_unit_test(bad_packets_are_told),
		cmocka_unit_test(acts_and_verdicts),
		cmocka_unit_test(cost_is_what_is_compared),
	};

	rng_init(&rng, 5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
