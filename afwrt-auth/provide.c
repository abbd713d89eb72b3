/* SPDX-License-Identifier: ISC */
#include "provide.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

#define SECRET_MAX 1024

static void
wipe_free(char *s)
{
	if (s != NULL)
		afw_wipe(s, strlen(s));
	free(s);
}

void
provide_free(struct provide *p)
{
	if (p == NULL)
		return;
	wipe_free(p->username);
	wipe_free(p->password);
	free(p->group);
	free(p->ca);
	free(p);
}

bool
provide_expired(const struct provide *p)
{
	return p->expire_ms != 0 && afw_now_ms() >= p->expire_ms;
}

bool
provide_same_servers(const struct provide *a, const struct provide *b)
{
	size_t i;

	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->servers[i].port != b->servers[i].port ||
		    strcmp(a->servers[i].address, b->servers[i].address) != 0)
			return false;
	return true;
}

/* ---- reading ----------------------------------------------------------- */

/* A host name or an address: nothing else may get into a Host header. */
static bool
host_ok(const char *s)
{
	return *s != '\0' &&
	    strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:") == strlen(s);
}

static bool
allowed(const char *address, enum afw_v4v6 policy)
{
	struct afw_addr a;

	if (afw_addr_parse(&a, address) == -1)
		return true; /* a name: the resolver looks at the policy */
	return a.family == 4 ? policy != AFW_V4V6_IPV6_ONLY
			     : policy != AFW_V4V6_IPV4_ONLY;
}

static void
server_add(struct provide *p, const char *address, const char *host,
    uint16_t port, enum afw_v4v6 policy)
{
	struct provide_server *s = &p->servers[p->n];

	if (p->n == PROVIDE_SERVERS || !host_ok(address) || !host_ok(host) ||
	    !allowed(address, policy))
		return;
	(void)afw_str_set(s->address, sizeof(s->address), address);
	(void)afw_str_set(s->host, sizeof(s->host), host);
	s->port = port;
	p->n++;
}

static void
server_read(struct provide *p, const json_t *j, enum afw_v4v6 policy)
{
	char address[256], address6[64], name[256], sni[256];
	uint64_t port = 443;
	bool six_first = policy == AFW_V4V6_BOTH;

	(void)json_text(j, "address", address, sizeof(address));
	(void)json_text(j, "address6", address6, sizeof(address6));
	(void)json_text(j, "name", name, sizeof(name));
	(void)json_text(j, "sni", sni, sizeof(sni));
	if (json_object_get(j, "port") != NULL &&
	    (!json_number(j, "port", &port) || port == 0 || port > 65535))
		return;
	if (name[0] == '\0')
		(void)strcpy(name, address[0] != '\0' ? address : address6);
	if (address[0] == '\0' && address6[0] == '\0')
		(void)strcpy(address, name);
	if (sni[0] == '\0')
		(void)strcpy(sni, name);
	if (six_first)
		server_add(p, address6, sni, (uint16_t)port, policy);
	server_add(p, address, sni, (uint16_t)port, policy);
	if (!six_first)
		server_add(p, address6, sni, (uint16_t)port, policy);
}

static char *
secret(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	char *p;

	if (s == NULL)
		s = "";
	if (strlen(s) > SECRET_MAX)
		return NULL;
	if ((p = strdup(s)) == NULL)
		fatal("auth: out of memory");
	return p;
}

static void
life_read(struct provide *p, const json_t *j)
{
	uint64_t now = (uint64_t)time(NULL), from;

	if (!json_time(j, "expire_time", &p->expire_time) ||
	    p->expire_time == 0)
		return;
	/* by the backend's clock where it says so: ours may be wrong */
	if (!json_time(j, "create_time", &from) || from >= p->expire_time)
		from = now;
	p->life_ms = p->expire_time > from
	    ? (int64_t)(p->expire_time - from) * 1000
	    : 1000;
	p->expire_ms = afw_now_ms() + p->life_ms;
}

static const char *
read_all(struct provide *p, const json_t *j, enum afw_v4v6 policy)
{
	const char *s;
	json_t *server;
	size_t i;

	p->username = secret(j, "username");
	p->password = secret(j, "password");
	if (p->username == NULL || p->password == NULL)
		return "user name or password is too long";
	if (!json_text(j, "location", p->location, sizeof(p->location)) ||
	    !afw_location_valid(p->location))
		memset(p->location, 0, sizeof(p->location));
	s = json_string_value(json_object_get(j, "group"));
	if (s != NULL && (p->group = strdup(s)) == NULL)
		fatal("auth: out of memory");
	s = json_string_value(json_object_get(j, "hydra_cert"));
	if (s != NULL && *s != '\0' && (p->ca = strdup(s)) == NULL)
		fatal("auth: out of memory");
	json_array_foreach (json_object_get(j, "servers"), i, server)
		server_read(p, server, policy);
	life_read(p, j);
	return p->n == 0 ? "no usable server in the answer" : NULL;
}

struct provide *
provide_read(const json_t *answer, enum afw_v4v6 policy, const char **why)
{
	struct provide *p = calloc(1, sizeof(*p));

	if (p == NULL)
		fatal("auth: out of memory");
	if ((*why = read_all(p, answer, policy)) != NULL) {
		provide_free(p);
		return NULL;
	}
	return p;
}
