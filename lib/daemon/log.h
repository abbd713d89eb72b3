/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_LOG_H
#define AFW_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Logging of a daemon. Levels are syslog's: LOG_ERR, LOG_WARNING, LOG_INFO,
 * LOG_DEBUG. Where lines go is decided by the sink: a helper sends them to
 * afwrtd, afwrtd to syslog and to the library. Without a sink they go to
 * standard error. Lines are lower case, subject first, no full stop.
 */
typedef void (*afw_log_sink)(int level, const char *line, void *arg);

void afw_log_init(const char *name);
void afw_log_sink_set(afw_log_sink sink, void *arg);
void afw_log_level_set(int level);
bool afw_log_wants(int level);
const char *afw_log_name(void);

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Start-up, out of memory, broken invariants: logs and exits with status 1. */
void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* As fatal, but "my configuration is impossible, do not restart me". */
void fatal_config(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/*
 * For lines that the network can trigger: true at most `burst` times in ten
 * seconds. Zero the struct before first use.
 */
struct afw_ratelimit {
	int64_t window_ms;
	uint32_t count, suppressed;
};
bool afw_ratelimit_ok(struct afw_ratelimit *r, uint32_t burst);

/* CLOCK_BOOTTIME in milliseconds. */
int64_t afw_now_ms(void);

#endif
