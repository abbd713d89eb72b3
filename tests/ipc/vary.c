/* SPDX-License-Identifier: ISC */
/*
 * What the content checks must refuse, as a table: one line a field and a
 * value. Where a limit is checked, the last good value stands there too.
 */
#include "payload.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum what {
	NUM,      /* value is refused */
	NUM_OK,   /* value is taken */
	STR,      /* text: no NUL, or a byte behind the NUL */
	FILLED,   /* text that must not be empty */
	NAME,     /* location or interface: also refuses a strange character */
	OPT_NAME, /* the same, but may be empty */
	PAD,      /* each byte must be zero */
	ADDR,     /* an address: family, padding, rest of an IPv4 one */
	HOST,     /* an address that one host may hold */
	KEY       /* struct afw_key */
};

struct field {
	const char *payload, *name;
	enum what what;
	size_t off, size;
	uint32_t value;
};

#define F(p, f, w, v)                                        \
	{                                                    \
#p, #f, w, offsetof(struct afw_m_##p, f),    \
		    sizeof(((struct afw_m_##p *)NULL)->f), v \
	}
#define BAD(p, f, v)        F(p, f, NUM, v)
#define OK(p, f, v)         F(p, f, NUM_OK, v)
#define UP_TO(p, f, v)      OK(p, f, v), BAD(p, f, (v) + 1), BAD(p, f, UINT32_MAX)
#define FROM_TO(p, f, a, b) OK(p, f, a), BAD(p, f, (a)-1), UP_TO(p, f, b)
#define FLAG(p, f)          OK(p, f, 0), UP_TO(p, f, 1)

static const struct field fields[] = {
    BAD(none, zero, 1),
    F(hello, build, STR, 0),
    F(hello, pad, PAD, 0),
    BAD(start, gen, 0),
    UP_TO(start, log_level, 7),
    UP_TO(log_level, level, 7),
    OK(usage, rss_bytes, 4096),
    BAD(usage, rss_bytes, 4097),
    BAD(addrs, v4[0], UINT32_MAX),
    UP_TO(status, code, AFW_EMAX - 1),
    F(status, text, STR, 0),
    FROM_TO(peer, role, AFW_NET, AFW_AUTH),
    BAD(peer, gen, 0),
    UP_TO(log, level, 7),
    F(log, text, STR, 0),
    FLAG(shutdown, keep_blocked),
    F(config, tun_ifname, NAME, 0),
    F(config, wan_ifname, NAME, 0),
    F(config, tun_addr, ADDR, 0),
    UP_TO(config, tun_mtu, 65535),
    UP_TO(config, flags, AFW_C_ALL),
    BAD(config, fwmark, 0),
    BAD(config, fwmark_mask, 0x10),
    BAD(config, route_table, 0),
    FROM_TO(config, rule_priority, 1, 32765),
    FROM_TO(config, type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD),
    FROM_TO(config, wg_impl, AFW_WG_AUTO, AFW_WG_USERSPACE),
    FROM_TO(config, reconnect, AFW_RECONNECT_MANUAL, AFW_RECONNECT_AUTO),
    FROM_TO(config, v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH),
    FROM_TO(config, connections, 1, AFW_CONNS_MAX),
    UP_TO(config, log_level, 7),
    F(config, vl_default, OPT_NAME, 0),
    F(config, config_dir, STR, 0),
    F(config, tun_dev_path, STR, 0),
    F(config, ca_file, STR, 0),
    F(key, key, KEY, 0),
    F(protect, key, KEY, 0),
    F(protect, location, NAME, 0),
    F(tunnel, location, NAME, 0),
    F(tunnel, iface, OPT_NAME, 0),
    F(location, location, NAME, 0),
    FROM_TO(process, role, AFW_SUP, AFW_AUTH),
    F(ev_route, location, NAME, 0),
    FROM_TO(ev_route, state, AFW_ROUTE_CONNECTED, AFW_ROUTE_FAILED),
    UP_TO(ev_route, reason, AFW_REASON_MAX - 1),
    F(ev_route, detail, STR, 0),
    F(ev_route, pad, PAD, 0),
    F(token, token, FILLED, 0),
    F(token, pad, PAD, 0),
    F(credentials, method, FILLED, 0),
    F(credentials, token, STR, 0),
    F(credentials, pad, PAD, 0),
    F(bandwidth, location, NAME, 0),
    FLAG(bandwidth, last),
    F(bandwidth, pad, PAD, 0),
    F(auth_config, device_id, STR, 0),
    F(auth_config, device_type, STR, 0),
    F(auth_config, device_name, STR, 0),
    F(auth_config, project_id, STR, 0),
    FROM_TO(auth_config, type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD),
    FROM_TO(auth_config, v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH),
    FLAG(auth_config, ipv6_exit),
    FROM_TO(auth_config, backends, 1, AFW_BACKENDS_MAX),
    UP_TO(backend, index, AFW_BACKENDS_MAX - 1),
    F(backend, url, FILLED, 0),
    F(verify, url, FILLED, 0),
    F(verify, username, STR, 0),
    F(verify, password, STR, 0),
    UP_TO(blob, len, AFW_BLOB_MAX),
    FROM_TO(auth_file, which, AFW_FILE_CA, AFW_FILE_MAX - 1),
    F(filename, name, FILLED, 0),
    F(rule, key, KEY, 0),
    BAD(rule, route, 0),
    FLAG(wan, up),
    FLAG(wan, has4),
    FLAG(wan, has6),
    F(wan, ifname, OPT_NAME, 0),
    FROM_TO(tun_config, connections, 1, AFW_CONNS_MAX),
    FROM_TO(tun_config, v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH),
    FLAG(tun_config, fresh),
    BAD(route, route, 0),
    UP_TO(route, flags, AFW_R_ALL),
    FROM_TO(route, type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD),
    FROM_TO(route, reconnect, AFW_RECONNECT_MANUAL, AFW_RECONNECT_AUTO),
    F(route, location, NAME, 0),
    BAD(route_id, route, 0),
    BAD(route_event, route, 0),
    FROM_TO(route_event, state, AFW_ROUTE_IDLE, AFW_ROUTE_STATE_MAX - 1),
    UP_TO(route_event, reason, AFW_REASON_MAX - 1),
    F(route_event, detail, STR, 0),
    FROM_TO(route_stats, state, AFW_ROUTE_IDLE, AFW_ROUTE_STATE_MAX - 1),
    F(route_stats, server, ADDR, 0),
    F(route_stats, inner4, ADDR, 0),
    F(route_stats, inner6, ADDR, 0),
    UP_TO(route_stats, conns, AFW_CONNS_MAX),
    F(route_info, location, NAME, 0),
    FLAG(route_info, is_default),
    BAD(route_info, stats.state, 0),
    FROM_TO(route_info, type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD),
    UP_TO(route_info, wg_impl, AFW_WG_USERSPACE),
    F(route_info, ifname, OPT_NAME, 0),
    UP_TO(location_info, type, AFW_TYPE_WIREGUARD),
    FROM_TO(state_get, kind, AFW_STATE_WG_KEY, AFW_STATE_MAX - 1),
    F(state_get, location, NAME, 0),
    FROM_TO(state, kind, AFW_STATE_WG_KEY, AFW_STATE_MAX - 1),
    F(state, location, NAME, 0),
    BAD(state, len, 0),
    BAD(state, len, 63),
    BAD(state, len, 65),
    OK(keep, route, 0),
    BAD(keep, route, UINT32_MAX),
    BAD(net_wg_set, route, 0),
    FROM_TO(net_wg_set, impl, AFW_WG_AUTO, AFW_WG_USERSPACE),
    UP_TO(net_wg_set, flags, AFW_W_ALL),
    F(net_wg_set, ifname, NAME, 0),
    FROM_TO(net_wg, impl, AFW_WG_KERNEL, AFW_WG_USERSPACE),
    BAD(wg_device, route, 0),
    FROM_TO(wg_device, impl, AFW_WG_KERNEL, AFW_WG_USERSPACE),
    BAD(wg_device, ifindex, 0),
    FROM_TO(wg_device, mtu, 576, 65535),
    OK(wg_device, vnet_hdr, 0),
    BAD(wg_device, vnet_hdr, 10),
    F(wg_device, ifname, NAME, 0),
    BAD(wg_set, route, 0),
    UP_TO(wg_set, mtu, 65535),
    F(wg_set, endpoint, ADDR, 0),
    BAD(wg_set, addrs, 1),
    BAD(wg_set, addrs, AFW_WG_ADDRS_MAX + 1),
    BAD(wg_set, allowed, 1),
    BAD(wg_set, allowed, AFW_WG_ALLOWED_MAX + 1),
    F(wg_set, addr[0].addr, ADDR, 0),
    UP_TO(wg_set, addr[0].prefix, 32),
    F(wg_set, addr[0].pad, PAD, 0),
    UP_TO(wg_set, allow[1].prefix, 128),
    BAD(wg_state, route, 0),
    F(wg_state, endpoint, ADDR, 0),
    F(wg_state, pad, PAD, 0),
    BAD(wg_session, route, 0),
    UP_TO(wg_session, mtu, 65535),
    F(wg_session, server, ADDR, 0),
    BAD(wg_session, port, 0),
    BAD(wg_session, addrs, 0),
    BAD(wg_session, addrs, 1),
    BAD(wg_session, allowed, AFW_WG_ALLOWED_MAX + 1),
    F(wg_session, addr[0].pad, PAD, 0),
    UP_TO(wg_session, allow[0].prefix, 32),
    F(wg_session, chosen, OPT_NAME, 0),
    F(route_info, stats.server, ADDR, 0),
    OK(device, ifindex, 0),
    FROM_TO(device, mtu, 576, 65535),
    OK(device, vnet_hdr, 0),
    BAD(device, vnet_hdr, 10),
    F(device, addr, ADDR, 0),
    F(flow, addr, HOST, 0),
    OK(flow, route, 0),
    F(source, addr, HOST, 0),
    BAD(explained, kind, AFW_KEY_IFACE + 1),
    BAD(explained, kind, 1),
    BAD(explained, route, 1),
    UP_TO(explained, flags, AFW_X_ALL),
    F(explained, location, OPT_NAME, 0),
    F(explained, iface, OPT_NAME, 0),
    F(explained, port, OPT_NAME, 0),
    F(explained, pad, PAD, 0),
    OK(socket, family, 6),
    BAD(socket, family, 0),
    BAD(socket, family, 5),
    FLAG(socket, stream),
    FROM_TO(socket, scope, AFW_SCOPE_WAN, AFW_SCOPE_LOOPBACK),
    BAD(session_get, route, 0),
    UP_TO(session_get, conn, AFW_CONNS_MAX - 1),
    FROM_TO(session_get, why, AFW_WHY_FIRST, AFW_WHY_MAX - 1),
    FROM_TO(session_get, type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD),
    F(session_get, location, NAME, 0),
    BAD(session, route, 0),
    UP_TO(session, ca_len, AFW_BLOB_MAX),
    F(session, server, ADDR, 0),
    BAD(session, port, 0),
    F(session, pad, PAD, 0),
    F(session, host, FILLED, 0),
    F(session, cookie, FILLED, 0),
    BAD(session_fail, route, 0),
    FROM_TO(session_fail, reason, 1, AFW_REASON_MAX - 1),
    FLAG(session_fail, permanent),
    F(session_fail, detail, STR, 0),
};

struct run {
	const struct afw_row *row;
	const struct field *f;
	void (*fn)(void *, const struct payload *, bool, const char *);
	void *arg;
	unsigned int n;
};

/* One change: n bytes at off of the field. */
static void
change(struct run *r, size_t off, const void *bytes, size_t n, bool ok)
{
	struct payload p;
	char what[128];

	payload_make(r->row, &p);
	memcpy(p.b + r->f->off + off, bytes, n);
	(void)snprintf(what, sizeof(what), "%s.%s, change %u", r->f->payload,
	    r->f->name, r->n);
	r->fn(r->arg, &p, ok, what);
	r->n++;
}

static void
change_text(struct run *r, bool empty_allowed, bool any_char)
{
	char text[AFW_TOKEN_SIZE] = "";
	size_t n = r->f->size;

	change(r, 0, text, n, empty_allowed);
	memset(text, 'a', n);
	change(r, 0, text, n, false); /* no NUL */
	text[n - 1] = '\0';
	change(r, 0, text, n, true); /* as long as it can be */
	text[n / 2] = '\0';
	change(r, 0, text, n, false); /* more behind the NUL */
	memset(text + n / 2, 0, n - n / 2);
	text[n - 1] = 'a';
	change(r, 0, text, n, false); /* one byte, at the very end */
	text[n - 1] = '\0';
	text[0] = '/';
	change(r, 0, text, n, any_char);
}

static void
change_pad(struct run *r)
{
	size_t i;

	for (i = 0; i < r->f->size; i++)
		change(r, i, "\1", 1, false);
}

static void
change_addr(struct run *r, size_t off)
{
	static const struct afw_addr v4 = {.family = 4, .b = {10, 0, 0, 1}};
	static const struct afw_addr v6 = {
	    .family = 6, .b = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct afw_addr a = v4;
	size_t i;

	change(r, off, &v4, sizeof(a), true);
	change(r, off, &v6, sizeof(a), true);
	for (i = 4; i < 16; i++) { /* behind an IPv4 address */
		a = v4;
		a.b[i] = 1;
		change(r, off, &a, sizeof(a), false);
	}
	for (i = 0; i < 3; i++) {
		a = v6;
		a.pad[i] = 1;
		change(r, off, &a, sizeof(a), false);
	}
	a = v6;
	for (i = 0; i < 256; i++) {
		a.family = (uint8_t)i;
		if (i != 6)
			change(r, off, &a, sizeof(a), false);
	}
}

static void
change_host(struct run *r, size_t off)
{
	static const char *const bad[] = {"0.0.0.0", "127.0.0.1", "224.0.0.1",
	    "255.255.255.255", "::", "::1", "ff02::1"};
	static const struct afw_addr mapped = {.family = 6,
	    .b = {[10] = 0xff, 0xff, 192, 168, 1, 5}};
	struct afw_addr a = {0};
	size_t i;

	change_addr(r, off);
	change(r, off, &a, sizeof(a), false);
	change(r, off, &mapped, sizeof(a), false);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(afw_addr_parse(&a, bad[i]), 0);
		change(r, off, &a, sizeof(a), false);
	}
}

static void
change_key(struct run *r)
{
	static const struct afw_key mac = {
	    .kind = AFW_KEY_MAC, .mac = {2, 0, 0, 0, 0, 1}};
	static const struct afw_key iface = {
	    .kind = AFW_KEY_IFACE, .iface = "eth1"};
	struct afw_key k = mac;
	size_t i, n = sizeof(k);

	change_host(r, offsetof(struct afw_key, addr));
	for (i = 0; i < n; i++) /* what is not of this kind must be zero */
		if (i < 4 || i >= offsetof(struct afw_key, mac))
			change(r, i, "\4", 1, false);
	change(r, 0, &mac, n, true);
	change(r, 0, &iface, n, true);
	k.mac[0] = 3; /* group */
	change(r, 0, &k, n, false);
	memset(k.mac, 0, 6);
	change(r, 0, &k, n, false);
	k = mac;
	k.iface[0] = 'e';
	change(r, 0, &k, n, false);
	k = iface;
	k.addr.family = 4;
	change(r, 0, &k, n, false);
	k = iface;
	k.iface[0] = '\0';
	change(r, 0, &k, n, false);
	k = iface;
	memset(k.iface, 'e', sizeof(k.iface));
	change(r, 0, &k, n, false);
}

static void
change_number(struct run *r)
{
	uint16_t v16 = (uint16_t)r->f->value;
	bool ok = r->f->what == NUM_OK;

	if (r->f->size == sizeof(v16))
		change(r, 0, &v16, sizeof(v16), ok);
	else
		change(r, 0, &r->f->value, sizeof(r->f->value), ok);
}

static void
change_field(struct run *r)
{
	switch (r->f->what) {
	case NUM:
	case NUM_OK:
		change_number(r);
		break;
	case STR:
		change_text(r, true, true);
		break;
	case FILLED:
		change_text(r, false, true);
		break;
	case NAME:
		change_text(r, false, false);
		break;
	case OPT_NAME:
		change_text(r, true, false);
		break;
	case PAD:
		change_pad(r);
		break;
	case ADDR:
		change_addr(r, 0);
		break;
	case HOST:
		change_host(r, 0);
		break;
	case KEY:
		change_key(r);
		break;
	}
}

unsigned int
payload_vary(const struct afw_row *row,
    void (*fn)(void *, const struct payload *, bool, const char *), void *arg)
{
	struct run r = {.row = row, .fn = fn, .arg = arg};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		r.f = &fields[i];
		if (strcmp(r.f->payload, payload_name(row)) == 0)
			change_field(&r);
	}
	return r.n;
}
