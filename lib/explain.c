/* SPDX-License-Identifier: ISC */
/* Which rule is about an address, as JSON: EXPLAIN and its answer. */
#include <afwrt.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "errors.h"
#include "rules.h"
#include "suite.h"

static void
explained_take(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct afw_m_explained *x = arg;

	(void)code;
	(void)text;
	if (m->hdr.type == AFW_MSG_EXPLAINED)
		*x = *(const struct afw_m_explained *)(const void *)m->payload;
}

static const char *
mac_print(const struct afw_m_explained *x, char buf[18])
{
	const uint8_t *m = x->mac;

	(void)snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
	    m[2], m[3], m[4], m[5]);
	return buf;
}

/* As rules are written in the status. */
static json_t *
rule_object(const struct afw_m_explained *x, const char *addr)
{
	char mac[18];

	switch (x->kind) {
	case AFW_KEY_IP:
		return json_pack(
		    "{s:s, s:s}", "ip_addr", addr, "vl", x->location);
	case AFW_KEY_MAC:
		return json_pack("{s:s, s:s}", "mac_addr", mac_print(x, mac),
		    "vl", x->location);
	case AFW_KEY_IFACE:
		return json_pack("{s:s, s:s}", "iface",
		    (x->flags & AFW_X_PORT) != 0 ? x->port : x->iface, "vl",
		    x->location);
	default:
		return json_null();
	}
}

static json_t *
text_or_null(const char *s)
{
	return *s != '\0' ? json_string(s) : json_null();
}

static json_t *
neighbour_object(const struct afw_m_explained *x)
{
	char mac[18];

	if ((x->flags & AFW_X_SEEN) == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "mac_addr",
	    (x->flags & AFW_X_MAC) != 0 ? json_string(mac_print(x, mac))
					: json_null(),
	    "iface", text_or_null(x->iface), "port", text_or_null(x->port));
}

static char *
answer_text(const struct afw_m_explained *x, const struct afw_addr *a)
{
	char addr[AFW_ADDR_TEXT], *text;
	json_t *o;

	(void)afw_addr_print(a, addr, sizeof(addr));
	o = json_pack("{s:i, s:s, s:o, s:o, s:o, s:b}", "schema_version", 1,
	    "ip_addr", addr, "rule", rule_object(x, addr), "neighbour",
	    neighbour_object(x), "mark",
	    x->mark != 0 ? json_integer((json_int_t)x->mark) : json_null(),
	    "default_route", (int)((x->flags & AFW_X_CATCH_ALL) != 0));
	if ((text = json_dumps(o, JSON_COMPACT)) == NULL)
		(void)errors_set(ENOMEM, "explain: out of memory");
	json_decref(o);
	return text;
}

char *
afwrt_explain(const char *ip_addr)
{
	struct afw_m_explained x = {.kind = UINT32_MAX};
	struct suite *s = suite_get();
	struct afw_m_source m;
	struct afw_key key;
	char *text = NULL;

	if (s == NULL)
		return NULL;
	if (rules_key(&key, AFW_KEY_IP, ip_addr) == 0) {
		m.addr = key.addr;
		if (client_call(&s->client, AFW_MSG_EXPLAIN, &m, -1,
			CLIENT_WAIT_MS, "explain", explained_take, &x) == 0) {
			if (x.kind != UINT32_MAX)
				text = answer_text(&x, &m.addr);
			else
				(void)errors_set(
				    EPROTO, "explain: no answer came");
		}
	}
	suite_put(s);
	return text;
}
