/* SPDX-License-Identifier: ISC */
#include "tables.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <libmnl/libmnl.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#define ATTRS_MAX 64
#define OWN       "afwrt" /* what the suite's tables are called, or begin with */

struct attrs {
	const struct nlattr *a[ATTRS_MAX];
};

static int
attr_cb(const struct nlattr *a, void *arg)
{
	struct attrs *t = arg;

	if (mnl_attr_get_type(a) < ATTRS_MAX)
		t->a[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static void
attrs_read(struct attrs *t, const struct nlmsghdr *h, unsigned int skip)
{
	memset(t, 0, sizeof(*t));
	(void)mnl_attr_parse(h, skip, attr_cb, t);
}

static uint32_t
attr_u32(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) >= 4
	    ? mnl_attr_get_u32(a)
	    : 0;
}

static const char *
attr_addr(int family, const struct nlattr *a, char buf[INET6_ADDRSTRLEN])
{
	size_t need = family == AF_INET6 ? 16 : 4;

	if (a == NULL || mnl_attr_get_payload_len(a) < need ||
	    inet_ntop(family, mnl_attr_get_payload(a), buf, INET6_ADDRSTRLEN) ==
		NULL)
		return "?";
	return buf;
}

static const char *
if_name(uint32_t index, char buf[IF_NAMESIZE])
{
	return if_indextoname(index, buf) != NULL ? buf : "?";
}

/* Sends a dump request and reads the answers. */
static void
ask(FILE *f, int bus, struct nlmsghdr *h, mnl_cb_t cb)
{
	char buf[32768];
	struct mnl_socket *s = mnl_socket_open(bus);
	struct timeval tv = {.tv_sec = 2};
	ssize_t n = -1;

	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = 1;
	if (s != NULL)
		(void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO,
		    &tv, sizeof(tv));
	if (s != NULL && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(s, h, h->nlmsg_len) >= 0)
		do {
			if ((n = mnl_socket_recvfrom(s, buf, sizeof(buf))) > 0)
				n = mnl_cb_run(buf, (size_t)n, 1,
				    mnl_socket_get_portid(s), cb, f);
		} while (n > 0);
	if (n == -1)
		(void)fprintf(f, "(not readable: %s)\n", strerror(errno));
	if (s != NULL)
		(void)mnl_socket_close(s);
}

static void
ask_route(FILE *f, uint16_t type, int family, size_t size, mnl_cb_t cb)
{
	char buf[256] = "";
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	unsigned char *extra = mnl_nlmsg_put_extra_header(h, size);

	h->nlmsg_type = type;
	extra[0] = (unsigned char)family; /* first in each of these headers */
	ask(f, NETLINK_ROUTE, h, cb);
}

/* ---- links and addresses ------------------------------------------------ */

static int
link_cb(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
	char master[IF_NAMESIZE];
	struct attrs t;
	FILE *f = arg;

	attrs_read(&t, h, sizeof(*i));
	(void)fprintf(f, "%d: %s flags 0x%x mtu %u", i->ifi_index,
	    t.a[IFLA_IFNAME] != NULL ? mnl_attr_get_str(t.a[IFLA_IFNAME]) : "?",
	    i->ifi_flags, attr_u32(t.a[IFLA_MTU]));
	if (t.a[IFLA_MASTER] != NULL)
		(void)fprintf(f, " master %s",
		    if_name(attr_u32(t.a[IFLA_MASTER]), master));
	(void)fputc('\n', f);
	return MNL_CB_OK;
}

void
tables_links(FILE *f)
{
	ask_route(f, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), link_cb);
}

static int
addr_cb(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *i = mnl_nlmsg_get_payload(h);
	char text[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
	const struct nlattr *a;
	struct attrs t;

	attrs_read(&t, h, sizeof(*i));
	a = t.a[IFA_LOCAL] != NULL ? t.a[IFA_LOCAL] : t.a[IFA_ADDRESS];
	(void)fprintf(arg, "%s: %s/%u\n", if_name(i->ifa_index, name),
	    attr_addr(i->ifa_family, a, text), i->ifa_prefixlen);
	return MNL_CB_OK;
}

void
tables_addrs(FILE *f)
{
	ask_route(f, RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg), addr_cb);
}

/* ---- routes and rules --------------------------------------------------- */

static const char *
route_type(unsigned int type)
{
	static const char *const names[] = {[RTN_UNICAST] = "unicast",
	    [RTN_LOCAL] = "local",
	    [RTN_BROADCAST] = "broadcast",
	    [RTN_MULTICAST] = "multicast",
	    [RTN_BLACKHOLE] = "blackhole",
	    [RTN_UNREACHABLE] = "unreachable",
	    [RTN_PROHIBIT] = "prohibit"};

	return type < sizeof(names) / sizeof(names[0]) && names[type] != NULL
	    ? names[type]
	    : "other";
}

static int
route_cb(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(h);
	char text[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
	struct attrs t;
	uint32_t table;
	FILE *f = arg;

	attrs_read(&t, h, sizeof(*r));
	table =
	    t.a[RTA_TABLE] != NULL ? attr_u32(t.a[RTA_TABLE]) : r->rtm_table;
	if (table == RT_TABLE_LOCAL || (r->rtm_flags & RTM_F_CLONED) != 0)
		return MNL_CB_OK;
	(void)fprintf(f, "table %u: %s ", table, route_type(r->rtm_type));
	if (t.a[RTA_DST] != NULL)
		(void)fprintf(f, "%s/%u",
		    attr_addr(r->rtm_family, t.a[RTA_DST], text),
		    r->rtm_dst_len);
	else
		(void)fprintf(f, "default (IPv%c)",
		    r->rtm_family == AF_INET6 ? '6' : '4');
	if (t.a[RTA_GATEWAY] != NULL)
		(void)fprintf(f, " via %s",
		    attr_addr(r->rtm_family, t.a[RTA_GATEWAY], text));
	if (t.a[RTA_OIF] != NULL)
		(void)fprintf(
		    f, " dev %s", if_name(attr_u32(t.a[RTA_OIF]), name));
	(void)fprintf(f, " proto %u metric %u\n", r->rtm_protocol,
	    attr_u32(t.a[RTA_PRIORITY]));
	return MNL_CB_OK;
}

void
tables_routes(FILE *f)
{
	ask_route(f, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), route_cb);
	ask_route(f, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), route_cb);
}

static int
rule_cb(const struct nlmsghdr *h, void *arg)
{
	const struct fib_rule_hdr *r = mnl_nlmsg_get_payload(h);
	struct attrs t;
	FILE *f = arg;

	attrs_read(&t, h, sizeof(*r));
	(void)fprintf(f, "IPv%c %u:", r->family == AF_INET6 ? '6' : '4',
	    attr_u32(t.a[FRA_PRIORITY]));
	if (t.a[FRA_FWMARK] != NULL)
		(void)fprintf(f, " fwmark 0x%x/0x%x", attr_u32(t.a[FRA_FWMARK]),
		    attr_u32(t.a[FRA_FWMASK]));
	if (t.a[FRA_IIFNAME] != NULL)
		(void)fprintf(f, " iif %s", mnl_attr_get_str(t.a[FRA_IIFNAME]));
	if (t.a[FRA_OIFNAME] != NULL)
		(void)fprintf(f, " oif %s", mnl_attr_get_str(t.a[FRA_OIFNAME]));
	(void)fprintf(f, " action %u table %u\n", r->action,
	    t.a[FRA_TABLE] != NULL ? attr_u32(t.a[FRA_TABLE]) : r->table);
	return MNL_CB_OK;
}

void
tables_rules(FILE *f)
{
	ask_route(
	    f, RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr), rule_cb);
	ask_route(
	    f, RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr), rule_cb);
}

/* ---- nftables ----------------------------------------------------------- */

/*
 * By libmnl alone: libnftnl would put this program under another licence. Each
 * rule of the suite has a comment that says all of it.
 */
static const char *
attr_text(const struct nlattr *a)
{
	return a != NULL && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0
	    ? mnl_attr_get_str(a)
	    : "";
}

static bool
is_own(const struct nlattr *table)
{
	return strncmp(attr_text(table), OWN, strlen(OWN)) == 0;
}

static const char *
family_name(uint8_t family)
{
	return family == NFPROTO_INET  ? "inet"
	    : family == NFPROTO_BRIDGE ? "bridge"
				       : "other";
}

static void
hook_print(FILE *f, const struct nlattr *hook)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, hook) {
		if (mnl_attr_get_type(a) == NFTA_HOOK_HOOKNUM)
			(void)fprintf(f, " hook %u", ntohl(attr_u32(a)));
		else if (mnl_attr_get_type(a) == NFTA_HOOK_PRIORITY)
			(void)fprintf(
			    f, " priority %d", (int)ntohl(attr_u32(a)));
	}
}

static int
chain_cb(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	struct attrs t;

	attrs_read(&t, h, sizeof(*g));
	if (!is_own(t.a[NFTA_CHAIN_TABLE]))
		return MNL_CB_OK;
	(void)fprintf(arg, "chain %s %s %s type %s",
	    family_name(g->nfgen_family), attr_text(t.a[NFTA_CHAIN_TABLE]),
	    attr_text(t.a[NFTA_CHAIN_NAME]), attr_text(t.a[NFTA_CHAIN_TYPE]));
	if (t.a[NFTA_CHAIN_HOOK] != NULL)
		hook_print(arg, t.a[NFTA_CHAIN_HOOK]);
	(void)fputc('\n', arg);
	return MNL_CB_OK;
}

/* nft keeps comments as type 0, length, text with its NUL. */
static const char *
comment_of(const struct nlattr *a)
{
	const uint8_t *p;
	uint16_t len;

	if (a == NULL || (len = mnl_attr_get_payload_len(a)) < 3)
		return "";
	p = mnl_attr_get_payload(a);
	return p[0] == 0 && p[1] > 0 && p[1] <= len - 2 && p[1 + p[1]] == '\0'
	    ? (const char *)p + 2
	    : "";
}

static int
nft_rule_cb(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	struct attrs t;

	attrs_read(&t, h, sizeof(*g));
	if (is_own(t.a[NFTA_RULE_TABLE]))
		(void)fprintf(arg, "rule %s %s %s: %s\n",
		    family_name(g->nfgen_family),
		    attr_text(t.a[NFTA_RULE_TABLE]),
		    attr_text(t.a[NFTA_RULE_CHAIN]),
		    comment_of(t.a[NFTA_RULE_USERDATA]));
	return MNL_CB_OK;
}

static void
ask_nft(FILE *f, uint16_t what, mnl_cb_t cb)
{
	_Alignas(8) char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what);
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = 1;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = NFPROTO_UNSPEC;
	g->version = NFNETLINK_V0;
	ask(f, NETLINK_NETFILTER, h, cb);
}

void
tables_nft(FILE *f)
{
	ask_nft(f, NFT_MSG_GETCHAIN, chain_cb);
	ask_nft(f, NFT_MSG_GETRULE, nft_rule_cb);
}
