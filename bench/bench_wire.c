/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The load of bench/net: frames on an interface, as many as there can be or one
 * at a time with the hour written into it, and the one who looks at the hour.
 *
 *	bench_wire flood IF			endless, until a signal
 *	bench_wire drop IF			an XDP program there drops all, until a
 *						signal
 *	bench_wire delay IF NET IF2 NS PPS N	how far N frames, PPS a second, are
 *						from arriving NS later
 *	bench_wire gap IF NET IF2 NS PPS N	how far their gaps are from NS
 *
 * IF2 is where they arrive, in the network namespace of the file NET.
 *
 * A flood is made by the kernel: an XDP program that redirects the frame that it
 * is given to the interface, run without end on "live frames" (bpf(2),
 * BPF_PROG_TEST_RUN).  That makes 3 to 4 million a second on a veth pair, where
 * a socket makes half a million.  Arrivals are stamped by the kernel's receive
 * path, so that waking this program is no part of them; and it never sleeps, but
 * sends and takes in turn, so that it needs one core and leaves the others alone.
 */
#include "base/cdefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
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
	BURST = 16,
	PATIENCE_S = 2,
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

/* The cheapest neighbour there is, and one that polls. */
static int
drop(unsigned ifindex)
{
	const struct bpf_insn prog[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)prog,
		.insn_cnt = sizeof(prog) / sizeof(prog[0]),
		.license = (uintptr_t) "Dual BSD/GPL",
	};
	union bpf_attr link = {.link_create = {
		.target_ifindex = ifindex,
		.attach_type = BPF_XDP,
	}};
	int fd = bpf(BPF_PROG_LOAD, &load);

	link.link_create.prog_fd = (unsigned)fd;
	if (fd == -1 || bpf(BPF_LINK_CREATE, &link) == -1)
		return die("bpf");
	return pause();
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

/* A run: who sends where, and what has become of it. */
struct run {
	int tx, rx;
	int64_t pps;
	long n;		/* frames to send, and to wait for */
	long n_sent, n_came;
	int64_t *sent;	/* stamps of those that came */
	int64_t *came;
};

static int
send_one(struct run *r)
{
	uint8_t frame[FRAME];
	int64_t stamp = now_ns(CLOCK_REALTIME);

	memcpy(frame, classic, FRAME);
	memcpy(frame + STAMP_AT, &stamp, sizeof(stamp));
	r->n_sent++;
	return send(r->tx, frame, FRAME, 0) == -1 && errno != ENOBUFS ? -1 : 0;
}

/* Takes a few frames, if any are there. */
static void
take(struct run *r)
{
	static struct one ones[BURST];
	static struct mmsghdr msgs[BURST];
	int got;

	for (unsigned i = 0; i < BURST; i++) {
		ones[i].iov = (struct iovec){ones[i].data,
		    sizeof(ones[i].data)};
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = &ones[i].iov,
			.msg_iovlen = 1,
			.msg_control = ones[i].control,
			.msg_controllen = sizeof(ones[i].control),
		};
	}
	got = recvmmsg(r->rx, msgs, BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got && r->n_came < r->n; i++) {
		if (memcmp(ones[i].data + NAME_AT, classic + NAME_AT,
			NAME_LEN) != 0)
			continue;
		memcpy(&r->sent[r->n_came], ones[i].data + STAMP_AT,
		    sizeof(r->sent[0]));
		r->came[r->n_came++] = arrival(&msgs[i].msg_hdr);
	}
}

/* Sends in time and takes in between; ends PATIENCE_S after the last one sent. */
static int
turns(struct run *r)
{
	int64_t start = now_ns(CLOCK_MONOTONIC);
	int64_t end = start + (r->n / r->pps + PATIENCE_S) * 1000000000LL;

	while (r->n_came < r->n) {
		int64_t now = now_ns(CLOCK_MONOTONIC);

		if (now > end)
			break;
		if (r->n_sent < r->n &&
		    now >= start + r->n_sent * 1000000000LL / r->pps) {
			if (send_one(r) == -1)
				return die("send");
		} else {
			take(r);
		}
	}
	return 0;
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

/* A socket that receives from 'name' in another network namespace. */
static int
far_socket(const char *net, const char *name)
{
	int there = open(net, O_RDONLY), fd, on = 1, size = 1 << 26;

	if (there == -1 || setns(there, CLONE_NEWNET) == -1)
		return -1;
	close(there);
	fd = raw_socket(if_nametoindex(name), ETH_P_ALL);
	if (fd != -1) {
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	}
	return fd;
}

static int
measure(unsigned ifindex, bool gaps, char **argv)
{
	int64_t want_ns = atoll(argv[5]), *errors;
	struct run r = {.pps = atoll(argv[6]), .n = atol(argv[7])};

	r.sent = errors = calloc((size_t)r.n, sizeof(*r.sent));
	r.came = calloc((size_t)r.n, sizeof(*r.came));
	r.tx = raw_socket(ifindex, 0);
	r.rx = far_socket(argv[3], argv[4]);
	if (r.sent == NULL || r.came == NULL || r.tx == -1 || r.rx == -1)
		return die("socket");
	if (turns(&r) != 0 || r.n_came <= gaps)
		return 1;
	for (long i = 0; i < r.n_came - gaps; i++)
		errors[i] = llabs((gaps ? r.came[i + 1] - r.came[i]
					: r.came[i] - r.sent[i]) - want_ns);
	show(errors, r.n_came - gaps);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	unsigned ifindex = argc > 2 ? if_nametoindex(argv[2]) : 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ifindex == 0)
		return die("interface");
	if (argc == 3 && strcmp(mode, "flood") == 0)
		return flood(ifindex);
	if (argc == 3 && strcmp(mode, "drop") == 0)
		return drop(ifindex);
	if (argc == 8 && atol(argv[6]) > 0 && atol(argv[7]) > 0 &&
	    (strcmp(mode, "delay") == 0 || strcmp(mode, "gap") == 0))
		return measure(ifindex, mode[0] == 'g', argv);
	fprintf(stderr, "usage: bench_wire flood|drop|delay|gap IF ...\n");
	return 64;
}
