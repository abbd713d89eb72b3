/* SPDX-License-Identifier: ISC */
/*
 * The TUN device. It lives as long as somebody holds a descriptor of it:
 * afwrtd and afwrt-tun have duplicates of ours, so that it outlives any one
 * of us. A descriptor whose device was deleted can be attached again, and
 * then the duplicates work again too: all are one open file.
 *
 * With default_gateway it must outlive all of us, or else the two halves would
 * go with it and open the way to the uplink: it is made persistent ("held"),
 * with our user and group as its owner. That is the sign by which the next
 * start knows it and an ordered end removes it.
 */
#include "tun.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "link.h"

#define VNET_HDR  12 /* struct virtio_net_hdr_v1 */
#define MTU_USUAL 1500
#define SWEEP_MAX 16

/* TUNSETIFF says little; find out what is in the way. */
static int
attach_refused(struct netlink *nl, const char *name, int why, struct nerr *e)
{
	struct link_info info;
	bool there = link_get(nl, name, 0, &info) == 0;

	if (why == ENOTTY || why == EBADFD)
		return nerr_set(e, AFW_EINVAL,
		    "interface %s: the descriptor "
		    "given is not one of /dev/net/tun",
		    name);
	if (there && strcmp(info.kind, "tun") != 0)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already "
		    "and is not a TUN device; choose another name",
		    name);
	if (there && why == EBUSY) {
		(void)nerr_set(e, AFW_EBUSY,
		    "interface %s is in use by "
		    "another program; choose another name",
		    name);
		e->soon = true;
		return -1;
	}
	if (there)
		return nerr_set(e, AFW_EBUSY,
		    "interface %s exists already "
		    "and cannot be taken: %s",
		    name, strerror(why));
	(void)nerr_set(e, afw_error_from_errno(why),
	    "interface %s: cannot "
	    "be made: %s",
	    name, strerror(why));
	e->soon = why == EBUSY;
	return -1;
}

/* Packets must come without the old header. */
static int
shape_check(const struct ifreq *ifr, struct nerr *e)
{
	if ((ifr->ifr_flags & (IFF_TUN | IFF_NO_PI)) != (IFF_TUN | IFF_NO_PI))
		return nerr_set(e, AFW_EBUSY,
		    "interface %.15s is a TAP device "
		    "or has packet information on",
		    ifr->ifr_name);
	return 0;
}

static int
attach(struct netlink *nl, int fd, const char *name, struct ifreq *ifr,
    struct nerr *e)
{
	memset(ifr, 0, sizeof(*ifr));
	if (ioctl(fd, TUNGETIFF, ifr) == 0) {
		if (strncmp(ifr->ifr_name, name, sizeof(ifr->ifr_name)) != 0)
			return nerr_set(e, AFW_EBUSY,
			    "interface %s: the descriptor "
			    "given belongs to %.15s",
			    name, ifr->ifr_name);
		return shape_check(ifr, e);
	}
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, name, strnlen(name, sizeof(ifr->ifr_name) - 1));
	ifr->ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, ifr) == -1)
		return attach_refused(nl, name, errno, e);
	/* reads back IFF_PERSIST too */
	if (ioctl(fd, TUNGETIFF, ifr) == -1)
		return nerr_set(
		    e, AFW_EIO, "interface %s: %s", name, strerror(errno));
	return 0;
}

/* What the packets look like, and that reading does not wait. */
static int
descriptor_setup(struct tun *t, int fd, const struct ifreq *ifr, struct nerr *e)
{
	int size = VNET_HDR, fl;

	t->vnet_hdr = (ifr->ifr_flags & IFF_VNET_HDR) != 0 ? VNET_HDR : 0;
	if (t->vnet_hdr != 0 && ioctl(fd, TUNSETVNETHDRSZ, &size) == -1)
		return nerr_set(e, AFW_EIO, "interface %.15s: header size: %s",
		    ifr->ifr_name, strerror(errno));
	if ((fl = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1)
		return nerr_set(e, AFW_EIO, "interface %.15s: non-blocking: %s",
		    ifr->ifr_name, strerror(errno));
	return 0;
}

bool
tun_is(int fd, const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	return fd != -1 && ioctl(fd, TUNGETIFF, &ifr) == 0 &&
	    strncmp(ifr.ifr_name, name, sizeof(ifr.ifr_name)) == 0;
}

bool
tun_is_held(const struct link_info *info)
{
	return strcmp(info->kind, "tun") == 0 && info->persist &&
	    info->owner == (int64_t)geteuid() &&
	    info->group == (int64_t)getegid();
}

int
tun_attach(
    struct netlink *nl, struct tun *t, int fd, const char *name, struct nerr *e)
{
	struct link_info info;
	struct ifreq ifr;

	if (attach(nl, fd, name, &ifr, e) == -1 ||
	    descriptor_setup(t, fd, &ifr, e) == -1)
		return -1;
	if (link_get(nl, name, 0, &info) == -1)
		return nerr_set(e, AFW_EIO, "interface %s: %s", name, nl->text);
	t->fd = fd;
	t->ifindex = info.ifindex;
	t->mtu = info.mtu;
	t->held = tun_is_held(&info);
	t->persistent = (ifr.ifr_flags & IFF_PERSIST) != 0 && !t->held;
	t->foreign = t->down = false;
	memcpy(t->name, info.name, sizeof(t->name));
	return 0;
}

int
tun_adopt(
    struct netlink *nl, struct tun *t, int fd, uint32_t mtu, struct nerr *e)
{
	struct link_info info = {.ifindex = 0};
	struct ifreq ifr;
	int type;
	socklen_t len = sizeof(type);

	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(fd, TUNGETIFF, &ifr) == 0) {
		if (shape_check(&ifr, e) == -1)
			return -1;
	} else {
		memset(&ifr, 0, sizeof(ifr));
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
		    (type != SOCK_SEQPACKET && type != SOCK_DGRAM))
			return nerr_set(e, AFW_EINVAL,
			    "hydra_tun_fd is neither "
			    "a TUN device nor a socket of packets");
	}
	if (descriptor_setup(t, fd, &ifr, e) == -1)
		return -1;
	/* its interface may be in another namespace: then we have none */
	if (ifr.ifr_name[0] != '\0' &&
	    (link_get(nl, ifr.ifr_name, 0, &info) == -1 ||
		strcmp(info.kind, "tun") != 0))
		memset(&info, 0, sizeof(info));
	t->fd = fd;
	t->ifindex = info.ifindex;
	t->mtu = mtu != 0 ? mtu : info.mtu != 0 ? info.mtu : MTU_USUAL;
	t->foreign = true;
	t->held = t->persistent = t->down = false;
	memcpy(t->name, info.name, sizeof(t->name));
	return 0;
}

int
tun_revive(struct netlink *nl, struct tun *t, struct nerr *e)
{
	char name[AFW_IFNAME_SIZE];
	bool held = t->held;

	memcpy(name, t->name, sizeof(name));
	t->ifindex = 0;
	if (t->foreign)
		return nerr_set(e, AFW_ENODEV,
		    "interface %s of hydra_tun_fd is gone", name);
	if (tun_attach(nl, t, t->fd, name, e) == -1)
		return -1;
	if (held && tun_hold(t, true) == -1)
		log_warn(
		    "interface %s: not persistent: %s", name, strerror(errno));
	return 0;
}

int
tun_hold(struct tun *t, bool hold)
{
	if (t->persistent || t->foreign || t->held == hold)
		return 0;
	if (hold &&
	    (ioctl(t->fd, TUNSETOWNER, (unsigned long)geteuid()) == -1 ||
		ioctl(t->fd, TUNSETGROUP, (unsigned long)getegid()) == -1))
		return -1;
	if (ioctl(t->fd, TUNSETPERSIST, hold ? 1UL : 0UL) == -1)
		return -1;
	t->held = hold;
	return 0;
}

void
tun_leave(struct tun *t)
{
	if (t->fd != -1)
		(void)close(t->fd);
	t->fd = -1;
}

static int
device_delete(struct netlink *nl, uint32_t ifindex)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct ifinfomsg ifi = {.ifi_index = (int)ifindex};

	return netlink_talk(
	    nl, netlink_msg(buf, RTM_DELLINK, 0, &ifi, sizeof(ifi)));
}

void
tun_delete(struct netlink *nl, struct tun *t, const struct afw_m_config *cfg)
{
	if (t->ifindex != 0 && (t->persistent || t->foreign)) {
		/* another's device: as it was, not away */
		if (cfg->tun_addr.family == 4 &&
		    (cfg->flags & AFW_C_NO_SOCKET_SETUP) == 0)
			(void)link_addr_del(nl, t->ifindex, &cfg->tun_addr);
		if (!t->foreign)
			(void)link_up(nl, t->ifindex, false);
	} else if (t->ifindex != 0 && device_delete(nl, t->ifindex) == -1 &&
	    errno != ENODEV) {
		log_warn(
		    "interface %s: cannot be deleted: %s", t->name, nl->text);
	}
	tun_leave(t);
	memset(t, 0, sizeof(*t));
	t->fd = -1;
}

struct sweep {
	uint32_t ifindex[SWEEP_MAX];
	int n;
};

static void
sweep_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct sweep *s = arg;
	struct link_info info;

	link_parse(nlh, &info);
	if (tun_is_held(&info) && s->n < SWEEP_MAX)
		s->ifindex[s->n++] = info.ifindex;
}

static void
sweep_again(void *arg)
{
	struct sweep *s = arg;

	s->n = 0;
}

int
tun_sweep(struct netlink *nl)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct sweep s = {.n = 0};
	int i;

	if (netlink_dump(nl,
		netlink_msg(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi)), sweep_cb,
		sweep_again, &s) == -1)
		return -1;
	for (i = 0; i < s.n; i++)
		if (device_delete(nl, s.ifindex[i]) == -1 && errno != ENODEV)
			return -1;
	return s.n;
}
