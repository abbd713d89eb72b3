/* SPDX-License-Identifier: ISC */
/*
 * afwrt.h - client library of the afwrt VPN suite for routers.
 *
 * Link with `pkg-config --cflags --libs afwrt-client`. One suite a process.
 *
 *	afwrt_init(json, on_event);	the helpers run, the rules are in force
 *	afwrt_start();			blocks; events come to on_event
 *	afwrt_deinit();			everything is undone
 *
 * Errors. Unless said otherwise a function returns 0 on success, and on
 * failure -1 (or NULL) with errno set and the reason in afwrt_last_error().
 * Every function fails with EOWNERDEAD in a child made by fork() after
 * afwrt_init(), except afwrt_version(), afwrt_last_error(), afwrt_free(),
 * afwrt_set_log_callback() and afwrt_stop(), which then does nothing.
 * EPIPE means that the suite has died; call afwrt_deinit() and begin again.
 *
 * Threads. Every function may be called from any thread and from inside the
 * callbacks, afwrt_deinit() excepted: it fails with EDEADLK there. Calls that
 * ask the suite wait for its answer: at most 5 seconds, or 40 where it asks
 * the backend (named below). The library starts no threads, installs no
 * signal handlers, never exits, sets close-on-exec on all its descriptors,
 * and may be unloaded with dlclose() after afwrt_deinit().
 *
 * Strings. A `char *` that is returned belongs to the caller, who frees it
 * with afwrt_free() or free(). A `const char *` that is returned belongs to
 * the library. Arguments are copied; the caller keeps them.
 *
 * A location is a name from afwrt_get_locations(): 1 to 63 letters, digits,
 * '.', '_' and '-'; or a two-letter country code, which leaves the choice to
 * the backend. "hydra-tcp" is in this suite an open protocol (OpenConnect,
 * AnyConnect-compatible); it does not talk to the nodes of the vendor whose
 * library had this interface first.
 */
#ifndef AFWRT_H
#define AFWRT_H

#define AFWRT_VERSION_MAJOR 0
#define AFWRT_VERSION_MINOR 1
#define AFWRT_VERSION_PATCH 0

#if defined(__GNUC__)
#define AFWRT_API __attribute__((visibility("default")))
#else
#define AFWRT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- life ------------------------------------------------------------- */

/*
 * Starts the helper processes and puts the configured rules in force: from
 * then on the traffic of protected devices is captured, and blocked until
 * their tunnel is up. Needs root. Blocks until the helpers are ready, some
 * tens of milliseconds as a rule.
 *
 *   params_json     configuration, a JSON object of at most 1 MiB;
 *                   "tun_ifname" and "wan_ifname" are required, the other
 *                   keys are described in afwrt.conf(5). Unknown keys are
 *                   ignored with a warning to the log callback. Not NULL.
 *   event_callback  gets every event as a JSON text that is valid during the
 *                   call only; runs in the thread of afwrt_start() or
 *                   afwrt_dispatch(), one at a time, with no lock held. Any
 *                   afwrt function but afwrt_deinit() may be called in it.
 *                   May be NULL.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL     params_json is NULL, no JSON object, lacks a required key or
 *              has a wrong type or value; afwrt_last_error() names the key
 *   EALREADY   initialised already
 *   EPERM      no privilege to start the helpers
 *   ENOENT     a helper is not installed
 *   EPROTO     the helpers are of another build than the library
 *   ETIMEDOUT  a helper does not answer
 *   EBUSY      mark, routing table or priority is used by another program
 *   ENOSPC     more than 65536 rules, or 64 locations in use
 * A rule whose location the backend does not know is in force all the same
 * (its device is blocked); "route_failed" says so once the VPN runs.
 * After a failure nothing is left running. Since 0.1.0.
 */
AFWRT_API int afwrt_init(
    const char *params_json, void(event_callback)(const char *event_str));

/*
 * Ends the suite: stops an afwrt_start() that runs in another thread, takes
 * down tunnels, rules and interface, ends the helpers, wipes the tokens.
 * Nothing is left when it returns (with "killswitch" the protected devices
 * stay blocked). Blocks while that takes, at most 45 seconds.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL     not initialised
 *   EDEADLK    called from inside a callback
 *   ETIMEDOUT  the suite did not end in time and was killed
 * In the last case the library is uninitialised as well. Since 0.1.0.
 */
AFWRT_API int afwrt_deinit(void);

/*
 * Runs the VPN: waits for the uplink interface ("wan_wait" seconds), logs in
 * if there is no token, sets up the default location, and delivers events to
 * the callback until afwrt_stop(). Blocks all that time. It may be called
 * again afterwards.
 *
 * Returns 0 after afwrt_stop(), or -1 and errno:
 *   EINVAL     not initialised
 *   EALREADY   running already, here or by afwrt_get_fd()
 *   ENODEV     "wan_ifname" did not appear within "wan_wait" seconds
 *   EACCES     the backend refuses the credentials, at the start or later; an
 *              "invalid_auth" event has been delivered. Rules stay in force
 *              and tunnels up until afwrt_deinit() or another afwrt_start()
 *   EPIPE      the suite is gone
 *   ETIMEDOUT  after afwrt_stop() the suite did not stop within 15 seconds
 * Since 0.1.0.
 */
AFWRT_API int afwrt_start(void);

/*
 * Makes afwrt_start() return, after the tunnels have been closed and the
 * last events delivered; the helpers stay. Does not wait. Async-signal-safe:
 * may be called from a signal handler, any thread and the callback.
 * A stop while afwrt_start() is on its way ends that run, whatever it was
 * doing. Between afwrt_init() and the first afwrt_start() it makes that one
 * return 0 at once; later, when nothing runs, it is forgotten.
 *
 * Always returns 0. Since 0.1.0.
 */
AFWRT_API int afwrt_stop(void);

/* ---- backend and account ---------------------------------------------- */

/*
 * Asks a backend whether a user's name and password are valid. Needs no
 * afwrt_init(), but root then. Blocks, at most 40 seconds.
 *
 *   backend   URL: https://..., http:// to a loopback address, or file:/...;
 *             at most 511 bytes. Not NULL.
 *   username  login name, at most 255 bytes. Not NULL.
 *   password  at most 1023 bytes; never logged. Not NULL.
 *
 * Returns 0 valid, -1 not valid, 1 could not be verified: errno is then
 * EINVAL (an argument), EPERM, ENOENT, EPROTO (unreadable answer, or helpers
 * of another build), ENETUNREACH, ETIMEDOUT or EPIPE. Since 0.1.0.
 */
AFWRT_API int afwrt_verify_user(
    const char *backend, const char *username, const char *password);

/*
 * The list of locations: the backend's JSON answer, verbatim. Blocks, at
 * most 40 seconds.
 *
 * Returns a string that the caller frees, or NULL and errno:
 *   EINVAL       not initialised
 *   EACCES       there is no valid token
 *   ENETUNREACH, ETIMEDOUT  the backend cannot be reached
 *   EPROTO       its answer cannot be read
 * Since 0.1.0.
 */
AFWRT_API char *afwrt_get_locations(void);

/*
 * Registers this device with the backend and uses the token from then on.
 * The event "auth_success" or "invalid_auth" follows. Blocks, at most 40
 * seconds.
 *
 *   auth_method  "anonymous", or a provider that the backend knows; 1 to 63
 *                letters, digits, '.', '_', '-'. Not NULL.
 *   auth_token   the provider's token, at most 4096 printable ASCII
 *                characters; NULL or "" for "anonymous".
 *
 * Returns the access token, which belongs to the library and lives until the
 * next call or afwrt_deinit(); keep a copy for afwrt_set_access_token(). Or
 * NULL and errno:
 *   EINVAL   an argument, or not initialised
 *   EACCES   refused by the backend
 *   ENETUNREACH, ETIMEDOUT, EPROTO  as afwrt_get_locations()
 * Since 0.1.0.
 */
AFWRT_API const char *afwrt_register_device(
    const char *auth_method, const char *auth_token);

/*
 * Uses an access token from an earlier registration.
 *
 *   access_token  1 to 4096 letters, digits, '.', '_', '-', '~', and %XX for
 *                 all else. Not NULL.
 *
 * Returns 0, or -1 and errno: EINVAL the token has another shape, or not
 * initialised; ETIMEDOUT, EPIPE. Whether the backend accepts it shows when
 * it is used. Since 0.1.0.
 */
AFWRT_API int afwrt_set_access_token(const char *access_token);

/* ---- rules ------------------------------------------------------------ */

/*
 * Routes the traffic of one device through a location. When this returns 0
 * the device's traffic is captured: it waits for the tunnel and never falls
 * through to the uplink. Called again with another location it changes the
 * rule atomically. A failure means: not applied, the old rule stands.
 *
 *   ip_addr   IPv4 or IPv6 address of the device, as text; not unspecified,
 *             multicast, broadcast or loopback. Not NULL.
 *   mac_addr  MAC address, "08:00:27:AA:D7:17" or with '-'; not a group
 *             address. Not NULL.
 *   iface     interface the traffic comes in by, 1 to 15 characters. Not NULL.
 *   location  where to. Not NULL.
 *
 * A MAC rule goes before an address rule, that before an interface rule.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL     an argument of the wrong form, or not initialised
 *   ENOENT     the backend has no such location
 *   ENOSPC     there are 65536 rules, or 64 locations in use
 *   ENOTSUP    the location, or "type", is "wireguard" and
 *              "wireguard_routing" is "manual"; or the location is of type
 *              hydra-tcp and "type" is "wireguard"
 *   ETIMEDOUT  no answer in 5 seconds
 *   EPIPE      the suite is gone
 * Since 0.1.0.
 */
AFWRT_API int afwrt_protect_ip_addr(const char *ip_addr, const char *location);
AFWRT_API int afwrt_protect_mac_addr(
    const char *mac_addr, const char *location);
AFWRT_API int afwrt_protect_iface(const char *iface, const char *location);

/*
 * Removes such a rule: the device's traffic takes its ordinary way again.
 * Arguments as above.
 *
 * Returns 0, or -1 and errno: EINVAL, ENOTSUP, ETIMEDOUT, EPIPE as
 * above; ENOENT there is no such rule. Since 0.1.0.
 */
AFWRT_API int afwrt_unprotect_ip_addr(const char *ip_addr);
AFWRT_API int afwrt_unprotect_mac_addr(const char *mac_addr);
AFWRT_API int afwrt_unprotect_iface(const char *iface);

/* ---- tunnels ---------------------------------------------------------- */

/*
 * Sets up the tunnel of a location. hydra-tcp connects with the first packet,
 * wireguard at once. After "route_disconnected" or "route_failed" this starts
 * the next attempt (unless "reconnect" is "auto").
 *
 *   location    Not NULL.
 *   iface_name  wireguard: name of the interface to make, 1 to 15
 *               characters. hydra-tcp: ignored, may be NULL. What a location
 *               is the backend's list says, else "type".
 *
 * Returns 0, or -1 and errno:
 *   EINVAL  location is NULL, iface_name is NULL or no interface name for
 *           wireguard, or not initialised
 *   ENOENT  unknown location
 *   EBUSY   iface_name is in use
 *   EEXIST  the tunnel is set up already
 *   ENOTSUP the location is of type hydra-tcp and "type" is "wireguard"
 *   ENOSPC  64 locations are in use
 *   ETIMEDOUT, EPIPE
 * Since 0.1.0.
 */
AFWRT_API int afwrt_setup_tunnel(const char *location, const char *iface_name);

/*
 * Ends the tunnel of a location.
 *
 *   location  as given to afwrt_setup_tunnel(). Not NULL.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL  location is NULL, or not initialised
 *   ENOENT  there is no such tunnel
 *   EBUSY   a rule uses it (hydra-tcp, or "wireguard_routing" "managed")
 *   ETIMEDOUT, EPIPE
 * Since 0.1.0.
 */
AFWRT_API int afwrt_teardown_tunnel(const char *location);

/*
 * The version, "MAJOR.MINOR.PATCH"; static, never NULL. Since 0.1.0.
 */
AFWRT_API const char *afwrt_version(void);

/* ---- extensions ------------------------------------------------------- */
/* What the interface above does not have. */

/*
 * Why the last failed call of the calling thread failed, in one sentence
 * that names the key, value or interface; "" if none has. Belongs to the
 * library and lives until the next failure in this thread. Since 0.1.0.
 */
AFWRT_API const char *afwrt_last_error(void);

/*
 * Frees a string that the library gave to the caller; NULL is allowed. The
 * same as free(), for languages that have none. Since 0.1.0.
 */
AFWRT_API void afwrt_free(void *string);

/*
 * Starts the VPN as afwrt_start() does, for an application with an event
 * loop of its own, and returns a descriptor without blocking. Whenever it
 * polls readable, afwrt_dispatch() is due. The descriptor belongs to the
 * library (do not read or close it) and stays the same until afwrt_deinit().
 * Called again while the VPN runs, it only returns the descriptor.
 *
 * Returns the descriptor, or -1 and errno: EINVAL not initialised; EALREADY
 * afwrt_start() runs; EPIPE. Since 0.1.0.
 */
AFWRT_API int afwrt_get_fd(void);

/*
 * Does what is due and delivers waiting events to the callback, in the
 * calling thread. Does not block (other than in the callback).
 *
 * Returns 0: go on. 1: the run has ended after afwrt_stop(); afwrt_get_fd()
 * starts the next. -1: the run has ended with the errno of afwrt_start(); or
 * EINVAL not initialised or no run begun by afwrt_get_fd(), EALREADY
 * afwrt_start() runs, EBUSY another thread is in here, EDEADLK from inside a
 * callback: the run then goes on. Since 0.1.0.
 */
AFWRT_API int afwrt_dispatch(void);

/*
 * What the suite is doing, as JSON: "schema_version" (1), "processes",
 * "routes" with state and counters, "rules"; see afwrt(3).
 *
 * Returns a string that the caller frees, or NULL and errno: EINVAL not
 * initialised, ETIMEDOUT, EPIPE, ENOMEM. Since 0.1.0.
 */
AFWRT_API char *afwrt_get_status(void);

/*
 * Which rule is about the packets of an address now, and why, as JSON:
 * "rule" (or null), "neighbour" (MAC, interface and bridge port where it was
 * seen, or null), "mark", and "default_route" (whether what no rule is about
 * goes by the default location's tunnel); see afwrt(3).
 *
 *   ip_addr  as in afwrt_protect_ip_addr(). Not NULL.
 *
 * Returns a string that the caller frees, or NULL and errno: EINVAL an
 * argument, or not initialised; ETIMEDOUT, EPIPE, ENOMEM. Since 0.1.0.
 */
AFWRT_API char *afwrt_explain(const char *ip_addr);

/*
 * Where log lines of the library and the suite go; without it nowhere. May
 * be called before afwrt_init(), at any time, and with NULL.
 *
 *   log_callback  level as in syslog(3), 3 error to 7 debug; line without
 *                 newline, valid during the call; user as given here. Runs
 *                 in a thread that is inside an afwrt function, one at a
 *                 time. Lines never hold tokens or passwords.
 *   user          handed to the callback
 *
 * When this returns the former callback is not and will not be running,
 * unless it is called from inside that callback. Since 0.1.0.
 */
AFWRT_API void afwrt_set_log_callback(
    void (*log_callback)(int level, const char *line, void *user), void *user);

/*
 * How much there is to log from now on, instead of the configuration's
 * "log_level", in all processes of the suite.
 *
 *   level  "error", "warn", "notice", "info" or "debug". Not NULL.
 *
 * Returns 0, or -1 and errno: EINVAL another word, or not initialised;
 * ETIMEDOUT, EPIPE. Since 0.1.0.
 */
AFWRT_API int afwrt_set_log_level(const char *level);

#ifdef __cplusplus
}
#endif

#endif
