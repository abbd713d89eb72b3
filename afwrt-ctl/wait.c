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

/* As it is now; *route is the caller's, NULL if there is none. */
static int
route_get(const struct wait *w, const char *location, json_t **route)
{
	json_t *answer, *r;
	size_t i;
	int rc =
	    client_ask(w->c, json_pack("{s:s}", "request", "status"), &answer);

	*route = NULL;
	if (rc != CTL_DONE)
		return rc;
	json_array_foreach (json_object_get(answer, "routes"), i, r)
		if (location != NULL
			? strcmp(text_of(r, "location"), location) == 0
			: json_is_true(json_object_get(r, "default")))
			*route = json_incref(r);
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

/* An event that ends the waiting badly. */
static bool
is_failure(const json_t *event, const char *location, const json_t *route)
{
	const char *name =
	    location != NULL ? location : text_of(route, "location");
	const char *what = text_of(event, "event");
	const char *why = text_of(event, "reason_details");

	if (strcmp(what, "route_failed") == 0 &&
	    strcmp(text_of(event, "route_name"), name) == 0)
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
event_take(struct wait *w, const char *location, const json_t *route)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	json_t *event;
	int rc;

	if (poll(&p, 1, left_ms(w)) <= 0)
		return CTL_DONE;
	if ((rc = client_recv(w->fd, &event)) != CTL_DONE)
		return rc;
	if (is_failure(event, location, route))
		rc = CTL_FAILED;
	json_decref(event);
	return rc;
}

/* The default one may also wait for its first packet: then all is ready. */
static bool
is_up(const json_t *route, const char *location)
{
	const char *state = text_of(route, "state");

	return strcmp(state, "connected") == 0 ||
	    (location == NULL && strcmp(state, "idle") == 0 &&
		strcmp(text_of(route, "type"), "hydra-tcp") == 0);
}

int
wait_route(struct wait *w, const char *location)
{
	const char *name = location != NULL ? location : "default location";
	json_t *route;
	int rc = CTL_DONE;
	bool up;

	while (w->fd != -1 && rc == CTL_DONE) {
		if ((rc = route_get(w, location, &route)) != CTL_DONE)
			break;
		up = is_up(route, location);
		if (!up && left_ms(w) == 0)
			rc = late(w, name, route);
		else if (!up)
			rc = event_take(w, location, route);
		json_decref(route);
		if (up)
			break;
	}
	return rc;
}
