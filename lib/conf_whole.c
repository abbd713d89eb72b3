/* SPDX-License-Identifier: ISC */
/* Values of the configuration that do not go together. */
#include "conf_whole.h"

#include <errno.h>
#include <string.h>

#include "errors.h"
#include "notice.h"

static int
names_check(struct conf *c)
{
	const struct afw_m_config *m = &c->main;

	if (m->tun_ifname[0] == '\0') {
		(void)errors_set(EINVAL, "\"tun_ifname\" is missing");
		if (conf_error(c) == -1)
			return -1;
	}
	if (m->wan_ifname[0] == '\0') {
		(void)errors_set(EINVAL, "\"wan_ifname\" is missing");
		return conf_error(c);
	}
	if (strcmp(m->tun_ifname, m->wan_ifname) != 0)
		return 0;
	(void)errors_set(EINVAL,
	    "\"tun_ifname\" and \"wan_ifname\" are the same: \"%s\"",
	    m->tun_ifname);
	return conf_error(c);
}

static int
numbers_check(struct conf *c)
{
	const struct afw_m_config *m = &c->main;

	if ((m->fwmark & ~m->fwmark_mask) != 0) {
		(void)errors_set(EINVAL,
		    "\"fwmark\" 0x%x has bits outside \"fwmark_mask\" 0x%x",
		    m->fwmark, m->fwmark_mask);
		if (conf_error(c) == -1)
			return -1;
	}
	if (m->route_table >= 253 && m->route_table <= 255) {
		(void)errors_set(EINVAL,
		    "\"route_table\" %u is one of the system's own",
		    m->route_table);
		if (conf_error(c) == -1)
			return -1;
	}
	if (m->tun_mtu == 0 || m->tun_mtu >= 576) /* RFC 791 */
		return 0;
	(void)errors_set(EINVAL,
	    "\"tun_mtu\" must be 0 or 576 to 65535, not %u", m->tun_mtu);
	return conf_error(c);
}

/* The first key with rules: the one to name. */
static const char *
rules_key_name(const struct conf *c)
{
	switch (c->rules[0].key.kind) {
	case AFW_KEY_IP:
		return "protected_ip_addrs";
	case AFW_KEY_MAC:
		return "protected_mac_addrs";
	default:
		return "protected_ifaces";
	}
}

static void
ignored(const char *key, const char *why)
{
	notice_post(4, "lib: configuration: \"%s\" ignored: %s", key, why);
}

/*
 * The document: rules do "not work with wireguard", hydra_tun_fd is "Hydra
 * specific". A rule that would not protect its device is an error.
 */
static int
wireguard_check(struct conf *c)
{
	struct afw_m_config *m = &c->main;

	if (m->type != AFW_TYPE_WIREGUARD)
		return 0;
	if (c->tun_fd != -1)
		ignored("hydra_tun_fd", "\"type\" is \"wireguard\"");
	c->tun_fd = -1;
	if ((m->flags & AFW_C_WG_MANAGED) != 0)
		return 0;
	if ((m->flags & AFW_C_DEFAULT_GATEWAY) != 0)
		ignored("default_gateway",
		    "\"type\" is \"wireguard\" and \"wireguard_routing\" is "
		    "\"manual\"");
	m->flags &= ~(uint32_t)AFW_C_DEFAULT_GATEWAY;
	if (c->nrules == 0)
		return 0;
	(void)errors_set(EINVAL,
	    "\"%s\" does not work with \"type\": \"wireguard\" unless "
	    "\"wireguard_routing\" is \"managed\"",
	    rules_key_name(c));
	return conf_error(c);
}

int
conf_whole(struct conf *c)
{
	return names_check(c) == -1 || numbers_check(c) == -1 ||
		wireguard_check(c) == -1
	    ? -1
	    : 0;
}
