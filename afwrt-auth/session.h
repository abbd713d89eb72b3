/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_SESSION_H
#define AFWRT_AUTH_SESSION_H

/*
 * The session of a connection of a route, shared by the files that deal with it: sessions.c
 * has the table, attempt.c gets a session that works, reply.c tells
 * afwrt-tun, renewal.c keeps the credentials fresh.
 */
#include "backend.h"
#include "lib/wgquick/wgquick.h"
#include "provide.h"
#include "resolve.h"
#include "wg_key.h"

struct session;

/* Of a WireGuard location: its key pair and the addresses of the server. */
struct session_wg {
	uint8_t private_key[AFW_WG_KEY_SIZE];
	char public_key[WGQUICK_KEY_TEXT]; /* "": not known yet */
	struct afw_addr addr[RESOLVE_MAX + 1];
	size_t n, at; /* how many; the one in use */
	struct resolve *resolve;
	struct wg_key *key_get;
	void (*key_done)(struct session *s);
};

struct session {
	struct session *chain;
	uint32_t route, conn;
	uint32_t type; /* enum afw_type */
	struct session_wg wg;
	char location[AFW_LOCATION_SIZE];
	uint32_t id; /* of the request that waits, 0 none */
	bool given;  /* the last answer was a session */
	struct provide *provide;
	bool borrowed; /* from the route's first connection */
	size_t server;
	char cookie[2048];
	struct afw_addr addr;
	/* this attempt */
	size_t failed;   /* servers that did not do */
	bool provided;   /* the backend was asked in it */
	bool by_country; /* the name is taken as a country's */
	bool once_more;  /* after SERVER_UNAVAILABLE */
	bool probed;     /* other addresses of the server were tried */
	struct fail last;
	size_t refused; /* cookies in a row */
	int64_t refused_ms;
	struct tokens_call *call;
	struct node_login *login;
	struct conn *probe;
	/* renewal of the credentials */
	struct provide *next; /* for the next login */
	struct tokens_call *renewal;
	struct event *timer;
	int64_t renew_ms; /* when to ask, CLOCK_BOOTTIME, INT64_MAX never */
	int tries;        /* that failed */
	bool told;        /* that they expired */
	bool anywhere;    /* the location chosen before is no more */
};

/* ---- sessions.c -------------------------------------------------------- */

/* That of the first connection of the route of s; NULL: it is s, or none. */
struct session *sessions_first(const struct session *s);

/* ---- reply.c ----------------------------------------------------------- */

void reply_fail(struct session *s, const struct fail *why, bool permanent);
void reply_session(struct session *s);
/* The trust anchors of its nodes, PEM. */
const char *reply_ca(const struct session *s, size_t *len);

/* ---- attempt.c --------------------------------------------------------- */

/* Answers the request that waits, with what is in hand or what can be got. */
void attempt_begin(struct session *s);
/* Why the session given last did not do (enum afw_why), and begins. */
void attempt_again(struct session *s, uint32_t why);
bool attempt_is_busy(const struct session *s);
void attempt_stop(struct session *s);
/*
 * Asks the backend to provide; of a location that it chose the same again if
 * same is said.
 */
struct tokens_call *attempt_ask(
    struct session *s, bool same, backend_cb cb, void *arg);
struct provide *attempt_read(
    const struct session *s, const struct answer *a, const char **why);
/* That server did not do. */
void attempt_next_server(struct session *s);

/* ---- attempt_wg.c ------------------------------------------------------ */

/* Finds the addresses of the server in hand and answers with the first. */
void attempt_wg_resolve(struct session *s);
/* Answers with its next address; false: there is none. */
bool attempt_wg_next(struct session *s);
void attempt_wg_forget(struct session *s);
/* True: the key pair is being got; done(s) runs then, or the route fails. */
bool attempt_wg_key(struct session *s, void (*done)(struct session *s));
bool attempt_wg_is_busy(const struct session *s);
void attempt_wg_stop(struct session *s);

/* ---- renewal.c --------------------------------------------------------- */

/* There is a new s->provide. */
void renewal_start(struct session *s);
void renewal_stop(struct session *s);
/* The account changed: what was refused may be granted now. */
void renewal_retry(struct session *s);

#endif
