/* SPDX-License-Identifier: ISC */
#include "params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

void
params_set(struct params *p, const char *key, const char *value)
{
	size_t i;

	if (value == NULL || *value == '\0')
		return;
	for (i = 0; i < p->n && strcmp(p->p[i].key, key) != 0; i++)
		;
	if (i == PARAMS_MAX)
		fatal("auth: too many parameters");
	if (i == p->n)
		p->n++;
	else
		afw_wipe(p->p[i].value, strlen(p->p[i].value));
	free(p->p[i].value);
	p->p[i].key = key;
	if ((p->p[i].value = strdup(value)) == NULL)
		fatal("auth: out of memory");
}

const char *
params_get(const struct params *p, const char *key)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->p[i].key, key) == 0)
			return p->p[i].value;
	return "";
}

char *
params_encode(const struct params *p)
{
	static const char keep[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._~";
	size_t i, size = 1;
	const char *s;
	char *out, *o;

	for (i = 0; i < p->n; i++)
		size += strlen(p->p[i].key) + 3 * strlen(p->p[i].value) + 2;
	if ((out = o = malloc(size)) == NULL)
		fatal("auth: out of memory");
	for (i = 0; i < p->n; i++) {
		o += sprintf(o, "%s%s=", i == 0 ? "" : "&", p->p[i].key);
		for (s = p->p[i].value; *s != '\0'; s++)
			if (strchr(keep, *s) != NULL)
				*o++ = *s;
			else
				o += sprintf(o, "%%%02X", (unsigned char)*s);
	}
	*o = '\0';
	return out;
}

void
params_clear(struct params *p)
{
	while (p->n > 0) {
		p->n--;
		afw_wipe(p->p[p->n].value, strlen(p->p[p->n].value));
		free(p->p[p->n].value);
		p->p[p->n].value = NULL;
	}
}
