/* SPDX-License-Identifier: ISC */
/*
 * The channel to the library: what it may ask, and the log lines that go to
 * it. A library that does not read loses log lines, never answers.
 */
#include "library.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "afwrtd.h"
#include "batch.h"
#include "events.h"
#include "explain.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "query.h"
#include "relay.h"
#include "requests.h"
#include "run.h"

/* Bytes that may wait before log lines are dropped. */
#define LOG_QUEUE_MAX (64 * 1024)

static struct afw_link lib;
static unsigned int lines_lost;

static const struct afw_handler handlers[] = {
    {AFW_MSG_CONFIG, run_config_handle},
    {AFW_MSG_LOG_LEVEL, run_log_level_handle},
    {AFW_MSG_RUN, run_run_handle},
    {AFW_MSG_STOP, run_stop_handle},
    {AFW_MSG_BATCH_BEGIN, batch_begin_handle},
    {AFW_MSG_BATCH_COMMIT, batch_commit_handle},
    {AFW_MSG_PROTECT, requests_protect_handle},
    {AFW_MSG_UNPROTECT, requests_unprotect_handle},
    {AFW_MSG_TUNNEL_SETUP, requests_setup_handle},
    {AFW_MSG_TUNNEL_TEARDOWN, requests_teardown_handle},
    {AFW_MSG_QUERY, query_handle},
    {AFW_MSG_EXPLAIN, explain_handle},
    {AFW_MSG_AUTH_CONFIG, relay_config_handle},
    {AFW_MSG_BACKEND, relay_backend_handle},
    {AFW_MSG_TOKEN, relay_token_handle},
    {AFW_MSG_CREDENTIALS, relay_credentials_handle},
    {AFW_MSG_REGISTER, relay_register_handle},
    {AFW_MSG_LOCATIONS, relay_locations_handle},
    {AFW_MSG_VERIFY_USER, relay_verify_handle},
    {0, NULL},
};

struct afw_link *
library_link(void)
{
	return &lib;
}

bool
library_is_fast(void)
{
	return lib.chan.head == NULL;
}

static void
log_forward(int level, const char *text)
{
	struct afw_m_log m = {.level = (uint32_t)level};

	if (lib.chan.fd == -1 || lib.chan.phase != AFW_PH_R)
		return;
	if (lib.chan.queued > LOG_QUEUE_MAX) {
		lines_lost++;
		return;
	}
	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	/* not through the link: that one logs its failures */
	(void)afw_chan_send(&lib.chan, AFW_MSG_LOG, 0, &m, -1);
	if (lib.chan.head != NULL && lib.wr != NULL)
		(void)event_add(lib.wr, NULL);
}

void
library_log(int level, const char *text)
{
	syslog(level, "%s", text);
	log_forward(level, text);
}

static void
own_line(int level, const char *line, void *arg)
{
	char text[sizeof(((struct afw_m_log *)0)->text)];

	(void)arg;
	(void)snprintf(text, sizeof(text), "afwrtd: %s", line);
	syslog(level, "%s", line);
	log_forward(level, text);
}

/* The link stays open for what is left to say: the library waits for the end
 * of file that our exit makes. */
static void
lib_closed(void *arg, struct afw_link *l, const char *why)
{
	(void)arg;
	if (*why != '\0') {
		log_err("library: %s", why);
		afw_link_close(l);
	} else {
		log_info("library: end of file: the suite ends");
	}
	run_end();
}

static void
lib_drained(void *arg, struct afw_link *l)
{
	(void)arg;
	(void)l;
	if (lines_lost > 0) {
		log_warn("%u log lines were lost: the application is slow",
		    lines_lost);
		lines_lost = 0;
	}
	events_flush();
	query_more();
}

void
library_open(void)
{
	struct stat st;

	if (fstat(AFW_LINK_FD, &st) == -1 || !S_ISSOCK(st.st_mode)) {
		(void)fprintf(stderr,
		    "afwrtd is started by libafwrt-client, not by hand\n");
		exit(2);
	}
	if (afw_link_open(&lib, afwrtd_base, AFW_LINK_FD, AFW_SUP, AFW_LIB,
		handlers, lib_closed, NULL) == -1)
		fatal("afwrtd: link: %s", strerror(errno));
	lib.drained = lib_drained;
	if (afw_hello_send(&lib) == -1)
		fatal("afwrtd: the library is gone");
	lib.chan.self_gen = lib.chan.peer_gen = 1;
	lib.chan.phase = AFW_PH_R;
	afw_log_sink_set(own_line, NULL);
}

void
library_close(void)
{
	afw_log_sink_set(NULL, NULL);
	afw_link_drain(&lib, 1000);
	afw_link_close(&lib);
}
