/* SPDX-License-Identifier: ISC */
/*
 * support: all that a bug report needs, in one text file that its reader may
 * look through before he sends it. It needs no service and no other program.
 * Whatever is in it goes through mask.c.
 */
#include <afwrt.h>

#include <sys/utsname.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "mask.h"
#include "service.h"
#include "tables.h"

#define FILE_LIMIT (1024 * 1024)
#define LOG_LIMIT  (512 * 1024)
#define LOG_WAIT_S 10

static FILE *out;

static void
section(const char *name)
{
	(void)fprintf(out, "\n==== %s\n", name);
}

/* A file of /proc and the like, as it is. */
static void
file_copy(const char *path)
{
	char buf[4096];
	size_t n, left = FILE_LIMIT;
	FILE *f = fopen(path, "re");

	section(path);
	if (f == NULL) {
		(void)fprintf(out, "(not readable: %s)\n", strerror(errno));
		return;
	}
	while (left > 0 && (n = fread(buf, 1, sizeof(buf), f)) > 0) {
		n = n < left ? n : left;
		left -= n;
		(void)fwrite(buf, 1, n, out);
	}
	(void)fclose(f);
}

static void
json_write(json_t *o)
{
	mask_json(o);
	(void)json_dumpf(o, out, JSON_INDENT(1) | JSON_ENCODE_ANY);
	(void)fputc('\n', out);
}

/* ---- who and what ------------------------------------------------------- */

static void
about(void)
{
	time_t now = time(NULL);
	struct utsname u;
	char when[40] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)fprintf(
	    out, "afwrt %s, support file of %s\n", afwrt_version(), when);
	if (uname(&u) == 0)
		(void)fprintf(out, "%s %s %s %s\n", u.sysname, u.release,
		    u.version, u.machine);
	file_copy("/etc/os-release");
}

static void
finding(int level, const char *line)
{
	(void)fprintf(out, "%s: %s\n", level <= 3 ? "error" : "warning", line);
}

/* Secrets of a file: backend are in no section, but may be in a message. */
static void
backend_learn(const json_t *url)
{
	const char *path = json_string_value(url);
	json_t *o;

	if (path == NULL || strncmp(path, "file:", 5) != 0)
		return;
	path += 5;
	if (strncmp(path, "//", 2) == 0)
		path += 2;
	o = json_load_file(path, 0, NULL);
	mask_json(o);
	json_decref(o);
}

static void
configuration(const struct ctl *c)
{
	json_t *o, *b, *one;
	size_t i;

	section("configuration, with secrets masked");
	(void)fprintf(out, "%s\n", c->config);
	service_log_to(finding);
	if ((o = service_config_load(c->config)) != NULL) {
		(void)service_config_check(o);
		b = json_object_get(o, "backend");
		backend_learn(b);
		json_array_foreach (b, i, one)
			backend_learn(one);
		json_write(o);
	}
	service_log_to(NULL);
	json_decref(o);
}

/* ---- what the service says ---------------------------------------------- */

static json_t *
ask(int fd, const char *request)
{
	json_t *answer = NULL;

	(void)client_ask_on(
	    fd, json_pack("{s:s}", "request", request), &answer);
	return answer;
}

static void
service(const struct ctl *c)
{
	json_t *o;
	int fd;

	section("service");
	if (!client_is_running(c) || client_connect(c, &fd) != CTL_DONE) {
		(void)fprintf(
		    out, "(not running, or not reachable by %s)\n", c->socket);
		return;
	}
	if ((o = ask(fd, "status")) != NULL) {
		/* how many, not which: they are the household's */
		(void)json_object_del(o, "rules");
		json_write(o);
		json_decref(o);
	}
	section("events");
	if ((o = ask(fd, "history")) != NULL) {
		json_write(json_object_get(o, "events"));
		json_decref(o);
	}
	section("metrics");
	if ((o = ask(fd, "metrics")) != NULL) {
		(void)fprintf(out, "%s",
		    json_string_value(json_object_get(o, "metrics")));
		json_decref(o);
	}
	(void)close(fd);
}

/* ---- the system --------------------------------------------------------- */

static void
network(void)
{
	section("links");
	tables_links(out);
	section("addresses");
	tables_addrs(out);
	section("routes");
	tables_routes(out);
	section("rules");
	tables_rules(out);
	section("nftables");
	tables_nft(out);
	file_copy("/proc/net/dev");
	file_copy("/proc/net/sockstat");
	file_copy("/proc/sys/net/ipv4/ip_forward");
	file_copy("/proc/sys/net/ipv6/conf/all/forwarding");
	file_copy("/proc/meminfo");
	file_copy("/proc/loadavg");
}

/* The last lines about us, if there is a program that has them. */
static void
journal_run(int to)
{
	int null = open("/dev/null", O_RDWR);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(to, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	(void)alarm(LOG_WAIT_S);
	(void)execl("/usr/bin/journalctl", "journalctl", "-q", "--no-pager",
	    "-n", "500", "-u", "afwrt.service", (char *)NULL);
	(void)execl("/sbin/logread", "logread", "-e", "afwrt", (char *)NULL);
	_exit(127);
}

static void
journal(void)
{
	size_t n = 0, left = LOG_LIMIT;
	int p[2], st = -1;
	char buf[4096];
	ssize_t got;
	pid_t pid;

	section("log");
	(void)fflush(out);
	if (pipe2(p, O_CLOEXEC) == -1)
		return;
	if ((pid = fork()) == 0)
		journal_run(p[1]);
	(void)close(p[1]);
	while (
	    pid != -1 && left > 0 && (got = read(p[0], buf, sizeof(buf))) > 0) {
		n = (size_t)got < left ? (size_t)got : left;
		left -= n;
		(void)fwrite(buf, 1, n, out);
	}
	(void)close(p[0]);
	if (pid != -1)
		(void)waitpid(pid, &st, 0);
	if (left == LOG_LIMIT)
		(void)fprintf(out, "(no journal, or none that is readable)\n");
}

/* ---- the file ----------------------------------------------------------- */

static int
failed(const char *path, int e)
{
	(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", path, strerror(e));
	return e == EACCES || e == EPERM ? CTL_NO_PERMISSION : CTL_FAILED;
}

/* All of it, masked; for free(). NULL: no memory. */
static char *
bundle(const struct ctl *c)
{
	size_t size = 0;
	char *raw = NULL, *masked;

	if ((out = open_memstream(&raw, &size)) == NULL)
		return NULL;
	about();
	configuration(c);
	service(c);
	network();
	journal();
	masked = fclose(out) == EOF ? NULL : mask_text(raw);
	out = NULL;
	if (raw != NULL)
		explicit_bzero(raw, size);
	free(raw);
	mask_forget();
	return masked;
}

static int
file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = CTL_DONE;
	FILE *f;

	if (fd == -1 || (f = fdopen(fd, "w")) == NULL)
		return failed(path, errno);
	if (fputs(text, f) == EOF || fflush(f) == EOF || fsync(fd) == -1)
		rc = failed(path, errno);
	(void)fclose(f);
	if (rc != CTL_DONE)
		(void)unlink(path);
	return rc;
}

static void
name_make(char name[64])
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)strftime(name, 64, "afwrt-support-%Y%m%d-%H%M%S.txt", &tm);
}

int
cmd_support(struct ctl *c, int argc, char **argv)
{
	char name[64], *text;
	const char *path = name;
	int rc = CTL_DONE;

	if (argc > 1)
		return CTL_USAGE;
	name_make(name);
	if (argc == 1)
		path = argv[0];
	if ((text = bundle(c)) == NULL)
		return failed(path, ENOMEM);
	if (strcmp(path, "-") == 0)
		rc = fputs(text, stdout) == EOF ? CTL_FAILED : CTL_DONE;
	else if ((rc = file_write(path, text)) == CTL_DONE && c->json)
		client_print_json(json_pack("{s:s, s:I}", "file", path, "bytes",
		    (json_int_t)strlen(text)));
	else if (rc == CTL_DONE)
		(void)printf("%s\n", path);
	free(text);
	return rc;
}
