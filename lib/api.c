/* SPDX-License-Identifier: ISC */
/*
 * The public functions of a suite's life; rules and tunnels are in
 * api_rules.c, what asks the backend in api_account.c.
 */
#include "config.h"

#include <afwrt.h>

#include <errno.h>
#include <stdlib.h>

#include "errors.h"
#include "loop.h"
#include "notice.h"
#include "status.h"

int
afwrt_init(const char *params_json, void(event_callback)(const char *event_str))
{
	if (params_json == NULL)
		return errors_set(EINVAL, "params_json is NULL");
	return suite_init(params_json, event_callback);
}

int
afwrt_deinit(void)
{
	return suite_deinit();
}

int
afwrt_start(void)
{
	unsigned int number = loop_number();
	struct suite *s = suite_get();
	int rc;

	if (s == NULL)
		return -1;
	rc = loop_begin(s, number, true);
	if (rc == 0)
		rc = loop_run(s);
	suite_put(s);
	return rc;
}

int
afwrt_stop(void)
{
	if (suite_is_ours())
		loop_stop();
	return 0;
}

int
afwrt_get_fd(void)
{
	unsigned int number = loop_number();
	struct suite *s = suite_get();
	int fd = -1;

	if (s == NULL)
		return -1;
	if (loop_begin(s, number, false) == 0)
		fd = s->epfd;
	suite_put(s);
	return fd;
}

int
afwrt_dispatch(void)
{
	struct suite *s = suite_get();
	int rc;

	if (s == NULL)
		return -1;
	rc = loop_dispatch(s, false);
	suite_put(s);
	return rc;
}

char *
afwrt_get_status(void)
{
	struct suite *s = suite_get();
	char *text;

	if (s == NULL)
		return NULL;
	text = status_get(s);
	suite_put(s);
	return text;
}

const char *
afwrt_version(void)
{
	return PACKAGE_VERSION;
}

const char *
afwrt_last_error(void)
{
	return errors_last();
}

void
afwrt_free(void *string)
{
	free(string);
}

void
afwrt_set_log_callback(
    void (*log_callback)(int level, const char *line, void *user), void *user)
{
	notice_set(log_callback, user);
}
