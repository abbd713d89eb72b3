/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "control.h"

static json_t *
params_list(const struct ctl_request *r)
{
	const struct ctl_param *p;
	json_t *list = json_array(), *o;

	for (p = r->params; p < r->params + CTL_PARAMS && p->name != NULL;
	     p++) {
		o = json_pack("{s:s, s:b}", "name", p->name, "optional",
		    (int)p->optional);
		if (p->former != NULL)
			(void)json_object_set_new(
			    o, "former", json_string(p->former));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
requests_list(void)
{
	const struct ctl_request *r;
	json_t *list = json_array(), *o;
	size_t n;

	for (r = control_requests(&n); n > 0; n--, r++) {
		o = json_pack(
		    "{s:s, s:o}", "request", r->name, "params", params_list(r));
		if (r->method != CTL_NO_REST)
			(void)json_object_update_new(o,
			    json_pack("{s:s, s:s}", "method",
				control_method_name(r->method), "path",
				r->path));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static void
request_print(const struct ctl_request *r)
{
	char rest[64] = "-", params[64] = "";
	const struct ctl_param *p;
	size_t n;

	if (r->method != CTL_NO_REST)
		(void)snprintf(rest, sizeof(rest), "%-4s %s",
		    control_method_name(r->method), r->path);
	for (p = r->params; p < r->params + CTL_PARAMS && p->name != NULL;
	     p++) {
		n = strlen(params);
		(void)snprintf(params + n, sizeof(params) - n,
		    p->optional ? "%s[%s]" : "%s%s", n > 0 ? " " : "", p->name);
	}
	(void)printf("%-17s %-26s %s\n", r->name, rest, params);
}

int
cmd_requests(struct ctl *c, int argc, char **argv)
{
	const struct ctl_request *r;
	size_t n;

	(void)argv;
	if (argc != 0)
		return CTL_USAGE;
	if (c->json) {
		client_print_json(
		    json_pack("{s:o}", "requests", requests_list()));
		return CTL_DONE;
	}
	(void)printf("%-17s %-26s %s\n", "REQUEST", "REST", "PARAMETERS");
	for (r = control_requests(&n); n > 0; n--, r++)
		request_print(r);
	return CTL_DONE;
}
