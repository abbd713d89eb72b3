/* SPDX-License-Identifier: ISC */
#ifndef AFW_CONF_WHOLE_H
#define AFW_CONF_WHOLE_H

#include "conf.h"

/* What concerns more than one key; as conf_parse. May change what was read. */
int conf_whole(struct conf *c);

#endif
