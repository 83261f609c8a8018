/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The load of bench/net: frames on an interface, as many as there can be or one
 * at a time with the hour written into it, and the one who looks at the hour.
 *
 *	bench_wire flood IF		endless, until a signal
 *	bench_wire pace IF PPS N	N frames in N / PPS seconds
 *	bench_wire delay IF NS N	how far N frames are from arriving NS later
 *	bench_wire gap IF NS N		how far their gaps are from NS
 *
 * A flood is made by the kernel: an XDP program that redirects the frame that it
 * is given to the interface, run without end on "live frames" (bpf(2),
 * BPF_PROG_TEST_RUN).  That makes 3 to 4 million a second on a veth pair, where
 * a socket makes half a million.  Arrivals are stamped by the kernel's receive
 * path, so that waking this program is no part of them.
 */
#include "base/cdefs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME = 60,	   /* without the check sequence, as a socket counts */
	PORT_AT = 34,	   /* UDP source port */
	NAME_AT = 42,	   /* the payload's first octets, to know ours by */
	NAME_LEN = 4,
	STAMP_AT = 46,
	BURST = 64,
	PATIENCE_S = 5,
};

/* UDP from 10.9.0.1 to 10.9.0.2, port 9, to a MAC address that nobody has: the
 * receiver drops it where that is cheapest. */
static const uint8_t classic[FRAME] = {
	0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a, 0x08, 0x00, 0x45, 0, 0,
	46, 0, 1, 0, 0, 64, 17, 0x66, 0xaa, 10, 9, 0, 1, 10, 9, 0, 2, 0x0f, 0xa0,
	0, 9, 0, 26, 0, 0, 0x6b, 0x69, 0x70, 0x66,
};

static int
die(const char *what)
{
	perror(what);
	return 1;
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* ---- flood ---- */

static int
bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

#define INSN(op, d, s, o, i) \
	{ .code = (op), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }

/* A random one of 256 source ports, then redirect to the interface; the verifier
 * wants the frame's length looked at before. */
static int
load_redirect(unsigned ifindex)
{
	struct bpf_insn prog[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 6, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 6, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, FRAME),
		INSN(BPF_JMP | BPF_JGT | BPF_X, 3, 2, 2, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32),
		INSN(BPF_STX | BPF_MEM | BPF_B, 6, 0, PORT_AT + 1, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, (int)ifindex),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)prog,
		.insn_cnt = sizeof(prog) / sizeof(prog[0]),
		.license = (uintptr_t) "Dual BSD/GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd == -1)
		fprintf(stderr, "%s", log);
	return fd;
}

static int
flood(unsigned ifindex)
{
	uint8_t frame[FRAME];
	int fd = load_redirect(ifindex);
	union bpf_attr attr = { 0 };

	if (fd == -1)
		return die("bpf");
	memcpy(frame, classic, FRAME);
	attr.test.prog_fd = (unsigned)fd;
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = FRAME;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.repeat = UINT32_MAX;
	for (;;) {
		if (bpf(BPF_PROG_TEST_RUN, &attr) == -1)
			return die("live frames");
	}
}

/* ---- one at a time ---- */

static int
raw_socket(unsigned ifindex, int protocol)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htobe16((uint16_t)protocol),
		.sll_ifindex = (int)ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd != -1 && bind(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
pace(unsigned ifindex, int64_t pps, long n)
{
	uint8_t frame[FRAME];
	int fd = raw_socket(ifindex, 0);
	int64_t start;

	if (fd == -1)
		return die("socket");
	memcpy(frame, classic, FRAME);
	start = now_ns(CLOCK_MONOTONIC);
	for (long i = 0; i < n; i++) {
		int64_t at = start + i * 1000000000LL / pps, stamp;

		while (now_ns(CLOCK_MONOTONIC) < at)
			continue;
		stamp = now_ns(CLOCK_REALTIME);
		memcpy(frame + STAMP_AT, &stamp, sizeof(stamp));
		if (send(fd, frame, FRAME, 0) == -1 && errno != ENOBUFS)
			return die("send");
	}
	return 0;
}

/* When the kernel got this message; 0 if it does not say. */
static int64_t
arrival(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return ts.tv_sec * 1000000000LL + ts.tv_nsec;
	}
	return 0;
}

struct one {
	uint8_t data[128];
	char control[64];
	struct iovec iov;
};

/* Stamps of up to n of our frames: when they were sent and when they came.  Ends early if none comes for PATIENCE_S. */
static long
collect(int fd, long n, int64_t *sent, int64_t *came)
{
	static struct one ones[BURST];
	static struct mmsghdr msgs[BURST];
	long have = 0;

	while (have < n) {
		int got;

		for (unsigned i = 0; i < BURST; i++) {
			ones[i].iov = (struct iovec){ ones[i].data,
				sizeof(ones[i].data) };
			msgs[i].msg_hdr = (struct msghdr){
				.msg_iov = &ones[i].iov,
				.msg_iovlen = 1,
				.msg_control = ones[i].control,
				.msg_controllen = sizeof(ones[i].control),
			};
		}
		got = recvmmsg(fd, msgs, BURST, MSG_WAITFORONE, NULL);
		if (got <= 0)
			break;
		for (int i = 0; i < got && have < n; i++) {
			if (memcmp(ones[i].data + NAME_AT, classic + NAME_AT,
				NAME_LEN) != 0)
				continue;
			memcpy(&sent[have], ones[i].data + STAMP_AT,
			    sizeof(sent[0]));
			came[have++] = arrival(&msgs[i].msg_hdr);
		}
	}
	return have;
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* errors[n] as microseconds; n > 0. */
static void
show(int64_t *errors, long n)
{
	qsort(errors, (size_t)n, sizeof(errors[0]), ascending);
	printf("p50 %.1f p90 %.1f p99 %.1f us (%ld)\n",
	    (double)errors[n / 2] / 1e3, (double)errors[n * 9 / 10] / 1e3,
	    (double)errors[n * 99 / 100] / 1e3, n);
}

static int
take(unsigned ifindex, bool gaps, int64_t want_ns, long n)
{
	int64_t *sent = calloc((size_t)n, sizeof(*sent));
	int64_t *came = calloc((size_t)n, sizeof(*came));
	int fd = raw_socket(ifindex, ETH_P_ALL), on = 1, size = 1 << 26;
	struct timeval patience = { .tv_sec = PATIENCE_S };
	long have;

	if (fd == -1 || sent == NULL || came == NULL)
		return die("socket");
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	printf("ready\n");
	fflush(stdout);
	have = collect(fd, n, sent, came);
	for (long i = 0; i < have - gaps; i++)
		sent[i] = llabs((gaps ? came[i + 1] - came[i]
				      : came[i] - sent[i]) - want_ns);
	if (have > gaps)
		show(sent, have - gaps);
	free(sent);
	free(came);
	return have <= gaps;
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	unsigned ifindex = argc > 2 ? if_nametoindex(argv[2]) : 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (ifindex == 0)
		return die("interface");
	if (argc == 3 && strcmp(mode, "flood") == 0)
		return flood(ifindex);
	if (argc == 5 && strcmp(mode, "pace") == 0)
		return pace(ifindex, atoll(argv[3]), atol(argv[4]));
	if (argc == 5 && (strcmp(mode, "delay") == 0 ||
			     strcmp(mode, "gap") == 0))
		return take(ifindex, mode[0] == 'g', atoll(argv[3]),
		    atol(argv[4]));
	fprintf(stderr, "usage: bench_wire flood|pace|delay|gap IF ...\n");
	return 64;
}
