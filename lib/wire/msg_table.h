/* SPDX-License-Identifier: ISC */
/*
 * THE message table. Every message between two processes of the suite is one
 * row here; the enum, the names, the size checks, the checksum in HELLO and
 * the test that walks all wrong cases are derived from it. Included several
 * times with AFW_MSG defined; it has no include guard for that reason.
 *
 * AFW_MSG(number, NAME, pairs, kind, payload, fds, phases, secret)
 *   pairs    who may send it to whom, P(FROM, TO) joined by |
 *   kind     EV event (id 0), RQ request (id set, a reply is owed),
 *            RP reply (id and the reply flag set)
 *   payload  struct afw_m_<payload>, whose check is afw_check_<payload>
 *   fds      NO none, ONE exactly one, OPT none or one
 *   phases   of the channel: H hello, S starting, R running
 *   secret   1: wiped after sending and after handling, never traced
 */

/* every channel: start of life */
AFW_MSG(1, HELLO,
    P(SUP, LIB) | P(NET, SUP) | P(TUN, SUP) | P(AUTH, SUP),
    EV, hello, NO, H, 0)
AFW_MSG(2, START, P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH),
    EV, start, NO, H, 0)
AFW_MSG(3, READY, P(NET, SUP) | P(TUN, SUP) | P(AUTH, SUP),
    EV, none, NO, S, 0)
AFW_MSG(4, STATUS,
    P(SUP, LIB) | P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH) | P(NET, SUP) |
	P(TUN, SUP) | P(AUTH, SUP) | P(NET, TUN) | P(TUN, NET) |
	P(AUTH, TUN) | P(TUN, AUTH) | P(NET, AUTH),
    RP, status, NO, R, 0)
AFW_MSG(5, PING, P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH), RQ, none, NO, R, 0)
AFW_MSG(6, PEER, P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH), EV, peer, ONE, R, 0)
AFW_MSG(7, LOG,
    P(NET, SUP) | P(TUN, SUP) | P(AUTH, SUP) | P(SUP, LIB),
    EV, log, NO, S | R, 0)
/* ordered end: undo everything, answer, exit */
AFW_MSG(8, SHUTDOWN, P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH),
    RQ, shutdown, NO, R, 0)
/* the answer to PING: what the process uses, which hidepid= hides from others */
AFW_MSG(9, PONG, P(NET, SUP) | P(TUN, SUP) | P(AUTH, SUP),
    RP, usage, NO, R, 0)
/* what is logged from now on */
AFW_MSG(10, LOG_LEVEL, P(LIB, SUP) | P(SUP, NET) | P(SUP, TUN) | P(SUP, AUTH),
    RQ, log_level, NO, R, 0)

/* A: the library asks, the supervisor answers with STATUS if not said else */
AFW_MSG(20, CONFIG, P(LIB, SUP), RQ, config, OPT, R, 0)
AFW_MSG(21, RUN, P(LIB, SUP), RQ, none, NO, R, 0)
AFW_MSG(22, STOP, P(LIB, SUP), RQ, none, NO, R, 0)
AFW_MSG(23, BATCH_BEGIN, P(LIB, SUP), EV, none, NO, R, 0)
AFW_MSG(24, BATCH_COMMIT, P(LIB, SUP), RQ, none, NO, R, 0)
AFW_MSG(25, PROTECT, P(LIB, SUP), RQ, protect, NO, R, 0)
AFW_MSG(26, UNPROTECT, P(LIB, SUP), RQ, key, NO, R, 0)
AFW_MSG(27, TUNNEL_SETUP, P(LIB, SUP), RQ, tunnel, NO, R, 0)
AFW_MSG(28, TUNNEL_TEARDOWN, P(LIB, SUP), RQ, location, NO, R, 0)
/* answered by any number of QUERY_ items, then STATUS */
AFW_MSG(29, QUERY, P(LIB, SUP), RQ, none, NO, R, 0)
AFW_MSG(30, QUERY_PROCESS, P(SUP, LIB), RP, process, NO, R, 0)
AFW_MSG(31, QUERY_ROUTE, P(SUP, LIB), RP, route_info, NO, R, 0)
AFW_MSG(32, QUERY_RULE, P(SUP, LIB), RP, protect, NO, R, 0)

/* whose packets these are: an address; answered by EXPLAINED or STATUS */
AFW_MSG(33, EXPLAIN, P(LIB, SUP) | P(SUP, NET), RQ, source, NO, R, 0)
AFW_MSG(34, EXPLAINED, P(NET, SUP) | P(SUP, LIB), RP, explained, NO, R, 0)
/* how many addresses the rules have now; answered by ADDRS or STATUS */
AFW_MSG(35, ADDRS_GET, P(SUP, NET), RQ, none, NO, R, 0)
/* to the library as an item of QUERY, when it is known */
AFW_MSG(36, ADDRS, P(NET, SUP) | P(SUP, LIB), RP, addrs, NO, R, 0)

/* A, events */
AFW_MSG(40, EV_ROUTE, P(SUP, LIB), EV, ev_route, NO, R, 0)
AFW_MSG(41, EV_TOKEN, P(SUP, LIB), EV, token, NO, R, 1)
AFW_MSG(42, EV_INVALID_AUTH, P(SUP, LIB), EV, status, NO, R, 0)
AFW_MSG(43, EV_CREDENTIALS_EXPIRE, P(SUP, LIB), EV, none, NO, R, 0)
AFW_MSG(44, EV_BANDWIDTH, P(SUP, LIB), EV, bandwidth, NO, R, 0)
AFW_MSG(45, EV_READY, P(SUP, LIB), EV, none, NO, R, 0)
/* afwrt-auth was started (again): the library sends its secrets again */
AFW_MSG(46, EV_AUTH_UP, P(SUP, LIB), EV, none, NO, R, 0)
/* the last event of a run; afwrt_start returns with this status */
AFW_MSG(47, EV_STOPPED, P(SUP, LIB), EV, status, NO, R, 0)

/* A and D: relayed by the supervisor, which keeps no secret */
AFW_MSG(60, AUTH_CONFIG, P(LIB, SUP) | P(SUP, AUTH),
    RQ, auth_config, NO, R, 0)
AFW_MSG(61, BACKEND, P(LIB, SUP) | P(SUP, AUTH), RQ, backend, NO, R, 0)
AFW_MSG(62, TOKEN, P(LIB, SUP) | P(SUP, AUTH), RQ, token, NO, R, 1)
/* method and token of the configuration, for logins made by the suite */
AFW_MSG(63, CREDENTIALS, P(LIB, SUP) | P(SUP, AUTH),
    RQ, credentials, NO, R, 1)
/* log in now; answered by REGISTERED or STATUS */
AFW_MSG(64, REGISTER, P(LIB, SUP) | P(SUP, AUTH), RQ, credentials, NO, R, 1)
AFW_MSG(65, REGISTERED, P(AUTH, SUP) | P(SUP, LIB), RP, token, NO, R, 1)
/* answered by LOCATIONS_JSON (a sealed memfd) or STATUS */
AFW_MSG(66, LOCATIONS, P(LIB, SUP) | P(SUP, AUTH), RQ, none, NO, R, 0)
AFW_MSG(67, LOCATIONS_JSON, P(AUTH, SUP) | P(SUP, LIB), RP, blob, ONE, R, 0)
/* STATUS: AFW_OK valid, AFW_EACCES not valid, all else not verified */
AFW_MSG(68, VERIFY_USER, P(LIB, SUP) | P(SUP, AUTH), RQ, verify, NO, R, 1)
/* answered by COUNTRIES_JSON (a sealed memfd) or STATUS */
AFW_MSG(69, COUNTRIES, P(LIB, SUP) | P(SUP, AUTH), RQ, none, NO, R, 0)
AFW_MSG(70, COUNTRIES_JSON, P(AUTH, SUP) | P(SUP, LIB), RP, blob, ONE, R, 0)

/* D: supervisor and afwrt-auth */
AFW_MSG(80, AUTH_FILE, P(SUP, AUTH), EV, auth_file, ONE, R, 0)
/* a file beside the file: backend's own; answered by FILE or STATUS */
AFW_MSG(81, FILE_GET, P(AUTH, SUP), RQ, filename, NO, R, 0)
AFW_MSG(82, FILE, P(SUP, AUTH), RP, none, ONE, R, 0)
/* replace the cached locations: the blob's bytes, atomically */
AFW_MSG(83, CACHE_SAVE, P(AUTH, SUP), RQ, blob, ONE, R, 0)
/* log in at start if there is no token yet */
AFW_MSG(84, AUTH_BEGIN, P(SUP, AUTH), RQ, none, NO, R, 0)
/* answered by LOCATION_INFO when a list is at hand and has the name, by
 * ENOENT when it has not, by OK when there is no list */
AFW_MSG(85, LOCATION_CHECK, P(SUP, AUTH), RQ, location, NO, R, 0)
AFW_MSG(86, AUTH_TOKEN_NEW, P(AUTH, SUP), EV, token, NO, R, 1)
AFW_MSG(87, AUTH_INVALID, P(AUTH, SUP), EV, status, NO, R, 0)
AFW_MSG(88, AUTH_EXPIRED, P(AUTH, SUP), EV, none, NO, R, 0)
AFW_MSG(89, LOCATION_INFO, P(AUTH, SUP), RP, location_info, NO, R, 0)

/* C and D: a few bytes about a location that outlive everything, in a file of
 * config_dir that only root may read; answered by STATE or STATUS */
AFW_MSG(90, STATE_GET, P(TUN, SUP) | P(AUTH, SUP), RQ, state_get, NO, R, 0)
AFW_MSG(91, STATE, P(SUP, TUN) | P(SUP, AUTH), RP, state, NO, R, 1)
AFW_MSG(92, STATE_SAVE, P(TUN, SUP) | P(AUTH, SUP), RQ, state, NO, R, 1)

/* B: supervisor and afwrt-net */
/* fd: the TUN kept by the supervisor, or an open, unused /dev/net/tun */
AFW_MSG(100, NET_CONFIG, P(SUP, NET), RQ, config, OPT, R, 0)
/* between BEGIN and COMMIT rules are only collected; COMMIT is one
 * transaction that also removes what was not named */
AFW_MSG(101, NET_SYNC_BEGIN, P(SUP, NET), EV, none, NO, R, 0)
AFW_MSG(102, NET_SYNC_COMMIT, P(SUP, NET), RQ, none, NO, R, 0)
AFW_MSG(103, NET_RULE_SET, P(SUP, NET), RQ, rule, NO, R, 0)
AFW_MSG(104, NET_RULE_DEL, P(SUP, NET), RQ, key, NO, R, 0)
/* take everything off the system, but stay; answered when it is gone */
AFW_MSG(105, NET_CLEAR, P(SUP, NET), RQ, shutdown, NO, R, 0)
AFW_MSG(106, WAN, P(NET, SUP) | P(NET, TUN) | P(NET, AUTH), EV, wan, NO, R, 0)
/* a TUN, for safe keeping: the supervisor holds this fd (instead of an older
 * one) and gives it back to the next afwrt-net: route 0 in NET_CONFIG, that of
 * a WireGuard location in its NET_WG_SET */
AFW_MSG(107, NET_KEEP, P(NET, SUP), EV, keep, ONE, R, 0)
/* the interface of a WireGuard location: make it, or adopt it; the fd is as in
 * NET_CONFIG. Answered by NET_WG or STATUS (EBUSY: the name is taken) */
AFW_MSG(108, NET_WG_SET, P(SUP, NET), RQ, net_wg_set, ONE, R, 0)
AFW_MSG(109, NET_WG, P(NET, SUP), RP, net_wg, NO, R, 0)
AFW_MSG(110, NET_WG_DEL, P(SUP, NET), RQ, route_id, NO, R, 0)

/* C: supervisor and afwrt-tun */
AFW_MSG(120, TUN_CONFIG, P(SUP, TUN), RQ, tun_config, ONE, R, 0)
AFW_MSG(121, ROUTE_SET, P(SUP, TUN), RQ, route, NO, R, 0)
AFW_MSG(122, ROUTE_UP, P(SUP, TUN), RQ, route_id, NO, R, 0)
AFW_MSG(123, ROUTE_DEL, P(SUP, TUN), RQ, route_id, NO, R, 0)
AFW_MSG(124, ROUTE_EVENT, P(TUN, SUP), EV, route_event, NO, R, 0)
/* answered by ROUTE_STATS_ITEM a route, then STATUS */
AFW_MSG(125, ROUTE_STATS, P(SUP, TUN), RQ, none, NO, R, 0)
AFW_MSG(126, ROUTE_STATS_ITEM, P(TUN, SUP), RP, route_stats, NO, R, 0)
/* the listening configuration socket of a userspace WireGuard interface */
AFW_MSG(127, WG_LISTEN, P(SUP, TUN), EV, route_id, ONE, R, 0)

/* E: afwrt-net and afwrt-tun */
AFW_MSG(140, DEVICE, P(NET, TUN), EV, device, ONE, R, 0)
AFW_MSG(141, FLOW_SYNC_BEGIN, P(NET, TUN), EV, none, NO, R, 0)
AFW_MSG(142, FLOW_SYNC_END, P(NET, TUN), EV, none, NO, R, 0)
AFW_MSG(143, FLOW_SET, P(NET, TUN), RQ, flow, NO, R, 0)
AFW_MSG(144, FLOW_DEL, P(NET, TUN), RQ, flow, NO, R, 0)
/* a packet of an unknown source waits: OK when a FLOW_SET went before,
 * ENOENT when no rule is about it (the default route may have it) */
AFW_MSG(145, SOURCE_GET, P(TUN, NET), RQ, source, NO, R, 0)
/* the interface of a WireGuard location is there (again); with userspace the
 * fd is its TUN. Comes before or after the ROUTE_SET of that route */
AFW_MSG(146, WG_DEVICE, P(NET, TUN), EV, wg_device, OPT, R, 0)
/* what the session says: addresses, MTU; for the kernel keys and peer too */
AFW_MSG(147, WG_SET, P(TUN, NET), RQ, wg_set, NO, R, 1)
/* how the kernel's tunnel is; answered by WG_STATE or STATUS */
AFW_MSG(148, WG_GET, P(TUN, NET), RQ, route_id, NO, R, 0)
AFW_MSG(149, WG_STATE, P(NET, TUN), RP, wg_state, NO, R, 0)

/* E and G: sockets to the outside; answered by SOCKET or STATUS */
AFW_MSG(160, SOCKET_GET, P(TUN, NET) | P(AUTH, NET), RQ, socket, NO, R, 0)
AFW_MSG(161, SOCKET, P(NET, TUN) | P(NET, AUTH), RP, none, ONE, R, 0)

/* F: afwrt-tun and afwrt-auth */
/* answered by SESSION, of a WireGuard location WG_SESSION, or SESSION_FAIL */
AFW_MSG(180, SESSION_GET, P(TUN, AUTH), RQ, session_get, NO, R, 0)
AFW_MSG(181, SESSION, P(AUTH, TUN), RP, session, ONE, R, 1)
AFW_MSG(182, SESSION_FAIL, P(AUTH, TUN), RP, session_fail, NO, R, 0)
/* ordered teardown: the cookie is worth nothing any more */
AFW_MSG(183, SESSION_END, P(TUN, AUTH), EV, route_id, NO, R, 0)
AFW_MSG(184, WG_SESSION, P(AUTH, TUN), RP, wg_session, NO, R, 1)
