/* SPDX-License-Identifier: ISC */
#ifndef AFW_WIRE_MSG_H
#define AFW_WIRE_MSG_H

/*
 * The messages: header, limits, payloads. Payloads are fixed structs of
 * fixed-width integers and char arrays without implicit padding; text is
 * NUL-terminated and zero behind the NUL. msg.c has the table made from
 * msg_table.h and one check a payload.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "error.h"

#define AFW_MSG_MAX	  8192 /* header and payload */
#define AFW_PAYLOAD_MAX	  (AFW_MSG_MAX - 16)
#define AFW_BLOB_MAX	  (1024 * 1024) /* bytes in a passed memfd */
#define AFW_LOCATION_SIZE 64
/* the default location when none is configured: the backend's choice */
#define AFW_LOCATION_OPTIMAL "optimal"
#define AFW_IFNAME_SIZE	  16
#define AFW_DETAIL_SIZE	  96
#define AFW_TOKEN_SIZE	  4097 /* longest token and its NUL */
#define AFW_PATH_SIZE	  256
#define AFW_URL_SIZE	  512
#define AFW_RULES_MAX	  65536
#define AFW_ROUTES_MAX	  64
#define AFW_CONNS_MAX	  8 /* of one route */
#define AFW_BACKENDS_MAX  8

enum afw_role { AFW_LIB, AFW_SUP, AFW_NET, AFW_TUN, AFW_AUTH, AFW_ROLES };

enum afw_phase { AFW_PH_H = 1, AFW_PH_S = 2, AFW_PH_R = 4 };

enum afw_kind { AFW_EV, AFW_RQ, AFW_RP };

enum afw_fds { AFW_FD_NO, AFW_FD_ONE, AFW_FD_OPT };

#define AFW_F_REPLY 1 /* header flag: answers the request with this id */

struct afw_hdr {
	uint16_t type;
	uint16_t flags;
	uint32_t id;  /* request number, 0 for an event */
	uint32_t gen; /* the sender's generation */
	uint32_t len; /* of the payload */
};

/* ---- payloads ---------------------------------------------------------- */

enum afw_key_kind { AFW_KEY_IP = 1, AFW_KEY_MAC, AFW_KEY_IFACE };

/* What a rule is about: one address, one MAC or one interface. */
struct afw_key {
	uint8_t kind;
	uint8_t pad[3];
	struct afw_addr addr; /* AFW_KEY_IP, else zero */
	uint8_t mac[6];	      /* AFW_KEY_MAC, else zero */
	uint8_t pad2[2];
	char iface[AFW_IFNAME_SIZE]; /* AFW_KEY_IFACE, else zero */
};

enum afw_type { AFW_TYPE_HYDRA_TCP = 1, AFW_TYPE_WIREGUARD };

/* wireguard_impl; in answers what it came to */
enum afw_wg_impl { AFW_WG_AUTO = 1, AFW_WG_KERNEL, AFW_WG_USERSPACE };

#define AFW_WG_KEY_SIZE    32
#define AFW_WG_ADDRS_MAX   8
#define AFW_WG_ALLOWED_MAX 128

enum afw_reconnect { AFW_RECONNECT_MANUAL = 1, AFW_RECONNECT_AUTO };

enum afw_v4v6 {
	AFW_V4V6_LEGACY = 1,
	AFW_V4V6_IPV4_ONLY,
	AFW_V4V6_IPV6_ONLY,
	AFW_V4V6_BOTH
};

/* struct afw_m_config flags */
#define AFW_C_DEFAULT_GATEWAY  0x001
#define AFW_C_NO_IPTABLES      0x002
#define AFW_C_NO_SOCKET_SETUP  0x004
#define AFW_C_KILLSWITCH       0x008
#define AFW_C_LAN_BYPASS       0x010
#define AFW_C_DNS_TUNNEL       0x020
#define AFW_C_IPV6_OUTPUT_ONLY 0x040
#define AFW_C_TUN_FD	       0x080 /* hydra_tun_fd: the fd is the TUN */
#define AFW_C_WG_MANAGED       0x100 /* wireguard_routing "managed" */
#define AFW_C_ALL              0x1ff

/* What is known about a route's end or failure; see spec of the events. */
enum afw_reason {
	AFW_REASON_NONE,
	AFW_REASON_CONNECT,	/* "connection failed" */
	AFW_REASON_UNREACHABLE, /* "unreachable" */
	AFW_REASON_TIMEOUT,	/* "timed out" */
	AFW_REASON_TLS,		/* "tls: <detail>" */
	AFW_REASON_AUTH,	/* "authentication failed" */
	AFW_REASON_NO_SERVER,	/* "no server available" */
	AFW_REASON_LIMIT,	/* "limit exceeded" */
	AFW_REASON_PROTOCOL,	/* "protocol error" */
	AFW_REASON_LOCATION,	/* "unknown location" */
	AFW_REASON_MAX
};

enum afw_route_state {
	AFW_ROUTE_IDLE = 1, /* waits for its first packet */
	AFW_ROUTE_CONNECTING,
	AFW_ROUTE_CONNECTED,
	AFW_ROUTE_DISCONNECTED, /* was up; waits for reconnection */
	AFW_ROUTE_FAILED,	/* could not be established */
	AFW_ROUTE_STATE_MAX
};

struct afw_m_none {
	uint32_t zero;
};

struct afw_m_hello {
	uint64_t table_sum; /* of the message table */
	char build[32];	    /* version, for the error text */
	uint32_t pid;
	uint32_t pad;
};

struct afw_m_start {
	uint32_t gen; /* the receiver's generation from now on */
	uint32_t log_level;
};

struct afw_m_log_level {
	uint32_t level;
};

struct afw_m_usage {
	uint64_t rss_bytes; /* 0: not known, as the next */
	uint64_t cpu_ms;    /* user and system */
};

struct afw_m_status {
	uint32_t code; /* enum afw_error */
	char text[188];
};

struct afw_m_peer {
	uint32_t role; /* who is at the other end of the fd */
	uint32_t gen;  /* the generation of that one */
};

struct afw_m_log {
	uint32_t level; /* syslog's numbers */
	char text[244];
};

struct afw_m_shutdown {
	uint32_t keep_blocked; /* 1: leave the fail-closed state behind */
};

struct afw_m_config {
	char tun_ifname[AFW_IFNAME_SIZE];
	char wan_ifname[AFW_IFNAME_SIZE]; /* "auto" follows the default */
	struct afw_addr tun_addr;
	uint32_t tun_mtu; /* 0: leave it */
	uint32_t flags;	  /* AFW_C_ */
	uint32_t fwmark, fwmark_mask, route_table, rule_priority;
	uint32_t wan_wait;  /* s */
	uint32_t type;      /* enum afw_type, of locations that do not say */
	uint32_t wg_impl;   /* enum afw_wg_impl */
	uint32_t reconnect; /* enum afw_reconnect, for other locations */
	uint32_t reconnect_interval; /* s, for the default location */
	uint32_t report_interval;    /* ms, 0 none */
	uint32_t v4v6;		     /* enum afw_v4v6 */
	uint32_t rcvbuf, sndbuf;     /* 0 the system's */
	uint32_t connections;
	uint32_t log_level; /* syslog's numbers */
	char vl_default[AFW_LOCATION_SIZE];
	char config_dir[AFW_PATH_SIZE];
	char tun_dev_path[AFW_PATH_SIZE];
	char ca_file[AFW_PATH_SIZE]; /* "": the system's bundle */
};

struct afw_m_key {
	struct afw_key key;
};

struct afw_m_protect {
	struct afw_key key;
	char location[AFW_LOCATION_SIZE];
};

struct afw_m_tunnel {
	char location[AFW_LOCATION_SIZE];
	char iface[AFW_IFNAME_SIZE];
};

struct afw_m_location {
	char location[AFW_LOCATION_SIZE];
};

struct afw_m_location_info {
	uint32_t type; /* enum afw_type; 0: the list does not say */
};

struct afw_m_process {
	uint32_t role;
	uint32_t pid; /* 0: not running */
	uint32_t gen;
	uint32_t restarts;
	uint64_t started_ms; /* CLOCK_BOOTTIME */
	uint64_t rss_bytes;  /* 0: not known, as the next */
	uint64_t cpu_ms;     /* user and system */
};

struct afw_m_ev_route {
	char location[AFW_LOCATION_SIZE];
	uint32_t state;	 /* CONNECTED, DISCONNECTED or FAILED */
	uint32_t seq;	 /* counts up per route */
	uint32_t reason; /* enum afw_reason */
	char detail[AFW_DETAIL_SIZE];
	uint32_t pad;
};

struct afw_m_token {
	char token[AFW_TOKEN_SIZE];
	char pad[3];
};

struct afw_m_credentials {
	char method[64];
	char token[AFW_TOKEN_SIZE]; /* may be empty */
	char pad[3];
};

struct afw_m_bandwidth {
	char location[AFW_LOCATION_SIZE];
	uint32_t interval_ms; /* length of one sample */
	uint32_t n_points;    /* samples in this report */
	uint64_t down, up;    /* bytes of user packets in that time */
	uint32_t last;	      /* 1: the last element of this report */
	uint32_t pad;
};

struct afw_m_auth_config {
	char device_id[128];
	char device_type[64];
	char device_name[64];
	char project_id[128];
	uint32_t type;	    /* enum afw_type */
	uint32_t v4v6;	    /* enum afw_v4v6 */
	uint32_t ipv6_exit; /* ipv6_output_only */
	uint32_t backends;  /* how many BACKEND messages follow */
};

struct afw_m_backend {
	uint32_t index;
	char url[AFW_URL_SIZE];
};

struct afw_m_verify {
	char url[AFW_URL_SIZE];
	char username[256];
	char password[1024];
};

struct afw_m_blob {
	uint32_t len; /* bytes in the sealed memfd */
};

enum afw_file {
	AFW_FILE_CA = 1,     /* trust anchors for the backend */
	AFW_FILE_RESOLV,     /* /etc/resolv.conf, now or changed */
	AFW_FILE_BACKEND,    /* of a file: backend */
	AFW_FILE_CACHE,	     /* the last good locations, if there are any */
	AFW_FILE_HOSTS,	     /* /etc/hosts */
	AFW_FILE_VERIFY,     /* a file: backend for VERIFY_USER only */
	AFW_FILE_MAX
};

struct afw_m_auth_file {
	uint32_t which; /* enum afw_file */
	uint32_t mode;	/* st_mode, for the check on secrets */
};

struct afw_m_filename {
	char name[AFW_PATH_SIZE]; /* relative, below the backend's file */
};

enum afw_state_kind {
	AFW_STATE_WG_KEY = 1, /* private key; afwrt-auth's only */
	AFW_STATE_WG_STAMP,   /* last TAI64N used; afwrt-tun's only */
	AFW_STATE_MAX
};

struct afw_m_state_get {
	uint32_t kind; /* enum afw_state_kind */
	char location[AFW_LOCATION_SIZE];
};

struct afw_m_state {
	uint32_t kind;
	char location[AFW_LOCATION_SIZE];
	uint32_t len;     /* 1 to 64 */
	uint8_t data[64]; /* zero behind len */
};

struct afw_m_keep {
	uint32_t route; /* 0: the TUN of the suite */
};

#define AFW_W_DEFAULT 1 /* the default location: default_gateway is its */
#define AFW_W_ALL     1

struct afw_m_net_wg_set {
	uint32_t route;
	uint32_t impl;  /* enum afw_wg_impl */
	uint32_t flags; /* AFW_W_ */
	char ifname[AFW_IFNAME_SIZE];
};

struct afw_m_net_wg {
	uint32_t impl; /* AFW_WG_KERNEL or AFW_WG_USERSPACE */
};

struct afw_m_rule {
	struct afw_key key;
	uint32_t route;
};

struct afw_m_wan {
	uint32_t up; /* 1: the interface is up and has an address */
	uint32_t mtu;
	uint32_t has4, has6; /* 1: a default route of that family */
	char ifname[AFW_IFNAME_SIZE];
};

struct afw_m_tun_config {
	/* of sources without a flow, where the routes say what is protected
	 * (core-level routing); 0: such packets are dropped */
	uint32_t default_route;
	uint32_t connections;
	uint32_t rcvbuf, sndbuf;
	uint32_t v4v6;
	uint32_t fresh; /* 1: the NAT memfd (the fd) is new and empty */
};

#define AFW_R_DEFAULT 1 /* the default location */
#define AFW_R_RESUME  2 /* was up before a restart: connect at once */
#define AFW_R_EAGER   4 /* connect at once, not with the first packet */
#define AFW_R_ALL     7

struct afw_m_route {
	uint32_t route; /* id, from 1 */
	uint32_t flags;
	uint32_t type;
	uint32_t reconnect;	     /* enum afw_reconnect */
	uint32_t reconnect_interval; /* s, fixed; 0: back-off */
	uint32_t seq;		     /* the first event has this plus 1 */
	char location[AFW_LOCATION_SIZE];
};

struct afw_m_route_id {
	uint32_t route;
};

struct afw_m_route_event {
	uint32_t route;
	uint32_t state;
	uint32_t seq;
	uint32_t reason;
	char detail[AFW_DETAIL_SIZE];
	char chosen[AFW_LOCATION_SIZE]; /* of the session; "" unknown */
};

struct afw_m_route_stats {
	uint32_t route;
	uint32_t state;
	uint64_t up_bytes, down_bytes, up_packets, down_packets;
	uint64_t dropped; /* packets, all causes */
	uint32_t connects;
	uint32_t failures;
	uint32_t nat_entries;
	uint32_t rtt_us;      /* of the last dead-peer exchange, 0 unknown */
	uint64_t up_since_ms; /* CLOCK_BOOTTIME, 0 when down */
	struct afw_addr server;
	struct afw_addr inner4, inner6;
	uint32_t mtu;
	uint32_t conns; /* that are up */
	uint32_t flows; /* source addresses known to belong to it */
	uint32_t failed[AFW_REASON_MAX]; /* the failures by reason */
};

struct afw_m_route_info {
	char location[AFW_LOCATION_SIZE];
	uint32_t is_default;
	uint32_t rules; /* how many rules use it */
	uint32_t type;    /* enum afw_type */
	uint32_t wg_impl; /* enum afw_wg_impl; 0: none, or not known yet */
	char ifname[AFW_IFNAME_SIZE]; /* WireGuard's own; "" else */
	struct afw_m_route_stats stats;
	char chosen[AFW_LOCATION_SIZE]; /* by the backend; "" unknown */
};

struct afw_m_device {
	uint32_t ifindex; /* 0: hydra_tun_fd is no interface of ours */
	uint32_t mtu;
	uint32_t vnet_hdr; /* bytes before each packet, 0 or 12 */
	struct afw_addr addr;
};

struct afw_m_flow {
	struct afw_addr addr;
	uint32_t route; /* 0 in FLOW_DEL */
};

struct afw_m_source {
	struct afw_addr addr;
};

#define AFW_X_SEEN	0x1 /* it was seen on iface */
#define AFW_X_MAC	0x2 /* with that MAC */
#define AFW_X_PORT	0x4 /* the rule is about the bridge's port */
#define AFW_X_CATCH_ALL 0x8 /* without a rule the default route has it */
#define AFW_X_ALL	0xf

/* Addresses that a rule of that kind gives a route now. */
struct afw_m_addrs {
	uint32_t v4[AFW_KEY_IFACE]; /* by enum afw_key_kind - 1 */
	uint32_t v6[AFW_KEY_IFACE];
};

/* Which rule is about an address, and why. */
struct afw_m_explained {
	uint32_t kind;	/* enum afw_key_kind, 0: no rule */
	uint32_t route; /* of that rule, 0 without one */
	uint32_t mark;	/* that its packets get, 0: none */
	uint32_t flags;
	char location[AFW_LOCATION_SIZE]; /* the supervisor's, may be "" */
	char iface[AFW_IFNAME_SIZE];	  /* may be "" */
	char port[AFW_IFNAME_SIZE];	  /* of a bridge, may be "" */
	uint8_t mac[6];
	uint8_t pad[2];
};

struct afw_m_wg_device {
	uint32_t route;
	uint32_t impl; /* AFW_WG_KERNEL, or AFW_WG_USERSPACE: with its fd */
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t vnet_hdr; /* bytes before each packet, 0 or 12 */
	char ifname[AFW_IFNAME_SIZE];
};

/* A network, or an address with the prefix of its network. */
struct afw_wg_net {
	struct afw_addr addr;
	uint8_t prefix;
	uint8_t pad[3];
};

/* Keys are zero where afwrt-tun does the work. */
struct afw_m_wg_set {
	uint32_t route;
	uint32_t mtu; /* 0: 1420 */
	uint8_t private_key[AFW_WG_KEY_SIZE];
	uint8_t peer_key[AFW_WG_KEY_SIZE];
	uint8_t preshared_key[AFW_WG_KEY_SIZE]; /* zero: none */
	struct afw_addr endpoint;
	uint16_t port;
	uint16_t keepalive;         /* s, 0 off */
	uint32_t addrs, allowed;    /* how many of the following */
	struct afw_addr dns4, dns6; /* for "dns": "tunnel" */
	struct afw_wg_net addr[AFW_WG_ADDRS_MAX];
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX];
};

struct afw_m_wg_state {
	uint32_t route;
	uint32_t handshake_ns;
	int64_t handshake_s; /* wall clock, 0: none yet */
	/* of the link: datagrams with their headers */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
	struct afw_addr endpoint; /* where the peer was last heard of */
	uint16_t port;
	uint16_t pad;
};

enum afw_scope {
	AFW_SCOPE_WAN = 1,   /* bound to the uplink and marked */
	AFW_SCOPE_LOOPBACK   /* bound to lo; for afwrt-auth only */
};

struct afw_m_socket {
	uint32_t family; /* 4 or 6 */
	uint32_t stream; /* 1 TCP, 0 UDP */
	uint32_t scope;	 /* enum afw_scope */
};

enum afw_why {
	AFW_WHY_FIRST = 1,  /* no session yet, or after our own restart */
	AFW_WHY_LOST,	    /* the connection broke; the cookie may do */
	AFW_WHY_COOKIE,	    /* the node refused the cookie */
	AFW_WHY_CONNECT,    /* that server could not be reached */
	AFW_WHY_TLS,	    /* its certificate or handshake was bad */
	AFW_WHY_PROTOCOL,   /* it does not speak the protocol, or is full */
	AFW_WHY_MAX
};

struct afw_m_session_get {
	uint32_t route;
	uint32_t conn; /* which of its connections, from 0 */
	uint32_t why;  /* what was wrong with the session given last */
	uint32_t type; /* enum afw_type of the route */
	char location[AFW_LOCATION_SIZE];
};

/* The fd is a sealed memfd with the PEM trust anchors of the node. */
struct afw_m_session {
	uint32_t route;
	uint32_t ca_len;
	uint64_t expire_time; /* Unix seconds, 0 unknown */
	struct afw_addr server;
	uint16_t port;
	uint16_t pad;
	char host[256]; /* for SNI, the certificate and the Host header */
	char cookie[2048];
	/* the location that the backend chose; "" if it does not say */
	char chosen[AFW_LOCATION_SIZE];
};

/* One server of a WireGuard location. */
struct afw_m_wg_session {
	uint32_t route;
	uint32_t mtu;         /* 0: not said */
	uint64_t expire_time; /* Unix seconds, 0 unknown */
	uint8_t private_key[AFW_WG_KEY_SIZE];
	uint8_t peer_key[AFW_WG_KEY_SIZE];
	uint8_t preshared_key[AFW_WG_KEY_SIZE]; /* zero: none */
	struct afw_addr server;
	uint16_t port;
	uint16_t keepalive;         /* s, 0 off */
	uint32_t addrs, allowed;    /* how many of the following */
	struct afw_addr dns4, dns6; /* family 0: none */
	struct afw_wg_net addr[AFW_WG_ADDRS_MAX];    /* ours, inside */
	struct afw_wg_net allow[AFW_WG_ALLOWED_MAX]; /* behind the node */
	/* the location that the backend chose; "" if it does not say */
	char chosen[AFW_LOCATION_SIZE];
};

struct afw_m_session_fail {
	uint32_t route;
	uint32_t reason;    /* enum afw_reason */
	uint32_t permanent; /* 1: repeating cannot cure it */
	char detail[AFW_DETAIL_SIZE];
};

/* ---- the table --------------------------------------------------------- */

enum afw_msg_type {
#define AFW_MSG(n, name, pairs, kind, payload, fds, phases, secret)            \
	AFW_MSG_##name = n,
#include "msg_table.h"
#undef AFW_MSG
};

struct afw_row {
	uint16_t type;
	uint8_t kind;	/* enum afw_kind */
	uint8_t fds;	/* enum afw_fds */
	uint8_t phases; /* enum afw_phase bits */
	uint8_t secret;
	uint32_t pairs; /* AFW_PAIR bits */
	uint32_t size;	/* of the payload, exactly */
	const char *name;
	bool (*check)(const void *payload); /* content: NUL, ranges, padding */
};

#define AFW_PAIR(from, to) (UINT32_C(1) << ((from)*AFW_ROLES + (to)))

/* The row of a type, or NULL. afw_rows()[i] walks them all. */
const struct afw_row *afw_row(uint16_t type);
const struct afw_row *afw_rows(size_t *n);
/* Checksum over every row: equal builds have equal sums. */
uint64_t afw_table_sum(void);
const char *afw_role_name(unsigned int role);

/* ---- helpers for payloads ---------------------------------------------- */

/* Copies text, zero-filled to the end. 0, or -1 and ENAMETOOLONG. */
int afw_str_set(char *dst, size_t size, const char *src);
/* True if NUL-terminated and zero behind the NUL. */
bool afw_str_valid(const char *s, size_t size);
/* Letters, digits, '.', '_', '-'; 1 to 63 of them. */
bool afw_location_valid(const char *s);
/* As the kernel has it: 1 to 15, no '/', no space, not "." or "..". */
bool afw_ifname_valid(const char *s);
bool afw_key_valid(const struct afw_key *k);
bool afw_key_equal(const struct afw_key *a, const struct afw_key *b);
/* "192.168.1.5", "02:..:01" or "iface eth1". */
const char *afw_key_print(const struct afw_key *k, char *buf, size_t size);
/* The reason_details text of an event: "tls: expired" or "timed out". */
const char *afw_reason_print(
    unsigned int reason, const char *detail, char *buf, size_t size);

#endif
