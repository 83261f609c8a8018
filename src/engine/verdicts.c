/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/verdicts.h"

#include "engine/step.h"
#include "engine/vtime.h"
#include "pipe/dn.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)VERDICTS_MAX == (int)HELD_NUMBERS, "numbers are unique");

enum { FIRST_ROOM = 1024 };

struct verdicts {
	verdicts_fn *fn;
	void *arg;
	struct note note; /* of the packet at hand */
	uint64_t first;	  /* packets told */
	uint64_t next;	  /* packets that came */
	size_t room;	  /* a power of two */
	struct packet_story *ring; /* packet n is at n % room */
};

struct verdicts *
verdicts_create(verdicts_fn *fn, void *arg)
{
	struct verdicts *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->fn = fn;
	v->arg = arg;
	v->room = FIRST_ROOM;
	if ((v->ring = calloc(v->room, sizeof(v->ring[0]))) == NULL) {
		free(v);
		return NULL;
	}
	return v;
}

void
verdicts_destroy(struct verdicts *v)
{
	if (v == NULL)
		return;
	free(v->ring);
	free(v);
}

static struct packet_story *
story_at(struct verdicts *v, uint64_t n)
{
	return &v->ring[n & (v->room - 1)];
}

static void
tell_first(struct verdicts *v)
{
	v->fn(v->arg, v->first + 1, story_at(v, v->first));
	v->first++;
}

/* Makes room for more. */
static bool
grow(struct verdicts *v)
{
	struct packet_story *more = NULL;

	if (v->room < VERDICTS_MAX)
		more = calloc(v->room * 2, sizeof(*more));
	if (more == NULL)
		return false;
	for (uint64_t n = v->first; n < v->next; n++)
		more[n & (v->room * 2 - 1)] = *story_at(v, n);
	free(v->ring);
	v->ring = more;
	v->room *= 2;
	return true;
}

bool
verdicts_begin(struct verdicts *v, ns_t came, const char *ifname)
{
	if (v->next - v->first == v->room && !grow(v))
		return false;
	*story_at(v, v->next++) = (struct packet_story){.came = came,
	    .ifname = ifname, .end = END_HELD};
	return true;
}

struct note *
verdicts_note(struct verdicts *v)
{
	return &v->note;
}

void
verdicts_tell(struct verdicts *v, bool all)
{
	while (v->first < v->next &&
	    (all || story_at(v, v->first)->end != END_HELD))
		tell_first(v);
}

/* The packet of that number; NULL if it was told. */
static struct packet_story *
find(struct verdicts *v, uint32_t number)
{
	uint64_t n = v->first + ((number - (uint32_t)v->first) %
	    HELD_NUMBERS);

	return n < v->next ? story_at(v, n) : NULL;
}

/* Its story, with what the rules have just said. */
static struct packet_story *
story_of(struct step_ctx *c)
{
	struct verdicts *v = c->vtime->verdicts;
	struct packet_story *s;

	if (v == NULL || (s = find(v, c->vtime->number)) == NULL)
		return NULL;
	if (v->note.rule != 0)
		s->note.rule = v->note.rule;
	if (v->note.found != 0)
		s->note.found = v->note.found;
	if (v->note.made != 0)
		s->note.made = v->note.made;
	return s;
}

void
verdicts_see_off(struct step_ctx *c, const struct pkt *p)
{
	struct packet_story *s = story_of(c);

	if (s == NULL)
		return;
	switch ((enum verdict)p->verdict) {
	case VERDICT_BOUNCE:
		s->end = END_BACK;
		break;
	case VERDICT_PIPE:
	case VERDICT_QUEUE:
		s->end = END_HELD;
		s->pipe = p->fate.to;
		s->is_queue = p->verdict == VERDICT_QUEUE;
		break;
	case VERDICT_REASS:
		s->end = END_KEPT;
		s->reass = s->note.rule;
		break;
	case VERDICT_DIVERT:
		s->end = END_DROP;
		s->why = drop_text[DROP_DIVERT_NOBODY];
		break;
	case VERDICT_ACCEPT:
	case VERDICT_DENY:
		s->end = END_DROP;
		s->why = drop_text[DROP_RULE];
		break;
	}
}

void
verdicts_drop(struct step_ctx *c, const char *why)
{
	struct packet_story *s = story_of(c);

	if (s == NULL)
		return;
	s->end = END_DROP;
	s->why = why;
}

void
verdicts_pass(struct step_ctx *c)
{
	struct packet_story *s = story_of(c);

	if (s == NULL || s->end == END_PASS)
		return;
	s->end = END_PASS;
	if (s->pipe != 0)
		s->left = c->vtime->now;
}

void
verdicts_pipe_drop(void *arg, uint32_t number, enum dn_drop why)
{
	struct packet_story *s = find(arg, number);

	if (s == NULL || s->end != END_HELD)
		return;
	s->end = END_DROP;
	s->why = dn_drop_text[why];
}
