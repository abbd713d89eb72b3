/* SPDX-License-Identifier: ISC */
#ifndef AFW_TESTS_PLAYER_H
#define AFW_TESTS_PLAYER_H

#include <check.h>
#include <sys/types.h>

#include "lib/wire/channel.h"

/*
 * Plays the library to a real afwrtd whose helpers are tests/ipc/fake_helper,
 * in a folder of its own. Every wait ends with a failed test after a while.
 */
extern struct afw_chan player;
extern pid_t player_afwrtd;
extern char player_dir[256];

/* A folder with the three helpers in it; then afwrtd, up to its HELLO. */
void player_setup(void);
void player_start(void);
/* Half-closes the link and waits for afwrtd; nothing may be left of it. */
void player_end(void);
/* afwrtd is on its way out: waits for it, as above. */
void player_wait_end(void);
void player_teardown(void);

/* Files that tell the fake helpers what to do; see fake_helper.c. */
void player_tell(const char *file, const char *text);
void player_untell(const char *file);

/* Sends a request and waits for the STATUS; *text stays until the next. */
unsigned int player_ask(enum afw_msg_type type, const void *payload);
extern char player_text[188];
/* The same in two halves, and for replies that are no STATUS. */
uint32_t player_send(enum afw_msg_type type, const void *payload);
unsigned int player_reply(uint32_t id);
void player_answer(uint32_t id, struct afw_msg *m);
/* Waits for an event of this type; earlier ones of other types are dropped. */
void player_event(enum afw_msg_type type, struct afw_msg *m);
/* The next EV_ROUTE must be this; returns its seq. */
uint32_t player_route(const char *location, uint32_t state);
/* There is no event of this type until now. */
void player_no_event(enum afw_msg_type type);

/* The configuration that most tests use; answered with AFW_OK. */
struct afw_m_config player_config(void);
void player_configure(void);
unsigned int player_protect(const char *ip, const char *location);
unsigned int player_unprotect(const char *ip);
unsigned int player_setup_tunnel(const char *location);
unsigned int player_setup_iface(const char *location, const char *iface);
unsigned int player_teardown_tunnel(const char *location);
struct afw_key player_key(const char *ip);

/* pid of a running helper, by QUERY; 0 none. */
struct afw_m_process player_process(enum afw_role role);

/* The log of the helpers: waits until the line is there, after what was
 * marked. Lines of these fragments must appear in this order; NULL ends. */
void player_mark(void);
void player_logged(const char *first, ...) __attribute__((sentinel));
/* How many lines with this fragment there are since the mark. */
int player_count(const char *fragment);

/* Runs the suite; the exit status of the program, 77 without root. */
int player_main(Suite *s);

#endif
