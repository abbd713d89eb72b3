/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/wg_uapi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

/* ---- values ------------------------------------------------------------ */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
key_parse(uint8_t out[WG_UAPI_KEY], const char *v)
{
	int i, high, low;

	if (strlen(v) != 2 * WG_UAPI_KEY)
		return EINVAL;
	for (i = 0; i < WG_UAPI_KEY; i++) {
		high = hex_digit(v[2 * i]);
		low = hex_digit(v[2 * i + 1]);
		if (high == -1 || low == -1)
			return EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int
number_parse(uint32_t *out, const char *v, uint32_t max)
{
	uint64_t n = 0;
	const char *p;

	if (*v == '\0')
		return EINVAL;
	for (p = v; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return EINVAL;
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > max)
			return ERANGE;
	}
	*out = (uint32_t)n;
	return 0;
}

static int
port_parse(uint16_t *out, const char *v)
{
	uint32_t n = 0;
	int rc = number_parse(&n, v, 65535);

	*out = (uint16_t)n;
	return rc;
}

static int
true_parse(bool *out, const char *v)
{
	*out = true;
	return strcmp(v, "true") == 0 ? 0 : EINVAL;
}

/* The address is cut out of v. */
static int
endpoint_parse(union wg_endpoint *e, char *v)
{
	char *colon = strrchr(v, ':'), *host = v;
	struct sockaddr_storage ss;
	struct afw_addr a;
	uint16_t port;
	socklen_t len;

	if (colon == NULL || colon == v || port_parse(&port, colon + 1) != 0 ||
	    port == 0)
		return EINVAL;
	*colon = '\0';
	if (*host == '[' && colon[-1] == ']') {
		host++;
		colon[-1] = '\0';
	} else if (strchr(host, ':') != NULL) {
		return EINVAL;
	}
	if (afw_addr_parse(&a, host) == -1)
		return EINVAL;
	len = afw_addr_to_sockaddr(&a, port, &ss);
	memset(e, 0, sizeof(*e));
	memcpy(e, &ss, len < sizeof(*e) ? len : sizeof(*e));
	return 0;
}

static int
allowed_parse(struct wg_uapi_peer *p, char *v)
{
	struct afw_wg_net *n = &p->allow[p->allowed];
	char *slash = strchr(v, '/');
	uint32_t prefix;
	int rc;

	if (p->allowed == AFW_WG_ALLOWED_MAX)
		return ENOSPC;
	if (slash == NULL)
		return EINVAL;
	*slash++ = '\0';
	if (afw_addr_parse(&n->addr, v) == -1)
		return EINVAL;
	rc = number_parse(&prefix, slash, n->addr.family == 4 ? 32 : 128);
	if (rc != 0)
		return rc;
	n->prefix = (uint8_t)prefix;
	p->allowed++;
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static int
peer_begin(struct wg_uapi_set *s, const char *v)
{
	if (s->n_peers == WG_UAPI_PEERS)
		return ENOSPC;
	return key_parse(s->peer[s->n_peers++].key, v);
}

static int
version_parse(const char *v)
{
	return strcmp(v, "1") == 0 ? 0 : EPROTONOSUPPORT;
}

enum name {
	N_PRIVATE,
	N_PORT,
	N_FWMARK,
	N_REPLACE_PEERS,
	N_PUBLIC, /* from here on of a peer */
	N_REMOVE,
	N_UPDATE_ONLY,
	N_PSK,
	N_ENDPOINT,
	N_KEEPALIVE,
	N_REPLACE_ALLOWED,
	N_ALLOWED,
	N_VERSION,
	N_MAX
};

static const char *const names[N_MAX] = {
    "private_key",
    "listen_port",
    "fwmark",
    "replace_peers",
    "public_key",
    "remove",
    "update_only",
    "preshared_key",
    "endpoint",
    "persistent_keepalive_interval",
    "replace_allowed_ips",
    "allowed_ip",
    "protocol_version",
};

static int
device_value(struct wg_uapi_set *s, enum name name, char *v)
{
	switch (name) {
	case N_PRIVATE:
		s->has_private = true;
		return key_parse(s->private_key, v);
	case N_PORT:
		s->has_port = true;
		return port_parse(&s->port, v);
	case N_FWMARK:
		s->has_fwmark = true;
		return number_parse(&s->fwmark, v, UINT32_MAX);
	case N_REPLACE_PEERS:
		return true_parse(&s->replace_peers, v);
	case N_PUBLIC:
		return peer_begin(s, v);
	default:
		return EINVAL;
	}
}

static int
peer_value(struct wg_uapi_set *s, enum name name, char *v)
{
	struct wg_uapi_peer *p = &s->peer[s->n_peers - 1];

	switch (name) {
	case N_PUBLIC:
		return peer_begin(s, v);
	case N_REMOVE:
		return true_parse(&p->remove, v);
	case N_UPDATE_ONLY:
		return true_parse(&p->update_only, v);
	case N_PSK:
		p->has_psk = true;
		return key_parse(p->psk, v);
	case N_ENDPOINT:
		p->has_endpoint = true;
		return endpoint_parse(&p->endpoint, v);
	case N_KEEPALIVE:
		p->has_keepalive = true;
		return port_parse(&p->keepalive, v);
	case N_REPLACE_ALLOWED:
		return true_parse(&p->replace_allowed, v);
	case N_ALLOWED:
		return allowed_parse(p, v);
	case N_VERSION:
		return version_parse(v);
	default:
		return EINVAL;
	}
}

static int
line_parse(char *line, struct wg_uapi_set *s, const char **key)
{
	char *v = strchr(line, '=');
	int i;

	*key = "";
	if (v == NULL)
		return EINVAL;
	*v++ = '\0';
	for (i = 0; i < N_MAX && strcmp(names[i], line) != 0; i++)
		;
	if (i == N_MAX)
		return EINVAL;
	*key = names[i];
	if (i >= N_PUBLIC && s->n_peers > 0)
		return peer_value(s, (enum name)i, v);
	return s->n_peers > 0 ? EINVAL : device_value(s, (enum name)i, v);
}

int
wg_uapi_parse(char *text, struct wg_uapi_set *s, const char **key)
{
	char *line, *rest = text;
	int rc;

	*key = "";
	memset(s, 0, sizeof(*s));
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0' && rest == NULL)
			break; /* behind the last one */
		if ((rc = line_parse(line, s, key)) != 0)
			return rc;
	}
	return 0;
}

/* ---- the answer -------------------------------------------------------- */

struct out {
	char *buf;
	size_t size, used; /* used == size: no room */
};

static void __attribute__((format(printf, 2, 3)))
out_add(struct out *o, const char *fmt, ...)
{
	size_t room = o->size - o->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->used, room, fmt, ap);
	va_end(ap);
	o->used += n < 0 || (size_t)n >= room ? room : (size_t)n;
}

static void
out_key(struct out *o, const char *name, const uint8_t key[WG_UAPI_KEY])
{
	int i;

	out_add(o, "%s=", name);
	for (i = 0; i < WG_UAPI_KEY; i++)
		out_add(o, "%02x", key[i]);
	out_add(o, "\n");
}

const char *
wg_uapi_endpoint_print(const union wg_endpoint *e, char *buf, size_t size)
{
	char text[AFW_ADDR_TEXT];
	struct afw_addr a;
	uint16_t port;

	if (afw_addr_from_sockaddr(&a, &port, &e->sa) == -1)
		return "";
	(void)snprintf(buf, size, a.family == 6 ? "[%s]:%u" : "%s:%u",
	    afw_addr_print(&a, text, sizeof(text)), port);
	return buf;
}

static void
out_peer(struct out *o, const struct wg_uapi_device *d)
{
	char text[WG_UAPI_ENDPOINT];
	uint32_t i;

	out_key(o, "public_key", d->peer_key);
	out_key(o, "preshared_key", d->psk);
	out_add(o, "protocol_version=1\n");
	if (d->endpoint.sa.sa_family != AF_UNSPEC)
		out_add(o, "endpoint=%s\n",
		    wg_uapi_endpoint_print(&d->endpoint, text, sizeof(text)));
	out_add(o,
	    "last_handshake_time_sec=%lld\nlast_handshake_time_nsec=%ld\n",
	    (long long)d->handshake.tv_sec, d->handshake.tv_nsec);
	out_add(o, "tx_bytes=%llu\nrx_bytes=%llu\n",
	    (unsigned long long)d->tx_bytes, (unsigned long long)d->rx_bytes);
	out_add(o, "persistent_keepalive_interval=%u\n", d->keepalive);
	for (i = 0; i < d->allowed; i++)
		out_add(o, "allowed_ip=%s/%u\n",
		    afw_addr_print(&d->allow[i].addr, text, sizeof(text)),
		    d->allow[i].prefix);
}

size_t
wg_uapi_print(const struct wg_uapi_device *d, char *buf, size_t size)
{
	static const uint8_t none[WG_UAPI_KEY];
	struct out o = {buf, size, 0};

	if (memcmp(d->private_key, none, sizeof(none)) != 0)
		out_key(&o, "private_key", d->private_key);
	if (d->port != 0)
		out_add(&o, "listen_port=%u\n", d->port);
	if (d->has_peer)
		out_peer(&o, d);
	return o.used < o.size ? o.used : 0;
}
