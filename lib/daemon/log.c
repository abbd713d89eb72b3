/* SPDX-License-Identifier: ISC */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define EXIT_CONFIG 2

static const char *log_name = "afwrt";
static afw_log_sink log_sink;
static void *log_sink_arg;
static int log_level = LOG_INFO;

void
afw_log_init(const char *name)
{
	log_name = name;
}

const char *
afw_log_name(void)
{
	return log_name;
}

void
afw_log_sink_set(afw_log_sink sink, void *arg)
{
	log_sink = sink;
	log_sink_arg = arg;
}

void
afw_log_level_set(int level)
{
	log_level = level;
}

bool
afw_log_wants(int level)
{
	return level <= log_level;
}

/* A sink that cannot send says so through here again: not to itself. */
static void
emit(int level, const char *line)
{
	static bool inside;

	if (log_sink == NULL || inside) {
		(void)dprintf(STDERR_FILENO, "%s: %s\n", log_name, line);
		return;
	}
	inside = true;
	log_sink(level, line, log_sink_arg);
	inside = false;
}

static void
vlog(int level, const char *fmt, va_list ap)
{
	char line[232]; /* fits struct afw_m_log with "auth: " before it */
	char *p;

	if (!afw_log_wants(level))
		return;
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	for (p = line; *p != '\0'; p++) /* what came from outside stays one line */
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	emit(level, line);
}

#define LOG_FUNCTION(fn, level)                                                \
	void fn(const char *fmt, ...)                                          \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		vlog(level, fmt, ap);                                          \
		va_end(ap);                                                    \
	}

LOG_FUNCTION(log_err, LOG_ERR)
LOG_FUNCTION(log_warn, LOG_WARNING)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatal_config(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, fmt, ap);
	va_end(ap);
	exit(EXIT_CONFIG);
}

int64_t
afw_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
afw_ratelimit_ok(struct afw_ratelimit *r, uint32_t burst)
{
	int64_t now = afw_now_ms();

	if (now - r->window_ms >= 10000) {
		r->window_ms = now;
		r->count = 0;
	}
	if (r->count >= burst) {
		r->suppressed++;
		return false;
	}
	r->count++;
	return true;
}
