/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet in words: what is read becomes a frame that parse finds whole, and
 * what is refused comes with a sentence.
 *
 * Input      one line of text, what follows "test".
 */
#include "cli/frame.h"
#include "packet/parse.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No name is looked up. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node, (void)service, (void)hints, (void)res;
	return EAI_NONAME;
}

static void
check_frame(struct frame *f)
{
	static const struct parse_cfg cfg = {.permit_single_frag6 = true};
	struct pkt p = {.data = f->octets, .len = (uint16_t)f->len};

	if (f->len < 14 || f->len > FRAME_MAX)
		abort();
	parse(&p, &cfg);
	if (p.bad == PKT_BAD_SHORT_ETHER || p.bad == PKT_BAD_SHORT_L3)
		abort();
	if (p.ip_len > f->len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame f;
	char line[LINE + 1];
	struct words ws;
	struct err e = {0};

	if (size > LINE)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (words_line(&ws, line, &e) != 0)
		return 0;
	if (frame_read(&f, ws.w, ws.n, &e) == 0)
		check_frame(&f);
	else if (e.text[0] == '\0')
		abort();
	words_fini(&ws);
	return 0;
}
