/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files, read back by libpcap. */
#include "unit.h"

#include "capture/reader.h"
#include "capture/writer.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/kipfw-test-writer-XXXXXX";

static pcap_t *
reader(void)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path,
	    PCAP_TSTAMP_PRECISION_NANO, why);

	if (p == NULL)
		fail_msg("%s", why);
	return p;
}

/* True if the file holds these octets somewhere. */
static bool
holds(const char *what)
{
	char buf[65536];
	FILE *f = fopen(path, "r");
	size_t n = fread(buf, 1, sizeof(buf), f);

	fclose(f);
	return memmem(buf, n, what, strlen(what)) != NULL;
}

static void
reads_back(void **state)
{
	static const char *const names[] = {"valeA:f", "valeB:f", "valeA:f"};
	const unsigned char frame[256] = {1, 2, 3};
	struct writer *f = NULL;
	struct pcap_pkthdr *h;
	const unsigned char *data;
	pcap_t *p;

	(void)state;
	assert_int_equal(writer_create(path, 256, &f, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(writer_put(f, &(struct writer_packet){
		    .ns = 1700000000123456789 + i, .iface = writer_iface(f, names[i]),
		    .data = frame, .kept = 253 + i, .len = 1500,
		    .comment = i == 2 ? NULL : "00100 deny log",
		}));
	writer_close(f, NULL);
	p = reader();
	assert_int_equal(pcap_datalink(p), DLT_EN10MB);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pcap_next_ex(p, &h, &data), 1);
		assert_int_equal(h->ts.tv_sec, 1700000000);
		assert_int_equal(h->ts.tv_usec, 123456789 + i);
		assert_int_equal(h->caplen, 253 + i);
		assert_int_equal(h->len, 1500);
		assert_memory_equal(data, frame, h->caplen);
	}
	assert_int_equal(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
	assert_true(holds("00100 deny log"));
	assert_true(holds("valeB:f"));
}

/* Comments and names of any length keep the file whole. */
static void
any_length(void **state)
{
	static const unsigned lens[] = {0, 1, 3, 4, 5, 4095, 4096, 70000};
	struct writer *f = NULL;
	struct pcap_pkthdr *h;
	const unsigned char *data;
	char *comment = malloc(70001), name[64];
	pcap_t *p;

	(void)state;
	assert_int_equal(writer_create(path, 256, &f, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		memset(comment, 'c', lens[i]);
		comment[lens[i]] = '\0';
		memset(name, 'n', sizeof(name));
		name[i * 9] = '\0';
		assert_true(writer_put(f, &(struct writer_packet){
		    .iface = writer_iface(f, name), .data = comment, .kept = (uint32_t)i % 8,
		    .comment = comment,
		}));
	}
	for (unsigned i = 0; i < 600; i++) { /* more names than are kept */
		snprintf(name, sizeof(name), "if%u", i);
		assert_true(writer_put(f,
		    &(struct writer_packet){.iface = writer_iface(f, name), .data = ""}));
	}
	assert_true(writer_flush(f));
	writer_close(f, NULL);
	p = reader();
	for (size_t i = 0; i < ARRAY_LEN(lens) + 600; i++)
		assert_int_equal(pcap_next_ex(p, &h, &data), 1);
	assert_int_equal(pcap_next_ex(p, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
	free(comment);
}

/* Many buffers full, of all formats, with what is in them. */
static void
many(void **state)
{
	static const char *const ends[] = {".pcap", ".pcapng", ".pcap.gz",
	    ".pcapng.gz"};
	enum { N = 3000, MOST = 1500 };
	static uint8_t data[MOST + 256];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	for (unsigned k = 0; k < ARRAY_LEN(ends); k++) {
		struct capture_reader *r = NULL;
		struct capture_packet p;
		struct writer *w = NULL;
		char name[64];

		snprintf(name, sizeof(name), "%s%s", path, ends[k]);
		assert_int_equal(writer_create(name, MOST, &w, NULL), 0);
		for (unsigned i = 0; i < N; i++) {
			assert_true(writer_put(w, &(struct writer_packet){
			    .ns = i * 1000000007ull,
			    .iface = writer_iface(w, i % 2 == 0 ? "a" : "b"),
			    .data = data + i % 256, .kept = i % MOST,
			    .len = MOST}));
			if (i % 1000 == 0)
				assert_true(writer_flush(w));
		}
		assert_int_equal(writer_close(w, NULL), 0);
		assert_int_equal(capture_open(name, READER_ANY, &r, NULL), 0);
		for (unsigned i = 0; i < N; i++) {
			assert_int_equal(capture_next(r, &p, NULL),
			    CAPTURE_PACKET);
			assert_int_equal(p.ns, i * 1000000007ull);
			assert_int_equal(p.kept, i % MOST);
			assert_int_equal(p.len, MOST);
			assert_int_equal(p.iface, k % 2 == 0 ? 0 : i % 2);
			assert_memory_equal(p.data, data + i % 256, p.kept);
			capture_release(r);
		}
		assert_int_equal(capture_next(r, &p, NULL), CAPTURE_END);
		capture_close(r);
		unlink(name);
	}
}

static size_t
load(const char *name, uint8_t *to, size_t room)
{
	FILE *f = fopen(name, "r");
	size_t n;

	assert_non_null(f);
	n = fread(to, 1, room, f);
	fclose(f);
	return n;
}

/* Frames together are octet for octet what they are one by one. */
static void
together(void **state)
{
	static const char *const ends[] = {".pcap", ".pcapng"};
	enum { N = 3000, SNAP = 300, ROOM = 1 << 20 };
	static uint8_t data[512], file[2][ROOM];
	static struct writer_frame f[N];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	for (unsigned i = 0; i < N; i++)
		f[i] = (struct writer_frame){.data = data + i % 64,
		    .ns = 1700000000123456789ull * (i % 3 > 0) + i,
		    .len = i % 400};
	for (unsigned k = 0; k < ARRAY_LEN(ends); k++) {
		size_t size[2];
		char name[64];

		snprintf(name, sizeof(name), "%s%s", path, ends[k]);
		for (unsigned way = 0; way < 2; way++) {
			struct writer *w = NULL;
			unsigned iface;

			assert_int_equal(writer_create(name, SNAP, &w, NULL),
			    0);
			writer_iface(w, "a");
			iface = writer_iface(w, "b");
			for (unsigned i = 0, n; i < N; i += n) {
				n = way == 0 ? 1 : 1 + i % 256;
				n = n < N - i ? n : N - i;
				assert_int_equal(n, way == 1 ?
				    writer_put_frames(w, iface, SNAP, f + i, n) :
				    (unsigned)writer_put(w,
					&(struct writer_packet){.ns = f[i].ns,
					.iface = iface, .data = f[i].data,
					.kept = f[i].len < SNAP ? f[i].len :
					SNAP, .len = f[i].len}));
			}
			assert_int_equal(writer_close(w, NULL), 0);
			size[way] = load(name, file[way], ROOM);
		}
		assert_true(size[0] > N * 100 && size[0] < ROOM);
		assert_int_equal(size[0], size[1]);
		assert_memory_equal(file[0], file[1], size[0]);
		unlink(name);
	}
}

static void
says_what_is_wrong(void **state)
{
	struct writer *f = NULL;
	struct err e = {0};

	(void)state;
	assert_true(writer_create("/nowhere/x", 256, &f, &e) < 0);
	assert_non_null(strstr(e.text, "/nowhere/x"));
	assert_null(f);
	writer_close(NULL, NULL);
	assert_int_equal(writer_create("/dev/full", 256, &f, &e), 0);
	writer_put(f, &(struct writer_packet){.iface = writer_iface(f, "a"), .data = ""});
	assert_false(writer_flush(f));
	assert_false(writer_put(f,
	    &(struct writer_packet){.iface = writer_iface(f, "a"), .data = ""}));
	assert_int_equal(writer_put_frames(f, 0, 9,
	    &(struct writer_frame){.len = 0}, 1), 0);
	writer_close(f, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back),
		cmocka_unit_test(any_length),
		cmocka_unit_test(many),
		cmocka_unit_test(together),
		cmocka_unit_test(says_what_is_wrong),
	};
	int fd = mkstemp(path), rc;

	if (fd != -1)
		close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
