/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/hostif.h"

#include "nmapi/real.h"
#include "port/nic.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	START_MS = 20000, /* for netmap-nic to take the interface, at most */
	STACK_SIZE = 64 << 10,
	SAID_SIZE = 640,
};

extern char **environ;

/* ---- names ---- */

bool
hostif_port(const char *name, char port[HOSTIF_NAME_SIZE])
{
	size_t len = strcspn(name, "/");
	char base[IF_NAMESIZE];
	struct stat st;
	int n;

	if (len == 0 || len >= sizeof(base) ||
	    strcspn(name, ":{}") != strlen(name))
		return false;
	memcpy(base, name, len);
	base[len] = '\0';
	if (if_nametoindex(base) == 0 || stat("/proc/self/ns/net", &st) == -1)
		return false;
	n = snprintf(port, HOSTIF_NAME_SIZE, "%s{nic-%lu%s", base,
	    (unsigned long)st.st_ino, name + len);
	return n > 0 && n < HOSTIF_NAME_SIZE;
}

unsigned
hostif_rings(const char *name)
{
	struct nic_state now;

	if (!nic_state(name, &now))
		return 1;
	return now.n_queues < NMPORT_MAX_RINGS ? now.n_queues :
						 NMPORT_MAX_RINGS;
}

int
hostif_open(const char *port, const struct nmport_cfg *cfg,
    struct nmport **out, struct err *e)
{
	struct nmport_cfg c = *cfg;
	int rc;

	c.wants_peer = strchr(port, '/') == NULL;
	rc = nmport_open(port, &c, out, e);
	return rc == -ENXIO ? -EAGAIN : rc;
}

/* ---- another process ---- */

/* What the child, in our memory until it executes, needs. */
struct start {
	char path[PATH_MAX];
	char *argv[4];
	char **env;
	int said, null;
	bool is_quiet;
	_Alignas(16) char stacks[2][STACK_SIZE];
};

/* Beside the library, or the program that it is part of. */
static int
find_helper(char path[PATH_MAX], struct err *e)
{
	const char *wish = secure_getenv("NETMAP_NIC"), *file, *slash;
	Dl_info self;

	if (wish != NULL && wish[0] != '\0') {
		snprintf(path, PATH_MAX, "%s", wish);
	} else {
		file = dladdr(&real_table, &self) != 0 ? self.dli_fname : NULL;
		slash = file != NULL ? strrchr(file, '/') : NULL;
		snprintf(path, PATH_MAX, "%.*snetmap-nic",
		    slash != NULL ? (int)(slash - file) + 1 : 0, file);
	}
	if (access(path, X_OK) == -1)
		return err_set(e, ENOENT, "%.200s: %s", path, strerror(errno));
	return 0;
}

/* Our environment without what would preload us again; ends the list. */
static char **
clean_env(void)
{
	size_t n = 0, k = 0;
	char **env;

	while (environ != NULL && environ[n] != NULL)
		n++;
	env = calloc(n + 1, sizeof(*env));
	for (size_t i = 0; env != NULL && i < n; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
			env[k++] = environ[i];
	return env;
}

static int
grandchild(void *arg)
{
	const struct start *s = arg;

	if (real()->dup2(s->null, STDIN_FILENO) == -1 ||
	    real()->dup2(s->said, STDOUT_FILENO) == -1 ||
	    (s->is_quiet && real()->dup2(s->null, STDERR_FILENO) == -1))
		_exit(127);
	execve(s->path, s->argv, s->env);
	_exit(127);
}

static int
child(void *arg)
{
	struct start *s = arg;
	pid_t pid = clone(grandchild, s->stacks[1] + STACK_SIZE,
	    CLONE_VM | CLONE_VFORK, s);

	_exit(pid == -1);
}

/* As vfork() and exec, twice: who executes is nobody's child, so no SIGCHLD and
 * no wait() of the program's will tell of it. */
static int
spawn(struct start *s)
{
	sigset_t all, old;
	int status;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pid = clone(child, s->stacks[0] + STACK_SIZE, CLONE_VM | CLONE_VFORK,
	    s);
	while (pid != -1 && waitpid(pid, &status, __WCLONE) == -1 &&
	    errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid == -1 ? -errno : 0;
}

/* The line that it says, or -ETIMEDOUT; nothing if it dies before. */
static int
listen_to(int fd, char *line, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;

	while (used + 1 < size) {
		int rc = real()->poll(&p, 1, START_MS);
		ssize_t n;

		if (rc == 0)
			return -ETIMEDOUT;
		if (rc == -1)
			continue; /* a signal */
		n = real()->read(fd, line + used, size - 1 - used);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (line[used - 1] == '\n')
			break;
	}
	line[used] = '\0';
	return 0;
}

/* "0", or an errno and what there is to say. */
static int
understand(const char *name, const char *line, struct err *e)
{
	char *rest;
	long code = strtol(line, &rest, 10);

	if (rest == line)
		return err_set(e, EIO, "%s: netmap-nic ended without a word",
		    name);
	if (code == 0 || code == EALREADY)
		return 0;
	return err_set(e, (int)code, "%.*s", (int)strcspn(rest + 1, "\n"),
	    rest + 1);
}

static int
run(struct start *s, const char *name, struct err *e)
{
	char line[SAID_SIZE];
	int said[2], rc;

	if (pipe2(said, O_CLOEXEC) == -1)
		return err_set(e, errno, "pipe: %s", strerror(errno));
	s->said = said[1];
	rc = spawn(s);
	real()->close(said[1]);
	if (rc < 0) {
		err_set(e, -rc, "netmap-nic: %s", strerror(-rc));
	} else {
		rc = listen_to(said[0], line, sizeof(line));
		rc = rc == 0 ? understand(name, line, e) :
			       err_set(e, -rc, "%s: netmap-nic does not "
				   "answer", name);
	}
	real()->close(said[0]);
	return rc;
}

int
hostif_start(const char *name, struct err *e)
{
	char port[HOSTIF_NAME_SIZE], other[HOSTIF_NAME_SIZE];
	struct start *s = calloc(1, sizeof(*s));
	char ifname[IF_NAMESIZE];
	int rc;

	if (s == NULL || !hostif_port(name, port)) {
		free(s);
		return err_set(e, ENXIO, "%s: no such interface", name);
	}
	snprintf(ifname, sizeof(ifname), "%.*s", (int)strcspn(name, "/"), name);
	snprintf(other, sizeof(other), "%s", port);
	*strchr(other, '{') = '}';
	s->is_quiet = getenv("NETMAP_VERBOSE") == NULL;
	s->null = real()->open("/dev/null", O_RDWR | O_CLOEXEC, 0);
	s->env = clean_env();
	s->argv[0] = s->path;
	s->argv[1] = ifname;
	s->argv[2] = other;
	rc = s->null == -1 || s->env == NULL ?
	    err_set(e, ENOMEM, "%s: no memory", name) : find_helper(s->path, e);
	if (rc == 0)
		rc = run(s, name, e);
	if (s->null != -1)
		real()->close(s->null);
	free(s->env);
	free(s);
	return rc;
}
