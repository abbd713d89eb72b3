/* SPDX-License-Identifier: ISC */
#include "rules.h"

#include <errno.h>
#include <string.h>

#include "errors.h"

static int
key_ip(struct afw_key *k, const char *text)
{
	if (afw_addr_parse(&k->addr, text) == -1)
		return errors_set(EINVAL, "not an IP address: \"%.64s\"", text);
	if (!afw_addr_is_host(&k->addr))
		return errors_set(EINVAL,
		    "unspecified, multicast, broadcast "
		    "or loopback, not the address of a device: \"%.64s\"",
		    text);
	return 0;
}

static int
key_mac(struct afw_key *k, const char *text)
{
	if (afw_mac_parse(k->mac, text) == -1)
		return errors_set(EINVAL, "not a MAC address: \"%.64s\"", text);
	if (!afw_mac_is_host(k->mac))
		return errors_set(EINVAL,
		    "zero or a group address, not the "
		    "MAC address of a device: \"%.64s\"",
		    text);
	return 0;
}

static int
key_iface(struct afw_key *k, const char *text)
{
	if (!afw_ifname_valid(text))
		return errors_set(
		    EINVAL, "not an interface name: \"%.64s\"", text);
	return afw_str_set(k->iface, sizeof(k->iface), text);
}

int
rules_key(struct afw_key *k, enum afw_key_kind kind, const char *text)
{
	static const char *const names[] = {
	    [AFW_KEY_IP] = "the IP address",
	    [AFW_KEY_MAC] = "the MAC address",
	    [AFW_KEY_IFACE] = "the interface",
	};

	memset(k, 0, sizeof(*k));
	k->kind = (uint8_t)kind;
	if (text == NULL)
		return errors_set(EINVAL, "%s is NULL", names[kind]);
	if (kind == AFW_KEY_IP)
		return key_ip(k, text);
	return kind == AFW_KEY_MAC ? key_mac(k, text) : key_iface(k, text);
}

int
rules_location(char location[AFW_LOCATION_SIZE], const char *text)
{
	if (text == NULL)
		return errors_set(EINVAL, "the location is NULL");
	if (!afw_location_valid(text))
		return errors_set(
		    EINVAL, "not a location name: \"%.80s\"", text);
	return afw_str_set(location, AFW_LOCATION_SIZE, text);
}
