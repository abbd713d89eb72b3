/* SPDX-License-Identifier: ISC */
#ifndef TESTS_IPC_PAYLOAD_H
#define TESTS_IPC_PAYLOAD_H

#include "lib/wire/msg.h"

/*
 * A right payload for every row of the message table, and every way in which
 * its content can be wrong.
 */

/* Room for a payload, aligned as a received one is. */
struct payload {
	_Alignas(8) uint8_t b[AFW_MSG_MAX + 64];
};

/* Fills p with what the row's check must accept. */
void payload_make(const struct afw_row *row, struct payload *p);
/* The name of the row's struct, without afw_m_. */
const char *payload_name(const struct afw_row *row);
/* Calls fn with each single change to a right payload: ok says whether the
 * check must accept it; what names the field. How many changes there were. */
unsigned int payload_vary(const struct afw_row *row,
    void (*fn)(void *arg, const struct payload *p, bool ok, const char *what),
    void *arg);

#endif
