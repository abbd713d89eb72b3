/* SPDX-License-Identifier: ISC */
/*
 * import: a wg-quick file becomes a location of the file: backend. The file is
 * copied beside the backend's own, then named in it; each is written whole or
 * not at all, the copy first, so that nothing names a file that is not there.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "lib/wgquick/wgquick.h"
#include "lib/wire/blob.h"
#include "service.h"

#define LOCATIONS  "/etc/afwrt/locations.json"
#define FILE_LIMIT (256 * 1024)

struct import {
	const char *from;
	char name[AFW_LOCATION_SIZE];
	char backend[PATH_MAX]; /* the file: backend's file */
	char copy[PATH_MAX];    /* of the wg-quick file, beside it */
	char *text;
	size_t len;
	json_t *root;
	mode_t mode; /* of the backend's file */
};

static int
failed(const char *path, const char *why)
{
	(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", path, why);
	return errno == EACCES || errno == EPERM ? CTL_NO_PERMISSION
						 : CTL_FAILED;
}

static int
refused(const char *path, const char *why)
{
	errno = 0;
	return failed(path, why);
}

/* ---- what is given ------------------------------------------------------ */

/* The file's name without its folder and its ending. */
static bool
name_of_file(char name[AFW_LOCATION_SIZE], const char *path)
{
	const char *base = strrchr(path, '/'), *end;
	size_t n;

	base = base != NULL ? base + 1 : path;
	end = strrchr(base, '.');
	n = end != NULL ? (size_t)(end - base) : strlen(base);
	if (n == 0 || n >= AFW_LOCATION_SIZE)
		return false;
	memcpy(name, base, n);
	name[n] = '\0';
	return true;
}

static int
name_take(struct import *im, const char *given)
{
	bool fits = given != NULL
	    ? afw_str_set(im->name, sizeof(im->name), given) == 0
	    : name_of_file(im->name, im->from);

	if (fits && afw_location_valid(im->name))
		return CTL_DONE;
	return refused(given != NULL ? given : im->from,
	    "no name for a location: 1 to 63 letters, digits, '.', '_', '-'; "
	    "give one as the second word");
}

static void
note_print(void *arg, const char *what)
{
	(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", (const char *)arg, what);
}

static int
conf_read(struct import *im)
{
	int fd = open(im->from, O_RDONLY | O_CLOEXEC);
	char why[WGQUICK_TEXT];
	struct wgquick w;
	int rc;

	if (fd == -1)
		return failed(im->from, strerror(errno));
	rc = afw_file_read(fd, FILE_LIMIT, &im->text, &im->len);
	if (rc == -1)
		rc = failed(im->from, strerror(errno));
	(void)close(fd);
	if (rc != 0)
		return rc;
	if (wgquick_read(&w, im->text, im->len, why, note_print,
		(void *)(uintptr_t)im->from) == -1)
		return refused(im->from, why);
	wgquick_wipe(&w);
	return CTL_DONE;
}

/* ---- where it goes ------------------------------------------------------ */

/* The first file: backend of the configuration, or the usual one. */
static int
backend_find(struct import *im, const struct ctl *c)
{
	json_t *config = NULL, *b;
	const char *url, *path = LOCATIONS;

	if (c->config_given || access(c->config, F_OK) == 0) {
		if ((config = service_config_load(c->config)) == NULL)
			return CTL_FAILED;
		b = json_object_get(config, "backend");
		url = json_string_value(
		    json_is_array(b) ? json_array_get(b, 0) : b);
		if (url != NULL && strncmp(url, "file:", 5) == 0)
			path = url + 5;
		else if (url != NULL)
			(void)fprintf(stderr,
			    "afwrt-ctl: note: the backend of %s is no file; "
			    "the location goes to " LOCATIONS "\n",
			    c->config);
	}
	if (strncmp(path, "//", 2) == 0)
		path += 2;
	(void)snprintf(im->backend, sizeof(im->backend), "%s", path);
	json_decref(config);
	return CTL_DONE;
}

static int
root_read(struct import *im)
{
	struct stat st;
	json_error_t e;

	im->mode = 0600;
	if (stat(im->backend, &st) == -1) {
		if (errno != ENOENT)
			return failed(im->backend, strerror(errno));
		im->root = json_pack("{s:[]}", "locations");
		return CTL_DONE;
	}
	im->mode = st.st_mode & 0777;
	im->root = json_load_file(im->backend, JSON_REJECT_DUPLICATES, &e);
	if (im->root == NULL)
		return refused(im->backend, e.text);
	if (!json_is_array(json_object_get(im->root, "locations")))
		return refused(
		    im->backend, "there is no list \"locations\" in it");
	return CTL_DONE;
}

static int
copy_path(struct import *im)
{
	const char *slash = strrchr(im->backend, '/');
	int dir = slash != NULL ? (int)(slash - im->backend) + 1 : 0;

	if (snprintf(im->copy, sizeof(im->copy), "%.*s%s.conf", dir,
		im->backend, im->name) >= (int)sizeof(im->copy))
		return refused(im->backend, "too long a path");
	return CTL_DONE;
}

static int
name_is_free(const struct import *im)
{
	json_t *place;
	const char *s;
	size_t i;

	json_array_foreach (json_object_get(im->root, "locations"), i, place) {
		s = json_string_value(json_object_get(place, "name"));
		if (s != NULL && strcmp(s, im->name) == 0)
			return refused(im->name,
			    "there is a location of that name already; give "
			    "another one as the second word");
	}
	return CTL_DONE;
}

/* ---- writing ------------------------------------------------------------ */

static int
write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

/* fresh: a file that is there already is not replaced. */
static int
file_put(
    const char *path, const char *text, size_t len, mode_t mode, bool fresh)
{
	char tmp[PATH_MAX + 8];
	int fd, rc = CTL_DONE;

	(void)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1)
		return failed(path, strerror(errno));
	if (fchmod(fd, mode) == -1 || write_all(fd, text, len) == -1 ||
	    (fresh ? link(tmp, path) : rename(tmp, path)) == -1)
		rc = failed(path, strerror(errno));
	(void)close(fd);
	(void)unlink(tmp);
	return rc;
}

static int
root_write(const struct import *im)
{
	char *text = json_dumps(im->root, JSON_INDENT(2));
	int rc;

	if (text == NULL)
		return refused(im->backend, "out of memory");
	rc = file_put(im->backend, text, strlen(text), im->mode, false);
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

static int
add(struct import *im)
{
	int rc;

	if ((rc = root_read(im)) != CTL_DONE ||
	    (rc = name_is_free(im)) != CTL_DONE ||
	    (rc = copy_path(im)) != CTL_DONE)
		return rc;
	rc = file_put(im->copy, im->text, im->len, 0600, true);
	if (rc != CTL_DONE)
		return rc;
	(void)json_array_append_new(json_object_get(im->root, "locations"),
	    json_pack("{s:s, s:{}, s:s, s:s+}", "name", im->name, "labels",
		"type", "wireguard", "config", im->name, ".conf"));
	if ((rc = root_write(im)) != CTL_DONE)
		(void)unlink(im->copy);
	return rc;
}

static void
tell(const struct ctl *c, const struct import *im)
{
	if (c->json)
		client_print_json(json_pack("{s:s, s:s, s:s}", "location",
		    im->name, "config", im->copy, "backend", im->backend));
	else
		(void)printf("location %s added to %s\n"
			     "a service that runs knows it after "
			     "a restart\n",
		    im->name, im->backend);
}

int
cmd_import(struct ctl *c, int argc, char **argv)
{
	struct import im = {.from = argc > 0 ? argv[0] : NULL};
	int rc;

	if (argc < 1 || argc > 2)
		return CTL_USAGE;
	if ((rc = name_take(&im, argc == 2 ? argv[1] : NULL)) == CTL_DONE &&
	    (rc = conf_read(&im)) == CTL_DONE &&
	    (rc = backend_find(&im, c)) == CTL_DONE &&
	    (rc = add(&im)) == CTL_DONE)
		tell(c, &im);
	if (im.text != NULL)
		explicit_bzero(im.text, im.len);
	free(im.text);
	json_decref(im.root);
	return rc;
}
