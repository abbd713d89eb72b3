/* SPDX-License-Identifier: ISC */
/*
 * The generic netlink family "wireguard": keys, mark and one peer in, the
 * peer's state out (linux/wireguard.h has the grammar). A peer that stays is
 * changed in place, never removed and added again, or its session would go;
 * its networks are replaced only if they differ, as packets find none in
 * between. Keys are wiped from what is sent and from what is received: the
 * kernel gives the private ones with every dump.
 */
#include "wg_genl.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include <errno.h>
#include <string.h>

#include "lib/wire/channel.h"

_Static_assert(WG_KEY_SIZE == WG_KEY_LEN, "key size");

#define NET_ROOM 48 /* of one network with the nests around it, and more */

static int
failed(struct netlink *ge, const char *name, const char *what, struct nerr *e)
{
	return nerr_set(e, afw_error_from_errno(errno), "interface %s: %s: %s",
	    name, what, ge->text);
}

static void
family_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a;
	uint16_t *family = arg;

	mnl_attr_for_each (a, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(a, MNL_TYPE_U16) == 0)
			*family = mnl_attr_get_u16(a);
}

int
wg_genl_family(struct netlink *ge, uint16_t *family, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct genlmsghdr g = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	struct nlmsghdr *nlh;

	*family = 0;
	nlh = netlink_msg(buf, GENL_ID_CTRL, 0, &g, sizeof(g));
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	if (netlink_get(ge, nlh, family_cb, family) == 0 && *family != 0)
		return 0;
	if (*family == 0 && errno != ENOENT)
		return nerr_set(e, afw_error_from_errno(errno),
		    "the kernel's WireGuard: %s", ge->text);
	return nerr_set(e, AFW_ENOTSUP, "the kernel has no WireGuard");
}

static struct nlmsghdr *
device_msg(struct wg_kernel *k, void *buf, uint8_t cmd, const char *ifname)
{
	struct genlmsghdr g = {.cmd = cmd, .version = WG_GENL_VERSION};
	struct nlmsghdr *nlh = netlink_msg(buf, k->family, 0, &g, sizeof(g));

	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, ifname);
	return nlh;
}

/* ---- out --------------------------------------------------------------- */

/* As many as there is room for; how many that was. */
static size_t
allowed_put(struct nlmsghdr *nlh, const struct afw_wg_net *net, size_t n)
{
	struct nlattr *all, *one;
	bool six;
	size_t i;

	all = mnl_attr_nest_start(nlh, WGPEER_A_ALLOWEDIPS);
	for (i = 0; i < n && nlh->nlmsg_len + NET_ROOM < NETLINK_MSG_SIZE;
	     i++) {
		six = net[i].addr.family == 6;
		one = mnl_attr_nest_start(nlh, 0);
		mnl_attr_put_u16(
		    nlh, WGALLOWEDIP_A_FAMILY, six ? AF_INET6 : AF_INET);
		mnl_attr_put(
		    nlh, WGALLOWEDIP_A_IPADDR, six ? 16 : 4, net[i].addr.b);
		mnl_attr_put_u8(nlh, WGALLOWEDIP_A_CIDR_MASK, net[i].prefix);
		mnl_attr_nest_end(nlh, one);
	}
	mnl_attr_nest_end(nlh, all);
	return i;
}

/* A peer that is there: two nests, what changes goes between start and end. */
static void
update_start(
    struct nlmsghdr *nlh, const uint8_t *peer_key, struct nlattr **nest)
{
	nest[0] = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
	nest[1] = mnl_attr_nest_start(nlh, 0);
	mnl_attr_put(nlh, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, peer_key);
	mnl_attr_put_u32(nlh, WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
}

static void
update_end(struct nlmsghdr *nlh, struct nlattr **nest)
{
	mnl_attr_nest_end(nlh, nest[1]);
	mnl_attr_nest_end(nlh, nest[0]);
}

int
wg_genl_allow(struct wg_kernel *k, const char *ifname, const uint8_t *peer_key,
    const struct afw_wg_net *net, size_t n, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlattr *nest[2];
	struct nlmsghdr *nlh;
	size_t done = 0;

	while (done < n) {
		nlh = device_msg(k, buf, WG_CMD_SET_DEVICE, ifname);
		update_start(nlh, peer_key, nest);
		done += allowed_put(nlh, net + done, n - done);
		update_end(nlh, nest);
		if (netlink_talk(&k->ge, nlh) == -1)
			return failed(&k->ge, ifname, "allowed_ips", e);
	}
	return 0;
}

int
wg_genl_keepalive(struct wg_kernel *k, const char *ifname,
    const uint8_t *peer_key, uint16_t interval, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = device_msg(k, buf, WG_CMD_SET_DEVICE, ifname);
	struct nlattr *nest[2];

	update_start(nlh, peer_key, nest);
	mnl_attr_put_u16(nlh, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, interval);
	update_end(nlh, nest);
	return netlink_talk(&k->ge, nlh) == 0
	    ? 0
	    : failed(&k->ge, ifname, "keepalive", e);
}

int
wg_genl_mark(
    struct wg_kernel *k, const char *ifname, uint32_t fwmark, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = device_msg(k, buf, WG_CMD_SET_DEVICE, ifname);

	mnl_attr_put_u32(nlh, WGDEVICE_A_FWMARK, fwmark);
	return netlink_talk(&k->ge, nlh) == 0
	    ? 0
	    : failed(&k->ge, ifname, "mark", e);
}

int
wg_genl_no_peers(struct wg_kernel *k, const char *ifname, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct nlmsghdr *nlh = device_msg(k, buf, WG_CMD_SET_DEVICE, ifname);

	mnl_attr_put_u32(nlh, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	return netlink_talk(&k->ge, nlh) == 0
	    ? 0
	    : failed(&k->ge, ifname, "peers", e);
}

/* Everything of the peer but its networks. */
static void
peer_put(struct nlmsghdr *nlh, const struct wg_kernel_conf *c, bool replace)
{
	struct sockaddr_storage ss;
	socklen_t len;

	mnl_attr_put(nlh, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, c->peer_key);
	mnl_attr_put(nlh, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, c->preshared_key);
	if (replace)
		mnl_attr_put_u32(
		    nlh, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	if (c->endpoint.family != 0) {
		len = afw_addr_to_sockaddr(&c->endpoint, c->endpoint_port, &ss);
		mnl_attr_put(nlh, WGPEER_A_ENDPOINT, len, &ss);
	}
	mnl_attr_put_u16(
	    nlh, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, c->keepalive);
}

/* What there is now, next to what is to be. */
struct now {
	struct wg_kernel_state *st;
	const struct wg_kernel_conf *c; /* may be NULL */
	uint32_t wanted;                /* of the networks */
};
static int now_get(
    struct wg_kernel *k, const char *ifname, struct now *now, struct nerr *e);

int
wg_genl_set(struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];
	struct wg_kernel_state st;
	struct now now = {.st = &st, .c = c};
	struct nlattr *peers, *peer;
	struct nlmsghdr *nlh;
	size_t sent = c->allowed;
	bool same_peer, same;
	int rc;

	if (now_get(k, c->ifname, &now, e) == -1)
		return -1;
	same_peer =
	    st.peers == 1 && memcmp(st.peer_key, c->peer_key, WG_KEY_LEN) == 0;
	same =
	    same_peer && st.allowed == c->allowed && now.wanted == c->allowed;
	nlh = device_msg(k, buf, WG_CMD_SET_DEVICE, c->ifname);
	if (!same_peer)
		mnl_attr_put_u32(
		    nlh, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	mnl_attr_put(nlh, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, c->private_key);
	mnl_attr_put_u32(nlh, WGDEVICE_A_FWMARK, c->fwmark);
	if (c->listen_port != 0)
		mnl_attr_put_u16(nlh, WGDEVICE_A_LISTEN_PORT, c->listen_port);
	peers = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
	peer = mnl_attr_nest_start(nlh, 0);
	peer_put(nlh, c, !same);
	if (!same)
		sent = allowed_put(nlh, c->allow, c->allowed);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, peers);
	rc = netlink_talk(&k->ge, nlh);
	if (rc == -1)
		(void)failed(&k->ge, c->ifname, "keys and peer", e);
	afw_wipe(buf, sizeof(buf));
	return rc == -1 ? -1
			: wg_genl_allow(k, c->ifname, c->peer_key,
			      c->allow + sent, c->allowed - sent, e);
}

/* ---- in ---------------------------------------------------------------- */

static bool
take(const struct nlattr *a, void *to, size_t size)
{
	if (mnl_attr_get_payload_len(a) != size)
		return false;
	memcpy(to, mnl_attr_get_payload(a), size);
	return true;
}

/* In the receive buffer itself, which is nobody's constant. */
static void
attr_wipe(const struct nlattr *a)
{
	afw_wipe((void *)(uintptr_t)mnl_attr_get_payload(a),
	    mnl_attr_get_payload_len(a));
}

/* Do the first bits of both agree? The kernel cuts off the others. */
static bool
net_is(const struct afw_wg_net *want, const struct afw_wg_net *is)
{
	unsigned int bytes = is->prefix / 8u, bits = is->prefix % 8u;
	unsigned int mask = 0xff00u >> bits & 0xffu;

	return want->prefix == is->prefix &&
	    want->addr.family == is->addr.family &&
	    memcmp(want->addr.b, is->addr.b, bytes) == 0 &&
	    (bits == 0 ||
		((want->addr.b[bytes] ^ is->addr.b[bytes]) & mask) == 0);
}

static void
allowed_one(struct now *now, const struct nlattr *nest)
{
	struct afw_wg_net net = {.prefix = 0};
	const struct nlattr *a;
	uint16_t family = 0;
	uint32_t i;

	mnl_attr_for_each_nested (a, nest) {
		switch (mnl_attr_get_type(a)) {
		case WGALLOWEDIP_A_FAMILY:
			(void)take(a, &family, sizeof(family));
			break;
		case WGALLOWEDIP_A_IPADDR:
			if (mnl_attr_get_payload_len(a) <= 16)
				memcpy(net.addr.b, mnl_attr_get_payload(a),
				    mnl_attr_get_payload_len(a));
			break;
		case WGALLOWEDIP_A_CIDR_MASK:
			(void)take(a, &net.prefix, sizeof(net.prefix));
			break;
		}
	}
	net.addr.family = family == AF_INET6 ? 6 : 4;
	now->st->allowed++;
	if (net.prefix > (net.addr.family == 6 ? 128 : 32))
		return;
	for (i = 0; now->c != NULL && i < now->c->allowed; i++)
		if (net_is(&now->c->allow[i], &net)) {
			now->wanted++;
			break;
		}
}

static void
endpoint_take(struct wg_kernel_state *st, const struct nlattr *a)
{
	struct sockaddr_storage ss;
	size_t len = mnl_attr_get_payload_len(a);

	memset(&ss, 0, sizeof(ss));
	if (len > sizeof(ss))
		return;
	memcpy(&ss, mnl_attr_get_payload(a), len);
	(void)afw_addr_from_sockaddr(
	    &st->endpoint, &st->endpoint_port, (const struct sockaddr *)&ss);
}

static void
handshake_take(struct wg_kernel_state *st, const struct nlattr *a)
{
	int64_t ts[2]; /* struct __kernel_timespec */

	if (!take(a, ts, sizeof(ts)))
		return;
	st->handshake_s = ts[0];
	st->handshake_ns = (uint32_t)ts[1];
}

static void
peer_attr(struct now *now, const struct nlattr *a)
{
	struct wg_kernel_state *st = now->st;
	const struct nlattr *one;

	switch (mnl_attr_get_type(a)) {
	case WGPEER_A_ENDPOINT:
		endpoint_take(st, a);
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		(void)take(a, &st->keepalive, sizeof(st->keepalive));
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		handshake_take(st, a);
		break;
	case WGPEER_A_RX_BYTES:
		(void)take(a, &st->rx_bytes, sizeof(st->rx_bytes));
		break;
	case WGPEER_A_TX_BYTES:
		(void)take(a, &st->tx_bytes, sizeof(st->tx_bytes));
		break;
	case WGPEER_A_ALLOWEDIPS:
		mnl_attr_for_each_nested (one, a)
			allowed_one(now, one);
		break;
	}
}

/* A peer, or the rest of the networks of the one before. */
static void
peer_take(struct now *now, const struct nlattr *nest)
{
	struct wg_kernel_state *st = now->st;
	uint8_t key[WG_KEY_LEN] = {0};
	const struct nlattr *a;
	bool first;

	mnl_attr_for_each_nested (a, nest) {
		if (mnl_attr_get_type(a) == WGPEER_A_PUBLIC_KEY)
			(void)take(a, key, sizeof(key));
		else if (mnl_attr_get_type(a) == WGPEER_A_PRESHARED_KEY)
			attr_wipe(a);
	}
	first = st->peers == 0 || memcmp(st->peer_key, key, WG_KEY_LEN) == 0;
	if (st->peers == 0)
		memcpy(st->peer_key, key, WG_KEY_LEN);
	if (!first || st->peers == 0)
		st->peers++;
	if (!first)
		return;
	mnl_attr_for_each_nested (a, nest)
		peer_attr(now, a);
}

static void
device_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct now *now = arg;
	struct wg_kernel_state *st = now->st;
	const struct nlattr *a, *one;

	mnl_attr_for_each (a, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case WGDEVICE_A_IFINDEX:
			(void)take(a, &st->ifindex, sizeof(st->ifindex));
			break;
		case WGDEVICE_A_PRIVATE_KEY:
			attr_wipe(a);
			break;
		case WGDEVICE_A_PUBLIC_KEY:
			(void)take(a, st->public_key, sizeof(st->public_key));
			break;
		case WGDEVICE_A_LISTEN_PORT:
			(void)take(
			    a, &st->listen_port, sizeof(st->listen_port));
			break;
		case WGDEVICE_A_FWMARK:
			(void)take(a, &st->fwmark, sizeof(st->fwmark));
			break;
		case WGDEVICE_A_PEERS:
			mnl_attr_for_each_nested (one, a)
				peer_take(now, one);
			break;
		}
	}
}

static void
device_again(void *arg)
{
	struct now *now = arg;

	memset(now->st, 0, sizeof(*now->st));
	now->wanted = 0;
}

static int
now_get(
    struct wg_kernel *k, const char *ifname, struct now *now, struct nerr *e)
{
	_Alignas(8) char buf[NETLINK_MSG_SIZE];

	device_again(now);
	if (netlink_dump(&k->ge, device_msg(k, buf, WG_CMD_GET_DEVICE, ifname),
		device_cb, device_again, now) == 0)
		return 0;
	if (errno == ENODEV)
		return nerr_set(
		    e, AFW_ENOENT, "interface %s: there is none", ifname);
	return failed(&k->ge, ifname, "state", e);
}

int
wg_genl_get(struct wg_kernel *k, const char *ifname, struct wg_kernel_state *st,
    struct nerr *e)
{
	struct now now = {.st = st};

	return now_get(k, ifname, &now, e);
}
