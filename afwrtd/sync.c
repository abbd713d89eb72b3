/* SPDX-License-Identifier: ISC */
/*
 * The rules go out from a copy, a window at a time: the table may change
 * while they travel, and neither queue nor peer is flooded.
 */
#include "sync.h"

#include <stdio.h>
#include <stdlib.h>

#include "afwrtd.h"
#include "batch.h"
#include "child.h"
#include "lib/daemon/log.h"
#include "rules.h"

#define WINDOW    128
#define RULE_MS   10000
#define COMMIT_MS 60000 /* 65,536 rules and the flow of each */

struct sync {
	struct afw_m_rule *rules;
	uint32_t *ids; /* of the requests about them */
	size_t n, sent, answered;
	bool commit_sent;
	void (*begun)(void *);
	void (*cb)(void *, unsigned int, const char *);
	void *arg;
};

static struct sync *current;

static void sync_more(struct sync *s);

static void
sync_free(struct sync *s)
{
	if (current == s)
		current = NULL;
	afw_link_cancel(&child_get(AFW_NET)->link, s);
	free(s->rules);
	free(s->ids);
	free(s);
}

static void
sync_end(struct sync *s, unsigned int code, const char *text)
{
	void (*cb)(void *, unsigned int, const char *) = s->cb;
	void *arg = s->arg;
	char copy[188];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	sync_free(s);
	cb(arg, code, copy);
}

static void
copy_rule(struct rule *r, void *arg)
{
	struct sync *s = arg;
	const struct route *to = r->route;

	if (r->next != NULL && batch_is_busy())
		to = r->next;
	r->refused = false;
	if (to == NULL)
		return;
	s->rules[s->n].key = r->key;
	s->rules[s->n++].route = to->id;
}

static void
commit_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct sync *s = arg;

	(void)m;
	sync_end(s, code, text);
}

static void
refused(struct sync *s, uint32_t id, const char *text)
{
	char key[AFW_ADDR_TEXT + 16];
	struct rule *r;
	size_t i = 0;

	while (i < s->sent && s->ids[i] != id)
		i++;
	if (i == s->sent)
		return;
	log_err("rule %s: refused by net: %s",
	    afw_key_print(&s->rules[i].key, key, sizeof(key)), text);
	if ((r = rules_find(&s->rules[i].key)) != NULL)
		r->refused = true;
}

/* A rule that is refused is left out; the others must be in force anyhow. */
static void
rule_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct sync *s = arg;

	if (code != AFW_OK && m == NULL) {
		sync_end(s, code, text);
		return;
	}
	if (code != AFW_OK)
		refused(s, m->hdr.id, text);
	s->answered++;
	sync_more(s);
}

static void
lost(struct sync *s)
{
	sync_end(s, AFW_EPIPE, "afwrt-net is gone");
}

static void
sync_more(struct sync *s)
{
	struct afw_link *net = &child_get(AFW_NET)->link;

	while (s->sent < s->n && s->sent - s->answered < WINDOW) {
		s->ids[s->sent] = afw_link_request(net, AFW_MSG_NET_RULE_SET,
		    &s->rules[s->sent], -1, RULE_MS, false, rule_reply, s);
		if (s->ids[s->sent] == 0) {
			lost(s);
			return;
		}
		s->sent++;
	}
	if (s->answered < s->n || s->commit_sent)
		return;
	s->commit_sent = true;
	if (afw_link_request(net, AFW_MSG_NET_SYNC_COMMIT, NULL, -1, COMMIT_MS,
		false, commit_reply, s) == 0)
		lost(s);
}

static void
first_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sync *s = current;

	(void)fd;
	(void)what;
	(void)arg;
	if (s == NULL || s->sent > 0 || s->commit_sent)
		return;
	if (afw_link_send(&child_get(AFW_NET)->link, AFW_MSG_NET_SYNC_BEGIN, 0,
		NULL, -1) == -1) {
		lost(s);
		return;
	}
	if (s->begun != NULL)
		s->begun(s->arg);
	sync_more(s);
}

void
sync_start(void (*begun)(void *),
    void (*cb)(void *, unsigned int, const char *), void *arg)
{
	static struct event *first;
	struct sync *s = afwrtd_alloc(sizeof(*s));

	if (current != NULL)
		sync_end(current, AFW_EPIPE, "overtaken by a newer one");
	s->rules = afwrtd_alloc((rules_count() + 1) * sizeof(*s->rules));
	s->ids = afwrtd_alloc((rules_count() + 1) * sizeof(*s->ids));
	s->begun = begun;
	s->cb = cb;
	s->arg = arg;
	rules_each(copy_rule, s);
	current = s;
	if (first == NULL)
		first = afwrtd_timer(first_cb, NULL);
	afwrtd_timer_set(first, 0);
}
