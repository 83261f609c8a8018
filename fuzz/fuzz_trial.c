/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon answers to 'ipfw test', printed for humans and as JSON: nothing
 * in it is to be trusted.
 *
 * Input      the answer, from struct trial_reply on.
 */
#include "cli/cli.h"
#include "cli/trial.h"
#include "ctl/control.h"
#include "fake_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *answer;
static size_t answer_len;

/* The rules come from a real control, the answer to a trial from the input. */
static int
transport(void *control, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	const struct fw3_hdr *h = data;

	if (h->opcode != FW3_TRIAL)
		return ctl_local_transport(control, optname, dir, data, len,
		    room, reply_len, why);
	*reply_len = answer_len < room ? answer_len : room;
	memcpy(data, answer, *reply_len);
	return answer_len > room ? -ENOMEM : 0;
}

static struct cli *
cli(void)
{
	static char *const lines[] = {
	    "add 100 count tag 3 log ip from any to any",
	    "add 200 check-state", "add 300 prob 0.5 skipto 400 tcp from any "
	    "to { 10.0.0.1 or 10.0.0.2 } 80,443 setup keep-state",
	    "add 400 setdscp tablearg ip from table(t) to any dscp be",
	    "add 500 reset ip from any to any not tcpflags ack iptos lowdelay"};
	static struct cli c;

	if (c.ctl != NULL)
		return &c;
	c = (struct cli){.ctl = ctl_client_wrap(transport,
		control_create(fake_create())), .in = stdin,
	    .out = fopen("/dev/null", "w"), .err = stderr, .prog = "ipfw",
	    .flags = CLI_FORCE, .set = -1};
	for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
		char *argv[] = {"ipfw", lines[k], NULL};

		cli_main(&c, 2, argv);
	}
	return &c;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct frame_way way;
	struct trial_opt o = {.steps = true, .all = true, .near = 1};
	struct rulebook book = {.n = 0};
	struct trial_view v;
	struct text t = {0};
	struct err e = {0};
	struct cli *c = cli();

	answer = data;
	answer_len = size;
	if (rulebook_fetch(c, &book, &e) != 0)
		abort();
	if (trial_ask(c, &o, &way, "", 0, &book, &v, &e) == 0) {
		trial_print(&t, &v, &o);
		trial_print_line(&t, &v, 1);
		trial_print_json(&t, &v, &o, 1);
		trial_view_fini(&v);
	}
	text_fini(&t);
	rulebook_fini(&book);
	return 0;
}
