/* SPDX-License-Identifier: ISC */
/*
 * One generator a payload struct. The table below is made from msg_table.h,
 * so a row whose payload has no generator does not compile.
 */
#include "payload.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct afw_addr v4 = {.family = 4, .b = {192, 168, 1, 5}};
static const struct afw_addr v6 = {
    .family = 6, .b = {0x20, 1, 0xd, 0xb8, [15] = 5}};

#define MAKE(payload) static void make_##payload(struct afw_m_##payload *m)
#define TEXT(field, text) \
	ck_assert_int_eq(afw_str_set(m->field, sizeof(m->field), text), 0)

static void
key_make(struct afw_key *k)
{
	k->kind = AFW_KEY_IP;
	k->addr = v4;
}

MAKE(none)
{
	m->zero = 0;
}

MAKE(hello)
{
	m->table_sum = afw_table_sum();
	m->pid = 4711;
	TEXT(build, "0.1.0");
}

MAKE(start)
{
	m->gen = 3;
	m->log_level = 6;
}

MAKE(log_level)
{
	m->level = 7;
}

MAKE(usage)
{
	m->rss_bytes = 4 << 20;
	m->cpu_ms = 120;
}

MAKE(addrs)
{
	m->v4[AFW_KEY_MAC - 1] = 3;
	m->v6[AFW_KEY_IP - 1] = 1;
}

MAKE(status)
{
	m->code = AFW_ENOENT;
	TEXT(text, "no such rule");
}

MAKE(peer)
{
	m->role = AFW_TUN;
	m->gen = 2;
}

MAKE(log)
{
	m->level = 4;
	TEXT(text, "net: rule 192.168.1.5 -> us: added");
}

MAKE(shutdown)
{
	m->keep_blocked = 1;
}

MAKE(config)
{
	TEXT(tun_ifname, "tun0");
	TEXT(wan_ifname, "eth0");
	m->tun_addr = v4;
	m->tun_mtu = 1400;
	m->flags = AFW_C_LAN_BYPASS;
	m->fwmark = 8;
	m->fwmark_mask = 0xffffffff;
	m->route_table = 47;
	m->rule_priority = 10;
	m->type = AFW_TYPE_HYDRA_TCP;
	m->wg_impl = AFW_WG_USERSPACE;
	m->reconnect = AFW_RECONNECT_MANUAL;
	m->v4v6 = AFW_V4V6_BOTH;
	m->connections = 1;
	m->log_level = 6;
	TEXT(vl_default, "us");
	TEXT(config_dir, "/etc/afwrt");
	TEXT(tun_dev_path, "/dev/net/tun");
}

MAKE(key)
{
	key_make(&m->key);
}

MAKE(protect)
{
	key_make(&m->key);
	TEXT(location, "us-nyc_1.a");
}

MAKE(tunnel)
{
	TEXT(location, "us");
	TEXT(iface, "wg0");
}

MAKE(location)
{
	TEXT(location, "us");
}

MAKE(process)
{
	m->role = AFW_AUTH;
	m->pid = 99;
	m->gen = 1;
}

MAKE(ev_route)
{
	TEXT(location, "us");
	m->state = AFW_ROUTE_FAILED;
	m->seq = 9;
	m->reason = AFW_REASON_TLS;
	TEXT(detail, "expired");
}

MAKE(token)
{
	memset(m->token, 't', sizeof(m->token) - 1);
}

MAKE(credentials)
{
	TEXT(method, "anonymous");
	TEXT(token, "secret-token");
}

MAKE(bandwidth)
{
	TEXT(location, "us");
	m->interval_ms = 1000;
	m->n_points = 1;
	m->down = UINT64_MAX;
	m->last = 1;
}

MAKE(auth_config)
{
	TEXT(device_id, "default_device_id");
	TEXT(device_type, "wrt");
	m->type = AFW_TYPE_WIREGUARD;
	m->v4v6 = AFW_V4V6_LEGACY;
	m->backends = 1;
}

MAKE(backend)
{
	m->index = AFW_BACKENDS_MAX - 1;
	TEXT(url, "https://backend.example/");
}

MAKE(verify)
{
	TEXT(url, "https://backend.example/");
	TEXT(username, "alice");
	TEXT(password, "secret-password");
}

MAKE(blob)
{
	m->len = AFW_BLOB_MAX;
}

MAKE(auth_file)
{
	m->which = AFW_FILE_CA;
	m->mode = 0100600;
}

MAKE(filename)
{
	TEXT(name, "users.json");
}

MAKE(rule)
{
	key_make(&m->key);
	m->route = 1;
}

MAKE(wan)
{
	m->up = 1;
	m->mtu = 1500;
	m->has4 = 1;
	TEXT(ifname, "eth0");
}

MAKE(tun_config)
{
	m->connections = AFW_CONNS_MAX;
	m->v4v6 = AFW_V4V6_BOTH;
	m->fresh = 1;
}

MAKE(route)
{
	m->route = 1;
	m->flags = AFW_R_ALL;
	m->type = AFW_TYPE_HYDRA_TCP;
	m->reconnect = AFW_RECONNECT_AUTO;
	TEXT(location, "us");
}

MAKE(route_id)
{
	m->route = UINT32_MAX;
}

MAKE(route_event)
{
	m->route = 1;
	m->state = AFW_ROUTE_CONNECTED;
	m->seq = 1;
	TEXT(chosen, "us-new-york");
}

MAKE(route_stats)
{
	m->route = 1;
	m->state = AFW_ROUTE_CONNECTED;
	m->server = v4;
	m->inner4 = v4;
	m->inner6 = v6;
}

MAKE(route_info)
{
	TEXT(location, "us");
	m->is_default = 1;
	m->type = AFW_TYPE_WIREGUARD;
	m->wg_impl = AFW_WG_KERNEL;
	TEXT(ifname, "wg0");
	make_route_stats(&m->stats);
}

MAKE(device)
{
	m->ifindex = 7;
	m->mtu = 1500;
	m->vnet_hdr = 12;
	m->addr = v4;
}

MAKE(flow)
{
	m->addr = v6;
	m->route = 1;
}

MAKE(explained)
{
	m->mark = 0x61000000;
	m->flags = AFW_X_SEEN;
	TEXT(location, "us-new-york");
	TEXT(iface, "br-lan");
	TEXT(port, "lan1");
}

MAKE(source)
{
	m->addr = v4;
}

MAKE(socket)
{
	m->family = 4;
	m->stream = 1;
	m->scope = AFW_SCOPE_WAN;
}

MAKE(session_get)
{
	m->route = 1;
	m->why = AFW_WHY_FIRST;
	m->type = AFW_TYPE_WIREGUARD;
	TEXT(location, "us");
}

MAKE(session)
{
	m->route = 1;
	m->ca_len = 1000;
	m->server = v4;
	m->port = 443;
	TEXT(host, "node.example");
	TEXT(cookie, "secret-cookie");
	TEXT(chosen, "us-new-york");
}

MAKE(session_fail)
{
	m->route = 1;
	m->reason = AFW_REASON_CONNECT;
	m->permanent = 1;
}

MAKE(location_info)
{
	m->type = AFW_TYPE_WIREGUARD;
}

MAKE(state_get)
{
	m->kind = AFW_STATE_WG_KEY;
	TEXT(location, "us");
}

MAKE(state)
{
	m->kind = AFW_STATE_WG_STAMP;
	TEXT(location, "us");
	m->len = sizeof(m->data);
	memset(m->data, 's', sizeof(m->data));
}

MAKE(keep)
{
	m->route = 1;
}

MAKE(net_wg_set)
{
	m->route = 1;
	m->impl = AFW_WG_AUTO;
	m->flags = AFW_W_ALL;
	TEXT(ifname, "wg0");
}

MAKE(net_wg)
{
	m->impl = AFW_WG_KERNEL;
}

MAKE(wg_device)
{
	m->route = 1;
	m->impl = AFW_WG_USERSPACE;
	m->ifindex = 7;
	m->mtu = 1420;
	m->vnet_hdr = 12;
	TEXT(ifname, "wg0");
}

static void
nets_make(struct afw_wg_net *addr, struct afw_wg_net *allow)
{
	addr[0].addr = v4;
	addr[0].prefix = 32;
	addr[1].addr = v6;
	addr[1].prefix = 128;
	allow[0].addr.family = 4;
	allow[1].addr.family = 6;
}

MAKE(wg_set)
{
	m->route = 1;
	m->mtu = 1420;
	m->endpoint = v6;
	m->port = 51820;
	m->dns4 = v4;
	m->dns6 = v6;
	m->addrs = m->allowed = 2;
	nets_make(m->addr, m->allow);
}

MAKE(wg_state)
{
	m->route = 1;
	m->endpoint = v4;
	m->port = 51820;
}

MAKE(wg_session)
{
	m->route = 1;
	m->mtu = 1420;
	memset(m->private_key, 's', sizeof(m->private_key));
	memset(m->peer_key, 'p', sizeof(m->peer_key));
	m->server = v6;
	m->port = 51820;
	m->dns4 = v4;
	m->dns6 = v6;
	m->addrs = m->allowed = 2;
	nets_make(m->addr, m->allow);
	TEXT(chosen, "us-new-york");
}

#define AFW_MSG(n, name, pairs, kind, payload, fds, phases, secret) \
	static void make_row_##n(void *p)                           \
	{                                                           \
		make_##payload(p);                                  \
	}
#include "lib/wire/msg_table.h"
#undef AFW_MSG

static const struct {
	uint16_t type;
	const char *name;
	void (*make)(void *p);
} makers[] = {
#define AFW_MSG(n, name, pairs, kind, payload, fds, phases, secret) \
	{n, #payload, make_row_##n},
#include "lib/wire/msg_table.h"
#undef AFW_MSG
};

static size_t
maker_find(uint16_t type)
{
	size_t i;

	for (i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (makers[i].type == type)
			return i;
	ck_abort_msg("no generator for type %u", type);
	abort();
}

void
payload_make(const struct afw_row *row, struct payload *p)
{
	memset(p, 0, sizeof(*p));
	makers[maker_find(row->type)].make(p->b);
}

const char *
payload_name(const struct afw_row *row)
{
	return makers[maker_find(row->type)].name;
}
