/* SPDX-License-Identifier: ISC */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "lib/wire/blob.h"

static int
ca_read(struct session *s, struct afw_msg *m, uint32_t claimed)
{
	int fd = afw_msg_take_fd(m), rc;

	rc = afw_blob_read(fd, AFW_BLOB_MAX, &s->ca, &s->ca_len);
	(void)close(fd);
	if (rc == -1)
		return -1;
	if (s->ca_len != claimed) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

static struct session *
session_alloc(void)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		fatal("%s: out of memory", afw_log_name());
	return s;
}

static struct session *
session_new_wg(const struct afw_m_wg_session *p)
{
	struct session *s = session_alloc();

	if ((s->wg = malloc(sizeof(*s->wg))) == NULL)
		fatal("%s: out of memory", afw_log_name());
	memcpy(s->wg, p, sizeof(*p));
	s->server = p->server;
	s->port = p->port;
	s->expire_time = p->expire_time;
	memcpy(s->chosen, p->chosen, sizeof(s->chosen));
	return s;
}

struct session *
session_new(struct afw_msg *m)
{
	const struct afw_m_session *p = (const void *)m->payload;
	struct session *s;
	int saved;

	if (m->hdr.type == AFW_MSG_WG_SESSION)
		return session_new_wg((const void *)m->payload);
	s = session_alloc();
	s->server = p->server;
	s->port = p->port;
	s->expire_time = p->expire_time;
	memcpy(s->host, p->host, sizeof(s->host));
	memcpy(s->cookie, p->cookie, sizeof(s->cookie));
	memcpy(s->chosen, p->chosen, sizeof(s->chosen));
	if (ca_read(s, m, p->ca_len) == -1) {
		saved = errno;
		session_free(s);
		errno = saved;
		return NULL;
	}
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	free(s->ca);
	if (s->wg != NULL)
		afw_wipe(s->wg, sizeof(*s->wg));
	free(s->wg);
	afw_wipe(s, sizeof(*s));
	free(s);
}

bool
session_expired(const struct session *s)
{
	return s->expire_time != 0 && (uint64_t)time(NULL) >= s->expire_time;
}
