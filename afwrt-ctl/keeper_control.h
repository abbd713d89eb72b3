/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEEPER_CONTROL_H
#define CTL_KEEPER_CONTROL_H

#include <stdbool.h>

/* In the keeper: the files of the control interface. */

/* What is in use, for this keeper and those after it; one that was passed is
 * not removed. 0 or -1. */
int keeper_control_begin(
    const char *config, const char *control, bool passed, const char *async);
/* As keeper.h has them. */
int keeper_control_read(void);
int keeper_control_connect(void);
int keeper_control_listen(void);
int keeper_control_switch(void);
int keeper_control_mode(void);
int keeper_control_async(void);
/* Removes the sockets. */
void keeper_control_end(void);

#endif
