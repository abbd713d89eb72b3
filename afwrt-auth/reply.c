/* SPDX-License-Identifier: ISC */
/* What afwrt-tun is told: SESSION or SESSION_FAIL. */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "session.h"

static struct afw_ratelimit limit;

void
reply_fail(struct session *s, const struct fail *why, bool permanent)
{
	struct afw_m_session_fail m = {
	    .route = s->route, .reason = why->reason, .permanent = permanent};
	char text[160];

	if (m.reason == AFW_REASON_NONE)
		m.reason = AFW_REASON_PROTOCOL;
	memcpy(m.detail, why->detail, sizeof(m.detail));
	(void)fail_print(why, text, sizeof(text));
	if (s->conn != 0) /* afwrt-tun says it, once */
		log_debug("%s: no session: %s", s->location, text);
	else if (afw_ratelimit_ok(&limit, 20))
		log_warn("%s: no session: %s", s->location, text);
	s->given = false;
	if (s->id != 0)
		(void)afw_link_send(afw_daemon_peer(AFW_TUN),
		    AFW_MSG_SESSION_FAIL, s->id, &m, -1);
	s->id = 0;
}

static void
session_fill(const struct session *s, struct afw_m_session *m)
{
	const struct provide_server *at = &s->provide->servers[s->server];

	m->route = s->route;
	m->expire_time = s->provide->expire_time;
	m->server = s->addr;
	m->port = at->port;
	(void)afw_str_set(m->host, sizeof(m->host), at->host);
	(void)afw_str_set(m->cookie, sizeof(m->cookie), s->cookie);
	(void)afw_str_set(m->chosen, sizeof(m->chosen), s->provide->location);
}

const char *
reply_ca(const struct session *s, size_t *len)
{
	const struct file *f = files_find(AFW_FILE_CA);

	if (s->provide->ca != NULL) {
		*len = strlen(s->provide->ca);
		return s->provide->ca;
	}
	*len = f->len;
	return f->text != NULL ? f->text : "";
}

static void
hydra_session(struct session *s)
{
	struct afw_m_session m = {.route = 0};
	struct fail why;
	size_t len;
	const char *ca = reply_ca(s, &len);
	int fd;

	s->given = true;
	if (s->id == 0)
		return;
	if ((fd = afw_blob_make(ca, len)) == -1) {
		fail_set(
		    &why, AFW_REASON_PROTOCOL, "memfd: %s", strerror(errno));
		reply_fail(s, &why, false);
		return;
	}
	session_fill(s, &m);
	m.ca_len = (uint32_t)len;
	(void)afw_link_send(
	    afw_daemon_peer(AFW_TUN), AFW_MSG_SESSION, s->id, &m, fd);
	afw_wipe(&m, sizeof(m));
	s->id = 0;
}

static void
wg_fill(const struct session *s, struct afw_m_wg_session *m)
{
	static const uint8_t none[AFW_WG_KEY_SIZE];
	const struct provide_server *at = &s->provide->servers[s->server];
	const struct provide_wg *w = &s->provide->wg;
	bool given = memcmp(w->private_key, none, sizeof(w->private_key)) != 0;

	m->route = s->route;
	m->expire_time = s->provide->expire_time;
	m->mtu = w->mtu;
	memcpy(m->private_key, given ? w->private_key : s->wg.private_key,
	    AFW_WG_KEY_SIZE);
	memcpy(m->peer_key, at->public_key, AFW_WG_KEY_SIZE);
	memcpy(m->preshared_key, w->preshared_key, AFW_WG_KEY_SIZE);
	m->server = s->addr;
	m->port = at->port;
	m->keepalive = w->keepalive;
	m->addrs = w->addrs;
	m->allowed = w->allowed;
	m->dns4 = w->dns4;
	m->dns6 = w->dns6;
	memcpy(m->addr, w->addr, sizeof(m->addr));
	memcpy(m->allow, w->allow, sizeof(m->allow));
	(void)afw_str_set(m->chosen, sizeof(m->chosen), s->provide->location);
}

static void
wg_session(struct session *s)
{
	struct afw_m_wg_session m = {.route = 0};
	char text[AFW_ADDR_TEXT];

	s->given = true;
	if (s->id == 0)
		return;
	wg_fill(s, &m);
	log_debug("%s: server %s at %s", s->location,
	    s->provide->servers[s->server].host,
	    afw_addr_print(&s->addr, text, sizeof(text)));
	(void)afw_link_send(
	    afw_daemon_peer(AFW_TUN), AFW_MSG_WG_SESSION, s->id, &m, -1);
	afw_wipe(&m, sizeof(m));
	s->id = 0;
}

void
reply_session(struct session *s)
{
	if (s->type == AFW_TYPE_WIREGUARD)
		wg_session(s);
	else
		hydra_session(s);
}
