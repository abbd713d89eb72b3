/* SPDX-License-Identifier: ISC */
/*
 * The event queue and the JSON text of the events: keys and types as in the
 * interface's document, in its order, without spaces.
 */
#include "events.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/channel.h"

struct events_item {
	struct events_item *next;
	const char *name;              /* the event's; static */
	char route[AFW_LOCATION_SIZE]; /* of a route event */
	char *text;                    /* NULL: a bandwidth report */
	unsigned int n;
	struct afw_m_bandwidth parts[];
};

static const char bandwidth[] = "bandwidth_info";

void
events_init(struct events *q)
{
	memset(q, 0, sizeof(*q));
	q->tail = &q->head;
}

void
events_text_free(char *text)
{
	if (text != NULL)
		afw_wipe(text, strlen(text));
	free(text);
}

static void
item_free(struct events_item *i)
{
	events_text_free(i->text);
	free(i);
}

static struct events_item *
item_unlink(struct events *q, struct events_item **pp)
{
	struct events_item *i = *pp;

	if ((*pp = i->next) == NULL)
		q->tail = pp;
	q->count--;
	return i;
}

void
events_free(struct events *q)
{
	while (q->head != NULL)
		item_free(item_unlink(q, &q->head));
}

/* Of the same kind about the same route, and later. */
static bool
overtaken(const struct events_item *i)
{
	const struct events_item *l;

	if (i->text == NULL) /* sums that nobody has seen */
		return false;
	for (l = i->next; l != NULL; l = l->next)
		if (strcmp(l->route, i->route) == 0 &&
		    (i->route[0] != '\0' || l->name == i->name))
			return true;
	return false;
}

static void
room_make(struct events *q)
{
	struct events_item **pp;

	if (q->count < EVENTS_MAX)
		return;
	for (pp = &q->head; *pp != NULL; pp = &(*pp)->next)
		if (overtaken(*pp))
			break;
	item_free(item_unlink(q, *pp != NULL ? pp : &q->head));
}

static struct events_item *
item_add(struct events *q, const char *name, unsigned int n)
{
	struct events_item *i;

	i = calloc(1, sizeof(*i) + n * sizeof(i->parts[0]));
	if (i == NULL)
		return NULL;
	room_make(q);
	i->name = name;
	i->n = n;
	*q->tail = i;
	q->tail = &i->next;
	q->count++;
	return i;
}

/* Takes the reference; the text, or NULL. */
static char *
dump(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

static bool
object_add(struct events *q, const char *name, const char *route, json_t *o)
{
	char *text = dump(o);
	struct events_item *i;

	if (text == NULL || (i = item_add(q, name, 0)) == NULL) {
		events_text_free(text);
		return false;
	}
	i->text = text;
	(void)afw_str_set(i->route, sizeof(i->route), route);
	return true;
}

/* ---- one function an event --------------------------------------------- */

bool
events_route(struct events *q, const struct afw_m_ev_route *m)
{
	const char *name = m->state == AFW_ROUTE_CONNECTED ? "route_connected"
	    : m->state == AFW_ROUTE_FAILED                 ? "route_failed"
					   : "route_disconnected";
	char reason[AFW_DETAIL_SIZE + 8];
	json_t *o;

	(void)afw_reason_print(m->reason, m->detail, reason, sizeof(reason));
	if (m->state == AFW_ROUTE_FAILED && reason[0] == '\0')
		(void)afw_reason_print(
		    AFW_REASON_CONNECT, "", reason, sizeof(reason));
	o = json_pack("{s:s, s:s}", "event", name, "route_name", m->location);
	if (m->state != AFW_ROUTE_CONNECTED && reason[0] != '\0')
		(void)json_object_set_new(
		    o, "reason_details", json_string(reason));
	return object_add(q, name, m->location, o);
}

bool
events_ready(struct events *q)
{
	return object_add(q, "ready", "", json_pack("{s:s}", "event", "ready"));
}

bool
events_credentials_expire(struct events *q)
{
	return object_add(q, "credentials_expire", "",
	    json_pack("{s:s}", "event", "credentials_expire"));
}

bool
events_auth_success(struct events *q, const char *token)
{
	return object_add(q, "auth_success", "",
	    json_pack(
		"{s:s, s:s}", "event", "auth_success", "access_token", token));
}

bool
events_invalid_auth(struct events *q, const char *reason)
{
	json_t *o = json_pack("{s:s}", "event", "invalid_auth");

	if (*reason != '\0')
		(void)json_object_set_new(
		    o, "reason_details", json_string(reason));
	return object_add(q, "invalid_auth", "", o);
}

/* ---- bandwidth --------------------------------------------------------- */

static bool
part_same(const struct afw_m_bandwidth *a, const struct afw_m_bandwidth *b)
{
	return a->interval_ms == b->interval_ms &&
	    strcmp(a->location, b->location) == 0;
}

/* The report is added to one that still waits, if they are about the same
 * routes in the same order. */
static bool
report_merge(struct events *q)
{
	struct events_item *i;
	struct afw_m_bandwidth *p;
	unsigned int k;

	for (i = q->head; i != NULL; i = i->next)
		if (i->name == bandwidth && i->n == q->nparts)
			break;
	if (i == NULL)
		return false;
	for (k = 0; k < q->nparts; k++)
		if (!part_same(&i->parts[k], &q->part[k]))
			return false;
	for (k = 0; k < q->nparts; k++) {
		p = &i->parts[k];
		p->n_points += q->part[k].n_points;
		p->down += q->part[k].down;
		p->up += q->part[k].up;
	}
	return true;
}

bool
events_bandwidth(struct events *q, const struct afw_m_bandwidth *m)
{
	struct events_item *i;
	bool added = true;

	if (q->nparts < 2 * AFW_ROUTES_MAX)
		q->part[q->nparts++] = *m;
	if (m->last == 0)
		return false;
	if (!report_merge(q)) {
		if ((i = item_add(q, bandwidth, q->nparts)) != NULL)
			memcpy(
			    i->parts, q->part, q->nparts * sizeof(i->parts[0]));
		added = i != NULL;
	}
	q->nparts = 0;
	return added;
}

static char *
report_text(const struct events_item *i)
{
	json_t *list = json_array();
	unsigned int k;

	for (k = 0; k < i->n; k++)
		(void)json_array_append_new(list,
		    json_pack("{s:I, s:I, s:I, s:I, s:s}", "data_interval_ms",
			(json_int_t)i->parts[k].interval_ms, "n_points",
			(json_int_t)i->parts[k].n_points, "points_downstream",
			(json_int_t)i->parts[k].down, "points_upstream",
			(json_int_t)i->parts[k].up, "route_name",
			i->parts[k].location));
	return dump(
	    json_pack("{s:s, s:o}", "event", bandwidth, bandwidth, list));
}

char *
events_pop(struct events *q)
{
	struct events_item *i;
	char *text;

	if (q->head == NULL)
		return NULL;
	i = item_unlink(q, &q->head);
	text = i->text != NULL ? i->text : report_text(i);
	i->text = NULL;
	item_free(i);
	return text;
}
