/* SPDX-License-Identifier: ISC */
#ifndef AFW_TESTS_AUTH_NODES_H
#define AFW_TESTS_AUTH_NODES_H

#include "auth_world.h"

/*
 * What a real afwrt-auth has around it in its tests: a real ocserv, the
 * reference backend, files of locations, and the questions of the others.
 */
extern uint16_t nodes_port, nodes_dead_port, nodes_backend_port;

/* Skips the program (77) without root or ocserv. */
bool nodes_possible(void);
/* ocserv with a user alice; more: lines of its configuration. */
void nodes_start(const char *more);
/* more: members of the reference backend's configuration, each after ','. */
void nodes_start_backend(const char *more);
void nodes_stop_backend(void);
void nodes_start_dns(void);
/* The end of a test: all that was started. */
void nodes_stop(void);

/* AUTH_CONFIG and one BACKEND. */
void nodes_configure(const char *url);
void nodes_configure_as(const char *url, uint32_t type, uint32_t v4v6);
/* de.pass, bad.pass and locations.json. */
void nodes_write_locations(mode_t pass_mode);

/* Of which connection the following ask. */
extern uint32_t nodes_conn;
uint32_t nodes_send_get(uint32_t route, const char *location, uint32_t why);
/* Asks for a session, which must be given. */
struct afw_m_session nodes_session(
    uint32_t route, const char *location, uint32_t why);
/* Asks for a session; it must fail so, detail is a part of the text. */
void nodes_no_session(uint32_t route, const char *location, uint32_t why,
    uint32_t reason, uint32_t permanent, const char *detail);
unsigned int nodes_verify(
    const char *url, const char *user, const char *password);
/* AFW_OK also when the answer is LOCATION_INFO, whose type is then here. */
unsigned int nodes_check_location(const char *name);
extern uint32_t nodes_type;
/* The text that answers LOCATIONS or COUNTRIES, static. */
const char *nodes_locations(void);
const char *nodes_countries(void);

#endif
