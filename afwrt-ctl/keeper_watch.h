/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEEPER_WATCH_H
#define CTL_KEEPER_WATCH_H

/* A process that does nothing but have another one at work. */

/* Returns when the other end of the pair is closed; serve runs in a child
 * until then, in a new one when it was killed. */
void keeper_watch(int link_fd, void (*serve)(void));

/* In the child: awaits a request and notes that it is under way, so that the
 * asker is told when it does not come to its end. -1: nobody asks any more. */
int keeper_watch_request(int link_fd, unsigned int *number);
void keeper_watch_answered(void);

#endif
