/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_LOCATIONS_H
#define AFWRT_AUTH_LOCATIONS_H

#include "answer.h"

/* Answers LOCATIONS with the list as the backend gives it now. */
void locations_get(uint32_t id);
/* Answers COUNTRIES the same way. */
void locations_get_countries(uint32_t id);
/* Gets the list without being asked, for the checks to come. */
void locations_refresh(void);
/* Backend or token changed: what is at hand is of another world. */
void locations_reset(void);

/* A list of this run is at hand. */
bool locations_have(void);

enum locations_find { LOCATIONS_UNKNOWN, LOCATIONS_NO, LOCATIONS_YES };
/* Is name on the list? UNKNOWN: no list of this run is at hand. */
enum locations_find locations_find(const char *name);
/* The same for a two-letter country code. */
enum locations_find locations_find_country(const char *code);
/*
 * The type that the list says of it, also the one kept from before; of a name
 * that leaves a choice: if all are of one. 0: it does not say.
 */
uint32_t locations_type(const char *name);
/* Two letters: may stand for a country. */
bool locations_is_country(const char *name);

#endif
