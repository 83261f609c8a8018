/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/frames.h"

#include "capture/reader.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

int
frames_open(const char *path, void **out, struct err *e)
{
	struct capture_reader *r;
	int rc = capture_open(path, READER_ANY, &r, e);

	if (rc == 0)
		*out = r;
	return rc == 0 ? 0 : rc == -ENOMEM ? EX_OSERR : EX_NOINPUT;
}

void
frames_close(void *capture)
{
	if (capture != NULL)
		capture_close(capture);
}

int
frames_next(void *capture, struct frame *f, struct err *e)
{
	struct capture_packet p;
	int got = capture_next_alone(capture, &p, e);

	if (got != CAPTURE_PACKET)
		return got == CAPTURE_END ? 0 : -1;
	if (p.kept > FRAME_MAX)
		return err_set(e, EMSGSIZE, "a packet of %u octets in a "
		    "capture: at most %d", p.kept, FRAME_MAX), -1;
	memcpy(f->octets, p.data, p.kept);
	f->len = p.kept;
	f->ns = p.ns;
	return 1;
}
