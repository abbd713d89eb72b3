/* SPDX-License-Identifier: ISC */
/* protect, unprotect, rules; up and down; version. */
#include <afwrt.h>

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "wait.h"

static const struct kind {
	const char *word, *key; /* in the command, in the request */
} kinds[] = {
    {"ip", "ip_addr"},
    {"mac", "mac_addr"},
    {"iface", "iface"},
};

static const struct kind *
kind_find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return &kinds[i];
	return NULL;
}

/* Asks for something that answers only that it was done, and waits for the
 * tunnel to a location if that is wished for. */
static int
ask_done(struct ctl *c, json_t *request, const char *location)
{
	json_t *answer = NULL;
	struct wait w;
	int rc;

	if ((rc = wait_begin(&w, c, false)) != CTL_DONE) {
		json_decref(request);
		return rc;
	}
	rc = client_ask(c, request, &answer);
	if (rc == CTL_DONE && location != NULL)
		rc = wait_route(&w, location);
	wait_end(&w);
	if (rc == CTL_DONE && c->json)
		client_print_json(json_incref(answer));
	json_decref(answer);
	return rc;
}

static int
rule_ask(struct ctl *c, const char *verb, char **argv, const char *location)
{
	const struct kind *k = kind_find(argv[0]);
	char name[32];
	json_t *o;

	if (k == NULL)
		return CTL_USAGE;
	(void)snprintf(name, sizeof(name), "%s_%s", verb, k->word);
	o = json_pack("{s:s, s:s}", "request", name, k->key, argv[1]);
	if (location != NULL)
		(void)json_object_set_new(o, "vl", json_string(location));
	if (o == NULL) {
		(void)fprintf(stderr, "afwrt-ctl: the words are not UTF-8\n");
		return CTL_USAGE;
	}
	return ask_done(c, o, location);
}

int
cmd_protect(struct ctl *c, int argc, char **argv)
{
	if (argc != 3)
		return CTL_USAGE;
	return rule_ask(c, "protect", argv, argv[2]);
}

int
cmd_unprotect(struct ctl *c, int argc, char **argv)
{
	if (argc != 2)
		return CTL_USAGE;
	return rule_ask(c, "unprotect", argv, NULL);
}

int
cmd_up(struct ctl *c, int argc, char **argv)
{
	json_t *o;

	if (argc < 1 || argc > 2)
		return CTL_USAGE;
	o = json_pack("{s:s, s:s}", "request", "setup_tunnel", "vl", argv[0]);
	if (argc == 2)
		(void)json_object_set_new(o, "iface", json_string(argv[1]));
	return o == NULL ? CTL_USAGE : ask_done(c, o, argv[0]);
}

int
cmd_down(struct ctl *c, int argc, char **argv)
{
	json_t *o;

	if (argc != 1)
		return CTL_USAGE;
	o = json_pack(
	    "{s:s, s:s}", "request", "teardown_tunnel", "vl", argv[0]);
	return o == NULL ? CTL_USAGE : ask_done(c, o, NULL);
}

int
cmd_rules(struct ctl *c, int argc, char **argv)
{
	json_t *answer, *r;
	const char *key;
	size_t i, k;
	int rc;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	rc = client_ask(c, json_pack("{s:s}", "request", "status"), &answer);
	if (rc != CTL_DONE)
		return rc;
	if (c->json) {
		client_print_json(json_pack(
		    "{s:O}", "rules", json_object_get(answer, "rules")));
		json_decref(answer);
		return CTL_DONE;
	}
	(void)printf("%-7s %-40s %s\n", "KIND", "DEVICE", "LOCATION");
	json_array_foreach (json_object_get(answer, "rules"), i, r)
		for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			key =
			    json_string_value(json_object_get(r, kinds[k].key));
			if (key != NULL)
				(void)printf("%-7s %-40s %s\n", kinds[k].word,
				    key,
				    json_string_value(
					json_object_get(r, "vl")));
		}
	json_decref(answer);
	return CTL_DONE;
}

int
cmd_version(struct ctl *c, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if (c->json)
		client_print_json(
		    json_pack("{s:s}", "version", afwrt_version()));
	else
		(void)puts(afwrt_version());
	return CTL_DONE;
}
