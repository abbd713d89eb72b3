/* SPDX-License-Identifier: ISC */
/*
 * The same for WireGuard: there is no login, what stands in for the cookie is
 * an address of the server. Whether it answers only afwrt-tun finds out; then
 * the next address is given, and after the last the next server.
 */
#include <string.h>

#include "dial.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"
#include "session.h"

static void
resolved_cb(
    void *arg, const struct afw_addr *addrs, size_t n, const struct fail *why)
{
	struct session *s = arg;
	const struct provide_server *at = &s->provide->servers[s->server];
	char text[160];

	s->wg.resolve = NULL;
	memcpy(s->wg.addr, addrs, n * sizeof(*addrs));
	if (at->address6[0] != '\0' &&
	    afw_addr_parse(&s->wg.addr[n], at->address6) == 0)
		n++;
	s->wg.n =
	    dial_order(s->wg.addr, n, (enum afw_v4v6)backend_config()->v4v6);
	s->wg.at = 0;
	if (s->wg.n == 0) {
		s->last = *why;
		if (s->last.reason == AFW_REASON_NONE)
			fail_set(&s->last, AFW_REASON_NO_SERVER,
			    "no address that v4v6_policy allows");
		log_warn("%s: %s: %s", s->location, at->host,
		    fail_print(&s->last, text, sizeof(text)));
		attempt_next_server(s);
		return;
	}
	s->addr = s->wg.addr[0];
	reply_session(s);
}

void
attempt_wg_resolve(struct session *s)
{
	const struct provide_server *at = &s->provide->servers[s->server];
	const char *name = at->address[0] != '\0' ? at->address : at->address6;

	attempt_wg_forget(s);
	s->wg.resolve = resolve_name(
	    name, (enum afw_v4v6)backend_config()->v4v6, resolved_cb, s);
}

bool
attempt_wg_next(struct session *s)
{
	if (s->wg.at + 1 >= s->wg.n)
		return false;
	s->addr = s->wg.addr[++s->wg.at];
	reply_session(s);
	return true;
}

void
attempt_wg_forget(struct session *s)
{
	s->wg.n = s->wg.at = 0;
	memset(&s->addr, 0, sizeof(s->addr));
}

/* ---- the key pair ------------------------------------------------------ */

static void
key_cb(void *arg, const uint8_t key[AFW_WG_KEY_SIZE], const char *why)
{
	struct session *s = arg;
	uint8_t public[AFW_WG_KEY_SIZE];
	struct fail f;

	s->wg.key_get = NULL;
	if (key != NULL && wg_key_public(public, key) == 0) {
		memcpy(s->wg.private_key, key, AFW_WG_KEY_SIZE);
		wgquick_key_print(public, s->wg.public_key);
		s->wg.key_done(s);
		return;
	}
	fail_set(&f, AFW_REASON_AUTH, "no key pair: %s",
	    why != NULL ? why : "the private key cannot be used");
	reply_fail(s, &f, false);
}

bool
attempt_wg_key(struct session *s, void (*done)(struct session *s))
{
	struct fail f;

	if (s->type != AFW_TYPE_WIREGUARD || backend_is_file() ||
	    s->wg.public_key[0] != '\0')
		return false;
	s->wg.key_done = done;
	s->wg.key_get = wg_key_get(s->location, key_cb, s);
	if (s->wg.key_get == NULL) {
		fail_set(&f, AFW_REASON_AUTH, "no key pair: afwrtd is away");
		reply_fail(s, &f, false);
	}
	return true;
}

bool
attempt_wg_is_busy(const struct session *s)
{
	return s->wg.resolve != NULL || s->wg.key_get != NULL;
}

void
attempt_wg_stop(struct session *s)
{
	if (s->wg.resolve != NULL)
		resolve_cancel(s->wg.resolve);
	wg_key_cancel(s->wg.key_get);
	s->wg.resolve = NULL;
	s->wg.key_get = NULL;
}
