/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/forward.h"
#include "afwrt-tun/source.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

/* The question's number travels as the argument. */
static void
answer_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	static struct afw_ratelimit limit;
	enum source_answer answer = SOURCE_LATE;

	(void)m;
	if (code == AFW_OK)
		answer = SOURCE_FLOW;
	else if (code == AFW_ENOENT)
		answer = SOURCE_NONE;
	else if (afw_ratelimit_ok(&limit, 1))
		log_warn("tun: source: %s: its packets are dropped", text);
	forward_source_answer((uint32_t)(uintptr_t)arg, answer);
}

bool
source_ask(const struct afw_addr *a, uint32_t n)
{
	struct afw_m_source m = {.addr = *a};
	struct afw_link *l = afw_daemon_peer(AFW_NET);

	return afw_link_is_open(l) &&
	    afw_link_request(l, AFW_MSG_SOURCE_GET, &m, -1, SOURCE_WAIT_MS,
		false, answer_cb, (void *)(uintptr_t)n) != 0;
}
