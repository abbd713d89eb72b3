/* SPDX-License-Identifier: ISC */
/*
 * What the suite is doing, as JSON: the answers to QUERY, one object each.
 */
#include "status.h"

#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "errors.h"

struct answer {
	json_t *processes, *routes, *rules;
	json_t *addrs; /* NULL: not known */
	uint64_t now_ms;
	uint64_t boot_at_ms; /* Unix time of CLOCK_BOOTTIME 0 */
};

static uint64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Whole seconds since then; 0 for never. */
static json_int_t
seconds_since(const struct answer *a, uint64_t ms)
{
	return ms == 0 || ms > a->now_ms
	    ? 0
	    : (json_int_t)((a->now_ms - ms) / 1000);
}

static json_t *
address(const struct afw_addr *a)
{
	char text[AFW_ADDR_TEXT];

	if (a->family == 0)
		return json_null();
	return json_string(afw_addr_print(a, text, sizeof(text)));
}

static json_t *
process_object(const struct answer *a, const struct afw_m_process *p)
{
	static const char *const names[AFW_ROLES] = {
	    [AFW_SUP] = "afwrtd",
	    [AFW_NET] = "afwrt-net",
	    [AFW_TUN] = "afwrt-tun",
	    [AFW_AUTH] = "afwrt-auth",
	};

	json_t *o;

	o = json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", names[p->role],
	    "pid", (json_int_t)p->pid, "generation", (json_int_t)p->gen,
	    "restarts", (json_int_t)p->restarts, "uptime",
	    seconds_since(a, p->pid == 0 ? 0 : p->started_ms));
	if (p->pid != 0)
		(void)json_object_update_new(o,
		    json_pack("{s:f}", "start_time",
			(double)(a->boot_at_ms + p->started_ms) / 1000));
	if (p->pid != 0 && p->rss_bytes != 0)
		(void)json_object_update_new(o,
		    json_pack("{s:I, s:f}", "rss_bytes",
			(json_int_t)p->rss_bytes, "cpu_seconds",
			(double)p->cpu_ms / 1000));
	return o;
}

static const char *
state_name(uint32_t state)
{
	static const char *const names[AFW_ROUTE_STATE_MAX] = {
	    [AFW_ROUTE_IDLE] = "idle",
	    [AFW_ROUTE_CONNECTING] = "connecting",
	    [AFW_ROUTE_CONNECTED] = "connected",
	    [AFW_ROUTE_DISCONNECTED] = "disconnected",
	    [AFW_ROUTE_FAILED] = "failed",
	};

	return names[state];
}

/* Only the reasons that there were, under their names in events or "other". */
static json_t *
failures(const struct afw_m_route_stats *t)
{
	json_t *o = json_object();
	char text[AFW_DETAIL_SIZE];
	unsigned int i;

	for (i = 0; i < AFW_REASON_MAX; i++) {
		if (t->failed[i] == 0)
			continue;
		(void)afw_reason_print(i, "", text, sizeof(text));
		(void)json_object_set_new(o,
		    i == AFW_REASON_NONE      ? "other"
			: i == AFW_REASON_TLS ? "tls"
					      : text,
		    json_integer((json_int_t)t->failed[i]));
	}
	return o;
}

/* What it is made of. */
static void
route_kind(json_t *o, const struct afw_m_route_info *r)
{
	static const char *const impls[] = {
	    [AFW_WG_KERNEL] = "kernel",
	    [AFW_WG_USERSPACE] = "userspace",
	};
	bool known =
	    r->wg_impl == AFW_WG_KERNEL || r->wg_impl == AFW_WG_USERSPACE;

	(void)json_object_set_new(o, "type",
	    json_string(
		r->type == AFW_TYPE_WIREGUARD ? "wireguard" : "hydra-tcp"));
	(void)json_object_set_new(o, "iface",
	    r->ifname[0] != '\0' ? json_string(r->ifname) : json_null());
	(void)json_object_set_new(o, "wireguard_impl",
	    known ? json_string(impls[r->wg_impl]) : json_null());
}

static json_t *
route_object(const struct answer *a, const struct afw_m_route_info *r)
{
	const struct afw_m_route_stats *t = &r->stats;
	json_t *o;

	o = json_pack("{s:s, s:s, s:b, s:I}", "location", r->location, "state",
	    state_name(t->state), "default", (int)r->is_default, "rules",
	    (json_int_t)r->rules);
	(void)json_object_update_new(o,
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "up_bytes",
		(json_int_t)t->up_bytes, "down_bytes",
		(json_int_t)t->down_bytes, "up_packets",
		(json_int_t)t->up_packets, "down_packets",
		(json_int_t)t->down_packets, "dropped", (json_int_t)t->dropped,
		"connects", (json_int_t)t->connects, "failures",
		(json_int_t)t->failures, "nat_entries",
		(json_int_t)t->nat_entries));
	(void)json_object_update_new(o,
	    json_pack("{s:I, s:o}", "flows", (json_int_t)t->flows,
		"failures_by_reason", failures(t)));
	(void)json_object_update_new(o,
	    json_pack("{s:o, s:o, s:o, s:I, s:f, s:I}", "server",
		address(&t->server), "inner4", address(&t->inner4), "inner6",
		address(&t->inner6), "mtu", (json_int_t)t->mtu, "rtt_ms",
		(double)t->rtt_us / 1000, "up_seconds",
		seconds_since(a, t->up_since_ms)));
	route_kind(o, r);
	(void)json_object_set_new(
	    o, "connections", json_integer((json_int_t)t->conns));
	(void)json_object_set_new(o, "chosen",
	    r->chosen[0] != '\0' ? json_string(r->chosen) : json_null());
	return o;
}

/* By the kind of the rule, and by family. */
static json_t *
addrs_object(const struct afw_m_addrs *n)
{
	static const char *const kinds[AFW_KEY_IFACE] = {
	    [AFW_KEY_IP - 1] = "ip_addr",
	    [AFW_KEY_MAC - 1] = "mac_addr",
	    [AFW_KEY_IFACE - 1] = "iface",
	};
	json_t *o = json_object();
	unsigned int i;

	for (i = 0; i < AFW_KEY_IFACE; i++)
		(void)json_object_set_new(o, kinds[i],
		    json_pack("{s:I, s:I}", "ipv4", (json_int_t)n->v4[i],
			"ipv6", (json_int_t)n->v6[i]));
	return o;
}

static json_t *
rule_object(const struct afw_m_protect *r)
{
	static const char *const names[] = {
	    [AFW_KEY_IP] = "ip_addr",
	    [AFW_KEY_MAC] = "mac_addr",
	    [AFW_KEY_IFACE] = "iface",
	};
	char text[AFW_ADDR_TEXT];

	if (r->key.kind == AFW_KEY_IFACE)
		return json_pack(
		    "{s:s, s:s}", "iface", r->key.iface, "vl", r->location);
	return json_pack("{s:s, s:s}", names[r->key.kind],
	    afw_key_print(&r->key, text, sizeof(text)), "vl", r->location);
}

static void
item_take(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct answer *a = arg;
	const void *p = m->payload;

	(void)code;
	(void)text;
	switch (m->hdr.type) {
	case AFW_MSG_QUERY_PROCESS:
		(void)json_array_append_new(a->processes, process_object(a, p));
		break;
	case AFW_MSG_QUERY_ROUTE:
		(void)json_array_append_new(a->routes, route_object(a, p));
		break;
	case AFW_MSG_ADDRS:
		json_decref(a->addrs);
		a->addrs = addrs_object(p);
		break;
	case AFW_MSG_QUERY_RULE:
		(void)json_array_append_new(a->rules, rule_object(p));
		break;
	default:
		break;
	}
}

char *
status_get(struct suite *s)
{
	struct answer a = {.processes = json_array(),
	    .routes = json_array(),
	    .rules = json_array(),
	    .now_ms = clock_ms(CLOCK_BOOTTIME)};
	char *text = NULL;
	json_t *o;
	int rc;

	a.boot_at_ms = clock_ms(CLOCK_REALTIME) - a.now_ms;
	rc = client_call(&s->client, AFW_MSG_QUERY, NULL, -1, CLIENT_WAIT_MS,
	    "the status", item_take, &a);
	o = json_pack("{s:i, s:o, s:o, s:o}", "schema_version", 1, "processes",
	    a.processes, "routes", a.routes, "rules", a.rules);
	if (a.addrs != NULL)
		(void)json_object_set_new(o, "addresses", a.addrs);
	if (rc == 0 && (text = json_dumps(o, JSON_COMPACT)) == NULL)
		(void)errors_set(ENOMEM, "the status: out of memory");
	rc = errno;
	json_decref(o);
	errno = rc;
	return text;
}
