/* SPDX-License-Identifier: ISC */
#include "managed_env.h"

#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct env e;
pid_t lan, world;

void
managed_up(void)
{
	env_namespace();
	lan = env_behind("lan1");
	world = env_behind("wan1");
	ck_assert_int_eq(sh("echo 1 > /proc/sys/net/ipv4/ip_forward; "
			    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; "
			    "ip -6 addr add fd00:50::1/64 dev lan0 nodad; "
			    "ip -6 addr add 2001:db8:203::2/64 dev wan0 nodad; "
			    "ip -6 route add default via 2001:db8:203::1"),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip link set lan1 address " MAC_A
	       "; ip addr add 192.168.50.10/24 dev lan1; ip addr add "
	       "192.168.50.11/24 dev lan1; ip route add default via "
	       "192.168.50.1; ip -6 addr add fd00:50::10/64 dev lan1 nodad; "
	       "ip -6 route add default via fd00:50::1'",
		(int)lan),
	    0);
	ck_assert_int_eq(
	    sh("nsenter -t %d -n sh -c 'ip addr add 203.0.113.1/24 dev wan1; "
	       "ip addr add 198.51.100.1/32 dev lo; ip -6 addr add "
	       "2001:db8:203::1/64 dev wan1 nodad; ip -6 addr add "
	       "2001:db8:51::1/128 dev lo nodad; nft add table inet w; nft "
	       "\"add chain inet w c { type filter hook prerouting priority "
	       "-300; }\"; nft add rule inet w c udp dport 9 counter'",
		(int)world),
	    0);
	env_config(&e);
	e.cfg.type = AFW_TYPE_WIREGUARD;
	e.cfg.flags = AFW_C_LAN_BYPASS | AFW_C_WG_MANAGED;
	env_start(&e);
}

static void
end(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

void
managed_down(void)
{
	env_end(&e);
	end(&lan);
	end(&world);
}

unsigned int
managed_wg_set(uint32_t route, uint32_t flags)
{
	char name[AFW_IFNAME_SIZE];

	(void)snprintf(name, sizeof(name), "tun%u", route);
	return env_wg_set(&e, route, AFW_WG_USERSPACE, flags, name);
}

static uint32_t wanted_device;

static bool
has_wg_device(struct env *x)
{
	return x->wg[wanted_device].fd != -1;
}

/* addr6 NULL: none of that family. */
unsigned int
managed_wg_session(uint32_t route, bool v6, const char *dns4)
{
	struct afw_m_wg_set m = {.route = route, .addrs = v6 ? 2 : 1};
	char text[32];

	(void)snprintf(text, sizeof(text), "10.9.%u.2", route);
	(void)afw_addr_parse(&m.addr[0].addr, text);
	m.addr[0].prefix = 32;
	if (v6) {
		(void)snprintf(text, sizeof(text), "fd09:%u::2", route);
		(void)afw_addr_parse(&m.addr[1].addr, text);
		m.addr[1].prefix = 128;
	}
	if (dns4 != NULL)
		(void)afw_addr_parse(&m.dns4, dns4);
	wanted_device = route;
	ck_assert(env_until(&e, has_wg_device));
	return env_ask_of(&e, &e.tun, AFW_MSG_WG_SET, &m);
}

void
managed_wg_up(uint32_t route)
{
	OK(managed_wg_set(route, 0));
	OK(managed_wg_session(route, true, NULL));
}

unsigned int
managed_rule(const char *what, uint32_t route)
{
	return env_key_rule(&e, what, route);
}

unsigned int
managed_unrule(const char *what)
{
	return env_key_unrule(&e, what);
}

/* A datagram from the device (or pid 0: the router), to port 9. */
void
managed_send_one(pid_t from, const char *src, const char *to)
{
	bool v6 = strchr(to, ':') != NULL;

	if (from == 0)
		(void)sh("echo x | socat -u - UDP%d-SENDTO:%s%s%s:9 "
			 ">/dev/null 2>&1",
		    v6 ? 6 : 4, v6 ? "[" : "", to, v6 ? "]" : "");
	else
		(void)sh("echo x | nsenter -t %d -n socat -u - "
			 "UDP%d-SENDTO:%s%s%s:9,bind=%s%s%s >/dev/null 2>&1",
		    (int)from, v6 ? 6 : 4, v6 ? "[" : "", to, v6 ? "]" : "",
		    v6 ? "[" : "", src, v6 ? "]" : "");
}

/* UDP to that port that came out of a route's interface; the last is kept. */
uint8_t last[2048];
ssize_t last_len;

int
managed_came_out(uint32_t route, unsigned int port)
{
	uint8_t buf[2048];
	int fd = e.wg[route].fd, n = 0;
	size_t at;
	ssize_t got;

	while ((got = read(fd, buf, sizeof(buf))) > VNET + 28) {
		at = VNET + (buf[VNET] >> 4 == 4 ? 20 : 40);
		if ((size_t)got < at + 8 ||
		    (buf[at + 2] << 8 | buf[at + 3]) != (int)port)
			continue;
		memcpy(last, buf + VNET, sizeof(last) - VNET);
		last_len = got - VNET;
		n++;
	}
	return n;
}

int
managed_came_to_world(void)
{
	const char *t =
	    strstr(out("nsenter -t %d -n nft list chain inet w c", (int)world),
		"packets ");

	ck_assert_ptr_nonnull(t);
	return atoi(t + strlen("packets "));
}

/* Where a packet of the device goes: the route, 0 the uplink, -1 nowhere. */
int
managed_where(const char *src, const char *to)
{
	int before = managed_came_to_world(), i;
	uint32_t r;

	for (r = 1; r < 8; r++)
		if (e.wg[r].fd != -1)
			(void)managed_came_out(r, 9);
	managed_send_one(lan, src, to);
	for (i = 0; i < 20; i++) {
		for (r = 1; r < 8; r++)
			if (e.wg[r].fd != -1 && managed_came_out(r, 9) > 0)
				return (int)r;
		if (managed_came_to_world() > before)
			return 0;
		env_serve(&e, 10);
	}
	return -1;
}
