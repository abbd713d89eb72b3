/* SPDX-License-Identifier: ISC */
/*
 * A TUN, as afwrt-net hands it over: read in batches, each of which ends
 * after a number of packets and of bytes so that nodes get their turn, too.
 * With the virtio-net header the kernel hands over TCP segments up to 64 KiB
 * as one packet, their checksum not completed, and takes the same. Without it
 * packets go one by one, and it need not be a TUN: an application may give the
 * end of a socket pair that keeps packets apart.
 */
#include "afwrt-tun/device.h"

#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/packet.h"
#include "lib/daemon/log.h"

#define BATCH_PACKETS 64
#define BATCH_BYTES   (128 * 1024) /* half of what a route queues */

struct device {
	struct event_base *base;
	const struct device_input *input;
	void *arg;
	struct event *readable;
	int fd;          /* -1: none */
	int socket_type; /* 0: a TUN */
	size_t header_size;
	bool offload, paused;
};

/* A packet is done with before the next is read, from whatever device. */
static uint8_t buffer[sizeof(struct virtio_net_hdr_v1) + PACKET_MAX + 1];

struct device *
device_new(struct event_base *base, const struct device_input *input, void *arg)
{
	struct device *d = calloc(1, sizeof(*d));

	if (d == NULL)
		fatal("tun: device: out of memory");
	d->base = base;
	d->input = input;
	d->arg = arg;
	d->fd = -1;
	return d;
}

static void
device_close(struct device *d)
{
	if (d->readable != NULL)
		event_free(d->readable);
	d->readable = NULL;
	if (d->fd != -1)
		(void)close(d->fd);
	d->fd = -1;
	d->offload = false;
}

void
device_free(struct device *d)
{
	if (d == NULL)
		return;
	device_close(d);
	free(d);
}

static bool
meta_read(const struct device *d, struct device_meta *m)
{
	struct virtio_net_hdr_v1 h;

	memset(m, 0, sizeof(*m));
	if (d->header_size == 0)
		return true;
	memcpy(&h, buffer, sizeof(h));
	m->partial = (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	m->start = h.csum_start;
	m->offset = h.csum_offset;
	switch (h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		m->gso = h.gso_size;
		return m->gso != 0;
	default: /* not asked for */
		return false;
	}
}

/* One packet. Its length, 0 nothing to read, -1 the device is gone. */
static ssize_t
device_read(struct device *d)
{
	struct device_meta m;
	ssize_t n;

	n = read(d->fd, buffer, sizeof(buffer));
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0 && d->socket_type == SOCK_DGRAM)
		return 1; /* an empty packet; these have no end */
	if (n == 0) {
		errno = EPIPE;
		return -1;
	}
	if ((size_t)n > d->header_size && meta_read(d, &m))
		d->input->packet(d->arg, buffer + d->header_size,
		    (size_t)n - d->header_size, &m);
	return n;
}

static void
device_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;
	size_t bytes = 0;
	ssize_t n = 0;
	int i;

	(void)fd;
	(void)what;
	d->input->begin(d->arg);
	for (i = 0; i < BATCH_PACKETS && bytes < BATCH_BYTES; i++) {
		n = device_read(d);
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	if (n == -1) { /* taken down under us; afwrt-net sends another */
		if (errno == EBADFD) /* deleted: the end of a run */
			log_debug("tun: device: is gone");
		else
			log_warn("tun: device: %s", strerror(errno));
		device_close(d);
	}
	d->input->end(d->arg);
}

/* The flags stay with the device, so what an earlier process set is set
 * anew or taken back. Without capability: the open file is enough. */
static void
offload_set(struct device *d)
{
	unsigned long on = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	d->offload =
	    d->header_size != 0 && ioctl(d->fd, TUNSETOFFLOAD, on) == 0;
	log_debug(
	    "tun: device: segmentation offload %s", d->offload ? "on" : "off");
}

static int
socket_type_of(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ? 0
								      : type;
}

static bool
device_usable(int fd, uint32_t vnet_hdr)
{
	if (vnet_hdr != 0 && vnet_hdr != sizeof(struct virtio_net_hdr_v1)) {
		log_err("tun: device: header of %u bytes is unknown", vnet_hdr);
		return false;
	}
	if (socket_type_of(fd) == SOCK_STREAM) {
		log_err("tun: device: a stream socket keeps no packets apart");
		return false;
	}
	return true;
}

void
device_set(struct device *d, int fd, uint32_t vnet_hdr)
{
	device_close(d);
	if (!device_usable(fd, vnet_hdr)) {
		(void)close(fd);
		return;
	}
	d->socket_type = socket_type_of(fd);
	d->fd = fd;
	d->header_size = vnet_hdr;
	(void)evutil_make_socket_nonblocking(fd);
	(void)evutil_make_socket_closeonexec(fd);
	offload_set(d);
	d->readable =
	    event_new(d->base, fd, EV_READ | EV_PERSIST, device_read_cb, d);
	if (d->readable == NULL)
		fatal("tun: device: no event");
	device_pause(d, d->paused);
}

void
device_pause(struct device *d, bool pause)
{
	d->paused = pause;
	if (d->readable == NULL)
		return;
	if (pause)
		(void)event_del(d->readable);
	else if (event_add(d->readable, NULL) == -1)
		fatal("tun: device: no event");
}

bool
device_takes_gso(const struct device *d)
{
	return d->offload;
}

static void
meta_write(struct virtio_net_hdr_v1 *h, const struct device_meta *m)
{
	memset(h, 0, sizeof(*h));
	if (m == NULL)
		return;
	if (m->partial) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = m->start;
		h->csum_offset = m->offset;
	}
	if (m->gso != 0) {
		h->gso_type = m->family == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
					     : VIRTIO_NET_HDR_GSO_TCPV6;
		h->gso_size = m->gso;
		h->hdr_len = m->header;
	}
}

bool
device_write(struct device *d, const uint8_t *data, size_t len,
    const struct device_meta *m)
{
	static struct afw_ratelimit limit;
	struct virtio_net_hdr_v1 h;
	struct iovec v[2] = {{&h, d->header_size}, {(void *)data, len}};
	bool bare = d->header_size == 0;
	ssize_t n;

	if (d->fd == -1)
		return false;
	meta_write(&h, m);
	n = writev(d->fd, v + bare, bare ? 1 : 2);
	if (n >= 0)
		return true;
	if (errno != EAGAIN && errno != EBADFD && afw_ratelimit_ok(&limit, 1))
		log_warn("tun: device: write: %s", strerror(errno));
	return false;
}
