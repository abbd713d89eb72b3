/* SPDX-License-Identifier: ISC */
/*
 * The message table made from msg_table.h, and one content check a payload.
 * A check looks only at form: NUL, zero padding, enum ranges, addresses. What
 * a message means is its handler's business.
 */
#include "msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The layout is the protocol: a compiler that pads differently must fail. */
#define SIZE_IS(payload, n)                                                    \
	_Static_assert(sizeof(struct afw_m_##payload) == (n), #payload)
_Static_assert(sizeof(struct afw_hdr) == 16, "header");
_Static_assert(sizeof(struct afw_addr) == 20, "addr");
_Static_assert(sizeof(struct afw_key) == 48, "key");
SIZE_IS(none, 4);
SIZE_IS(hello, 48);
SIZE_IS(start, 8);
SIZE_IS(log_level, 4);
SIZE_IS(usage, 16);
SIZE_IS(addrs, 24);
SIZE_IS(status, 192);
SIZE_IS(peer, 8);
SIZE_IS(log, 248);
SIZE_IS(shutdown, 4);
SIZE_IS(config, 952);
SIZE_IS(key, 48);
SIZE_IS(protect, 112);
SIZE_IS(tunnel, 80);
SIZE_IS(location, 64);
SIZE_IS(process, 40);
SIZE_IS(ev_route, 176);
SIZE_IS(token, 4100);
SIZE_IS(credentials, 4164);
SIZE_IS(bandwidth, 96);
SIZE_IS(auth_config, 400);
SIZE_IS(backend, 516);
SIZE_IS(verify, 1792);
SIZE_IS(blob, 4);
SIZE_IS(auth_file, 8);
SIZE_IS(filename, 256);
SIZE_IS(rule, 52);
SIZE_IS(wan, 32);
SIZE_IS(tun_config, 24);
SIZE_IS(route, 88);
SIZE_IS(route_id, 4);
SIZE_IS(route_event, 176);
SIZE_IS(route_stats, 184);
SIZE_IS(route_info, 344);
SIZE_IS(device, 32);
SIZE_IS(flow, 24);
SIZE_IS(source, 20);
SIZE_IS(explained, 120);
SIZE_IS(socket, 12);
SIZE_IS(session_get, 80);
SIZE_IS(session, 2408);
SIZE_IS(session_fail, 108);
SIZE_IS(location_info, 4);
SIZE_IS(state_get, 68);
SIZE_IS(state, 136);
SIZE_IS(keep, 4);
SIZE_IS(net_wg_set, 28);
SIZE_IS(net_wg, 4);
SIZE_IS(wg_device, 36);
SIZE_IS(wg_set, 3440);
SIZE_IS(wg_state, 72);
SIZE_IS(wg_session, 3512);

#define STR_OK(m, field) afw_str_valid((m)->field, sizeof((m)->field))

static bool
in_range(uint32_t v, uint32_t lo, uint32_t hi)
{
	return v >= lo && v <= hi;
}

static bool
all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n > 0)
		if (b[--n] != 0)
			return false;
	return true;
}

static bool
location_field(const char *s, size_t size)
{
	return afw_str_valid(s, size) && afw_location_valid(s);
}

static bool
location_or_none(const char *s, size_t size)
{
	return afw_str_valid(s, size) &&
	    (s[0] == '\0' || afw_location_valid(s));
}

static bool
ifname_field(const char *s, bool empty_allowed)
{
	return afw_str_valid(s, AFW_IFNAME_SIZE) &&
	    ((empty_allowed && s[0] == '\0') || afw_ifname_valid(s));
}

/* What a helper read outside must not forge lines in the log. */
static bool
one_line(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool
token_field(const char *s)
{
	return afw_str_valid(s, AFW_TOKEN_SIZE);
}

/* One function a payload: bool afw_check_<payload>(const void *). */
#define CHECK(payload)                                                         \
	static bool check_##payload(const struct afw_m_##payload *m);          \
	static bool afw_check_##payload(const void *p)                         \
	{                                                                      \
		return check_##payload(p);                                     \
	}                                                                      \
	static bool check_##payload(const struct afw_m_##payload *m)

/* clang-format off */
CHECK(none) { return m->zero == 0; }
CHECK(hello) { return STR_OK(m, build) && m->pad == 0; }
CHECK(start) { return m->gen != 0 && m->log_level <= 7; }
CHECK(log_level) { return m->level <= 7; }
CHECK(usage) { return m->rss_bytes % 1024 == 0; } /* whole pages */
CHECK(addrs) { return m->v4[0] < UINT32_MAX; }
CHECK(status) { return m->code < AFW_EMAX && STR_OK(m, text); }
CHECK(peer) { return in_range(m->role, AFW_NET, AFW_AUTH) && m->gen != 0; }
CHECK(log) { return m->level <= 7 && STR_OK(m, text) && one_line(m->text); }
CHECK(shutdown) { return m->keep_blocked <= 1; }
CHECK(key) { return afw_key_valid(&m->key); }
CHECK(location) { return location_field(m->location, sizeof(m->location)); }
CHECK(token) { return token_field(m->token) && m->token[0] != '\0' &&
    all_zero(m->pad, 3); }
CHECK(blob) { return m->len <= AFW_BLOB_MAX; }
CHECK(auth_file) { return in_range(m->which, 1, AFW_FILE_MAX - 1); }
CHECK(filename) { return STR_OK(m, name) && m->name[0] != '\0'; }
CHECK(rule) { return afw_key_valid(&m->key) && m->route != 0; }
CHECK(route_id) { return m->route != 0; }
CHECK(keep) { return m->route <= INT32_MAX; }
CHECK(location_info) { return m->type <= AFW_TYPE_WIREGUARD; }
CHECK(net_wg) { return in_range(m->impl, AFW_WG_KERNEL, AFW_WG_USERSPACE); }
CHECK(flow) { return afw_addr_is_host(&m->addr) &&
    afw_addr_valid(&m->addr, false); }
CHECK(source) { return afw_addr_is_host(&m->addr) &&
    afw_addr_valid(&m->addr, false); }
CHECK(backend) { return m->index < AFW_BACKENDS_MAX && STR_OK(m, url) &&
    m->url[0] != '\0'; }
/* clang-format on */

CHECK(config)
{
	return ifname_field(m->tun_ifname, false) &&
	    ifname_field(m->wan_ifname, false) &&
	    afw_addr_valid(&m->tun_addr, true) && m->tun_mtu <= 65535 &&
	    (m->flags & ~(uint32_t)AFW_C_ALL) == 0 && m->fwmark != 0 &&
	    (m->fwmark & ~m->fwmark_mask) == 0 && m->route_table != 0 &&
	    in_range(m->rule_priority, 1, 32765) &&
	    in_range(m->type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD) &&
	    in_range(m->wg_impl, AFW_WG_AUTO, AFW_WG_USERSPACE) &&
	    in_range(m->reconnect, AFW_RECONNECT_MANUAL, AFW_RECONNECT_AUTO) &&
	    in_range(m->v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH) &&
	    in_range(m->connections, 1, AFW_CONNS_MAX) && m->log_level <= 7 &&
	    STR_OK(m, vl_default) &&
	    (m->vl_default[0] == '\0' || afw_location_valid(m->vl_default)) &&
	    STR_OK(m, config_dir) && STR_OK(m, tun_dev_path) &&
	    STR_OK(m, ca_file);
}

CHECK(explained)
{
	return m->kind <= AFW_KEY_IFACE && (m->kind != 0) == (m->route != 0) &&
	    (m->flags & ~(uint32_t)AFW_X_ALL) == 0 && STR_OK(m, location) &&
	    (m->location[0] == '\0' || afw_location_valid(m->location)) &&
	    ifname_field(m->iface, true) && ifname_field(m->port, true) &&
	    all_zero(m->pad, sizeof(m->pad));
}

CHECK(protect)
{
	return afw_key_valid(&m->key) &&
	    location_field(m->location, sizeof(m->location));
}

CHECK(tunnel)
{
	return location_field(m->location, sizeof(m->location)) &&
	    ifname_field(m->iface, true);
}

CHECK(process)
{
	return in_range(m->role, AFW_SUP, AFW_AUTH);
}

CHECK(ev_route)
{
	return location_field(m->location, sizeof(m->location)) &&
	    in_range(m->state, AFW_ROUTE_CONNECTED, AFW_ROUTE_FAILED) &&
	    m->reason < AFW_REASON_MAX && STR_OK(m, detail) && m->pad == 0;
}

CHECK(credentials)
{
	return STR_OK(m, method) && m->method[0] != '\0' &&
	    token_field(m->token) && all_zero(m->pad, 3);
}

CHECK(bandwidth)
{
	return location_field(m->location, sizeof(m->location)) &&
	    m->last <= 1 && m->pad == 0;
}

CHECK(auth_config)
{
	return STR_OK(m, device_id) && STR_OK(m, device_type) &&
	    STR_OK(m, device_name) && STR_OK(m, project_id) &&
	    in_range(m->type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD) &&
	    in_range(m->v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH) &&
	    m->ipv6_exit <= 1 && in_range(m->backends, 1, AFW_BACKENDS_MAX);
}

CHECK(verify)
{
	return STR_OK(m, url) && m->url[0] != '\0' && STR_OK(m, username) &&
	    STR_OK(m, password);
}

CHECK(wan)
{
	return m->up <= 1 && m->has4 <= 1 && m->has6 <= 1 &&
	    ifname_field(m->ifname, true);
}

CHECK(tun_config)
{
	return in_range(m->connections, 1, AFW_CONNS_MAX) && m->fresh <= 1 &&
	    in_range(m->v4v6, AFW_V4V6_LEGACY, AFW_V4V6_BOTH);
}

CHECK(route)
{
	return m->route != 0 && (m->flags & ~(uint32_t)AFW_R_ALL) == 0 &&
	    in_range(m->type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD) &&
	    in_range(m->reconnect, AFW_RECONNECT_MANUAL, AFW_RECONNECT_AUTO) &&
	    location_field(m->location, sizeof(m->location));
}

CHECK(route_event)
{
	return m->route != 0 &&
	    in_range(m->state, AFW_ROUTE_IDLE, AFW_ROUTE_STATE_MAX - 1) &&
	    m->reason < AFW_REASON_MAX && STR_OK(m, detail) &&
	    location_or_none(m->chosen, sizeof(m->chosen));
}

CHECK(route_stats)
{
	return in_range(m->state, AFW_ROUTE_IDLE, AFW_ROUTE_STATE_MAX - 1) &&
	    afw_addr_valid(&m->server, true) &&
	    afw_addr_valid(&m->inner4, true) &&
	    afw_addr_valid(&m->inner6, true) && m->conns <= AFW_CONNS_MAX;
}

CHECK(route_info)
{
	return location_field(m->location, sizeof(m->location)) &&
	    m->is_default <= 1 &&
	    in_range(m->type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD) &&
	    m->wg_impl <= AFW_WG_USERSPACE && ifname_field(m->ifname, true) &&
	    check_route_stats(&m->stats) &&
	    location_or_none(m->chosen, sizeof(m->chosen));
}

CHECK(device)
{
	return in_range(m->mtu, 576, 65535) &&
	    (m->vnet_hdr == 0 || m->vnet_hdr == 12) &&
	    afw_addr_valid(&m->addr, true);
}

CHECK(socket)
{
	return (m->family == 4 || m->family == 6) && m->stream <= 1 &&
	    in_range(m->scope, AFW_SCOPE_WAN, AFW_SCOPE_LOOPBACK);
}

CHECK(session_get)
{
	return m->route != 0 && m->conn < AFW_CONNS_MAX &&
	    in_range(m->why, 1, AFW_WHY_MAX - 1) &&
	    in_range(m->type, AFW_TYPE_HYDRA_TCP, AFW_TYPE_WIREGUARD) &&
	    location_field(m->location, sizeof(m->location));
}

CHECK(session)
{
	return m->route != 0 && m->ca_len <= AFW_BLOB_MAX &&
	    afw_addr_valid(&m->server, false) && m->port != 0 && m->pad == 0 &&
	    STR_OK(m, host) && m->host[0] != '\0' && STR_OK(m, cookie) &&
	    m->cookie[0] != '\0' &&
	    location_or_none(m->chosen, sizeof(m->chosen));
}

/* n of them are there, and nothing behind those. */
static bool
nets_field(const struct afw_wg_net *net, uint32_t n, uint32_t max)
{
	uint32_t i;

	if (n > max || !all_zero(net + n, (max - n) * sizeof(*net)))
		return false;
	for (i = 0; i < n; i++)
		if (!afw_addr_valid(&net[i].addr, false) ||
		    net[i].prefix > (net[i].addr.family == 4 ? 32 : 128) ||
		    !all_zero(net[i].pad, sizeof(net[i].pad)))
			return false;
	return true;
}

CHECK(wg_session)
{
	return m->route != 0 && m->mtu <= 65535 &&
	    afw_addr_valid(&m->server, false) && m->port != 0 &&
	    afw_addr_valid(&m->dns4, true) && m->dns4.family != 6 &&
	    afw_addr_valid(&m->dns6, true) && m->dns6.family != 4 &&
	    !all_zero(m->private_key, sizeof(m->private_key)) &&
	    !all_zero(m->peer_key, sizeof(m->peer_key)) && m->addrs > 0 &&
	    nets_field(m->addr, m->addrs, AFW_WG_ADDRS_MAX) &&
	    nets_field(m->allow, m->allowed, AFW_WG_ALLOWED_MAX) &&
	    location_or_none(m->chosen, sizeof(m->chosen));
}

CHECK(wg_set)
{
	return m->route != 0 && m->mtu <= 65535 &&
	    afw_addr_valid(&m->endpoint, true) &&
	    afw_addr_valid(&m->dns4, true) && m->dns4.family != 6 &&
	    afw_addr_valid(&m->dns6, true) && m->dns6.family != 4 &&
	    nets_field(m->addr, m->addrs, AFW_WG_ADDRS_MAX) &&
	    nets_field(m->allow, m->allowed, AFW_WG_ALLOWED_MAX);
}

CHECK(wg_state)
{
	return m->route != 0 && afw_addr_valid(&m->endpoint, true) &&
	    m->pad == 0;
}

CHECK(wg_device)
{
	return m->route != 0 &&
	    in_range(m->impl, AFW_WG_KERNEL, AFW_WG_USERSPACE) &&
	    m->ifindex != 0 && in_range(m->mtu, 576, 65535) &&
	    (m->vnet_hdr == 0 || m->vnet_hdr == 12) &&
	    ifname_field(m->ifname, false);
}

CHECK(net_wg_set)
{
	return m->route != 0 &&
	    in_range(m->impl, AFW_WG_AUTO, AFW_WG_USERSPACE) &&
	    (m->flags & ~(uint32_t)AFW_W_ALL) == 0 &&
	    ifname_field(m->ifname, false);
}

static bool
state_field(uint32_t kind, const char *location)
{
	return in_range(kind, 1, AFW_STATE_MAX - 1) &&
	    location_field(location, AFW_LOCATION_SIZE);
}

CHECK(state_get)
{
	return state_field(m->kind, m->location);
}

CHECK(state)
{
	return state_field(m->kind, m->location) &&
	    in_range(m->len, 1, sizeof(m->data)) &&
	    all_zero(m->data + m->len, sizeof(m->data) - m->len);
}

CHECK(session_fail)
{
	return m->route != 0 && in_range(m->reason, 1, AFW_REASON_MAX - 1) &&
	    m->permanent <= 1 && STR_OK(m, detail);
}

#define P(from, to)  AFW_PAIR(AFW_##from, AFW_##to)
#define EV	     AFW_EV
#define RQ	     AFW_RQ
#define RP	     AFW_RP
#define NO	     AFW_FD_NO
#define ONE	     AFW_FD_ONE
#define OPT	     AFW_FD_OPT
#define H	     AFW_PH_H
#define S	     AFW_PH_S
#define R	     AFW_PH_R

static const struct afw_row rows[] = {
#define AFW_MSG(n, name_, pairs_, kind_, payload_, fds_, phases_, secret_)     \
	{.type = n,                                                            \
	    .kind = kind_,                                                     \
	    .fds = fds_,                                                       \
	    .phases = phases_,                                                 \
	    .secret = secret_,                                                 \
	    .pairs = pairs_,                                                   \
	    .size = sizeof(struct afw_m_##payload_),                           \
	    .name = #name_,                                                    \
	    .check = afw_check_##payload_},
#include "msg_table.h"
#undef AFW_MSG
};

/* Every row as text: what HELLO's checksum is taken of. */
static const char table_text[] =
#define AFW_MSG(n, name_, pairs_, kind_, payload_, fds_, phases_, secret_)     \
	#n " " #name_ " " #pairs_ " " #kind_ " " #payload_ " " #fds_           \
	   " " #phases_ " " #secret_ "\n"
#include "msg_table.h"
#undef AFW_MSG
    ;

const struct afw_row *
afw_row(uint16_t type)
{
	size_t lo = 0, hi = sizeof(rows) / sizeof(rows[0]), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (rows[mid].type == type)
			return &rows[mid];
		if (rows[mid].type < type)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct afw_row *
afw_rows(size_t *n)
{
	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static uint64_t
fnv1a(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
afw_table_sum(void)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	h = fnv1a(h, table_text, sizeof(table_text));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		h = fnv1a(h, &rows[i].size, sizeof(rows[i].size));
	return h;
}

const char *
afw_role_name(unsigned int role)
{
	static const char *const names[AFW_ROLES] = {
	    [AFW_LIB] = "lib",
	    [AFW_SUP] = "afwrtd",
	    [AFW_NET] = "net",
	    [AFW_TUN] = "tun",
	    [AFW_AUTH] = "auth",
	};

	return role < AFW_ROLES ? names[role] : "?";
}
