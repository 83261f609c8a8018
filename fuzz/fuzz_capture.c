/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture file as anybody may have written it: pcap, pcapng, gzip.
 *
 * Every octet of every packet is looked at, and those that are lent once more
 * before they are released; stamps and lengths are within what is promised, and
 * every refusal comes with a sentence.  A second pass, in runs of packets, gives
 * the same.
 */
#include "capture/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LENT = 64, MAX_PACKETS = 1 << 20 };

static uint64_t
sum_of(const struct capture_packet *p)
{
	uint64_t sum = p->ns * 31 + p->len;

	if (p->kept > p->len || p->ns > INT64_MAX)
		abort();
	for (uint32_t i = 0; i < p->kept; i++)
		sum = sum * 31 + p->data[i];
	return sum;
}

/* One packet, or with 'run' up to 'max' of them. */
static int
read_some(struct capture_reader *r, bool run, struct capture_packet *p,
    unsigned max, unsigned *n, struct err *e)
{
	int got;

	if (run) {
		got = capture_next_run(r, p, max, n, e);
		if (*n > max || (*n > 0) != (got == CAPTURE_PACKET))
			abort();
		return got;
	}
	got = capture_next(r, p, e);
	*n = got == CAPTURE_PACKET;
	return got;
}

/* All packets; returns a sum over what was seen. */
static uint64_t
read_all(struct capture_reader *r, bool run)
{
	struct capture_packet lent[LENT];
	uint64_t sums[LENT], sum = 0;
	unsigned n = 0, got_n = 0;
	struct err e = {0};
	int got = 0;

	while (got_n < MAX_PACKETS) {
		unsigned more;

		more = MAX_PACKETS - got_n < LENT - n ? MAX_PACKETS - got_n :
							LENT - n;
		got = read_some(r, run, &lent[n], more, &more, &e);
		for (; more > 0; more--, got_n++) {
			sums[n] = sum_of(&lent[n]);
			capture_ifname(r, lent[n].iface);
			sum = sum * 31 + sums[n++];
		}
		if (got == CAPTURE_PACKET && n < LENT)
			continue;
		for (unsigned i = 0; i < n; i++)
			if (sum_of(&lent[i]) != sums[i])
				abort();
		if (got == CAPTURE_WAIT && n == 0)
			abort();
		n = 0;
		capture_release(r);
		if (got == CAPTURE_END || got < 0)
			break;
	}
	if (got < 0 && e.text[0] == '\0')
		abort();
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	struct capture_reader *r;
	struct err e = {0};

	if (fd == -1) {
		fd = memfd_create("capture", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	for (int iface = READER_ANY; iface <= 1; iface++) {
		uint64_t first;

		if (capture_open(path, iface, &r, &e) != 0) {
			if (e.text[0] == '\0')
				abort();
			continue;
		}
		first = read_all(r, false);
		if (capture_rewind(r, &e) != 0 || read_all(r, true) != first)
			abort();
		capture_close(r);
	}
	return 0;
}
