/* SPDX-License-Identifier: ISC */
#include "wait.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define RETRY_MS 100 /* for a service that is not there yet */

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
left_ms(const struct wait *w)
{
	int64_t left = w->until - now_ms();

	return left > 0 ? (int)left : 0;
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

int
wait_begin(struct wait *w, const struct ctl *c, bool patient)
{
	int rc;

	*w = (struct wait){.c = c, .fd = -1};
	if (c->wait_s == 0)
		return CTL_DONE;
	w->until = now_ms() + (int64_t)c->wait_s * 1000;
	while (patient && !client_is_running(c) && left_ms(w) > 0)
		(void)poll(NULL, 0, RETRY_MS);
	if ((rc = client_connect(c, &w->fd)) != CTL_DONE) {
		w->fd = -1;
		return rc;
	}
	rc = client_ask_on(
	    w->fd, json_pack("{s:s}", "request", "subscribe"), NULL);
	if (rc != CTL_DONE)
		wait_end(w);
	return rc;
}

void
wait_end(struct wait *w)
{
	if (w->fd != -1)
		(void)close(w->fd);
	w->fd = -1;
}

static bool
is_connected(const json_t *route)
{
	return strcmp(text_of(route, "state"), "connected") == 0;
}

/* hydra-tcp waits for its first packet: all is ready then. */
static bool
is_ready(const json_t *route)
{
	return is_connected(route) ||
	    (strcmp(text_of(route, "state"), "idle") == 0 &&
		strcmp(text_of(route, "type"), "hydra-tcp") == 0);
}

static json_t *
route_named(const json_t *routes, const char *location)
{
	json_t *r;
	size_t i;

	json_array_foreach (routes, i, r)
		if (strcmp(text_of(r, "location"), location) == 0)
			return r;
	return NULL;
}

/* Of all that are in use, one that is not ready if there is any. Before the
 * run has begun those of hydra-tcp are idle too; the default one comes then. */
static json_t *
route_worst(const json_t *routes, bool *ready)
{
	json_t *r, *worst = NULL;
	bool begun = false;
	size_t i;

	json_array_foreach (routes, i, r)
		begun |= is_connected(r) ||
		    json_is_true(json_object_get(r, "default"));
	*ready = begun;
	json_array_foreach (routes, i, r)
		if (worst == NULL || (*ready && !is_ready(r))) {
			worst = r;
			*ready &= is_ready(r);
		}
	return worst;
}

/* As it is now, NULL if there is none; *route is the caller's. */
static int
route_get(const struct wait *w, const char *location, json_t **route, bool *up)
{
	json_t *answer, *routes;
	int rc =
	    client_ask(w->c, json_pack("{s:s}", "request", "status"), &answer);

	*route = NULL;
	*up = false;
	if (rc != CTL_DONE)
		return rc;
	routes = json_object_get(answer, "routes");
	if (location == NULL) {
		*route = json_incref(route_worst(routes, up));
	} else {
		*route = json_incref(route_named(routes, location));
		*up = is_connected(*route);
	}
	json_decref(answer);
	return CTL_DONE;
}

static int
late(const struct wait *w, const char *name, const json_t *route)
{
	const char *state = text_of(route, "state");

	(void)fprintf(stderr, "afwrt-ctl: %s: not up within %u s: %s%s\n", name,
	    w->c->wait_s,
	    route == NULL ? "there is no tunnel yet" : "the tunnel is ", state);
	if (strcmp(state, "idle") == 0)
		(void)fprintf(stderr,
		    "afwrt-ctl: %s: it connects with its first packet\n", name);
	return CTL_FAILED;
}

/* An event that ends the waiting badly. location NULL: any. */
static bool
is_failure(const json_t *event, const char *location)
{
	const char *name = text_of(event, "route_name");
	const char *what = text_of(event, "event");
	const char *why = text_of(event, "reason_details");

	if (strcmp(what, "route_failed") == 0 &&
	    (location == NULL || strcmp(name, location) == 0))
		(void)fprintf(stderr, "afwrt-ctl: %s: failed: %s\n", name, why);
	else if (strcmp(what, "invalid_auth") == 0)
		(void)fprintf(
		    stderr, "afwrt-ctl: the login is refused: %s\n", why);
	else
		return false;
	return true;
}

/* One event, or none in the time that is left. */
static int
event_take(struct wait *w, const char *location)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	json_t *event;
	int rc;

	if (poll(&p, 1, left_ms(w)) <= 0)
		return CTL_DONE;
	if ((rc = client_recv(w->fd, &event)) != CTL_DONE)
		return rc;
	if (is_failure(event, location))
		rc = CTL_FAILED;
	json_decref(event);
	return rc;
}

int
wait_route(struct wait *w, const char *location)
{
	const char *name;
	json_t *route;
	int rc = CTL_DONE;
	bool up = false;

	while (w->fd != -1 && rc == CTL_DONE && !up) {
		if ((rc = route_get(w, location, &route, &up)) != CTL_DONE)
			break;
		name = location != NULL ? location
		    : route != NULL     ? text_of(route, "location")
					: "default location";
		if (!up && left_ms(w) == 0)
			rc = late(w, name, route);
		else if (!up)
			rc = event_take(w, location);
		json_decref(route);
	}
	return rc;
}
