/* SPDX-License-Identifier: ISC */
/*
 * WireGuard in the kernel, put together: checks what is asked for, makes the
 * link (wg_link.c), gives it its keys and peer (wg_genl.c), then the rest.
 */
#include "wg_kernel.h"

#include <linux/if.h>
#include <linux/netlink.h>

#include <errno.h>
#include <string.h>

#include "wg_genl.h"
#include "wg_link.h"

int
wg_kernel_open(struct wg_kernel *k, struct netlink *rt, struct nerr *e)
{
	memset(k, 0, sizeof(*k));
	k->rt = rt;
	if (netlink_open(&k->ge, NETLINK_GENERIC) == -1)
		return nerr_set(e, afw_error_from_errno(errno),
		    "generic netlink: %s", strerror(errno));
	return 0;
}

void
wg_kernel_close(struct wg_kernel *k)
{
	netlink_close(&k->ge);
}

/* ---- what is asked for ------------------------------------------------- */

static bool
key_given(const uint8_t key[WG_KEY_SIZE])
{
	uint8_t any = 0;
	size_t i;

	for (i = 0; i < WG_KEY_SIZE; i++)
		any |= key[i];
	return any != 0;
}

static bool
net_valid(const struct afw_wg_net *n)
{
	return afw_addr_valid(&n->addr, false) &&
	    n->prefix <= (n->addr.family == 4 ? 32 : 128);
}

static int
nets_check(const char *ifname, const char *what, const struct afw_wg_net *net,
    size_t n, struct nerr *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!net_valid(&net[i]))
			return nerr_set(e, AFW_EINVAL,
			    "interface %s: %s %zu is no network", ifname, what,
			    i + 1);
	return 0;
}

static int
name_check(const char *ifname, struct nerr *e)
{
	if (memchr(ifname, '\0', AFW_IFNAME_SIZE) == NULL ||
	    !afw_ifname_valid(ifname))
		return nerr_set(e, AFW_EINVAL,
		    "\"%.15s\" is no name for an interface", ifname);
	return 0;
}

static int
conf_check(const struct wg_kernel_conf *c, struct nerr *e)
{
	const char *why = NULL;

	if (name_check(c->ifname, e) == -1)
		return -1;
	if (!key_given(c->private_key))
		why = "no private key";
	else if (!key_given(c->peer_key))
		why = "no public key of the peer";
	else if (!afw_addr_valid(&c->endpoint, true) ||
	    (c->endpoint.family != 0) != (c->endpoint_port != 0))
		why = "the endpoint is no address with a port";
	else if (c->allowed > WG_KERNEL_ALLOWED)
		why = "too many allowed_ips";
	if (why != NULL)
		return nerr_set(
		    e, AFW_EINVAL, "interface %s: %s", c->ifname, why);
	return nets_check(c->ifname, "allowed_ips", c->allow, c->allowed, e);
}

/* ---- the calls --------------------------------------------------------- */

/* The kernel leaves a peer out, silently, whose key is the link's own. */
static int
peer_verify(struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e)
{
	struct wg_kernel_state st;

	if (wg_genl_get(k, c->ifname, &st, e) == -1)
		return -1;
	if (memcmp(st.public_key, c->peer_key, WG_KEY_SIZE) == 0)
		return nerr_set(e, AFW_EINVAL,
		    "interface %s: the public key of the peer is its own",
		    c->ifname);
	if (st.peers != 1 || memcmp(st.peer_key, c->peer_key, WG_KEY_SIZE) != 0)
		return nerr_set(e, AFW_EIO,
		    "interface %s: the kernel did not take the peer",
		    c->ifname);
	return 0;
}

int
wg_kernel_make(struct wg_kernel *k, const char *ifname, struct link_info *info,
    struct nerr *e)
{
	struct nerr ignored;
	int made;

	if (name_check(ifname, e) == -1 ||
	    (made = wg_link_make(k->rt, ifname, info, e)) == -1)
		return -1;
	/* making a link may have loaded the module: only now is it known */
	if (k->family != 0 || wg_genl_family(&k->ge, &k->family, e) == 0)
		return made;
	if (made == 1)
		(void)wg_link_delete(k->rt, info, &ignored);
	return -1;
}

int
wg_kernel_set(
    struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e)
{
	struct link_info info;
	struct nerr ignored;
	int made;

	if (conf_check(c, e) == -1 ||
	    (made = wg_kernel_make(k, c->ifname, &info, e)) == -1)
		return -1;
	if (wg_genl_set(k, c, e) == 0 && peer_verify(k, c, e) == 0)
		return 0;
	if (made == 1)
		(void)wg_link_delete(k->rt, &info, &ignored);
	return -1;
}

int
wg_kernel_wake(
    struct wg_kernel *k, const struct wg_kernel_conf *c, struct nerr *e)
{
	uint16_t interval = c->keepalive != 0 ? c->keepalive : 1;

	/* what makes the kernel send one is the change from none to some */
	if (wg_genl_keepalive(k, c->ifname, c->peer_key, 0, e) == -1 ||
	    wg_genl_keepalive(k, c->ifname, c->peer_key, interval, e) == -1)
		return -1;
	return c->keepalive != 0
	    ? 0
	    : wg_genl_keepalive(k, c->ifname, c->peer_key, 0, e);
}

int
wg_kernel_roam(
    struct wg_kernel *k, const char *ifname, uint32_t fwmark, struct nerr *e)
{
	return wg_genl_mark(k, ifname, fwmark, e);
}

int
wg_kernel_block(struct wg_kernel *k, const char *ifname, struct nerr *e)
{
	struct link_info info;

	if (wg_link_find(k->rt, ifname, &info, e) == -1 ||
	    (k->family == 0 && wg_genl_family(&k->ge, &k->family, e) == -1))
		return -1;
	return wg_genl_no_peers(k, ifname, e);
}

int
wg_kernel_allow(struct wg_kernel *k, const char *ifname,
    const uint8_t peer_key[WG_KEY_SIZE], const struct afw_wg_net *net, size_t n,
    struct nerr *e)
{
	struct link_info info;

	if (name_check(ifname, e) == -1 ||
	    nets_check(ifname, "allowed_ips", net, n, e) == -1 ||
	    wg_link_find(k->rt, ifname, &info, e) == -1)
		return -1;
	if (k->family == 0 && wg_genl_family(&k->ge, &k->family, e) == -1)
		return -1;
	return wg_genl_allow(k, ifname, peer_key, net, n, e);
}

int
wg_kernel_get(struct wg_kernel *k, const char *ifname,
    struct wg_kernel_state *st, struct nerr *e)
{
	struct link_info info;

	memset(st, 0, sizeof(*st));
	if (name_check(ifname, e) == -1 ||
	    wg_link_find(k->rt, ifname, &info, e) == -1)
		return -1;
	if (k->family == 0 && wg_genl_family(&k->ge, &k->family, e) == -1)
		return -1;
	if (wg_genl_get(k, ifname, st, e) == -1)
		return -1;
	st->mtu = info.mtu;
	st->up = (info.flags & IFF_UP) != 0;
	return 0;
}

int
wg_kernel_remove(struct wg_kernel *k, const char *ifname, struct nerr *e)
{
	struct link_info info;

	if (name_check(ifname, e) == -1 ||
	    wg_link_find(k->rt, ifname, &info, e) == -1)
		return -1;
	return wg_link_delete(k->rt, &info, e);
}
