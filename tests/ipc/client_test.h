/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_TEST_H
#define CLIENT_TEST_H

#include <check.h>
#include <stdbool.h>

/* What the test files of check_client share. */

#define CONFIG                                              \
	"{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\"," \
	"\"vl_default\":\"us\"}"

/* A directory with the fake suite in it, told this mode; "" for none. */
void fake_install(const char *mode);
void fake_remove(void);
/* The text of a file there; "" if there is none. */
const char *fake_file(const char *name);
/* How often a message was seen by the fake. */
int fake_seen(const char *name);

/* Events as they came, "\n" behind each. */
void event_keep(const char *json);
void events_clear(void);
bool events_have(const char *json);
int events_count(const char *name);
/* Waits for an event of this text, 5 s. */
void events_await(const char *json);

/* afwrt_start in a thread; runner_end returns what it returned. */
void runner_begin(void);
int runner_end(int *err);

int fds_open(void);

#define ck_fails(expr, e)                                                   \
	do {                                                                \
		errno = 0;                                                  \
		ck_assert_int_eq((expr), -1);                               \
		ck_assert_msg(errno == (e), "%s: errno %d (%s), %s", #expr, \
		    errno, strerror(errno), afwrt_last_error());            \
	} while (0)
#define ck_does(expr) \
	ck_assert_msg((expr) == 0, "%s: %s", #expr, afwrt_last_error())

TCase *calls_case(void);
TCase *wireguard_case(void);
TCase *life_case(void);
TCase *loop_case(void);

#endif
