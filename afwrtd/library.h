/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_LIBRARY_H
#define AFWRTD_LIBRARY_H

#include "lib/daemon/link.h"

/* Channel A. Opens descriptor 3 and says HELLO; exits if there is none. */
void library_open(void);
struct afw_link *library_link(void);
void library_close(void);
/* It takes more without a long wait. */
bool library_is_fast(void);
/* A line for syslog and for the library. */
void library_log(int level, const char *text);

#endif
