/* SPDX-License-Identifier: ISC */
/* What an answer of `provide` says about WireGuard. */
#include <string.h>

#include "answer.h"
#include "lib/wgquick/wgquick.h"
#include "provide.h"

/* Strings of a list of networks; NULL, or what is wrong. */
static const char *
nets_read(const json_t *list, struct afw_wg_net *net, uint32_t *n, uint32_t max,
    const char *why)
{
	const json_t *v;
	size_t i;

	*n = 0;
	json_array_foreach (list, i, v)
		if (*n == max || !json_is_string(v) ||
		    wgquick_net_parse(&net[(*n)++], json_string_value(v)) == -1)
			return why;
	return NULL;
}

/* The first of each family; what is no address is a search domain. */
static void
dns_read(struct provide_wg *w, const json_t *list)
{
	struct afw_addr a, *to;
	const char *s;
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		s = json_string_value(v);
		if (s == NULL || afw_addr_parse(&a, s) == -1)
			continue;
		to = a.family == 4 ? &w->dns4 : &w->dns6;
		if (to->family == 0)
			*to = a;
	}
}

/* False: it is there and no key. */
static bool
key_read(const json_t *j, const char *name, uint8_t key[AFW_WG_KEY_SIZE])
{
	const json_t *v = json_object_get(j, name);

	if (v == NULL || json_is_null(v) ||
	    (json_is_string(v) && json_string_length(v) == 0))
		return true;
	return json_is_string(v) &&
	    wgquick_key_parse(key, json_string_value(v)) == 0;
}

/* Missing is all; an empty list is nothing. */
static const char *
allowed_read(struct provide_wg *w, const json_t *list)
{
	if (list != NULL)
		return nets_read(list, w->allow, &w->allowed,
		    AFW_WG_ALLOWED_MAX,
		    "wireguard: allowed_ips is no list of "
		    "at most 128 networks");
	w->allow[0].addr.family = 4;
	w->allow[1].addr.family = 6;
	w->allowed = 2;
	return NULL;
}

const char *
provide_wg_read(struct provide_wg *w, const json_t *j)
{
	uint64_t mtu = 0, keepalive = 0;
	const char *why;

	if (!json_is_object(j))
		return "no \"wireguard\" in the answer";
	why = nets_read(json_object_get(j, "addresses"), w->addr, &w->addrs,
	    AFW_WG_ADDRS_MAX,
	    "wireguard: addresses is no list of at most 8 addresses");
	if (why == NULL && w->addrs == 0)
		why = "wireguard: no addresses";
	if (why == NULL)
		why = allowed_read(w, json_object_get(j, "allowed_ips"));
	if (why != NULL)
		return why;
	dns_read(w, json_object_get(j, "dns"));
	if (!key_read(j, "preshared_key", w->preshared_key) ||
	    !key_read(j, "private_key", w->private_key))
		return "wireguard: a key is no key";
	if (json_object_get(j, "mtu") != NULL &&
	    (!json_number(j, "mtu", &mtu) || mtu > 65535 ||
		(mtu != 0 && mtu < 576)))
		return "wireguard: mtu is not 0 or 576 to 65535";
	if (json_object_get(j, "keepalive") != NULL &&
	    (!json_number(j, "keepalive", &keepalive) || keepalive > 65535))
		return "wireguard: keepalive is not 0 to 65535";
	w->mtu = (uint32_t)mtu;
	w->keepalive = (uint16_t)keepalive;
	return NULL;
}

bool
provide_wg_key(const json_t *server, uint8_t key[AFW_WG_KEY_SIZE])
{
	const char *s =
	    json_string_value(json_object_get(server, "public_key"));

	return s != NULL && wgquick_key_parse(key, s) == 0;
}
