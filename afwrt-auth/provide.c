/* SPDX-License-Identifier: ISC */
#include "provide.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

#define SECRET_MAX 1024
#define LIFE_ODD   60000 /* ms, when a clock must be wrong */
#define PORT_HTTPS     443
#define PORT_WIREGUARD 51820

static void
wipe_free(char *s)
{
	if (s != NULL)
		afw_wipe(s, strlen(s));
	free(s);
}

struct provide *
provide_ref(struct provide *p)
{
	p->refs++;
	return p;
}

void
provide_free(struct provide *p)
{
	if (p == NULL || p->refs-- > 0)
		return;
	wipe_free(p->username);
	wipe_free(p->password);
	free(p->group);
	free(p->ca);
	afw_wipe(p, sizeof(*p));
	free(p);
}

bool
provide_expired(const struct provide *p)
{
	return p->expire_ms != 0 && afw_now_ms() >= p->expire_ms;
}

static bool
same_server(const struct provide_server *a, const struct provide_server *b)
{
	return a->port == b->port && strcmp(a->address, b->address) == 0 &&
	    strcmp(a->address6, b->address6) == 0 &&
	    memcmp(a->public_key, b->public_key, sizeof(a->public_key)) == 0;
}

bool
provide_has_choice(const struct provide_server *s)
{
	struct afw_addr a;

	return s->address[0] != '\0' &&
	    (s->address6[0] != '\0' || afw_addr_parse(&a, s->address) == -1);
}

size_t
provide_find(const struct provide *p, const struct provide_server *s)
{
	size_t i;

	for (i = 0; i < p->n && !same_server(&p->servers[i], s); i++)
		;
	return i;
}

bool
provide_same_servers(const struct provide *a, const struct provide *b)
{
	size_t i;

	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!same_server(&a->servers[i], &b->servers[i]))
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

/* Takes an address away that may not be used. */
static void
restrict_to(char *address, enum afw_v4v6 policy)
{
	struct afw_addr a;

	if (!host_ok(address))
		address[0] = '\0';
	/* of a name the resolver finds what the policy allows */
	if (afw_addr_parse(&a, address) == 0 &&
	    ((a.family == 4 && policy == AFW_V4V6_IPV6_ONLY) ||
		(a.family == 6 && policy == AFW_V4V6_IPV4_ONLY)))
		address[0] = '\0';
}

/* 0 or false: it is said to have none. Who says nothing may have one. */
static bool
has_no_ipv6_exit(const json_t *j)
{
	uint64_t v;

	return json_is_false(json_object_get(j, "ipv6_exit")) ||
	    (json_number(j, "ipv6_exit", &v) && v == 0);
}

static bool
port_read(const json_t *j, enum afw_type type, uint16_t *port)
{
	uint64_t v = type == AFW_TYPE_WIREGUARD ? PORT_WIREGUARD : PORT_HTTPS;

	if (json_object_get(j, "port") != NULL &&
	    (!json_number(j, "port", &v) || v == 0 || v > 65535))
		return false;
	*port = (uint16_t)v;
	return true;
}

/* False: there is nothing in it that could be used. */
static bool
server_read(
    struct provide_server *s, const json_t *j, const struct provide_want *want)
{
	struct afw_addr a;
	char name[256];

	(void)json_text(j, "address", s->address, sizeof(s->address));
	(void)json_text(j, "address6", s->address6, sizeof(s->address6));
	(void)json_text(j, "name", name, sizeof(name));
	if (afw_addr_parse(&a, s->address6) == -1 || a.family != 6)
		s->address6[0] = '\0';
	if (name[0] == '\0')
		(void)afw_str_set(name, sizeof(name),
		    s->address[0] != '\0' ? s->address : s->address6);
	if (s->address[0] == '\0' && s->address6[0] == '\0')
		(void)strcpy(s->address, name);
	if (!json_text(j, "sni", s->host, sizeof(s->host)) || !*s->host)
		(void)strcpy(s->host, name);
	restrict_to(s->address, want->policy);
	restrict_to(s->address6, want->policy);
	if (want->type == AFW_TYPE_WIREGUARD &&
	    !provide_wg_key(j, s->public_key))
		return false;
	return port_read(j, want->type, &s->port) && host_ok(s->host) &&
	    (s->address[0] != '\0' || s->address6[0] != '\0');
}

static void
servers_read(
    struct provide *p, const json_t *j, const struct provide_want *want)
{
	struct provide_server s;
	const json_t *server;
	size_t i;

	json_array_foreach (json_object_get(j, "servers"), i, server) {
		memset(&s, 0, sizeof(s));
		if (p->n < PROVIDE_SERVERS && server_read(&s, server, want) &&
		    !(want->ipv6_exit && has_no_ipv6_exit(server)))
			p->servers[p->n++] = s;
	}
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
	    : LIFE_ODD;
	p->expire_ms = afw_now_ms() + p->life_ms;
}

static const char *
read_all(struct provide *p, const json_t *j, const struct provide_want *want)
{
	const char *s, *why = NULL;

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
	servers_read(p, j, want);
	life_read(p, j);
	if (want->type == AFW_TYPE_WIREGUARD)
		why = provide_wg_read(&p->wg, json_object_get(j, "wireguard"));
	if (why == NULL && p->n == 0)
		why = "no usable server in the answer";
	return why;
}

struct provide *
provide_read(
    const json_t *answer, const struct provide_want *want, const char **why)
{
	struct provide *p = calloc(1, sizeof(*p));

	if (p == NULL)
		fatal("auth: out of memory");
	if ((*why = read_all(p, answer, want)) != NULL) {
		provide_free(p);
		return NULL;
	}
	return p;
}
