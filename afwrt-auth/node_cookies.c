/* SPDX-License-Identifier: ISC */
#include "node_cookies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

#define NAME_MAX_LEN  64
#define VALUE_MAX_LEN 2047 /* what fits in struct afw_m_session */

bool
cookies_value_ok(const char *v)
{
	size_t n;

	for (n = 0; v[n] != '\0'; n++)
		if (v[n] <= ' ' || v[n] > '~' || strchr("\",;\\", v[n]))
			return false;
	return n <= VALUE_MAX_LEN;
}

static void
drop(struct cookie *k)
{
	afw_wipe(k->value, strlen(k->value));
	free(k->name);
	free(k->value);
	k->name = k->value = NULL;
}

static struct cookie *
find(const struct cookies *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->c[i].name, name) == 0)
			return (struct cookie *)&c->c[i];
	return NULL;
}

const char *
cookies_get(const struct cookies *c, const char *name)
{
	struct cookie *k = find(c, name);

	return k == NULL ? NULL : k->value;
}

static bool
name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= NAME_MAX_LEN &&
	    strcspn(s, "\",;\\=()<>@:/[]?{} \t") == n;
}

void
cookies_set(struct cookies *c, const char *header)
{
	size_t n = strcspn(header, ";"), eq = strcspn(header, "=");
	char *name, *value;
	struct cookie *k;

	if (eq >= n)
		return;
	name = strndup(header, eq);
	value = strndup(header + eq + 1, n - eq - 1);
	if (name == NULL || value == NULL)
		fatal("auth: out of memory");
	value[strcspn(value, " \t")] = '\0';
	k = find(c, name);
	if (!name_ok(name) || !cookies_value_ok(value) ||
	    (k == NULL && c->n == COOKIES_MAX)) {
		afw_wipe(value, strlen(value));
		free(name);
		free(value);
		return;
	}
	if (k == NULL)
		k = &c->c[c->n++];
	else
		drop(k);
	k->name = name;
	k->value = value;
	if (*value == '\0') {
		drop(k);
		*k = c->c[--c->n];
	}
}

void
cookies_print(const struct cookies *c, char *buf, size_t size)
{
	size_t i, at = 0, need;

	buf[0] = '\0';
	for (i = 0; i < c->n; i++) {
		need = strlen(c->c[i].name) + strlen(c->c[i].value) + 16;
		if (at + need > size)
			continue; /* no room: that one stays at home */
		at += (size_t)sprintf(buf + at, "%s%s=%s",
		    at == 0 ? "Cookie: " : "; ", c->c[i].name, c->c[i].value);
	}
	if (at > 0)
		(void)strcpy(buf + at, "\r\n");
}

void
cookies_clear(struct cookies *c)
{
	while (c->n > 0)
		drop(&c->c[--c->n]);
}
