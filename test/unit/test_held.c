/* SPDX-License-Identifier: BSD-2-Clause */
/* Held packets, their queues, and what tells flows apart. */
#include "dn_rig.h"

#include "base/rng.h"
#include "packet/checksum.h"
#include "pipe/flowid.h"

enum { CHUNKS = 4 };

static void *memory;
static struct slab *slab;

static int
begin(void **state)
{
	(void)state;
	memory = aligned_alloc(SLAB_CHUNK, CHUNKS * SLAB_CHUNK);
	slab = slab_create(memory, CHUNKS * SLAB_CHUNK);
	return slab == NULL;
}

static int
end(void **state)
{
	(void)state;
	slab_destroy(slab);
	free(memory);
	return 0;
}

static void
memory_is_in_proportion(void **state)
{
	struct rig_frame f;

	(void)state;
	for (unsigned bytes = 28; bytes < 1500; bytes += 7) {
		struct held *h = held_new(slab,
		    rig_frame(&f, bytes, 1, 2, 3, 4), NULL), *c;

		assert_int_equal(bytes + 14, h->len);
		assert_in_range(held_size(h), sizeof(*h) + h->len,
		    sizeof(*h) + h->len + 63);
		if (h->len <= 64)
			assert_true(held_size(h) <= 160);
		c = held_copy(slab, h);
		assert_memory_equal(h, c, sizeof(*h) + h->len);
		slab_free(slab, h);
		slab_free(slab, c);
	}
	assert_int_equal(0, slab_used(slab));
}

static uint16_t
sum4(const struct held *h)
{
	return checksum_end(checksum_add(0, h->frame + h->l3, 20));
}

static void
marks_only_who_knows_ecn(void **state)
{
	(void)state;
	for (unsigned tos = 0; tos < 256; tos++) {
		struct rig_frame f;
		struct pkt *p = rig_frame(&f, 100, 0x0a000001, 7, 3, 4);
		struct held *h;

		f.b[15] = (uint8_t)tos;
		put16(f.b + 24, checksum_end(checksum_add(0, f.b + 14, 20)));
		h = held_new(slab, p, NULL);
		assert_int_equal(0, sum4(h));
		assert_int_equal((tos & 3) != 0, held_mark_ce(h));
		assert_int_equal((tos & 3) != 0 ? tos | 3 : tos,
		    h->frame[15]);
		assert_int_equal(0, sum4(h));
		slab_free(slab, h);
	}
}

/* An IPv6 UDP frame. */
static struct pkt *
frame6(struct rig_frame *f, uint8_t class, uint32_t label)
{
	static const struct parse_cfg cfg;
	uint8_t *ip = f->b + 14;

	memset(f, 0, sizeof(*f));
	put16(f->b + 12, 0x86dd);
	put32(ip, 6u << 28 | (uint32_t)class << 20 | label);
	put16(ip + 4, 8);
	ip[6] = 17;
	ip[7] = 64;
	for (unsigned i = 0; i < 32; i++)
		ip[8 + i] = (uint8_t)(i + 1);
	put16(ip + 40, 1000);
	put16(ip + 42, 2000);
	put16(ip + 44, 8);
	f->p.data = f->b;
	f->p.len = 14 + 48;
	parse(&f->p, &cfg);
	assert_int_equal(PKT_GOOD, f->p.bad);
	return &f->p;
}

static void
marks_ip6(void **state)
{
	(void)state;
	for (unsigned class = 0; class < 256; class++) {
		struct rig_frame f;
		struct held *h = held_new(slab,
		    frame6(&f, (uint8_t)class, 0xabcde), NULL);
		unsigned want = (class & 3) != 0 ? class | 3 : class;

		assert_int_equal((class & 3) != 0, held_mark_ce(h));
		assert_int_equal(6u << 28 | want << 20 | 0xabcde,
		    get32(h->frame + 14));
		slab_free(slab, h);
	}
}

static void
flows_under_masks(void **state)
{
	struct dn_flow_id m = {.src4 = 0xff, .dport = 0xffff, .flow6 = 0xf};
	struct dn_flow_id a, b;
	struct rig_frame f;

	(void)state;
	m.src6[0] = m.dst6[15] = 0xff;
	flowid_of(rig_frame(&f, 99, 0x0a010203, 0x0b010203, 77, 88), &a);
	assert_int_equal(0x0a010203, a.src4);
	assert_int_equal(0x0b010203, a.dst4);
	assert_int_equal(4, a.family);
	assert_int_equal(17, a.proto);
	flowid_mask(&a, &m);
	assert_int_equal(3, a.src4);
	assert_int_equal(88, a.dport);
	assert_int_equal(0, a.dst4 + a.sport + a.proto);
	flowid_of(rig_frame(&f, 99, 0x0c990003, 0x77777777, 1, 88), &b);
	assert_false(flowid_equal(&a, &b));
	flowid_mask(&b, &m);
	assert_true(flowid_equal(&a, &b));
	assert_int_equal(flowid_hash(&a, 5, 6), flowid_hash(&b, 5, 6));
	assert_true(flowid_hash(&a, 5, 6) != flowid_hash(&a, 5, 7));
	assert_true(flowid_hash(&a, 5, 6) != flowid_hash(&a, 4, 6));
	flowid_of(frame6(&f, 0, 0xabcde), &a);
	assert_int_equal(6, a.family);
	assert_int_equal(0xabcde, a.flow6);
	flowid_mask(&a, &m);
	assert_int_equal(0xe, a.flow6);
	assert_int_equal(1, a.src6[0]);
	assert_int_equal(0, a.src6[1]);
	assert_int_equal(32, a.dst6[15]);
	assert_int_equal(2000, a.dport);
}

/* Every bit of a name moves the hash. */
static void
hash_looks_at_every_octet(void **state)
{
	struct dn_flow_id id = {.family = 6};
	uint64_t plain = flowid_hash(&id, 1, 2);

	(void)state;
	for (unsigned i = 0; i < sizeof(id); i++) {
		uint8_t *octet = (uint8_t *)&id + i;

		if (octet == &id.family)
			continue;
		*octet ^= 0x10;
		assert_true(flowid_hash(&id, 1, 2) != plain);
		*octet ^= 0x10;
	}
}

static void
queues_count_what_they_do(void **state)
{
	uint64_t all[N_DN_DROPS] = {0};
	struct queue_counts c = {.all_drops = all};
	const struct queue_cfg cfg = {.limit = 3, .counts = &c, .slab = slab};
	struct rig_frame f;
	struct queue q;

	(void)state;
	queue_init(&q, &cfg, 0);
	assert_null(queue_pop(&q, 0));
	for (unsigned i = 0; i < 5; i++) {
		struct held *h = held_new(slab,
		    rig_frame(&f, 100 + i, 1, 2, 3, 4), NULL);

		c.memory += held_size(h);
		assert_int_equal(i < 3, queue_admit(&q, h, 0));
	}
	assert_int_equal(3, q.len);
	assert_int_equal(303, q.bytes);
	assert_int_equal(2, q.drops);
	assert_int_equal(2, c.drops[DN_DROP_QUEUE_FULL]);
	assert_int_equal(2, all[DN_DROP_QUEUE_FULL]);
	assert_int_equal(3, c.peak_pkts);
	for (unsigned i = 0; i < 3; i++) {
		struct held *h;

		assert_int_equal(100 + i, queue_head_bytes(&q));
		h = queue_pop(&q, 0);
		c.memory -= held_size(h);
		slab_free(slab, h);
	}
	assert_int_equal(0, q.len + q.bytes + c.queued_pkts +
	    c.queued_bytes + c.memory);
	assert_null(queue_head(&q));
	assert_int_equal(0, slab_used(slab));
}

static void
schedulers_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; sched_table[i] != NULL; i++) {
		const struct sched_ops *ops = sched_table[i];

		assert_ptr_equal(ops, sched_find(ops->type));
		assert_ptr_equal(ops, sched_by_name(ops->name));
		assert_true((ops->flags & SCHED_OWN_QUEUES) == 0 ||
		    ops->drain != NULL);
	}
	assert_int_equal(SCHED_TYPE_WF2Q, sched_by_name("wf2q+")->type);
	assert_int_equal(SCHED_TYPE_FIFO, sched_by_name("Fifo")->type);
	assert_null(sched_by_name("fif"));
	assert_null(sched_by_name("fifoo"));
	assert_null(sched_by_name(""));
	assert_null(sched_find(0));
	assert_null(aqm_find(AQM_DROP_TAIL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_in_proportion),
	    cmocka_unit_test(marks_only_who_knows_ecn),
	    cmocka_unit_test(marks_ip6),
	    cmocka_unit_test(flows_under_masks),
	    cmocka_unit_test(hash_looks_at_every_octet),
	    cmocka_unit_test(queues_count_what_they_do),
	    cmocka_unit_test(schedulers_have_names),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
