/* SPDX-License-Identifier: ISC */
#include <afwrt.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "errors.h"
#include "rules.h"
#include "suite.h"

#define WHAT_SIZE 160

/* The document: with wireguard the routing is the application's. */
static int
routing_allowed(const struct suite *s)
{
	if (s->config.main.type == AFW_TYPE_WIREGUARD &&
	    (s->config.main.flags & AFW_C_WG_MANAGED) == 0)
		return errors_set(ENOTSUP,
		    "\"type\" is \"wireguard\" and "
		    "\"wireguard_routing\" is \"manual\": rules are the "
		    "application's");
	return 0;
}

static int
protect(enum afw_key_kind kind, const char *text, const char *location)
{
	struct suite *s = suite_get();
	char what[WHAT_SIZE];
	struct afw_m_protect m;
	int rc = -1;

	if (s == NULL)
		return -1;
	if (rules_key(&m.key, kind, text) == 0 &&
	    rules_location(m.location, location) == 0 &&
	    routing_allowed(s) == 0) {
		(void)snprintf(
		    what, sizeof(what), "protect %s -> %s", text, location);
		rc = client_call(&s->client, AFW_MSG_PROTECT, &m, -1,
		    CLIENT_WAIT_MS, what, NULL, NULL);
	}
	suite_put(s);
	return rc;
}

static int
unprotect(enum afw_key_kind kind, const char *text)
{
	struct suite *s = suite_get();
	char what[WHAT_SIZE];
	struct afw_m_key m;
	int rc = -1;

	if (s == NULL)
		return -1;
	if (rules_key(&m.key, kind, text) == 0 && routing_allowed(s) == 0) {
		(void)snprintf(what, sizeof(what), "unprotect %s", text);
		rc = client_call(&s->client, AFW_MSG_UNPROTECT, &m, -1,
		    CLIENT_WAIT_MS, what, NULL, NULL);
	}
	suite_put(s);
	return rc;
}

int
afwrt_protect_ip_addr(const char *ip_addr, const char *location)
{
	return protect(AFW_KEY_IP, ip_addr, location);
}

int
afwrt_unprotect_ip_addr(const char *ip_addr)
{
	return unprotect(AFW_KEY_IP, ip_addr);
}

int
afwrt_protect_mac_addr(const char *mac_addr, const char *location)
{
	return protect(AFW_KEY_MAC, mac_addr, location);
}

int
afwrt_unprotect_mac_addr(const char *mac_addr)
{
	return unprotect(AFW_KEY_MAC, mac_addr);
}

int
afwrt_protect_iface(const char *iface, const char *location)
{
	return protect(AFW_KEY_IFACE, iface, location);
}

int
afwrt_unprotect_iface(const char *iface)
{
	return unprotect(AFW_KEY_IFACE, iface);
}

/* ---- tunnels ----------------------------------------------------------- */

/* A name that no location can have is an unknown one: the document. */
static int
tunnel_location(char location[AFW_LOCATION_SIZE], const char *text)
{
	if (text == NULL)
		return errors_set(EINVAL, "the location is NULL");
	if (rules_location(location, text) == -1)
		return errors_set(ENOENT, "%s", errors_last());
	return 0;
}

/*
 * With hydra-tcp it is ignored, unless the list says that this location is a
 * WireGuard one: afwrtd knows.
 */
static int
tunnel_iface(const struct suite *s, struct afw_m_tunnel *m, const char *iface)
{
	if (s->config.main.type != AFW_TYPE_WIREGUARD)
		return iface == NULL || !afw_ifname_valid(iface)
		    ? 0
		    : afw_str_set(m->iface, sizeof(m->iface), iface);
	if (iface == NULL)
		return errors_set(
		    EINVAL, "iface_name is NULL; wireguard needs one");
	if (!afw_ifname_valid(iface))
		return errors_set(EINVAL,
		    "iface_name is not an interface name: \"%.64s\"", iface);
	return afw_str_set(m->iface, sizeof(m->iface), iface);
}

int
afwrt_setup_tunnel(const char *location, const char *iface_name)
{
	struct suite *s = suite_get();
	char what[WHAT_SIZE];
	struct afw_m_tunnel m;
	int rc = -1;

	if (s == NULL)
		return -1;
	memset(&m, 0, sizeof(m));
	if (tunnel_location(m.location, location) == 0 &&
	    tunnel_iface(s, &m, iface_name) == 0) {
		(void)snprintf(what, sizeof(what), "tunnel to %s", location);
		rc = client_call(&s->client, AFW_MSG_TUNNEL_SETUP, &m, -1,
		    CLIENT_WAIT_MS, what, NULL, NULL);
	}
	suite_put(s);
	return rc;
}

int
afwrt_teardown_tunnel(const char *location)
{
	struct suite *s = suite_get();
	char what[WHAT_SIZE];
	struct afw_m_location m;
	int rc = -1;

	if (s == NULL)
		return -1;
	if (tunnel_location(m.location, location) == 0) {
		(void)snprintf(what, sizeof(what), "tunnel to %s", location);
		rc = client_call(&s->client, AFW_MSG_TUNNEL_TEARDOWN, &m, -1,
		    CLIENT_WAIT_MS, what, NULL, NULL);
	}
	suite_put(s);
	return rc;
}
