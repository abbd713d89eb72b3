/* SPDX-License-Identifier: ISC */
#include "mask.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Shorter ones are only masked at their key: elsewhere they are words. */
#define SECRET_MIN  4
#define SECRETS_MAX 4096

static char *secrets[SECRETS_MAX];
static size_t n_secrets;

static bool
is_secret(const char *key)
{
	static const char *const parts[] = {"token", "password", "passwd",
	    "secret", "cookie", "psk", "presharedkey", "preshared_key",
	    "private", "credential", "apikey", "api_key", "passphrase"};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcasestr(key, parts[i]) != NULL)
			return true;
	return strcasecmp(key, "key") == 0 || strcasecmp(key, "pin") == 0;
}

void
mask_remember(const char *secret)
{
	if (strlen(secret) < SECRET_MIN || n_secrets == SECRETS_MAX)
		return;
	if ((secrets[n_secrets] = strdup(secret)) != NULL)
		n_secrets++;
}

/* Everything in it, whatever its shape. */
static json_t *
swallow(const json_t *v)
{
	const char *key;
	char number[32];
	json_t *one;
	size_t i;

	if (json_is_string(v))
		mask_remember(json_string_value(v));
	if (json_is_integer(v)) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(v));
		mask_remember(number);
	}
	json_array_foreach (v, i, one)
		json_decref(swallow(one));
	json_object_foreach ((json_t *)(uintptr_t)v, key, one)
		json_decref(swallow(one));
	return json_string(MASK);
}

/* "https://user:password@host/" */
static json_t *
url_mask(const json_t *v)
{
	const char *s = json_string_value(v), *host, *at;
	char *user, *colon;

	if (s == NULL || (host = strstr(s, "://")) == NULL)
		return NULL;
	host += 3;
	at = memchr(host, '@', strcspn(host, "/"));
	if (at == NULL || (user = strndup(host, (size_t)(at - host))) == NULL)
		return NULL;
	colon = strchr(user, ':');
	mask_remember(colon != NULL ? colon + 1 : user);
	explicit_bzero(user, strlen(user));
	free(user);
	return json_sprintf("%.*s" MASK "%s", (int)(host - s), s, at);
}

void
mask_json(json_t *o)
{
	const char *key;
	json_t *v, *masked;
	void *next;
	size_t i;

	json_object_foreach_safe(o, next, key, v)
	{
		masked = is_secret(key) ? swallow(v) : url_mask(v);
		if (masked != NULL)
			(void)json_object_set_new(o, key, masked);
		else
			mask_json(v);
	}
	json_array_foreach (o, i, v) {
		if ((masked = url_mask(v)) != NULL)
			(void)json_array_set_new(o, i, masked);
		else
			mask_json(v);
	}
}

/* The longest that begins here, or 0. */
static size_t
secret_at(const char *p)
{
	size_t i, n, longest = 0;

	for (i = 0; i < n_secrets; i++) {
		if (*secrets[i] != *p)
			continue;
		n = strlen(secrets[i]);
		if (n > longest && strncmp(p, secrets[i], n) == 0)
			longest = n;
	}
	return longest;
}

char *
mask_text(const char *text)
{
	size_t size = 0, n;
	char *out = NULL;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL)
		return NULL;
	while (*text != '\0') {
		if ((n = secret_at(text)) > 0) {
			(void)fputs(MASK, f);
			text += n;
		} else {
			(void)fputc(*text++, f);
		}
	}
	if (fclose(f) == EOF) {
		free(out);
		return NULL;
	}
	return out;
}

void
mask_forget(void)
{
	while (n_secrets > 0) {
		n_secrets--;
		explicit_bzero(secrets[n_secrets], strlen(secrets[n_secrets]));
		free(secrets[n_secrets]);
	}
}
