/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TESTS_NET_ENV_H
#define AFWRT_TESTS_NET_ENV_H

#include <sys/types.h>

#include "lib/wire/channel.h"

/*
 * A network namespace of the test's own, the real afwrt-net in it, and a
 * supervisor, an afwrt-tun and an afwrt-auth played by the test.
 */
#define ENV_FLOWS 32768
#define ENV_WG    80

struct env_flow {
	struct afw_addr addr;
	uint32_t route;
};

struct env {
	pid_t pid;
	struct afw_chan sup, tun, auth; /* the test's ends */
	uint32_t gen, next_id;
	struct afw_m_config cfg;
	int kept; /* of NET_KEEP, -1 none */
	/* WireGuard routes, by number: of NET_KEEP and WG_DEVICE */
	struct env_wg {
		int kept, fd; /* -1 none */
		struct afw_m_wg_device dev;
		unsigned int devices; /* messages seen */
	} wg[ENV_WG];
	struct afw_m_net_wg net_wg; /* the last answers */
	struct afw_m_wg_state wg_state;
	struct afw_m_explained explained;
	/* afwrt-tun's view */
	int device; /* of DEVICE, -1 none */
	struct afw_m_device dev;
	struct env_flow *flow;
	size_t flows;
	unsigned int flow_sets, syncs; /* messages seen */
	bool tun_mute;                 /* does not answer */
	unsigned int tun_refuses;      /* AFW_E to every FLOW_SET */
	/* last WAN messages, and how many */
	struct afw_m_wan wan, wan_tun, wan_auth;
	unsigned int wans, wans_tun, wans_auth;
	struct afw_m_status st; /* the last answer */
	int sock;               /* of the last SOCKET */
	char log[4096];         /* the end of what was logged */
	int (*run)(void);       /* in the child, instead of afwrt-net */
};

/* Skips the test (exit 77) without root. Unshares, veth lan0 and wan0. */
void env_namespace(void);
void env_config(struct env *e);
/* Starts afwrt-net and brings it to phase R, with its peers. */
void env_start(struct env *e);
/* SIGKILL, and the channels are closed. What it left is the kernel's. */
void env_kill(struct env *e);
/* The end of a test: killed if it runs, and what it had is freed. */
void env_end(struct env *e);
/* Gives it a new afwrt-tun. */
void env_tun_anew(struct env *e);

/* A request of the supervisor; the status' code. Serves the peers meanwhile. */
unsigned int env_ask(
    struct env *e, enum afw_msg_type type, const void *p, int fd);
/* A request of a peer. */
unsigned int env_ask_of(
    struct env *e, struct afw_chan *c, enum afw_msg_type type, const void *p);
unsigned int env_ask_socket(struct env *e, struct afw_chan *c, uint32_t family,
    uint32_t stream, uint32_t scope);
/* NET_CONFIG with an unused /dev/net/tun, or with the kept TUN. */
unsigned int env_net_config(struct env *e);
unsigned int env_rule(struct env *e, const char *addr, uint32_t route);
unsigned int env_unrule(struct env *e, const char *addr);
/* By MAC, address or interface, as the text is. */
struct afw_key env_key(const char *text);
unsigned int env_key_rule(struct env *e, const char *text, uint32_t route);
unsigned int env_key_unrule(struct env *e, const char *text);
void env_sync_begin(struct env *e);
unsigned int env_clear(struct env *e, bool keep);
/* NET_WG_SET with an unused /dev/net/tun, or with the kept TUN. */
unsigned int env_wg_set(struct env *e, uint32_t route, uint32_t impl,
    uint32_t flags, const char *name);
unsigned int env_wg_del(struct env *e, uint32_t route);
/* Serves all ends until cond(e) or 5 s are over; what cond says then. */
bool env_until(struct env *e, bool (*cond)(struct env *));
/* Serves all ends for a while: for what must not happen. */
void env_serve(struct env *e, int ms);
uint32_t env_flow(const struct env *e, const char *addr);

/*
 * What an observer sees of all that we may touch, malloc'd. Not nft -j: that of
 * 1.0.6 dies of the flag "persist" in the table of a dead owner.
 */
char *env_snapshot(void);

/* A namespace behind an interface of this one; the pid that holds it. */
pid_t env_behind(const char *ifname);
/* Runs a shell command: its status, or its output (static). */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For a test whose struct env is called e. */
#define HAS(text, part)                                        \
	do {                                                   \
		const char *t_ = (text);                       \
		ck_assert_msg(strstr(t_, (part)) != NULL,      \
		    "\"%s\" is not in:\n%.3000s", (part), t_); \
	} while (0)
#define HAS_NOT(text, part)                                \
	do {                                               \
		const char *t_ = (text);                   \
		ck_assert_msg(strstr(t_, (part)) == NULL,  \
		    "\"%s\" is in:\n%.3000s", (part), t_); \
	} while (0)
#define OK(what)                                                             \
	do {                                                                 \
		unsigned int c_ = (what);                                    \
		ck_assert_msg(c_ == AFW_OK, #what ": %u %s", c_, e.st.text); \
	} while (0)

#endif
