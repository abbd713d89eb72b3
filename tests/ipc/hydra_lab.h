/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_HYDRA_LAB_H
#define AFWRT_TESTS_HYDRA_LAB_H

#include <sys/types.h>

#include "lib/daemon/link.h"

/*
 * A real ocserv (or two) in a network namespace of the test's own, and the
 * processes around afwrt-tun, played by the test: supervisor, afwrt-net with
 * plain sockets, afwrt-auth with cookies that openconnect got.
 */
#define NODES      2
#define EVENTS_MAX 64
#define NO_WORD    1000 /* for source_answer */
/* both are there, and answer pings by their tunnels */
#define LAB_SERVER     "203.0.113.9"
#define LAB_PORT(node) (4431 + (node))

/* ---- the nodes --------------------------------------------------------- */

extern char lab_folder[];

/* False: cannot be done here (not root, no ocserv ...); says why. */
bool lab_begin(void);
void lab_end(void);
/* Logs in to a node with openconnect; the cookie, static. */
const char *lab_cookie(unsigned int node);

/* Connections to a node go through here, to be cut or stalled. */
struct proxy;
struct proxy *proxy_open(struct event_base *base, unsigned int node);
void proxy_close(struct proxy *p);
uint16_t proxy_port(const struct proxy *p);
void proxy_cut(struct proxy *p);
void proxy_stall(struct proxy *p);
unsigned int proxy_connections(const struct proxy *p);

/* ---- afwrt-tun and its neighbours -------------------------------------- */

struct answer {
	unsigned int node;
	uint16_t port; /* 0: the node's own */
	const char *cookie;
	const char *ca;       /* file name in the lab, NULL the right one */
	const char *host;     /* NULL the right one */
	enum afw_reason fail; /* not 0: SESSION_FAIL */
	bool permanent;
};

struct suite {
	struct event_base *base;
	pid_t pid;
	uint32_t gen;
	bool ready;
	bool whole; /* the real packet path, too; packets are bare then */
	struct afw_link sup, net, auth;
	int device; /* the test's end */
	/* what was seen */
	struct afw_m_route_event events[EVENTS_MAX];
	unsigned int n_events;
	uint32_t whys[EVENTS_MAX], conns[EVENTS_MAX]; /* of SESSION_GET */
	unsigned int n_whys;
	unsigned int sockets, session_ends;
	unsigned int socket_refusal; /* AFW_E code, 0: give it */
	uint32_t default_route;      /* of TUN_CONFIG */
	unsigned int source_answer;  /* AFW_E code, or no word at all */
	unsigned int sources;        /* that were asked about */
	/* what afwrt-auth answers, one after the other; the last stays */
	struct answer answers[8];
	unsigned int n_answers;
	/* of the last request of the test */
	bool done;
	unsigned int code;
	struct afw_m_route_stats stats;
};

void suite_start(struct suite *s);
/* Without a word: it is killed. */
void suite_kill(struct suite *s);
void suite_free(struct suite *s);
void suite_peers(struct suite *s);
void suite_wan(struct suite *s, bool up, const char *ifname);
/* Sends a request and awaits its STATUS; the code. */
unsigned int suite_request(
    struct suite *s, enum afw_msg_type type, const void *payload);
/* The same to a request of afwrt-net's: all it said before has arrived. */
unsigned int suite_flow(struct suite *s, uint32_t route);
unsigned int suite_route(struct suite *s, uint32_t id, uint32_t flags,
    enum afw_reconnect reconnect, uint32_t seq);
void suite_stats(struct suite *s);
/* Runs the loop until cond holds or ms are over; whether it holds. */
bool suite_await(struct suite *s, int ms, bool (*cond)(struct suite *s));
/* The n-th event (from 0); awaits it. */
const struct afw_m_route_event *suite_event(
    struct suite *s, unsigned int n, int ms);
void suite_run(struct suite *s, int ms);

/* An echo request from the address of stats to the node's own. */
void ping_send(
    struct suite *s, uint32_t route, unsigned int node, uint16_t number);
/* Takes what has arrived: number of the echo reply, or -1. */
int ping_recv(struct suite *s);

#endif
