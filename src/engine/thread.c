/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static int
set_priority(pthread_attr_t *attr, int priority)
{
	struct sched_param param = {.sched_priority = priority};
	int rc = pthread_attr_setinheritsched(attr, PTHREAD_EXPLICIT_SCHED);

	if (rc == 0)
		rc = pthread_attr_setschedpolicy(attr, SCHED_FIFO);
	return rc != 0 ? rc : pthread_attr_setschedparam(attr, &param);
}

static int
set_cpu(pthread_attr_t *attr, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

/* Why it could not be started. */
static int
tell(const struct thread_cfg *cfg, int rc, struct err *e)
{
	if (rc == EPERM)
		return err_set(e, rc, "real-time priority %d: not permitted: it "
		    "takes CAP_SYS_NICE or a high enough 'ulimit -r', and a "
		    "control group that has cpu.rt_runtime_us", cfg->priority);
	if (rc == EINVAL && cfg->cpu >= 0)
		return err_set(e, rc, "processor %d: not there, or not for us",
		    cfg->cpu);
	return err_set(e, rc, "a thread: %s", strerror(rc));
}

int
thread_start(const struct thread_cfg *cfg, pthread_t *out, void *(*fn)(void *),
    void *arg, struct err *e)
{
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc != 0)
		return tell(cfg, rc, e);
	if (cfg->priority > 0)
		rc = set_priority(&attr, cfg->priority);
	if (rc == 0 && cfg->cpu >= 0)
		rc = set_cpu(&attr, cfg->cpu);
	if (rc == 0)
		rc = pthread_create(out, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return rc != 0 ? tell(cfg, rc, e) : 0;
}

void
thread_debt_begin(struct thread_debt *d, ns_t now, ns_t used)
{
	*d = (struct thread_debt){.since = now, .used_since = used,
	    .next_look = now + THREAD_PAUSE_NS * THREAD_SHARE};
}

ns_t
thread_debt_owed(struct thread_debt *d, ns_t now, ns_t used)
{
	ns_t on = used - d->used_since, all = now - d->since;
	ns_t off = all > on ? all - on : 0, owed = on / THREAD_SHARE;

	if (off >= owed + THREAD_SAVED_NS) { /* a new account, with savings */
		d->since = now - THREAD_SAVED_NS;
		d->used_since = used;
	}
	owed = owed > off ? owed - off : 0;
	if (owed >= THREAD_PAUSE_NS) {
		d->next_look = now + owed;
		return owed;
	}
	d->next_look = now + (THREAD_PAUSE_NS - owed) * THREAD_SHARE;
	return 0;
}
