/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream of control messages, as a client would send it, into the handlers.
 *
 * Each message is a wire header and its data; lengths are cut to what there is
 * left.  Replies must stay within their room, the ruleset in order, and every
 * refusal must come with a sentence.
 */
#include "ctl/control.h"
#include "ctl/wire.h"
#include "fake_engine.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_rules(const struct engine *en)
{
	const struct ruleset *rs = engine_rules(en);

	if (rs->n_rules == 0 || rs->rules[rs->n_rules - 1]->num != RULE_DEFAULT)
		abort();
	for (unsigned i = 1; i < rs->n_rules; i++) {
		const struct rule *a = rs->rules[i - 1], *b = rs->rules[i];

		if (a->num > b->num || (a->num == b->num && a->id >= b->id))
			abort();
		if (a->counter >= rs->n_counters || a->set >= N_SETS)
			abort();
	}
}

/* One message; returns the octets of it. */
static size_t
message(struct control *c, struct err *last, const uint8_t *data, size_t size)
{
	struct wire_hdr h;
	struct wire_msg m;
	struct ctl_call call;
	int error;

	memcpy(&h, data, sizeof(h));
	m = wire_unpack(&h);
	if (m.optlen > size - sizeof(h))
		m.optlen = (uint32_t)(size - sizeof(h));
	call = (struct ctl_call){
	    .optname = m.optname,
	    .dir = m.dir,
	    .data = malloc(m.optlen + 1),
	    .len = m.optlen,
	    .room = m.optlen,
	};
	memcpy(call.data, data + sizeof(h), m.optlen);
	error = control_call(c, &call, last);
	if (call.reply_len > call.room || error > 0)
		abort();
	if (error != 0 && last->text[0] == '\0')
		abort();
	free(call.data);
	return sizeof(h) + m.optlen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine *en = fake_create();
	struct control *c = control_create(en);
	struct err last = {0};
	size_t done = 0;

	while (size - done >= sizeof(struct wire_hdr)) {
		done += message(c, &last, data + done, size - done);
		check_rules(en);
	}
	control_destroy(c);
	fake_destroy(en);
	return 0;
}
