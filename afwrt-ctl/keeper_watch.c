/* SPDX-License-Identifier: ISC */
/*
 * The keeper's parent has the same end of the pair, so nothing has to be passed
 * when it makes another one. The number of the request under way is in memory
 * that both see: a request that is not in the queue any more and was not
 * answered is answered here, with EAGAIN; what is still queued is the next
 * keeper's.
 */
#include "keeper_watch.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "keeper_link.h"

#define SHORT_MS    2000 /* such a life makes the next one wait */
#define WAIT_MIN_MS 100
#define WAIT_MAX_MS 2000 /* the service waits 5 s for an answer */

static volatile unsigned int *busy; /* 0: nothing */

/* The number of the request that is next in the queue; it stays there. */
static ssize_t
peek(int link_fd, unsigned int *number, int flags)
{
	unsigned int head[2]; /* as struct keeper_request begins */
	ssize_t n;

	do
		n = recv(link_fd, head, sizeof(head), MSG_PEEK | flags);
	while (n == -1 && errno == EINTR);
	*number = n == (ssize_t)sizeof(head) ? head[1] : 0;
	return n;
}

int
keeper_watch_request(int link_fd, unsigned int *number)
{
	if (peek(link_fd, number, 0) <= 0)
		return -1;
	*busy = *number;
	return 0;
}

void
keeper_watch_answered(void)
{
	*busy = 0;
}

static void
request_fail(int link_fd)
{
	struct keeper_answer a = {.number = *busy, .err = EAGAIN};
	unsigned int queued;

	*busy = 0;
	if (a.number == 0 ||
	    (peek(link_fd, &queued, MSG_DONTWAIT) > 0 && queued == a.number))
		return;
	(void)keeper_link_send(link_fd, &a, sizeof(a), -1);
}

/* Within that time. */
static bool
service_ends(int link_fd, int wait_ms)
{
	struct pollfd p = {.fd = link_fd, .events = 0};

	return poll(&p, 1, wait_ms) > 0;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One life. Without memory for a process: none. */
static void
life(void (*serve)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_NAME, "afwrt-keeper");
		serve();
		_exit(0);
	}
	while (pid != -1 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

void
keeper_watch(int link_fd, void (*serve)(void))
{
	int wait_ms = 0, next_ms = 0;
	int64_t born;

	(void)prctl(PR_SET_NAME, "afwrt-respawn");
	busy = mmap(NULL, sizeof(*busy), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (busy == MAP_FAILED)
		return;
	do {
		born = now_ms();
		life(serve);
		request_fail(link_fd);
		if (now_ms() - born >= SHORT_MS)
			next_ms = 0;
		wait_ms = next_ms;
		next_ms = next_ms == 0 ? WAIT_MIN_MS : 2 * next_ms;
		if (next_ms > WAIT_MAX_MS)
			next_ms = WAIT_MAX_MS;
	} while (!service_ends(link_fd, wait_ms));
}
