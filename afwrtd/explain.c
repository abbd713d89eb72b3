/* SPDX-License-Identifier: ISC */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "afwrtd.h"
#include "ask.h"
#include "routes.h"
#include "run.h"

/* Less than the library's 5 s, so that it hears the reason. */
#define ANSWER_MS   4500
#define WAITING_MAX 16

struct asked {
	struct afw_link *from;
	uint32_t id;
};

static unsigned int n_waiting;

static void
explained(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct asked *q = arg;
	struct afw_m_explained x;
	const struct route *r;

	if (m == NULL || m->hdr.type == AFW_MSG_STATUS) {
		afw_link_status(q->from, q->id, code, "%s", text);
	} else {
		memcpy(&x, m->payload, sizeof(x));
		memset(x.location, 0, sizeof(x.location));
		if (x.route != 0 && (r = routes_find_id(x.route)) != NULL)
			memcpy(x.location, r->location, sizeof(x.location));
		(void)afw_link_send(q->from, AFW_MSG_EXPLAINED, q->id, &x, -1);
	}
	n_waiting--;
	free(q);
}

int
explain_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	struct asked *q;

	(void)arg;
	if (!run_is_configured()) {
		afw_link_status(l, m->hdr.id, AFW_EINVAL, "not configured");
		return 0;
	}
	if (n_waiting == WAITING_MAX)
		return AFW_EBUSY;
	q = afwrtd_alloc(sizeof(*q));
	q->from = l;
	q->id = m->hdr.id;
	n_waiting++;
	ask(AFW_NET, AFW_MSG_EXPLAIN, m->payload, ANSWER_MS, false, explained,
	    q);
	return 0;
}
