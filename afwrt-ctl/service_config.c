/* SPDX-License-Identifier: ISC */
/* The service's configuration file: what is ours in it, what the library's. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_rest.h"
#include "control_unix.h"
#include "lib/conf.h"
#include "lib/notice.h"
#include "service.h"

#define FILE_MAX (2 * 1024 * 1024)

static const char *const sections[] = {"ci_unix_domain", "ci_rest", NULL};

int
service_config_error(const char *section, const char *key, const char *what)
{
	service_log(3, "configuration: \"%s\": \"%s\" %s", section, key, what);
	return -1;
}

int
service_flag(
    const json_t *section, const char *name, const char *key, bool *value)
{
	const json_t *v = json_object_get(section, key);
	json_int_t n = json_integer_value(v);

	if (v == NULL)
		return 0;
	if (!json_is_boolean(v) && (!json_is_integer(v) || n < 0 || n > 1))
		return service_config_error(name, key, "must be 0 or 1");
	*value = json_is_true(v) || n == 1;
	return 0;
}

static bool
is_among(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void
service_unknown_warn(
    const json_t *section, const char *name, const char *const *keys)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)section, key, v)
		if (!is_among(keys, key))
			service_log(4,
			    "configuration: \"%s\": unknown key \"%.64s\" "
			    "ignored",
			    name, key);
}

/* ---- reading ------------------------------------------------------------ */

json_t *
service_config_read(int fd, const char *path)
{
	FILE *f = fdopen(fd, "r");
	struct stat st;
	json_error_t e;
	json_t *o = NULL;

	if (f == NULL) {
		service_log(3, "%s: %s", path, strerror(errno));
		(void)close(fd);
		return NULL;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		service_log(3, "%s: not a regular file", path);
	else if (st.st_size > FILE_MAX)
		service_log(3, "%s: longer than %d bytes", path, FILE_MAX);
	else if ((o = json_loadf(f, JSON_REJECT_DUPLICATES, &e)) == NULL)
		service_log(3, "%s: line %d, column %d: %s", path, e.line,
		    e.column, e.text);
	(void)fclose(f);
	if (o == NULL || json_is_object(o))
		return o;
	service_log(3, "%s: not a JSON object", path);
	json_decref(o);
	return NULL;
}

void
service_unreadable(const char *what, const char *path)
{
	int e = errno;
	const struct passwd *pw =
	    e == EACCES && geteuid() != 0 ? getpwuid(service_starter()) : NULL;

	if (pw != NULL)
		service_log(3, "%s: %s: %s: user %s must be able to read it",
		    what, path, strerror(e), pw->pw_name);
	else
		service_log(3, "%s: %s: %s", what, path, strerror(e));
}

json_t *
service_config_load(const char *path)
{
	/* a FIFO is not waited for */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd != -1)
		return service_config_read(fd, path);
	service_unreadable("configuration", path);
	return NULL;
}

char *
service_config_text(const json_t *config)
{
	json_t *o = json_copy((json_t *)(uintptr_t)config), *v;
	const char *key;
	char *text;
	void *next;

	json_object_foreach_safe(o, next, key,
	    v) if (strncmp(key, "ci_", 3) == 0)(void) json_object_del(o, key);
	if (json_object_get(o, "reconnect") == NULL)
		(void)json_object_set_new(o, "reconnect", json_string("auto"));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* ---- checking ----------------------------------------------------------- */

const json_t *
service_section(const json_t *config, const char *name, int *rc)
{
	const json_t *o = json_object_get(config, name);
	bool disabled = false;

	if (o == NULL)
		return NULL;
	if (!json_is_object(o)) {
		service_log(3, "configuration: \"%s\" must be an object", name);
		*rc = -1;
		return NULL;
	}
	if (service_flag(o, name, "disabled", &disabled) == -1)
		*rc = -1;
	return disabled ? NULL : o;
}

static int
section_check(
    const json_t *config, const char *name, int (*check)(const json_t *))
{
	const json_t *o = json_object_get(config, name);

	if (o == NULL)
		return 0;
	if (json_is_object(o))
		return check(o);
	service_log(3, "configuration: \"%s\" must be an object", name);
	return -1;
}

static bool
is_offered(const json_t *config, const char *name)
{
	const json_t *o = json_object_get(config, name);
	const json_t *v = json_object_get(o, "disabled");

	return o != NULL && !json_is_true(v) && json_integer_value(v) == 0;
}

static void
sections_warn(const json_t *config)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)config, name, v)
		if (strncmp(name, "ci_", 3) == 0 && !is_among(sections, name))
			service_log(4,
			    "configuration: unknown key \"%.64s\" ignored",
			    name);
	if (is_offered(config, "ci_unix_domain") &&
	    is_offered(config, "ci_rest"))
		service_log(4,
		    "configuration: \"ci_unix_domain\" and \"ci_rest\": only "
		    "one interface runs, the Unix socket goes first");
}

/* The library posts what it finds wrong to this. */
static void
found(int level, const char *line, void *user)
{
	(void)user;
	service_log(level, "%s", line);
}

int
service_config_check(const json_t *config)
{
	char *text = service_config_text(config);
	unsigned int errors = 1;

	notice_set(found, NULL);
	if (text != NULL) {
		errors = conf_check(text);
		explicit_bzero(text, strlen(text));
	}
	notice_set(NULL, NULL);
	free(text);
	sections_warn(config);
	errors +=
	    section_check(config, "ci_unix_domain", control_unix_check) == -1;
	errors += section_check(config, "ci_rest", control_rest_check) == -1;
	return errors == 0 ? 0 : -1;
}
