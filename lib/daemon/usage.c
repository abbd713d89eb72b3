/* SPDX-License-Identifier: ISC */
/*
 * What a process uses, by itself: with hidepid=, proc(5), nobody else may look.
 * /proc/self/statm stays open, the sandbox forbids to open it later.
 */
#include "usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int statm_fd = -1;

void
afw_usage_open(void)
{
	statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

static uint64_t
rss_bytes(void)
{
	unsigned long long size, pages;
	long page = sysconf(_SC_PAGESIZE);
	char buf[128];
	ssize_t n;

	if (statm_fd == -1 || page <= 0 ||
	    (n = pread(statm_fd, buf, sizeof(buf) - 1, 0)) <= 0)
		return 0;
	buf[n] = '\0';
	if (sscanf(buf, "%llu %llu", &size, &pages) != 2)
		return 0;
	return pages * (unsigned long long)page;
}

void
afw_usage_read(struct afw_m_usage *u)
{
	struct timespec ts = {0, 0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	u->rss_bytes = rss_bytes();
	u->cpu_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
