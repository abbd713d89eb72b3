/* SPDX-License-Identifier: ISC */
/*
 * Which station is behind which port of a bridge: the bridges' forwarding
 * databases, kept only while a rule names a port. A station that was silent
 * for long is forgotten by the bridge, not by us: it is where it was until
 * it is seen elsewhere. Bounded; the oldest goes first.
 */
#include "fdb.h"

#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <stdlib.h>
#include <string.h>

#include "effect.h"
#include "lib/daemon/log.h"
#include "list.h"
#include "seed.h"

#define HEADS   4096
#define FDB_MAX 16384

struct fdb {
	struct list in, age;
	uint32_t bridge, port;
	uint8_t mac[6];
};

static struct list heads[HEADS], age;
static unsigned int n_fdb;
static bool enabled;

static struct list *
head(const uint8_t mac[6])
{
	return &heads[seed_hash(mac, 6) & (HEADS - 1)];
}

static struct fdb *
find(uint32_t bridge, const uint8_t mac[6])
{
	struct list *h = head(mac), *x;
	struct fdb *f;

	for (x = h->next; x != h; x = x->next) {
		f = LIST_OF(x, struct fdb, in);
		if (f->bridge == bridge && memcmp(f->mac, mac, 6) == 0)
			return f;
	}
	return NULL;
}

static void
drop(struct fdb *f)
{
	list_del(&f->in);
	list_del(&f->age);
	free(f);
	n_fdb--;
}

static void
put(uint32_t bridge, uint32_t port, const uint8_t mac[6])
{
	struct fdb *f = find(bridge, mac);

	if (f == NULL) {
		if (n_fdb >= FDB_MAX)
			drop(LIST_OF(age.next, struct fdb, age));
		if ((f = calloc(1, sizeof(*f))) == NULL)
			fatal("fdb: out of memory");
		memcpy(f->mac, mac, sizeof(f->mac));
		f->bridge = bridge;
		list_add(head(mac), &f->in);
		list_init(&f->age);
		n_fdb++;
	}
	list_del(&f->age);
	list_add(&age, &f->age);
	if (f->port == port)
		return;
	f->port = port;
	effect_mac(mac, NULL);
}

struct sighting {
	uint32_t bridge, port;
	uint8_t mac[6];
};

/* False: not a station's. */
static bool
parse(const struct nlmsghdr *nlh, struct sighting *s)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	bool has_mac = false;

	/* permanent ones are the bridge's own */
	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    (ndm->ndm_state & NUD_PERMANENT) != 0 ||
	    (ndm->ndm_flags & NTF_SELF) != 0)
		return false;
	s->port = (uint32_t)ndm->ndm_ifindex;
	s->bridge = 0;
	mnl_attr_for_each (a, nlh, sizeof(*ndm))
		if (mnl_attr_get_type(a) == NDA_LLADDR &&
		    mnl_attr_get_payload_len(a) == sizeof(s->mac)) {
			memcpy(s->mac, mnl_attr_get_payload(a), sizeof(s->mac));
			has_mac = true;
		} else if (mnl_attr_get_type(a) == NDA_MASTER) {
			s->bridge = mnl_attr_get_u32(a);
		}
	return has_mac && s->bridge != 0;
}

void
fdb_event(const struct nlmsghdr *nlh)
{
	struct sighting s;

	if (enabled && parse(nlh, &s))
		put(s.bridge, s.port, s.mac);
}

uint32_t
fdb_port(uint32_t bridge, const uint8_t mac[6])
{
	const struct fdb *f = enabled ? find(bridge, mac) : NULL;

	return f != NULL ? f->port : 0;
}

/* What a dump has shown; looked at when it is over. */
struct dump {
	struct sighting *v;
	size_t n, size;
};

static void
dump_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;

	if (d->n == d->size) {
		d->size = d->size * 2 + 64;
		if ((d->v = realloc(d->v, d->size * sizeof(*d->v))) == NULL)
			fatal("fdb: out of memory");
	}
	if (parse(nlh, &d->v[d->n]))
		d->n++;
}

int
fdb_dump(struct netlink *nl)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct ndmsg ndm = {.ndm_family = AF_BRIDGE};
	struct dump d = {.n = 0};
	size_t i;
	int rc;

	rc = netlink_dump(nl,
	    netlink_msg(buf, RTM_GETNEIGH, 0, &ndm, sizeof(ndm)), dump_cb, NULL,
	    &d);
	for (i = 0; rc == 0 && i < d.n; i++)
		put(d.v[i].bridge, d.v[i].port, d.v[i].mac);
	free(d.v);
	return rc;
}

int
fdb_enable(struct netlink *nl, bool on)
{
	size_t i;

	if (on == enabled)
		return 0;
	if (heads[0].next == NULL) {
		for (i = 0; i < HEADS; i++)
			list_init(&heads[i]);
		list_init(&age);
	}
	enabled = on;
	while (!list_empty(&age))
		drop(LIST_OF(age.next, struct fdb, age));
	return on ? fdb_dump(nl) : 0;
}
