/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/cdefs.h"
#include "tools/gen_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/gen-trace-XXXXXX";

/* The head of a pcap file: version 2.4, snap length 262144, 'link'. */
static void
put_head(FILE *f, uint32_t link)
{
	uint32_t head[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 262144, link};

	fwrite(head, sizeof(head), 1, f);
}

/* A frame of 'len' octets, each of them 'fill'. */
static void
put_frame(FILE *f, uint32_t len, int fill)
{
	uint32_t head[4] = {0, 0, len, len};

	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < len; i++)
		fputc(fill, f);
}

static void
test_order(void **state)
{
	FILE *f = fopen(path, "w");
	struct gen_trace t;

	(void)state;
	put_head(f, 1);
	for (unsigned i = 0; i < 3000; i++)
		put_frame(f, 14 + i % 100, (int)(i % 251));
	fclose(f);
	assert_int_equal(gen_trace_load(path, &t, NULL), 0);
	assert_int_equal(t.n_frames, 3000);
	assert_int_equal(t.len_max, 113);
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(t.frames[i].len, 14 + i % 100);
		assert_int_equal(t.frames[i].octets[0], i % 251);
		assert_int_equal(t.frames[i].octets[t.frames[i].len - 1],
				 i % 251);
	}
	gen_trace_free(&t);
	gen_trace_free(&t); /* an empty one is fine */
}

static void
refused(int want, const char *why)
{
	struct gen_trace t = {.n_frames = 77};
	struct err e = {0};

	assert_int_equal(gen_trace_load(path, &t, &e), -want);
	assert_non_null(strstr(e.text, why));
	assert_int_equal(t.n_frames, 77);
}

static void
test_refused(void **state)
{
	static const uint32_t lens[] = {0, 13, 65536};
	FILE *f = fopen(path, "w");

	(void)state;
	fclose(f);
	refused(EINVAL, ""); /* empty */
	f = fopen(path, "w");
	put_head(f, 1);
	fclose(f);
	refused(EINVAL, "there is no frame in it");
	f = fopen(path, "w");
	put_head(f, 105); /* IEEE 802.11 */
	put_frame(f, 60, 0);
	fclose(f);
	refused(EINVAL, "link type 105");
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		f = fopen(path, "w");
		put_head(f, 1);
		put_frame(f, 60, 0);
		put_frame(f, lens[i], 0);
		fclose(f);
		refused(EINVAL, "");
	}
}

/* A file that ends in the middle of a frame, at every octet. */
static void
test_cut(void **state)
{
	FILE *f = fopen(path, "w");

	(void)state;
	put_head(f, 1);
	put_frame(f, 60, 0);
	put_frame(f, 60, 0);
	fclose(f);
	for (long len = 24 + 2 * 76 - 1; len > 24 + 76; len--) {
		assert_int_equal(truncate(path, len), 0);
		refused(EINVAL, "the file ends in the middle");
	}
}

static void
test_missing(void **state)
{
	struct gen_trace t;

	(void)state;
	assert_int_equal(gen_trace_load("/nonexistent/x.pcap", &t, NULL),
			 -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_missing),
	};
	int fd = mkstemp(path), rc;

	if (fd == -1)
		return EXIT_FAILURE;
	close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
