/* SPDX-License-Identifier: ISC */
/* resolv.conf(5) and hosts(5), whose text afwrtd hands in. */
#include "resolve_system.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/daemon/log.h"
#include "resolve.h"

#define SERVERS_MAX 3 /* MAXNS of resolv.conf(5) */
#define BLANKS      " \t\r\n"

static struct afw_addr servers[SERVERS_MAX];
static size_t n_servers;
static char *hosts;

void
resolve_set_resolv_conf(const char *text)
{
	char *copy = strdup(text), *line, *word, *at, *in;

	if (copy == NULL)
		fatal("auth: out of memory");
	n_servers = 0;
	for (line = strtok_r(copy, "\n", &at); line != NULL;
	     line = strtok_r(NULL, "\n", &at)) {
		word = strtok_r(line, BLANKS, &in);
		if (word == NULL || strcmp(word, "nameserver") != 0 ||
		    (word = strtok_r(NULL, BLANKS, &in)) == NULL)
			continue;
		if (n_servers < SERVERS_MAX &&
		    afw_addr_parse(&servers[n_servers], word) == 0)
			n_servers++;
	}
	free(copy);
}

void
resolve_set_hosts(const char *text)
{
	free(hosts);
	if ((hosts = strdup(text)) == NULL)
		fatal("auth: out of memory");
}

size_t
system_servers(const struct afw_addr **list)
{
	if (n_servers == 0) { /* resolv.conf(5): then the local machine */
		(void)afw_addr_parse(&servers[0], "127.0.0.1");
		n_servers = 1;
	}
	if (list != NULL)
		*list = servers;
	return n_servers;
}

/* The line's address if name is one of its names. */
static bool
hosts_line(char *line, const char *name, struct afw_addr *a)
{
	char *in, *addr, *word;

	line[strcspn(line, "#")] = '\0';
	if ((addr = strtok_r(line, BLANKS, &in)) == NULL ||
	    afw_addr_parse(a, addr) == -1)
		return false;
	while ((word = strtok_r(NULL, BLANKS, &in)) != NULL)
		if (strcasecmp(word, name) == 0)
			return true;
	return false;
}

static size_t
hosts_lookup(const char *name, struct afw_addr *found, size_t max)
{
	char *copy, *line, *at;
	size_t n = 0;

	if (hosts == NULL)
		return 0;
	if ((copy = strdup(hosts)) == NULL)
		fatal("auth: out of memory");
	for (line = strtok_r(copy, "\n", &at); line != NULL && n < max;
	     line = strtok_r(NULL, "\n", &at))
		if (hosts_line(line, name, &found[n]))
			n++;
	free(copy);
	return n;
}

size_t
system_lookup(const char *name, struct afw_addr *found, size_t max)
{
	if (afw_addr_parse(&found[0], name) == 0)
		return 1;
	/* RFC 6761, 6.3: never asked for */
	if (strcasecmp(name, "localhost") == 0)
		return (size_t)(afw_addr_parse(&found[0], "127.0.0.1") == 0) +
		    (max > 1 && afw_addr_parse(&found[1], "::1") == 0);
	return hosts_lookup(name, found, max);
}
