/* SPDX-License-Identifier: ISC */
#ifndef AFW_CONF_H
#define AFW_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/wire/msg.h"

#define CONFIG_JSON_MAX (1024 * 1024)

/* The configuration as the suite is told it. Holds secrets: conf_free. */
struct conf {
	struct afw_m_config main;
	struct afw_m_auth_config auth;
	struct afw_m_backend backends[AFW_BACKENDS_MAX];
	struct afw_m_protect *rules;
	size_t nrules;
	int tun_fd; /* hydra_tun_fd, the application's; -1 none */
	bool go_on;          /* conf_check: an error is not the end */
	unsigned int errors; /* found by it so far */
	char auth_method[64];
	char auth_token[AFW_TOKEN_SIZE];
	char access_token[AFW_TOKEN_SIZE];
};

/*
 * Reads the JSON text. 0, or -1 and EINVAL with the key and the value in the
 * last error. Unknown keys are warned about. The result is to be freed in
 * both cases.
 */
int conf_parse(struct conf *c, const char *json);
void conf_free(struct conf *c);
/* Reads on after an error: each goes to the log callback, level 3. How many
 * there are. */
unsigned int conf_check(const char *json);
/* After errors_set: -1, or 0 where reading goes on. */
int conf_error(struct conf *c);

/* https://, http:// to a loopback address, file:/ */
bool conf_url_valid(const char *url);
/* What afwrt_set_access_token takes. */
bool conf_token_valid(const char *token);
/* The number of a log level, or -1. */
int conf_log_level(const char *word);
/* A provider's token: printable ASCII without space, or empty. */
bool conf_auth_token_valid(const char *token);
bool conf_auth_method_valid(const char *method);

#endif
