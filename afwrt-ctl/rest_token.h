/* SPDX-License-Identifier: ISC */
#ifndef CTL_REST_TOKEN_H
#define CTL_REST_TOKEN_H

#include <sys/socket.h>

#include <stdbool.h>

/* Who may use the REST interface: the one token, and who has guessed. */

#define REST_TOKEN_MIN 16
#define REST_TOKEN_MAX 512

/* Why it cannot be a token, or NULL. */
const char *rest_token_refuses(const char *token);
void rest_token_set(const char *token);
void rest_token_wipe(void);

/* No answer but 429 for this address, for now. */
bool rest_token_limited(const struct sockaddr *sa);
/* Is it the token? Takes as long whatever is wrong with it; a wrong one is
 * counted. */
bool rest_token_is(const struct sockaddr *sa, const char *token);

#endif
