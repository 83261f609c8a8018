/* SPDX-License-Identifier: BSD-2-Clause */
/* CTL_DUMMYNET3: configure, list, delete and flush, good requests and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control_rig.h"

#include <errno.h>

/* ---- requests ---- */

static struct message
msg_config(void)
{
	return msg_dn(CTL_DIR_SET, DN_CMD_CONFIG, 0);
}

static void
put_object(struct message *m, uint8_t type, void *obj, size_t size)
{
	struct dn_id *id = obj;

	id->len = (uint16_t)size;
	id->type = type;
	msg_put(m, obj, size);
}

static struct abi_dn_sch
sch_of(uint32_t nr, const char *type)
{
	struct abi_dn_sch s = {.sched_nr = nr};

	strcpy(s.name, type);
	return s;
}

static struct abi_dn_fs
fs_of(uint32_t nr, uint32_t sched)
{
	return (struct abi_dn_fs){.fs_nr = nr, .sched_nr = sched,
	    .par = {-1, -1, -1, -1}};
}

/* 'pipe nr config' with the original's objects. */
static struct message
msg_pipe(uint32_t nr, int32_t bw, int32_t delay)
{
	struct message m = msg_config();
	struct abi_dn_sch s = sch_of(nr, "");
	struct abi_dn_link k = {.link_nr = nr, .bandwidth = bw, .delay = delay};
	struct abi_dn_fs f = fs_of(nr + 2 * DN_FIRST_PIPE, nr + DN_FIRST_PIPE);

	s.flags = DN_PIPE_CMD;
	put_object(&m, DN_SCH, &s, sizeof(s));
	put_object(&m, DN_LINK, &k, sizeof(k));
	put_object(&m, DN_FS, &f, sizeof(f));
	return m;
}

static struct message
msg_delete(uint8_t what, uint64_t nr)
{
	struct message m = msg_dn(CTL_DIR_SET, DN_CMD_DELETE, what);

	msg_put(&m, &nr, sizeof(nr));
	return m;
}

/* ---- answers ---- */

/* The types in an answer, as text: "1 2 3 9". */
static const char *
types(const struct message *m)
{
	static char text[256];
	size_t at = sizeof(struct dn_id), n = 0;

	text[0] = '\0';
	while (at + sizeof(struct dn_id) <= m->len) {
		struct dn_id id;

		memcpy(&id, m->data + at, sizeof(id));
		assert_true(id.len >= sizeof(id) && id.len <= m->len - at);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u",
		    n > 0 ? " " : "", id.type);
		at += id.len;
	}
	assert_int_equal(at, m->len);
	return text;
}

/* Copies the first object of a type out of an answer. */
static void
object_of(const struct message *m, uint8_t type, void *out, size_t size)
{
	size_t at = sizeof(struct dn_id);

	memset(out, 0, size);
	while (at < m->len) {
		struct dn_id id;

		memcpy(&id, m->data + at, sizeof(id));
		if (id.type == type) {
			memcpy(out, m->data + at, id.len < size ? id.len : size);
			return;
		}
		at += id.len;
	}
	fail_msg("no object of type %u", type);
}

static struct message
list(uint8_t cmd, uint8_t what)
{
	struct message m = msg_dn(CTL_DIR_GET, cmd, what);

	m.len = sizeof(m.data);
	assert_int_equal(call(&m), 0);
	return m;
}

/* ---- tests ---- */

static void
nothing_is_there(void **state)
{
	struct message m = msg_dn(CTL_DIR_GET, DN_CMD_GET, DN_LINK);

	(void)state;
	assert_int_equal(call(&m), 0);
	assert_int_equal(m.len, 8);
	assert_int_equal(((struct dn_id *)(void *)m.data)->id, 8);
	assert_int_equal(((struct dn_id *)(void *)m.data)->len, 8);
	m = list(DN_CMD_GET, DN_FS);
	assert_int_equal(m.len, 8);
	assert_call(msg_dn(CTL_DIR_GET, DN_CMD_GET, DN_QUEUE), EINVAL,
	    "130.5");
	assert_call(msg_dn(CTL_DIR_GET, DN_CMD_CONFIG, 0), EINVAL, "128.0");
	assert_ok(msg_dn(CTL_DIR_SET, DN_CMD_FLUSH, 0));
	assert_call(msg_dn(CTL_DIR_SET, 77, 0), EINVAL, "77");
}

static void
pipe_and_back(void **state)
{
	struct abi_dn_link k;
	struct abi_dn_fs f;
	struct abi_dn_sch s;
	struct message m;

	(void)state;
	assert_ok(msg_pipe(7, 10000000, 20));
	m = list(DN_CMD_GET, DN_LINK);
	assert_string_equal(types(&m), "1 2 3 9");
	object_of(&m, DN_LINK, &k, sizeof(k));
	assert_int_equal(k.link_nr, 7 + DN_FIRST_PIPE);
	assert_int_equal(k.bandwidth, 10000000);
	assert_int_equal(k.delay, 20);
	object_of(&m, DN_FS, &f, sizeof(f));
	assert_int_equal(f.fs_nr, 7 + 2 * DN_FIRST_PIPE);
	assert_int_equal(f.sched_nr, 7 + DN_FIRST_PIPE);
	assert_int_equal(f.qsize, 50);
	object_of(&m, DN_SCH, &s, sizeof(s));
	assert_int_equal(s.sched_nr, 7 + DN_FIRST_PIPE);
	assert_string_equal(s.name, "FIFO");
	m = list(DN_CMD_GET, DN_SCH);
	object_of(&m, DN_SCH, &s, sizeof(s));
	assert_int_equal(s.sched_nr, 7);
	assert_string_equal(s.name, "WF2Q+");
	assert_ok(msg_delete(DN_LINK, 7));
	m = list(DN_CMD_GET, DN_LINK);
	assert_int_equal(m.len, 8);
	assert_call(msg_delete(DN_LINK, 7), EINVAL, "pipe 7");
}

static void
more_than_the_original_can_say(void **state)
{
	struct message m = msg_pipe(1, -1, 0);
	struct abi_dn_more_fs mf = {.fs_nr = 1 + 2 * DN_FIRST_PIPE, .flags = 1,
	    .qsize = 1000, .loss = {1, 2, 3, 4}};
	struct abi_dn_more_link ml = {.link_nr = 1, .rate = 40000000000,
	    .delay = 1500, .jitter = 700, .jitter_kind = 2, .flags = 1,
	    .reorder = 5, .duplicate = 6, .corrupt = 7, .memory = 65536};
	struct abi_dn_more_link gl;
	struct abi_dn_more_fs gf;

	(void)state;
	put_object(&m, DN_MORE_LINK, &ml, sizeof(ml));
	put_object(&m, DN_MORE_FS, &mf, sizeof(mf));
	assert_ok(m);
	m = list(DN_CMD_GET_MORE, DN_LINK);
	assert_string_equal(types(&m), "1 112 2 114 3 9 115");
	object_of(&m, DN_MORE_LINK, &gl, sizeof(gl));
	assert_int_equal(gl.rate, ml.rate);
	assert_int_equal(gl.delay, 1500);
	assert_int_equal(gl.jitter, 700);
	assert_int_equal(gl.jitter_kind, 2);
	assert_int_equal(gl.flags, 1);
	assert_int_equal(gl.reorder, 5);
	assert_int_equal(gl.duplicate, 6);
	assert_int_equal(gl.corrupt, 7);
	assert_int_equal(gl.memory, 65536);
	object_of(&m, DN_MORE_FS, &gf, sizeof(gf));
	assert_int_equal(gf.flags, 1);
	assert_int_equal(gf.qsize, 1000);
	assert_memory_equal(gf.loss, mf.loss, sizeof(gf.loss));
	/* Who does not ask for it does not get it. */
	m = list(DN_CMD_GET, DN_LINK);
	assert_string_equal(types(&m), "1 2 3 9");
}

static void
queues_and_their_laws(void **state)
{
	struct abi_dn_fs f = fs_of(5, 3);
	struct abi_dn_extra x = {.nr = 5}, back;
	struct message m = msg_config();

	(void)state;
	strcpy(x.name, "codel");
	x.oid.subtype = DN_AQM_PARAMS;
	memset(x.par, 0xff, sizeof(x.par)); /* -1: defaults */
	x.par[0] = 7000;
	put_object(&m, DN_TEXT, &x, sizeof(x));
	f.flags = DN_IS_AQM;
	f.par[0] = 30;
	put_object(&m, DN_FS, &f, sizeof(f));
	assert_ok(m);
	m = list(DN_CMD_GET_MORE, DN_FS);
	assert_string_equal(types(&m), "2 114 9");
	object_of(&m, DN_TEXT, &back, sizeof(back));
	assert_string_equal(back.name, "codel");
	assert_int_equal(back.par[0], 7000);
	assert_int_equal(back.par[1], 100000);
	m = msg_config();
	f = fs_of(5, 3);
	f.flags = DN_IS_RED | DN_IS_ECN;
	f.w_q = 100;
	f.min_th = 5;
	f.max_th = 20;
	f.max_p = 6553;
	put_object(&m, DN_FS, &f, sizeof(f));
	assert_ok(m);
	m = list(DN_CMD_GET, DN_FS);
	object_of(&m, DN_FS, &f, sizeof(f));
	assert_int_equal(f.flags, DN_IS_RED | DN_IS_ECN);
	assert_int_equal(f.w_q, 100);
	assert_int_equal(f.max_p, 6553);
	assert_int_equal(f.par[0], 30); /* not given: as before */
	assert_ok(msg_delete(DN_FS, 5));
	assert_call(msg_delete(DN_FS, 5), EINVAL, "queue 5");
}

/* Two moments of pipe 1's trace; returns the size of the object. */
static size_t
put_trace(struct message *m, uint32_t first, uint32_t ms, uint32_t next_ms)
{
	struct abi_dn_more_trace head = {.link_nr = 1, .first = first};
	const uint32_t moments[2][2] = {{ms, 1}, {next_ms, 2}};
	uint8_t object[sizeof(head) + sizeof(moments)];

	memcpy(object, &head, sizeof(head));
	memcpy(object + sizeof(head), moments, sizeof(moments));
	put_object(m, DN_MORE_TRACE, object, sizeof(object));
	return sizeof(object);
}

static void
traces_in_pieces(void **state)
{
	size_t size;
	struct abi_dn_more_link ml = {.link_nr = 1, .n_trace = 4,
	    .trace = "lte"};
	struct message m = msg_pipe(1, -1, 0);
	struct abi_dn_more_link back;

	(void)state;
	put_object(&m, DN_MORE_LINK, &ml, sizeof(ml));
	size = put_trace(&m, 0, 1, 5);
	assert_call(m, EINVAL, "lacks 2");
	put_trace(&m, 1, 1, 5);
	assert_call(m, EINVAL, "do not fit");
	m.len -= size;
	put_trace(&m, 2, 6, 9);
	assert_ok(m);
	m = list(DN_CMD_GET_MORE, DN_LINK);
	object_of(&m, DN_MORE_LINK, &back, sizeof(back));
	assert_int_equal(back.n_trace, 4);
	assert_string_equal(back.trace, "lte");
}

static void
profiles(void **state)
{
	struct abi_dn_profile p = {.link_nr = 1, .samples_no = 2,
	    .loss_level = 2, .samples = {3, 4}}, back;
	size_t head = offsetof(struct abi_dn_profile, samples);
	struct message m = msg_pipe(1, 1000, 0);

	(void)state;
	strcpy(p.name, "wifi");
	put_object(&m, DN_PROFILE, &p, head + 4);
	assert_call(m, EINVAL, "profile of 2 samples");
	m = msg_pipe(1, 1000, 0);
	p.samples[1] = -1;
	put_object(&m, DN_PROFILE, &p, head + 8);
	assert_call(m, EINVAL, "below 0");
	m = msg_pipe(1, 1000, 0);
	p.samples[1] = 4;
	put_object(&m, DN_PROFILE, &p, head + 8);
	assert_ok(m);
	m = list(DN_CMD_GET, DN_LINK);
	assert_string_equal(types(&m), "1 7 2 3 9");
	object_of(&m, DN_PROFILE, &back, sizeof(back));
	assert_string_equal(back.name, "wifi");
	assert_int_equal(back.samples_no, 2);
	assert_int_equal(back.samples[1], 4);
}

/* A refused request changes nothing, not even with what is right in it. */
static void
all_or_nothing(void **state)
{
	struct message m = msg_pipe(1, 1000, 5);
	struct abi_dn_sch s = sch_of(1, "nonesuch");
	struct abi_dn_link k;

	(void)state;
	assert_ok(m);
	m = msg_pipe(1, 2000, 6);
	((struct abi_dn_fs *)(void *)(m.data + m.len -
	    sizeof(struct abi_dn_fs)))->plr = -1; /* taken for 0 */
	m.len -= 1;
	assert_call(m, EINVAL, "octets");
	m = msg_pipe(1, -2, 6);
	assert_call(m, EINVAL, "bandwidth too large");
	m = msg_config();
	put_object(&m, DN_SCH, &s, sizeof(s));
	assert_call(m, EINVAL, "nonesuch");
	m = msg_pipe(65536, 1000, 0);
	assert_call(m, EINVAL, "1 to 65535");
	m = list(DN_CMD_GET, DN_LINK);
	object_of(&m, DN_LINK, &k, sizeof(k));
	assert_int_equal(k.bandwidth, 1000);
	assert_int_equal(k.delay, 5);
}

/* Cut at any octet, and with any length in any object: refused or done, never
 * read past its end (the sanitizer looks). */
static void
any_length(void **state)
{
	struct message whole = msg_pipe(1, 1000, 5), m;

	(void)state;
	for (size_t n = 8; n < whole.len; n++) {
		m = whole;
		m.len = n;
		(void)call(&m);
	}
	for (unsigned len = 0; len < 300; len++) {
		m = whole;
		((struct dn_id *)(void *)(m.data + 8))->len = (uint16_t)len;
		(void)call(&m);
	}
	for (unsigned type = 0; type < 256; type++) {
		m = whole;
		m.data[8 + 2] = (uint8_t)type;
		(void)call(&m);
	}
	for (unsigned len = 0; len < 40; len++) {
		m = msg_dn(CTL_DIR_GET, DN_CMD_GET, DN_LINK);
		((struct dn_id *)(void *)m.data)->len = (uint16_t)len;
		m.len = 16;
		(void)call(&m);
	}
}

/* Without room for all: the size alone, or what fits if ranges are asked. */
static void
little_room(void **state)
{
	struct message m;
	uint32_t range[2] = {DN_FIRST_PIPE + 1, DN_FIRST_PIPE + 9};
	size_t need;

	(void)state;
	for (uint32_t nr = 1; nr < 10; nr++)
		assert_ok(msg_pipe(nr, 1000, 5));
	m = list(DN_CMD_GET, DN_LINK);
	need = m.len;
	m = msg_dn(CTL_DIR_GET, DN_CMD_GET, DN_LINK);
	m.len = need - 1;
	assert_int_equal(call(&m), 0);
	assert_int_equal(m.len, 8);
	assert_int_equal(((struct dn_id *)(void *)m.data)->id, need);
	m = msg_dn(CTL_DIR_GET, DN_CMD_GET, DN_LINK);
	((struct dn_id *)(void *)m.data)->len = 16;
	msg_put(&m, range, sizeof(range));
	m.len = need - 1;
	assert_int_equal(call(&m), 0);
	assert_true(m.len > 8 && m.len < need);
	(void)types(&m);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(nothing_is_there),
	    T(pipe_and_back),
	    T(more_than_the_original_can_say),
	    T(queues_and_their_laws),
	    T(traces_in_pieces),
	    T(profiles),
	    T(all_or_nothing),
	    T(any_length),
	    T(little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
