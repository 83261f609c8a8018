/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture reader: files made octet by octet, and those of the writer. */
#include "unit.h"

#include "capture/reader.h"
#include "capture/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ROOM = 1 << 20 };

static char path[] = "/tmp/kipfw-test-reader-XXXXXX";
static uint8_t file[ROOM];
static size_t n_file;
static bool big_endian;

/* ---- making files ---- */

static void
put(const void *data, size_t n)
{
	assert_true(n_file + n <= ROOM);
	memcpy(file + n_file, data, n);
	n_file += n;
}

static void
put16(uint16_t v)
{
	v = big_endian ? __builtin_bswap16(v) : v;
	put(&v, sizeof(v));
}

static void
put32(uint32_t v)
{
	v = big_endian ? __builtin_bswap32(v) : v;
	put(&v, sizeof(v));
}

static void
put64(uint64_t v)
{
	v = big_endian ? __builtin_bswap64(v) : v;
	put(&v, sizeof(v));
}

/* Octets that count up from 'first'. */
static void
put_octets(unsigned n, uint8_t first)
{
	while (n-- > 0)
		put(&(uint8_t){first++}, 1);
}

static void
begin(bool big)
{
	n_file = 0;
	big_endian = big;
}

static void
pcap_head(uint32_t magic, uint32_t link)
{
	put32(magic);
	put16(2);
	put16(4);
	put64(0);
	put32(65535);
	put32(link);
}

static void
pcap_packet(uint32_t s, uint32_t part, uint32_t kept, uint32_t len)
{
	put32(s);
	put32(part);
	put32(kept);
	put32(len);
	put_octets(kept, 0);
}

/* Begins a block whose body will have 'n' octets. */
static void
block(uint32_t type, uint32_t n)
{
	put32(type);
	put32(12 + ((n + 3) & ~3u));
}

/* Pads a body of 'n' octets, and ends its block. */
static void
end_block(uint32_t n)
{
	put("\0\0\0", ((n + 3) & ~3u) - n);
	put32(12 + ((n + 3) & ~3u));
}

static void
section(void)
{
	block(0x0a0d0d0a, 16);
	put32(0x1a2b3c4d);
	put16(1);
	put16(0);
	put64(UINT64_MAX);
	end_block(16);
}

/* An interface; 'offset' and 'name' if they are not 0. */
static void
iface(uint16_t link, uint32_t snap, uint8_t res, int64_t offset,
    const char *name)
{
	uint32_t len = name != NULL ? (uint32_t)strlen(name) : 0;
	uint32_t n = 8 + 8 + (offset != 0 ? 12 : 0) +
	    (name != NULL ? 4 + ((len + 3) & ~3u) : 0) + 4;

	block(1, n);
	put16(link);
	put16(0);
	put32(snap);
	put16(9);
	put16(1);
	put(&res, 1);
	put("\0\0\0", 3);
	if (offset != 0) {
		put16(14);
		put16(8);
		put64((uint64_t)offset);
	}
	if (name != NULL) {
		put16(2);
		put16((uint16_t)len);
		put(name, len);
		put("\0\0\0", ((len + 3) & ~3u) - len);
	}
	put32(0);
	end_block(n);
}

static void
packet(uint32_t i, uint64_t stamp, uint32_t kept, uint32_t len)
{
	block(6, 20 + kept);
	put32(i);
	put32((uint32_t)(stamp >> 32));
	put32((uint32_t)stamp);
	put32(kept);
	put32(len);
	put_octets(kept, (uint8_t)i);
	end_block(20 + kept);
}

/* ---- reading them ---- */

static void
save(void)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(file, 1, n_file, f), n_file);
	fclose(f);
}

static struct capture_reader *
open_saved(int want)
{
	struct capture_reader *r = NULL;
	struct err e = {0};

	save();
	if (capture_open(path, want, &r, &e) != 0)
		fail_msg("%s", e.text);
	return r;
}

/* One packet, or a run of one. */
static int
get(struct capture_reader *r, struct capture_packet *p, bool run,
    struct err *e)
{
	unsigned n = 7;
	int got;

	if (!run)
		return capture_next(r, p, e);
	got = capture_next_run(r, p, 1, &n, e);
	assert_int_equal(n, got == CAPTURE_PACKET);
	return got;
}

static struct capture_packet
next(struct capture_reader *r)
{
	static bool run;
	struct capture_packet p;
	struct err e = {0};
	int got = get(r, &p, run = !run, &e);

	if (got == CAPTURE_WAIT) {
		capture_release(r);
		got = get(r, &p, run, &e);
	}
	if (got != CAPTURE_PACKET)
		fail_msg("%d: %s", got, e.text);
	return p;
}

static void
ends(struct capture_reader *r)
{
	struct capture_packet p;

	capture_release(r);
	assert_int_equal(capture_next(r, &p, NULL), CAPTURE_END);
	assert_int_equal(capture_next(r, &p, NULL), CAPTURE_END);
	capture_close(r);
}

/* What is in 'file' cannot be read beyond 'good' packets, and the sentence says
 * 'text'. */
static void
breaks_as(unsigned good, const char *text, bool run)
{
	struct capture_reader *r = NULL;
	struct capture_packet p;
	struct err e = {0};
	int rc;

	save();
	rc = capture_open(path, READER_ANY, &r, &e);
	for (unsigned i = 0; rc == 0 && i <= good; i++) {
		capture_release(r);
		rc = get(r, &p, run, &e);
		rc = rc == CAPTURE_PACKET ? 0 : rc;
		if ((rc != 0) != (i == good))
			fail_msg("packet %u: %d %s", i, rc, e.text);
	}
	capture_close(r);
	assert_true(rc < 0);
	if (strstr(e.text, text) == NULL || strstr(e.text, path) == NULL)
		fail_msg("'%s' does not say '%s'", e.text, text);
}

static void
breaks(unsigned good, const char *text)
{
	breaks_as(good, text, false);
	breaks_as(good, text, true);
}

/* ---- tests ---- */

static void
pcap_of_all_kinds(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		bool ns = (kind & 1) != 0;
		struct capture_reader *r;
		struct capture_packet p;

		begin((kind & 2) != 0);
		pcap_head(ns ? 0xa1b23c4d : 0xa1b2c3d4, 1);
		pcap_packet(1700000000, ns ? 123456789 : 123456, 60, 1500);
		pcap_packet(4294967295u, 0, 0, 0);
		r = open_saved(READER_ANY);
		p = next(r);
		assert_int_equal(p.ns, ns ? 1700000000123456789ull :
		    1700000000123456000ull);
		assert_int_equal(p.kept, 60);
		assert_int_equal(p.len, 1500);
		assert_int_equal(p.data[59], 59);
		p = next(r);
		assert_int_equal(p.ns, 4294967295000000000ull);
		assert_int_equal(p.len, 0);
		ends(r);
	}
}

static void
pcapng_of_both_orders(void **state)
{
	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		struct capture_reader *r;
		struct capture_packet p;

		begin(big);
		section();
		iface(1, 0, 6, 0, "eth0");
		iface(1, 0, 9, -10, "a name of more than 15 octets");
		iface(1, 0, 0x80 | 20, 0, NULL);
		block(0x0bad, 7); /* unknown */
		put_octets(7, 0);
		end_block(7);
		packet(1, 1700000000000000001, 61, 61);
		packet(0, 1700000000000001, 1, 70);
		packet(2, 1700000000ull << 20 | 1 << 19, 4, 4);
		r = open_saved(READER_ANY);
		p = next(r);
		assert_int_equal(p.iface, 1);
		assert_int_equal(p.ns, 1699999990000000001ull);
		assert_int_equal(p.kept, 61);
		assert_int_equal(p.data[0], 1);
		assert_string_equal(capture_ifname(r, 1), "a name of more ");
		p = next(r);
		assert_int_equal(p.ns, 1700000000000001000ull);
		assert_int_equal(p.len, 70);
		assert_string_equal(capture_ifname(r, 0), "eth0");
		p = next(r);
		assert_int_equal(p.ns, 1700000000500000000ull);
		assert_string_equal(capture_ifname(r, 2), "");
		ends(r);
	}
}

/* A second section has its own interfaces and its own order; simple and old
 * packets; one interface alone. */
static void
sections(void **state)
{
	struct capture_reader *r;
	struct capture_packet p;

	(void)state;
	begin(false);
	section();
	iface(1, 0, 9, 0, "x");
	packet(0, 5, 20, 20);
	big_endian = true;
	section();
	iface(1, 40, 6, 0, "y");
	iface(1, 0, 9, 0, "z");
	block(3, 4 + 40);
	put32(100); /* simple: as long as the snap length lets it be */
	put_octets(40, 9);
	end_block(4 + 40);
	block(2, 20 + 3);
	put16(1);
	put16(0);
	put32(0);
	put32(77);
	put32(3);
	put32(3);
	put_octets(3, 1);
	end_block(20 + 3);
	r = open_saved(READER_ANY);
	assert_int_equal(next(r).ns, 5);
	p = next(r);
	assert_int_equal(p.kept, 40);
	assert_int_equal(p.len, 100);
	assert_int_equal(p.ns, 5); /* of the one before */
	p = next(r);
	assert_int_equal(p.iface, 1);
	assert_int_equal(p.ns, 77);
	ends(r);

	r = open_saved(1);
	p = next(r);
	assert_int_equal(p.ns, 77);
	ends(r);
}

/* A made-up header is longer than what a simple block has before its packet,
 * which may lie at the very beginning of the window. */
static void
simple_without_ethernet(void **state)
{
	enum { LEN = 288, N = 1000 }; /* 431 of them and the head: a chunk */
	struct capture_reader *r;
	struct capture_packet p;

	(void)state;
	begin(false);
	section();
	block(1, 8);
	put16(101);
	put16(0);
	put32(0);
	end_block(8);
	for (unsigned i = 0; i < N; i++) {
		block(3, 4 + LEN);
		put32(LEN);
		put_octets(LEN, 0x45);
		end_block(4 + LEN);
	}
	r = open_saved(READER_ANY);
	for (unsigned i = 0; i < N; i++) {
		p = next(r);
		assert_int_equal(p.iface, 0);
		assert_int_equal(p.kept, 14 + LEN);
		assert_int_equal(p.data[14], 0x45);
		capture_release(r);
	}
	ends(r);
}

/* Link types without Ethernet get a header. */
static void
other_links(void **state)
{
	static const uint8_t header[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1,
	    8, 0};
	struct capture_reader *r;
	struct capture_packet p;

	(void)state;
	begin(false);
	pcap_head(0xa1b2c3d4, 101); /* raw IP */
	pcap_packet(1, 0, 0, 20);
	put32(1);
	put32(1);
	put32(20);
	put32(20);
	put("\x60", 1);
	put_octets(19, 0);
	r = open_saved(READER_ANY);
	p = next(r);
	assert_int_equal(p.kept, 14);
	assert_int_equal(p.len, 34);
	assert_memory_equal(p.data, header, 14);
	p = next(r);
	assert_int_equal(p.kept, 34);
	assert_memory_equal(p.data + 12, "\x86\xdd\x60\0\x01", 5);
	ends(r);

	begin(false); /* a length that has no room for a header */
	pcap_head(0xa1b2c3d4, 101);
	pcap_packet(1, 0, 0, UINT32_MAX);
	r = open_saved(READER_ANY);
	assert_int_equal(next(r).len, UINT32_MAX);
	ends(r);

	begin(false);
	pcap_head(0xa1b2c3d4, 113); /* Linux cooked */
	put32(1);
	put32(1);
	put32(18);
	put32(100);
	put("\0\4\0\1\0\6\2\3\4\5\6\7\0\0\x08\6XY", 18);
	r = open_saved(READER_ANY);
	p = next(r);
	assert_int_equal(p.kept, 16);
	assert_int_equal(p.len, 98);
	assert_memory_equal(p.data, "\2\0\0\0\0\2\2\3\4\5\6\7\x08\6XY", 16);
	ends(r);

	begin(false);
	pcap_head(0xa1b2c3d4, 276); /* the second version */
	put32(1);
	put32(1);
	put32(21);
	put32(21);
	put("\x86\xdd\0\0\0\0\0\1\0\1\4\0\1\2\3\4\5\6\7\x08Z", 21);
	r = open_saved(READER_ANY);
	p = next(r);
	assert_int_equal(p.kept, 15);
	assert_memory_equal(p.data, "\2\0\0\0\0\2\2\0\0\0\0\1\x86\xddZ", 15);
	ends(r);
}

/* A file much longer than the window, packets of all lengths up to the longest,
 * a block that is longer than the window. */
static void
long_files(void **state)
{
	struct writer *w = NULL;
	struct capture_reader *r = NULL;
	struct capture_packet p;
	uint8_t *data = malloc(READER_SNAP);

	(void)state;
	for (unsigned i = 0; i < READER_SNAP; i++)
		data[i] = (uint8_t)(i * 7 >> 3);
	assert_int_equal(writer_create(path, READER_SNAP, &w, NULL), 0);
	for (unsigned i = 0; i < 40; i++)
		writer_put(w, &(struct writer_packet){.ns = i,
		    .iface = writer_iface(w, "a"), .data = data,
		    .kept = i % 2 == 0 ? READER_SNAP : i * 100,
		    .len = READER_SNAP});
	assert_int_equal(writer_close(w, NULL), 0);
	assert_int_equal(capture_open(path, READER_ANY, &r, NULL), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 40; i++) {
			p = next(r);
			assert_int_equal(p.ns, i);
			assert_int_equal(p.kept, i % 2 == 0 ? READER_SNAP :
			    i * 100);
			assert_memory_equal(p.data, data, p.kept);
		}
		assert_int_equal(capture_rewind(r, NULL), 0);
	}
	capture_close(r);

	begin(false);
	section();
	block(0x0bad, READER_BUF + 5000);
	n_file += READER_BUF + 5000;
	end_block(READER_BUF + 5000);
	iface(1, 0, 9, 0, NULL);
	packet(0, 9, 60, 60);
	r = open_saved(READER_ANY);
	assert_int_equal(next(r).ns, 9);
	ends(r);
	free(data);
}

/* Packets that are lent stay where they are until the release. */
static void
lends(void **state)
{
	enum { N = 4000 };
	static struct capture_packet p[N];
	struct capture_reader *r;
	unsigned n = 0, all = 0;
	int got;

	(void)state;
	begin(false);
	pcap_head(0xa1b23c4d, 1);
	for (unsigned i = 0; i < N; i++)
		pcap_packet(i, 0, 200, 200);
	r = open_saved(READER_ANY);
	while ((got = capture_next(r, &p[n], NULL)) != CAPTURE_END) {
		if (got == CAPTURE_PACKET) {
			n++;
			continue;
		}
		assert_int_equal(got, CAPTURE_WAIT);
		assert_int_equal(capture_next(r, &p[n], NULL), CAPTURE_WAIT);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(p[i].ns, (all + i) * NS_PER_S);
			for (unsigned k = 0; k < 200; k++)
				assert_int_equal(p[i].data[k], k);
		}
		all += n;
		n = 0;
		capture_release(r);
	}
	assert_int_equal(all + n, N);
	assert_true(all > 0);
	capture_close(r);
}

/* Reads a file again, as runs: they have the packets that come one by one. */
static void
compare_runs(int want)
{
	enum { MOST = 64, N = 4000 };
	static struct capture_packet one[N];
	static uint8_t data[N][64];
	struct capture_packet run[MOST];
	struct capture_reader *r = open_saved(want);
	unsigned all = 0, at = 0, n = 0, k = 0;
	int got;

	while ((got = capture_next(r, &one[all], NULL)) == CAPTURE_PACKET) {
		memcpy(data[all], one[all].data, one[all].kept < 64 ?
		    one[all].kept : 64);
		assert_true(++all < N);
		capture_release(r);
	}
	assert_int_equal(got, CAPTURE_END);
	assert_int_equal(capture_rewind(r, NULL), 0);
	while ((got = capture_next_run(r, run, 1 + k++ % MOST, &n, NULL)) !=
	    CAPTURE_END) {
		assert_true(got == CAPTURE_PACKET || got == CAPTURE_WAIT);
		assert_true(got == CAPTURE_PACKET ? n > 0 && n <= MOST :
		    n == 0);
		for (unsigned i = 0; i < n; i++, at++) {
			assert_int_equal(run[i].ns, one[at].ns);
			assert_int_equal(run[i].kept, one[at].kept);
			assert_int_equal(run[i].len, one[at].len);
			assert_int_equal(run[i].iface, one[at].iface);
			assert_memory_equal(run[i].data, data[at],
			    run[i].kept < 64 ? run[i].kept : 64);
		}
		if (got == CAPTURE_WAIT || k % 5 == 0)
			capture_release(r);
	}
	assert_int_equal(at, all);
	capture_close(r);
}

static void
runs(void **state)
{
	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		begin(big == 1);
		section();
		iface(1, 0, 9, 0, "ns");
		iface(1, 0, 6, 0, "us");
		iface(101, 0, 9, 0, "raw");
		iface(1, 0, 9, 5, "off");
		iface(1, 0, 3, 0, "ms");
		for (unsigned i = 0; i < 3000; i++) {
			packet(i % 7 == 6 ? i / 7 % 5 : i % 2,
			    1000000 + (uint64_t)i * i, i % 300,
			    i % 11 == 0 ? 0 : i % 300 + i % 3);
			if (i % 500 == 0) {
				block(0x0bad, 5);
				put_octets(5, 0);
				end_block(5);
				block(3, 24);
				put32(20);
				put_octets(20, 0x45);
				end_block(24);
			}
		}
		compare_runs(READER_ANY);
		compare_runs(0);
		compare_runs(1);
		compare_runs(4);
		begin(big == 1);
		pcap_head(big == 1 ? 0xa1b2c3d4 : 0xa1b23c4d, 1);
		for (unsigned i = 0; i < 3000; i++)
			pcap_packet(i, i * 3, i % 300, i % 300 + i % 3);
		compare_runs(READER_ANY);
		begin(big == 1);
		pcap_head(0xa1b2c3d4, big == 1 ? 101 : 1);
		for (unsigned i = 0; i < 3000; i++)
			pcap_packet(i, i * 3, i % 300, i % 2);
		compare_runs(0);
	}
}

static void
gzip_files(void **state)
{
	struct capture_reader *r = NULL;
	struct err e = {0};
	gzFile g;

	(void)state;
	begin(false);
	pcap_head(0xa1b23c4d, 1);
	for (unsigned i = 0; i < 3000; i++)
		pcap_packet(i, 0, 200, 200);
	assert_non_null(g = gzopen(path, "w"));
	gzwrite(g, file, 100000);
	gzclose(g);
	assert_non_null(g = gzopen(path, "a")); /* a second member */
	gzwrite(g, file + 100000, (unsigned)n_file - 100000);
	gzclose(g);
	assert_int_equal(capture_open(path, READER_ANY, &r, &e), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3000; i++)
			assert_int_equal(next(r).ns, i * NS_PER_S);
		assert_int_equal(capture_rewind(r, &e), 0);
	}
	capture_close(r);

	/* cut, and damaged */
	assert_int_equal(truncate(path, 500), 0);
	r = NULL;
	if (capture_open(path, READER_ANY, &r, &e) == 0) {
		struct capture_packet p;
		int got;

		do {
			capture_release(r);
			got = capture_next(r, &p, &e);
		} while (got == CAPTURE_PACKET);
		assert_true(got < 0);
		capture_close(r);
	}
	assert_non_null(strstr(e.text, "ends in the middle"));
	begin(false);
	put("\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff\xff", 14);
	breaks(0, "damaged gzip");
}

static void
refuses(void **state)
{
	struct capture_reader *r = NULL;
	struct err e = {0};

	(void)state;
	begin(false);
	breaks(0, "empty");
	put("abc", 3);
	breaks(0, "in the middle of its magic number");
	put("d", 1);
	breaks(0, "neither pcap nor pcapng");

	begin(false);
	pcap_head(0xa1b2c3d4, 1);
	n_file -= 1;
	breaks(0, "in the middle of its header");
	n_file += 1;
	pcap_packet(1, 1, 60, 60);
	pcap_packet(1, 1, 60, 60);
	n_file -= 1;
	breaks(1, "octet 100: the file ends in the middle of a packet");
	n_file -= 60;
	breaks(1, "in the middle of the header of a packet");
	begin(false);
	pcap_head(0xa1b2c3d4, 1);
	put64(0);
	put32(READER_SNAP + 1);
	put32(READER_SNAP + 1);
	breaks(0, "more than 262144");
	begin(false);
	pcap_head(0xa1b2c3d4, 105);
	pcap_packet(1, 1, 60, 60);
	breaks(0, "link type 105");

	begin(false);
	section();
	packet(0, 1, 4, 4);
	breaks(0, "interface 0, of 0");
	begin(false);
	section();
	iface(1, 0, 0, 0, NULL);
	packet(0, 1ull << 40, 4, 4);
	breaks(0, "after 2262");
	begin(false);
	section();
	iface(1, 0, 9, INT64_MIN, NULL);
	packet(0, 1ull << 40, 4, 4);
	breaks(0, "before 1970");
	begin(false);
	section();
	iface(1, 0, 9, 0, NULL);
	packet(0, 1, 4, 4);
	file[n_file - 16] = 5; /* kept */
	breaks(0, "a packet of 5 octets in a block of 36");
	/* the same when the window has more before it */
	begin(false);
	section();
	iface(1, 0, 9, 0, NULL);
	packet(0, 1, 4, 4);
	packet(0, 1, 4, 4);
	file[n_file - 16] = 5;
	breaks(1, "a packet of 5 octets in a block of 36");
	file[n_file - 16] = 4;
	file[n_file - 24] = 0xff; /* stamp */
	file[n_file - 21] = 0xff;
	breaks(1, "after 2262");
	file[n_file - 21] = 0;
	file[n_file - 28] = 1; /* interface */
	breaks(1, "interface 1, of 1");
	file[n_file - 28] = 0;
	packet(0, 1, 4, 4);
	file[n_file - 36 - 32] = 38; /* length */
	breaks(1, "a block of type 6 with 38 octets");
	n_file -= 36;
	file[n_file - 32] = 40;
	breaks(1, "in the middle of a block");
	begin(false);
	section();
	put32(6);
	put32(13);
	put64(0);
	breaks(0, "block of type 6 with 13 octets");
	begin(false);
	section();
	put32(6);
	put32(0xfffffffc);
	put64(0);
	breaks(0, "block of type 6 with 4294967292");
	begin(false);
	section();
	put32(0xbad);
	put32(0xfffffffc);
	put64(0);
	breaks(0, "in the middle of a block");
	begin(false);
	section();
	block(1, 8 + 8);
	put16(1);
	put16(0);
	put32(0);
	put16(2);
	put16(99);
	put32(0);
	end_block(16);
	breaks(0, "an option of 99 octets");
	begin(false);
	section();
	file[8] = 0;
	breaks(0, "no order of octets");
	begin(false);
	section();
	file[12] = 2;
	breaks(0, "version 2");

	assert_true(capture_open("/nowhere/x", READER_ANY, &r, &e) < 0);
	assert_non_null(strstr(e.text, "/nowhere/x"));
	begin(false);
	pcap_head(0xa1b2c3d4, 1);
	save();
	assert_true(capture_open(path, 1, &r, &e) < 0);
	assert_non_null(strstr(e.text, "one interface"));
	assert_null(r);
}

/* As many interfaces as there may be, and one more. */
static void
many_ifaces(void **state)
{
	FILE *f = fopen(path, "w");
	struct capture_reader *r = NULL;
	struct capture_packet p;
	struct err e = {0};

	(void)state;
	assert_non_null(f);
	begin(false);
	section();
	fwrite(file, 1, n_file, f);
	n_file = 0;
	block(1, 8);
	put16(1);
	put16(0);
	put32(0);
	end_block(8);
	for (unsigned i = 0; i <= READER_IFACES; i++)
		fwrite(file, 1, n_file, f);
	fclose(f);
	assert_int_equal(capture_open(path, READER_ANY, &r, &e), 0);
	assert_true(capture_next(r, &p, &e) < 0);
	assert_non_null(strstr(e.text, "more than 65536 interfaces"));
	capture_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_of_all_kinds),
		cmocka_unit_test(pcapng_of_both_orders),
		cmocka_unit_test(sections),
		cmocka_unit_test(other_links),
		cmocka_unit_test(simple_without_ethernet),
		cmocka_unit_test(long_files),
		cmocka_unit_test(lends),
		cmocka_unit_test(runs),
		cmocka_unit_test(gzip_files),
		cmocka_unit_test(refuses),
		cmocka_unit_test(many_ifaces),
	};
	int fd = mkstemp(path), rc;

	if (fd != -1)
		close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
