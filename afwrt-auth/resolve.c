/* SPDX-License-Identifier: ISC */
/*
 * A stub resolver over sockets from afwrt-net: /etc/hosts, a small cache,
 * then the nameservers of resolv.conf in turn, A and AAAA at once, TCP where
 * an answer is truncated. (libevent's evdns opens its sockets by itself.)
 * A connected socket, the kernel's choice of port and a random id a question
 * make forged answers hard.
 */
#include "resolve.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#include "conn.h"
#include "dns.h"
#include "lib/daemon/log.h"
#include "resolve_cache.h"
#include "resolve_system.h"
#include "sock.h"
#include "url.h"

#define TRY_TIME    2000 /* ms for one server */
#define ROUNDS      2    /* over all servers */
#define ALIASES_MAX 4    /* CNAMEs that have to be asked for */
#define TTL_NONE    3600 /* s, before there is an answer */

struct question {
	unsigned int family;
	uint16_t id;
	bool done, tcp;
	struct dns_answer a;
};

struct resolve {
	char name[DNS_NAME_MAX]; /* as asked by our owner */
	char now[DNS_NAME_MAX];  /* after CNAMEs */
	enum afw_v4v6 policy;
	resolve_cb cb;
	void *arg;
	struct event *timer, *rd;
	struct sock *sock;
	struct conn *conn;
	int fd;
	struct question q[2];
	size_t n_q, attempt, server, aliases;
	bool missing; /* a server said that there is no such name */
	char tcp_host[AFW_ADDR_TEXT];
	uint8_t *tcp; /* an answer by TCP as it comes */
	size_t tcp_len;
	struct afw_addr found[RESOLVE_MAX];
	size_t n_found;
	struct fail why;
};

static uint16_t dns_port = 53;

static void resolve_ask(struct resolve *r);
static void resolve_ask_tcp(struct resolve *r);

void
resolve_set_port(uint16_t port)
{
	dns_port = port;
}

/* ---- ends -------------------------------------------------------------- */

static void
resolve_drop(struct resolve *r)
{
	if (r->sock != NULL)
		sock_cancel(r->sock);
	if (r->rd != NULL)
		event_free(r->rd);
	if (r->fd != -1)
		(void)close(r->fd);
	conn_close(r->conn);
	free(r->tcp);
	r->sock = NULL;
	r->rd = NULL;
	r->fd = -1;
	r->conn = NULL;
	r->tcp = NULL;
	r->tcp_len = 0;
}

void
resolve_cancel(struct resolve *r)
{
	resolve_drop(r);
	event_free(r->timer);
	free(r);
}

static void
resolve_tell(struct resolve *r)
{
	resolve_cb cb = r->cb;
	void *arg = r->arg;
	struct afw_addr found[RESOLVE_MAX];
	struct fail why = r->why;
	size_t n = r->n_found;

	memcpy(found, r->found, sizeof(found));
	resolve_cancel(r);
	cb(arg, found, n, &why);
}

static void
resolve_timer(struct resolve *r, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)evtimer_add(r->timer, &tv);
}

/* Every question has its answer. */
static void
resolve_done(struct resolve *r)
{
	uint32_t ttl = TTL_NONE;
	size_t i, j;

	/* in turns, so that one family cannot crowd out the other */
	for (j = 0; j < DNS_ADDRS_MAX; j++)
		for (i = 0; i < r->n_q; i++)
			if (j < r->q[i].a.n && r->n_found < RESOLVE_MAX)
				r->found[r->n_found++] = r->q[i].a.addrs[j];
	for (i = 0; i < r->n_q; i++)
		if (r->q[i].a.n > 0 && r->q[i].a.ttl < ttl)
			ttl = r->q[i].a.ttl;
	if (r->n_found > 0)
		resolve_cache_add(
		    r->name, r->policy, r->found, r->n_found, ttl);
	else if (r->missing)
		fail_set(
		    &r->why, AFW_REASON_CONNECT, "%s: no such name", r->name);
	else
		fail_set(
		    &r->why, AFW_REASON_UNREACHABLE, "%s: no address", r->name);
	resolve_tell(r);
}

static void
resolve_next(struct resolve *r)
{
	size_t i;

	resolve_drop(r);
	if (++r->attempt < ROUNDS * system_servers(NULL)) {
		resolve_ask(r);
		return;
	}
	/* one family that was answered is better than nothing */
	for (i = 0; i < r->n_q; i++)
		if (r->q[i].done && r->q[i].a.n > 0) {
			resolve_done(r);
			return;
		}
	fail_set(
	    &r->why, AFW_REASON_TIMEOUT, "%s: no nameserver answers", r->name);
	resolve_tell(r);
}

/* ---- answers ----------------------------------------------------------- */

/* All over again for the name behind a CNAME. */
static void
resolve_alias(struct resolve *r, const char *alias)
{
	size_t i;

	resolve_drop(r);
	if (++r->aliases > ALIASES_MAX) {
		fail_set(&r->why, AFW_REASON_CONNECT, "%s: too many aliases",
		    r->name);
		resolve_tell(r);
		return;
	}
	(void)snprintf(r->now, sizeof(r->now), "%s", alias);
	for (i = 0; i < r->n_q; i++)
		r->q[i].done = false;
	r->attempt = 0;
	resolve_ask(r);
}

static bool
all_done(const struct resolve *r)
{
	size_t i;

	for (i = 0; i < r->n_q; i++)
		if (!r->q[i].done)
			return false;
	return true;
}

/* What a message from the server means. False: r is gone or asks anew. */
static bool
resolve_message(struct resolve *r, const uint8_t *msg, size_t len)
{
	enum dns_result res = DNS_FOREIGN;
	struct dns_answer a;
	char alias[DNS_NAME_MAX];
	struct question *q;

	for (q = r->q; q < r->q + r->n_q && res == DNS_FOREIGN; q++)
		if (!q->done)
			res = dns_parse(msg, len, q->id, r->now, q->family, &a);
	q--;
	switch (res) {
	case DNS_FOREIGN:
		return true;
	case DNS_TRUNCATED:
		q->tcp = true;
		resolve_ask_tcp(r);
		return true;
	case DNS_REFUSED:
		resolve_next(r);
		return false;
	case DNS_ALIAS:
		(void)strcpy(alias, a.alias);
		resolve_alias(r, alias);
		return false;
	case DNS_NO_NAME:
		r->missing = true;
		break;
	case DNS_ADDRS:
		break;
	}
	q->done = true;
	q->a = a;
	if (!all_done(r))
		return true;
	resolve_done(r);
	return false;
}

/* ---- UDP --------------------------------------------------------------- */

static void
resolve_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *r = arg;
	uint8_t buf[4096];
	ssize_t n;
	int i;

	(void)what;
	for (i = 0; i < 16; i++) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1) { /* "port unreachable" and the like */
			resolve_next(r);
			return;
		}
		if (!resolve_message(r, buf, (size_t)n))
			return;
	}
}

static int
resolve_send(struct resolve *r)
{
	uint8_t buf[DNS_QUERY_MAX];
	struct question *q;
	int n;

	for (q = r->q; q < r->q + r->n_q; q++) {
		if (q->done)
			continue;
		if (getrandom(&q->id, sizeof(q->id), 0) != sizeof(q->id))
			return -1;
		n = dns_query(buf, q->id, r->now, q->family);
		if (n == -1 || send(r->fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
			return -1;
	}
	return 0;
}

static void
resolve_socket_cb(void *arg, int fd, int e)
{
	struct resolve *r = arg;
	const struct afw_addr *servers;
	struct sockaddr_storage ss;
	socklen_t len;

	(void)e;
	r->sock = NULL;
	r->fd = fd;
	(void)system_servers(&servers);
	len = afw_addr_to_sockaddr(&servers[r->server], dns_port, &ss);
	if (fd == -1 || connect(fd, (struct sockaddr *)&ss, len) == -1 ||
	    resolve_send(r) == -1) {
		/* else not at once: there may be no uplink yet */
		if (fd != -1 && errno == ECONNREFUSED)
			resolve_next(r);
		else
			resolve_drop(r);
		return;
	}
	r->rd = event_new(
	    conn_base(), fd, EV_READ | EV_PERSIST, resolve_read_cb, r);
	if (r->rd == NULL || event_add(r->rd, NULL) == -1)
		fatal("auth: out of memory");
}

static enum afw_scope
server_scope(const struct afw_addr *a)
{
	char text[AFW_ADDR_TEXT];

	return url_is_loopback(afw_addr_print(a, text, sizeof(text)))
	    ? AFW_SCOPE_LOOPBACK
	    : AFW_SCOPE_WAN;
}

static void
resolve_ask(struct resolve *r)
{
	const struct afw_addr *servers;
	size_t n = system_servers(&servers);

	r->server = r->attempt % n;
	resolve_timer(r, TRY_TIME);
	r->sock = sock_get(servers[r->server].family, false,
	    server_scope(&servers[r->server]), resolve_socket_cb, r);
}

/* ---- TCP --------------------------------------------------------------- */

static void
tcp_up_cb(void *arg)
{
	struct resolve *r = arg;
	uint8_t buf[2 + DNS_QUERY_MAX];
	struct question *q;
	int n;

	for (q = r->q; q < r->q + r->n_q; q++) {
		if (q->done || !q->tcp)
			continue;
		n = dns_query(buf + 2, q->id, r->now, q->family);
		if (n == -1)
			continue;
		buf[0] = (uint8_t)(n >> 8);
		buf[1] = (uint8_t)n;
		(void)conn_send(r->conn, buf, (size_t)n + 2);
	}
}

static void
tcp_data_cb(void *arg, const void *data, size_t len)
{
	struct resolve *r = arg;
	size_t want;

	if (r->tcp == NULL && (r->tcp = malloc(2 * 65536)) == NULL)
		fatal("auth: out of memory");
	if (len > 2 * 65536 - r->tcp_len) {
		resolve_next(r);
		return;
	}
	memcpy(r->tcp + r->tcp_len, data, len);
	r->tcp_len += len;
	while (r->tcp_len >= 2) {
		want = 2 + ((size_t)r->tcp[0] << 8 | r->tcp[1]);
		if (r->tcp_len < want)
			return;
		if (!resolve_message(r, r->tcp + 2, want - 2))
			return;
		memmove(r->tcp, r->tcp + want, r->tcp_len - want);
		r->tcp_len -= want;
	}
}

static void
tcp_closed_cb(void *arg, const struct fail *why)
{
	struct resolve *r = arg;

	(void)why;
	r->conn = NULL;
	resolve_next(r);
}

/* Questions marked tcp again, over a connection to the same server. */
static void
resolve_ask_tcp(struct resolve *r)
{
	static const struct conn_cbs cbs = {
	    tcp_up_cb, tcp_data_cb, tcp_closed_cb};
	const struct afw_addr *servers;
	struct conn_opts o = {.port = dns_port,
	    .policy = AFW_V4V6_LEGACY,
	    .timeout_ms = TRY_TIME};

	if (r->conn != NULL)
		return; /* the other question opened it; tcp_up_cb sends both */
	(void)system_servers(&servers);
	o.host = afw_addr_print(
	    &servers[r->server], r->tcp_host, sizeof(r->tcp_host));
	resolve_timer(r, 2 * TRY_TIME);
	r->conn = conn_open(&o, &cbs, r);
}

/* ---- for its owner ----------------------------------------------------- */

static void
resolve_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *r = arg;

	(void)fd;
	(void)what;
	if (r->n_found > 0 || r->why.reason != AFW_REASON_NONE)
		resolve_tell(r);
	else
		resolve_next(r);
}

/* What needs no question. */
static bool
resolve_known(struct resolve *r)
{
	r->n_found = system_lookup(r->name, r->found, RESOLVE_MAX);
	if (r->n_found == 0)
		r->n_found = resolve_cache_find(r->name, r->policy, r->found);
	return r->n_found > 0;
}

static void
resolve_families(struct resolve *r)
{
	bool may4 = r->policy != AFW_V4V6_IPV6_ONLY;
	bool may6 = r->policy != AFW_V4V6_IPV4_ONLY;
	bool v4 = may4 && sock_wan_has(4);
	bool v6 = may6 && sock_wan_has(6);

	if (!v4 && !v6) { /* no uplink now; when it comes, it has these */
		v4 = may4;
		v6 = may6;
	}
	if (v4)
		r->q[r->n_q++].family = 4;
	if (v6)
		r->q[r->n_q++].family = 6;
}

struct resolve *
resolve_name(const char *name, enum afw_v4v6 policy, resolve_cb cb, void *arg)
{
	struct resolve *r = calloc(1, sizeof(*r));
	size_t n = strlen(name);

	if (r == NULL ||
	    (r->timer = evtimer_new(conn_base(), resolve_timer_cb, r)) == NULL)
		fatal("auth: out of memory");
	r->policy = policy;
	r->cb = cb;
	r->arg = arg;
	r->fd = -1;
	if (n > 1 && name[n - 1] == '.')
		n--;
	if (n == 0 || n > 253) {
		fail_set(&r->why, AFW_REASON_CONNECT, "no host name");
		resolve_timer(r, 0);
		return r;
	}
	memcpy(r->name, name, n);
	memcpy(r->now, name, n);
	if (resolve_known(r)) {
		resolve_timer(r, 0);
		return r;
	}
	resolve_families(r);
	resolve_ask(r);
	return r;
}
