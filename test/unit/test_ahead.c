/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that reads ahead tells what the reader tells. */
#include "unit.h"

#include "capture/ahead.h"
#include "capture/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 60000, SLOTS = 40000 };

static char path[80];
static struct capture_packet want[SLOTS];
static uint64_t sums[SLOTS];

static uint64_t
sum_of(const struct capture_packet *p)
{
	uint64_t sum = p->ns * 31 + p->len;

	for (uint32_t i = 0; i < p->kept; i++)
		sum = sum * 31 + p->data[i];
	return sum;
}

/* A file of n packets of up to 'len' octets. */
static void
make(unsigned n, unsigned len)
{
	static uint8_t data[MOST + 256];
	struct writer *w = NULL;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	assert_true(n < SLOTS && len <= MOST);
	assert_int_equal(writer_create(path, MOST, &w, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		assert_true(writer_put(w, &(struct writer_packet){.ns = i,
		    .iface = writer_iface(w, "a"), .data = data + i % 256,
		    .kept = i * 977 % (len + 1), .len = MOST}));
	assert_int_equal(writer_close(w, NULL), 0);
}

/* What the reader alone tells, up to the end or the error, and that. */
static unsigned
read_alone(int *got, struct err *e)
{
	struct capture_reader *r = NULL;
	unsigned n = 0;

	assert_int_equal(capture_open(path, READER_ANY, &r, e), 0);
	for (;; n++) {
		capture_release(r);
		*got = capture_next(r, &want[n], e);
		if (*got != CAPTURE_PACKET)
			break;
		sums[n] = sum_of(&want[n]);
	}
	capture_close(r);
	return n;
}

/* Reads on from packet 'at' to the end, which has to be 'end'; releases now and
 * then, and looks once more at what is released. */
static void
read_ahead(struct ahead *a, unsigned at, unsigned n, int end,
    const struct err *why)
{
	const struct capture_packet *p = NULL;
	unsigned k, held = at, calls = 0;
	static const struct capture_packet *seen[SLOTS];
	struct err e = {0};
	int got;

	for (;;) {
		got = ahead_next(a, &p, &k, &e);
		assert_true(k > 0 || got != CAPTURE_PACKET);
		for (unsigned i = 0; i < k; i++, at++) {
			assert_true(at < n);
			assert_int_equal(sum_of(&p[i]), sums[at]);
			seen[at] = &p[i];
		}
		if (got == CAPTURE_PACKET && ++calls % 4 != 0) {
			if (calls % 4 == 1) { /* all but the last */
				held = at - k;
				ahead_release(a, false);
			}
			continue;
		}
		for (; held < at; held++)
			assert_int_equal(sum_of(seen[held]), sums[held]);
		ahead_release(a, true);
		if (got != CAPTURE_PACKET && got != CAPTURE_WAIT)
			break;
	}
	assert_int_equal(at, n);
	assert_int_equal(got, end);
	if (end < 0)
		assert_string_equal(e.text, why->text);
	assert_int_equal(ahead_next(a, &p, &k, &e), end); /* still */
	assert_int_equal(k, 0);
}

/* Compares all of it, twice if it ends well; begins with one packet that the
 * reader tells itself. */
static void
compare(void)
{
	struct capture_reader *r = NULL;
	struct capture_packet first;
	struct ahead *a = NULL;
	struct err e = {0}, why = {0};
	int end, got;
	unsigned n = read_alone(&end, &why);

	assert_int_equal(capture_open(path, READER_ANY, &r, &e), 0);
	got = capture_next(r, &first, &e);
	assert_int_equal(got, n > 0 ? CAPTURE_PACKET : end);
	assert_int_equal(ahead_start(r, &a, &e), 0);
	read_ahead(a, n > 0, n, end, &why);
	if (n > 0)
		assert_int_equal(sum_of(&first), sums[0]);
	for (unsigned i = 0; end == CAPTURE_END && i < 2; i++) {
		assert_int_equal(ahead_rewind(a, &e), 0);
		read_ahead(a, 0, n, end, &why);
	}
	ahead_stop(a);
	capture_close(r);
}

static void
tells_the_same(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		static const char *const ends[] = {"pcap", "pcapng",
		    "pcapng.gz"};

		snprintf(path, sizeof(path), "/tmp/kipfw-test-ahead.%d.%s",
		    getpid(), ends[kind]);
		make(0, 0);
		compare();
		make(1, 10);
		compare();
		make(30000, 0); /* more packets than a batch holds */
		compare();
		make(30000, 200);
		compare();
		make(200, MOST); /* a few a batch */
		compare();
		unlink(path);
	}
}

static void
tells_errors(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/kipfw-test-ahead.%d.pcap",
	    getpid());
	make(9000, 100);
	assert_int_equal(truncate(path, 300001), 0);
	compare();
	unlink(path);
}

/* At any time, with all batches full, or some of them told. */
static void
stops(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/kipfw-test-ahead.%d.pcap",
	    getpid());
	make(30000, 100);
	for (unsigned i = 0; i < 8; i++) {
		struct capture_reader *r = NULL;
		struct ahead *a = NULL;
		const struct capture_packet *p;
		struct err e;
		unsigned n;

		assert_int_equal(capture_open(path, READER_ANY, &r, &e), 0);
		assert_int_equal(ahead_start(r, &a, &e), 0);
		for (unsigned k = 0; k < i; k++)
			assert_int_equal(ahead_next(a, &p, &n, &e), k <
			    AHEAD_BATCHES - 1 ? CAPTURE_PACKET : CAPTURE_WAIT);
		ahead_stop(a);
		capture_close(r);
	}
	ahead_stop(NULL);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_same),
		cmocka_unit_test(tells_errors),
		cmocka_unit_test(stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
