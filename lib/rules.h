/* SPDX-License-Identifier: ISC */
#ifndef AFW_RULES_H
#define AFW_RULES_H

#include "lib/wire/msg.h"

/* Text to a rule's key or location. 0, or -1, EINVAL and the last error. */
int rules_key(struct afw_key *k, enum afw_key_kind kind, const char *text);
int rules_location(char location[AFW_LOCATION_SIZE], const char *text);

#endif
