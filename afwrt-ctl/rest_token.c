/* SPDX-License-Identifier: ISC */
/*
 * Wrong tokens are counted by address, of IPv6 by the /64, in a table of
 * fixed size: when it is full, the address whose minute began first is
 * forgotten.
 */
#include "rest_token.h"

#include <netinet/in.h>

#include <stdint.h>
#include <string.h>
#include <time.h>

#define GUESSES  10
#define WINDOW_S 60
#define GUESSERS 256

struct guesser {
	uint8_t addr[16];
	unsigned int wrong; /* 0: free */
	int64_t since;
};

static char secret[REST_TOKEN_MAX + 1];
static size_t secret_len;
static struct guesser guessers[GUESSERS];

const char *
rest_token_refuses(const char *token)
{
	const char *s;

	if (strlen(token) < REST_TOKEN_MIN)
		return "must have at least 16 characters";
	if (strlen(token) > REST_TOKEN_MAX)
		return "must have at most 512 characters";
	for (s = token; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return "may hold printable ASCII without spaces only";
	return NULL;
}

void
rest_token_set(const char *token)
{
	memset(secret, 0, sizeof(secret));
	secret_len = strlen(token);
	memcpy(secret, token, secret_len);
}

void
rest_token_wipe(void)
{
	explicit_bzero(secret, sizeof(secret));
	secret_len = 0;
	memset(guessers, 0, sizeof(guessers));
}

/* ---- who has guessed ---------------------------------------------------- */

static int64_t
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

static void
address_key(const struct sockaddr *sa, uint8_t key[16])
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	memset(key, 0, 16);
	if (sa != NULL && sa->sa_family == AF_INET) {
		key[10] = key[11] = 0xff; /* as ::ffff:a.b.c.d */
		memcpy(key + 12, &in->sin_addr, 4);
	} else if (sa != NULL && sa->sa_family == AF_INET6) {
		memcpy(key, &in6->sin6_addr,
		    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ||
			    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)
			? 16
			: 8);
	}
}

static struct guesser *
guesser_find(const uint8_t key[16])
{
	int64_t now = now_s();
	struct guesser *g;

	for (g = guessers; g < guessers + GUESSERS; g++) {
		if (g->wrong > 0 && now - g->since >= WINDOW_S)
			g->wrong = 0;
		if (g->wrong > 0 && memcmp(g->addr, key, 16) == 0)
			return g;
	}
	return NULL;
}

static void
guess_note(const struct sockaddr *sa)
{
	struct guesser *g, *oldest = &guessers[0];
	uint8_t key[16];

	address_key(sa, key);
	if ((g = guesser_find(key)) != NULL) {
		if (g->wrong < GUESSES)
			g->wrong++;
		return;
	}
	for (g = guessers; g < guessers + GUESSERS && oldest->wrong > 0; g++)
		if (g->wrong == 0 || g->since < oldest->since)
			oldest = g;
	memcpy(oldest->addr, key, sizeof(key));
	oldest->wrong = 1;
	oldest->since = now_s();
}

bool
rest_token_limited(const struct sockaddr *sa)
{
	const struct guesser *g;
	uint8_t key[16];

	address_key(sa, key);
	return (g = guesser_find(key)) != NULL && g->wrong >= GUESSES;
}

/* ---- the token ---------------------------------------------------------- */

bool
rest_token_is(const struct sockaddr *sa, const char *token)
{
	size_t i, n = strlen(token);
	volatile unsigned int differ = n != secret_len;

	/* over the whole of our buffer, whatever was sent */
	for (i = 0; i < sizeof(secret); i++)
		differ |= (unsigned char)secret[i] ^
		    (unsigned char)token[i < n ? i : n];
	if (differ == 0 && secret_len > 0)
		return true;
	guess_note(sa);
	return false;
}
