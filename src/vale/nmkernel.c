/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmkernel.h"

#include "netmap_api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct nmkernel {
	int fd;
	char *mem;
	struct nmreq_register r;
	struct netmap_if *nifp;
	unsigned first; /* ring, if it is one only */
	unsigned n[2];	/* rings that we have: tx, rx */
};

static bool
has_device(void)
{
	int fd = open(NETMAP_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

bool
nmkernel_has(const char *name)
{
	const char *env = secure_getenv("KIPFW_VALE");

	if (strncmp(name, "netmap:", 7) == 0)
		return has_device();
	if (strncmp(name, "vale", 4) != 0)
		return false;
	if (env != NULL && strcmp(env, "user") == 0)
		return false;
	return (env != NULL && strcmp(env, "kernel") == 0) || has_device();
}

/* "netmap:eth0-2", "netmap:eth0^", "valeX:p": which rings are meant. */
static int
parse(const char *name, struct nmreq_header *hdr, struct nmreq_register *r,
    struct err *e)
{
	const char *own = strncmp(name, "netmap:", 7) == 0 ? name + 7 : name;
	size_t len = own == name ? strlen(own) : strcspn(own, "-^");
	char *end = NULL;

	if (len == 0 || len >= sizeof(hdr->nr_name))
		return err_set(e, EINVAL, "%.80s: no port's name", name);
	memcpy(hdr->nr_name, own, len);
	r->nr_mode = NR_REG_ALL_NIC;
	if (own[len] == '\0')
		return 0;
	if (own[len] == '^' && own[len + 1] == '\0') {
		r->nr_mode = NR_REG_SW;
		return 0;
	}
	if (own[len] == '-' && own[len + 1] != '\0') {
		r->nr_mode = NR_REG_ONE_NIC;
		r->nr_ringid = (uint16_t)strtoul(own + len + 1, &end, 10);
		if (*end == '\0')
			return 0;
	}
	return err_set(e, EINVAL, "%.80s: want netmap:NAME, NAME-ring or "
	    "NAME^", name);
}

static int
reg(struct nmkernel *k, const char *name, const struct nmport_cfg *cfg,
    struct err *e)
{
	struct nmreq_header hdr = { .nr_version = NETMAP_API,
		.nr_reqtype = NETMAP_REQ_REGISTER,
		.nr_body = (uintptr_t)&k->r };
	int rc;

	k->r = (struct nmreq_register){
		.nr_tx_slots = cfg->tx_slots,
		.nr_rx_slots = cfg->rx_slots,
		.nr_tx_rings = (uint16_t)cfg->tx_rings,
		.nr_rx_rings = (uint16_t)cfg->rx_rings,
		.nr_extra_bufs = cfg->n_extra,
	};
	rc = parse(name, &hdr, &k->r, e);
	if (rc < 0)
		return rc;
	if (ioctl(k->fd, NIOCCTRL, &hdr) == -1)
		return err_set(e, errno, "%s: netmap: %s", name,
		    strerror(errno));
	k->mem = mmap(NULL, k->r.nr_memsize, PROT_READ | PROT_WRITE,
	    MAP_SHARED, k->fd, 0);
	if (k->mem == MAP_FAILED)
		return err_set(e, errno, "%s: netmap: cannot map %llu MB: %s",
		    name, (unsigned long long)k->r.nr_memsize >> 20,
		    strerror(errno));
	return 0;
}

/* Host rings come behind the others. */
static void
choose_rings(struct nmkernel *k)
{
	k->n[0] = k->r.nr_tx_rings;
	k->n[1] = k->r.nr_rx_rings;
	if (k->r.nr_mode == NR_REG_ALL_NIC)
		return;
	k->first = k->r.nr_mode == NR_REG_ONE_NIC ? k->r.nr_ringid :
						    k->r.nr_rx_rings;
	k->n[0] = k->n[1] = 1;
}

static unsigned
at_most(unsigned n)
{
	return n > NMPORT_MAX_RINGS ? NMPORT_MAX_RINGS : n;
}

int
nmkernel_open(const char *name, struct nmport_cfg *cfg, struct nmkernel **out,
    struct err *e)
{
	struct nmkernel *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return err_set(e, ENOMEM, "%s: no memory", name);
	k->mem = MAP_FAILED;
	k->fd = open(NETMAP_DEVICE, O_RDWR | O_CLOEXEC);
	rc = k->fd == -1 ? err_set(e, errno, NETMAP_DEVICE ": %s",
	    strerror(errno)) : reg(k, name, cfg, e);
	if (rc < 0) {
		nmkernel_close(k);
		return rc;
	}
	k->nifp = (struct netmap_if *)(void *)(k->mem + k->r.nr_offset);
	choose_rings(k);
	cfg->tx_slots = k->r.nr_tx_slots;
	cfg->rx_slots = k->r.nr_rx_slots;
	cfg->tx_rings = at_most(k->n[0]);
	cfg->rx_rings = at_most(k->n[1]);
	cfg->n_extra = k->r.nr_extra_bufs;
	*out = k;
	return 0;
}

void
nmkernel_close(struct nmkernel *k)
{
	if (k->mem != MAP_FAILED)
		munmap(k->mem, k->r.nr_memsize);
	if (k->fd != -1)
		close(k->fd);
	free(k);
}

struct netmap_if *
nmkernel_if(const struct nmkernel *k)
{
	return k->nifp;
}

struct netmap_ring *
nmkernel_ring(const struct nmkernel *k, bool is_rx, unsigned i)
{
	unsigned at = k->first + i;

	if (i >= k->n[is_rx])
		return NULL;
	if (is_rx)
		at += k->nifp->ni_tx_rings + k->nifp->ni_host_tx_rings;
	return (void *)((char *)k->nifp + k->nifp->ring_ofs[at]);
}

int
nmkernel_sync(struct nmkernel *k, bool is_rx)
{
	unsigned long cmd = is_rx ? NIOCRXSYNC : NIOCTXSYNC;

	return ioctl(k->fd, cmd, NULL) == -1 ? -errno : 0;
}

int
nmkernel_fd(const struct nmkernel *k)
{
	return k->fd;
}

unsigned
nmkernel_mem_id(const struct nmkernel *k)
{
	return k->r.nr_mem_id;
}

/* As many as the memory could hold behind buffer 0. */
uint32_t
nmkernel_n_bufs(const struct nmkernel *k)
{
	const struct netmap_ring *r = nmkernel_ring(k, true, 0);
	uint64_t ofs = (uint64_t)((const char *)r - k->mem) +
	    (uint64_t)r->buf_ofs;

	return (uint32_t)((k->r.nr_memsize - ofs) / r->nr_buf_size);
}
