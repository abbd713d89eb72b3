/* SPDX-License-Identifier: ISC */
#ifndef CTL_REST_CONN_H
#define CTL_REST_CONN_H

#include <event2/event.h>
#include <event2/http.h>

/*
 * What evhttp does not do by itself: a bound on the number of connections and
 * on the life of each, however slowly it speaks, and JSON in the answers that
 * evhttp makes on its own.
 */

/* text: the body of an error of evhttp's, for free(). */
int rest_conn_start(struct event_base *base, struct evhttp *http,
    struct evhttp_bound_socket *bound, char *(*text)(int code));
/* In the place of the one of start, which is gone. */
void rest_conn_listener(struct evhttp_bound_socket *bound);
/* Before a new socket is watched by the same loop. */
void rest_conn_sweep(void);
/* A request has come whole; what it asks for may take its time. */
void rest_conn_answering(struct evhttp_connection *c);
/* After evhttp_free. */
void rest_conn_stop(void);

#endif
