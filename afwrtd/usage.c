/* SPDX-License-Identifier: ISC */
/*
 * What a process uses, from /proc/PID/stat, which everybody may read (with
 * hidepid=, proc(5), nobody but the process itself: then it is not known).
 */
#include "config.h"

#include "usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fields as proc(5) counts them. */
#define FIELD_STATE 3
#define FIELD_UTIME 14
#define FIELD_STIME 15
#define FIELD_RSS   24

static size_t
stat_read(uint32_t pid, char *buf, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, buf, size - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

void
usage_read(struct afw_m_process *p)
{
	unsigned long long v, ticks = 0, pages = 0;
	long hz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	char buf[1024], *s, *word, *save = NULL;
	int field = FIELD_STATE;

	p->rss_bytes = p->cpu_ms = 0;
	if (p->pid == 0 || hz <= 0 || page <= 0 ||
	    stat_read(p->pid, buf, sizeof(buf)) == 0 ||
	    (s = strrchr(buf, ')')) == NULL) /* the end of the name */
		return;
	for (word = strtok_r(s + 1, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save), field++) {
		if (field != FIELD_UTIME && field != FIELD_STIME &&
		    field != FIELD_RSS)
			continue;
		if (sscanf(word, "%llu", &v) != 1)
			return;
		if (field == FIELD_RSS)
			pages = v;
		else
			ticks += v;
	}
	p->rss_bytes = pages * (unsigned long long)page;
	p->cpu_ms = ticks * 1000 / (unsigned long long)hz;
}
