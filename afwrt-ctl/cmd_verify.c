/* SPDX-License-Identifier: ISC */
/* verify-user: by the backend of the configuration; asks no service. */
#include <afwrt.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "control.h"
#include "secret.h"
#include "service.h"

/* The nth backend, or NULL. */
static const char *
backend_of(const json_t *config, size_t n)
{
	const json_t *b = json_object_get(config, "backend");

	if (json_is_array(b))
		return json_string_value(json_array_get(b, n));
	return n == 0 ? json_string_value(b) : NULL;
}

/* The next backend is asked when one could not tell. As afwrt_verify_user. */
static int
verify(const json_t *config, const char *user, const char *password)
{
	const char *url;
	int rc = 1, e = ENOENT;
	size_t i;

	for (i = 0; rc == 1 && (url = backend_of(config, i)) != NULL; i++) {
		rc = afwrt_verify_user(url, user, password);
		e = errno;
		if (rc == 1)
			(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", url,
			    afwrt_last_error());
	}
	if (i == 0)
		(void)fprintf(stderr,
		    "afwrt-ctl: the configuration names no \"backend\"\n");
	errno = e;
	return rc;
}

static int
tell(const struct ctl *c, const char *user, int rc)
{
	static const int codes[] = {
	    [0] = CTL_FAILED, [1] = CTL_DONE, [2] = CTL_NOT_RUNNING};
	static const char *const words[] = {
	    [0] = "not valid", [1] = "valid", [2] = "could not be verified"};
	int code = codes[rc + 1];

	if (rc == 1 && errno == EPERM)
		code = CTL_NO_PERMISSION;
	if (rc == 1 && errno == EINVAL)
		code = CTL_USAGE;
	if (c->json)
		client_print_json(json_pack("{s:s, s:o}", "user", user, "valid",
		    rc == 1 ? json_null() : json_boolean(rc == 0)));
	else
		(void)puts(words[rc + 1]);
	return code;
}

int
cmd_verify_user(struct ctl *c, int argc, char **argv)
{
	char password[SECRET_SIZE];
	json_t *config;
	int rc;

	if (argc != 1)
		return CTL_USAGE;
	if ((rc = client_may_start()) != CTL_DONE)
		return rc;
	if ((config = service_config_load(c->config)) == NULL)
		return CTL_FAILED;
	rc = secret_read(c->password_file, "password", password);
	if (rc == CTL_DONE) {
		rc = verify(config, argv[0], password);
		explicit_bzero(password, sizeof(password));
		rc = tell(c, argv[0], rc);
	}
	control_wipe(config);
	return rc;
}
