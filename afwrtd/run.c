/* SPDX-License-Identifier: ISC */
/*
 * Where the suite is in its life: configured, running, stopped, ending. It
 * owns the configuration of the library and what is known about the uplink.
 */
#include "config.h"

#include "run.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "afwrtd.h"
#include "apply.h"
#include "ask.h"
#include "batch.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "library.h"
#include "locations.h"
#include "replay.h"
#include "requests.h"
#include "routes.h"
#include "setup.h"
#include "stats.h"
#include "stop.h"
#include "supervise.h"
#include "types.h"
#include "wake.h"

#define CONFIG_MS 20000 /* that all helpers may need to get ready */
#define LOGIN_MS  10000 /* that RUN waits for the first login */
#define TYPE_MS   1000  /* silence of afwrt-auth is consent */
#define ROUTE_MS  5000
#define END_MS    15000 /* from the end of file to our exit */
#define STOPS_MAX 8
#define REFUSED   "the login was refused"

enum run_state {
	RUN_NONE, /* no configuration */
	RUN_CONFIGURING,
	RUN_IDLE,  /* configured, not running */
	RUN_TYPES, /* RUN asks for the types of locations */
	RUN_WAN,   /* RUN waits for the uplink */
	RUN_LOGIN, /* RUN waits for the login and the default route */
	RUN_RUNNING,
	RUN_STOPPING
};

static enum run_state state;
static bool applied, ending, was_running, stop_begun, have_wan, may_connect;
static bool login_refused; /* while RUN was waiting for something else */
static struct afw_m_config config;
static struct afw_m_wan wan;
static struct event *timer;
static uint32_t config_id, run_id;
static uint32_t stop_ids[STOPS_MAX];
static unsigned int n_stops;

bool
run_is_configured(void)
{
	return state != RUN_NONE;
}

bool
run_is_applied(void)
{
	return applied;
}

bool
run_is_stopping(void)
{
	return state == RUN_STOPPING || ending;
}

bool
run_may_connect(void)
{
	return may_connect;
}

const struct afw_m_config *
run_config(void)
{
	return &config;
}

int
run_log_level(void)
{
	return run_is_configured() ? (int)config.log_level : LOG_INFO;
}

int
run_log_level_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_log_level *level = (const void *)m->payload;
	struct child *c;

	(void)arg;
	if (!run_is_configured())
		return AFW_EINVAL;
	config.log_level = level->level;
	afw_log_level_set((int)level->level);
	CHILD_FOREACH(c)
	supervise_log_level(c);
	afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}

static void
answer(uint32_t id, unsigned int code, const char *text)
{
	afw_link_status(library_link(), id, code, "%s",
	    text != NULL ? text : afw_error_text(code));
}

/* ---- configuration ------------------------------------------------------ */

static void
config_answer(unsigned int code, const char *text)
{
	(void)evtimer_del(timer);
	state = code == AFW_OK ? RUN_IDLE : RUN_NONE;
	if (code != AFW_OK)
		applied = false;
	answer(config_id, code, text);
}

bool
run_config_failed(unsigned int code, const char *text)
{
	if (state != RUN_CONFIGURING)
		return false;
	config_answer(code, text);
	return true;
}

static const struct child *
not_ready(void)
{
	const struct child *c;

	CHILD_FOREACH(c)
	if (c->state != CHILD_UP || (c->role != AFW_AUTH && !c->configured))
		return c;
	return NULL;
}

void
run_child_up(struct child *c)
{
	(void)c;
	if (state == RUN_CONFIGURING && not_ready() == NULL)
		config_answer(AFW_OK, NULL);
}

void
run_child_failed(struct child *c)
{
	(void)run_config_failed(c->fail_code, c->fail_text);
}

/* NULL, or what cannot be. */
static const char *
config_refuses(const struct afw_m_config *c, bool has_fd)
{
	if (has_fd != ((c->flags & AFW_C_TUN_FD) != 0))
		return "hydra_tun_fd came without its descriptor";
	if (c->config_dir[0] != '/')
		return "config_dir is not an absolute path";
	if (c->tun_dev_path[0] != '/')
		return "tun_dev_path is not an absolute path";
	if (c->ca_file[0] != '\0' && c->ca_file[0] != '/')
		return "ca_file is not an absolute path";
	return NULL;
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	const struct child *c;
	char text[64];

	(void)fd;
	(void)what;
	(void)arg;
	if (state == RUN_CONFIGURING && (c = not_ready()) != NULL) {
		(void)snprintf(
		    text, sizeof(text), "%s did not get ready", c->prog);
		(void)run_config_failed(AFW_ETIMEDOUT, text);
	} else if (state == RUN_WAN) {
		state = RUN_IDLE;
		(void)snprintf(text, sizeof(text), "%s did not come up",
		    config.wan_ifname);
		answer(run_id, AFW_ENODEV, text);
	}
}

static void
config_dir_look(const char *dir)
{
	struct stat st;
	int e = 0;

	if (stat(dir, &st) == -1)
		e = errno;
	else if (!S_ISDIR(st.st_mode))
		e = ENOTDIR;
	if (e != 0)
		log_warn("config_dir %s: %s: nothing will be kept for the "
			 "next start",
		    dir, strerror(e));
}

int
run_config_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_config *c = (const void *)m->payload;
	const char *why;
	enum afw_role role;

	(void)arg;
	(void)l;
	if (state != RUN_NONE || ending)
		return AFW_EALREADY;
	if ((why = config_refuses(c, m->fd != -1)) != NULL) {
		answer(m->hdr.id, AFW_EINVAL, why);
		return 0;
	}
	files_tun_given_set(afw_msg_take_fd(m));
	config = *c;
	config_id = m->hdr.id;
	state = RUN_CONFIGURING;
	applied = true;
	afw_log_level_set((int)c->log_level);
	config_dir_look(c->config_dir);
	/* the document: wireguard can be started without a location */
	if (c->vl_default[0] != '\0' || c->type != AFW_TYPE_WIREGUARD)
		routes_default_make(c->vl_default);
	if (timer == NULL)
		timer = afwrtd_timer(timer_cb, NULL);
	afwrtd_timer_set(timer, CONFIG_MS);
	for (role = AFW_NET; role <= AFW_AUTH && state == RUN_CONFIGURING;
	     role++) {
		supervise_want(role);
		replay_more(role);
	}
	return 0;
}

/* ---- run ---------------------------------------------------------------- */

static void
run_answer(unsigned int code, const char *text)
{
	(void)evtimer_del(timer);
	state = code == AFW_OK ? RUN_RUNNING : RUN_IDLE;
	if (code == AFW_OK) {
		log_info("running");
		stats_report(config.report_interval);
		locations_check();
		if (config.type == AFW_TYPE_WIREGUARD && may_connect)
			(void)afw_link_send(
			    library_link(), AFW_MSG_EV_READY, 0, NULL, -1);
	}
	answer(run_id, code, text);
}

/*
 * A login that is refused ends the run, whenever that is: the application must
 * come with other credentials. What is in force stays, so that nobody is
 * unprotected by it: tunnels that are up go on until they need a login.
 */
static void
refused_end(void)
{
	struct afw_m_status st = {.code = AFW_EACCES};

	login_refused = false;
	state = RUN_IDLE;
	stats_report(0);
	(void)afw_str_set(st.text, sizeof(st.text), REFUSED);
	(void)afw_link_send(library_link(), AFW_MSG_EV_STOPPED, 0, &st, -1);
}

void
run_login_refused(void)
{
	if (state == RUN_LOGIN)
		login_refused = true;
	else if (state == RUN_RUNNING)
		refused_end();
}

/* RUN is over with the default location set, or there is none. */
static void
run_complete(unsigned int code, const char *text)
{
	run_answer(code, text);
	if (code == AFW_OK && login_refused)
		refused_end();
}

/*
 * A WireGuard default location without its interface is an error of the
 * configuration: there will be no event of it.
 */
static void
default_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = routes_default();
	bool refused = code != AFW_OK && m != NULL && types_is_wg(r) && !r->wg;
	char why[188];

	(void)arg;
	r->busy = false;
	if (code != AFW_OK)
		log_err("route %s: not set up: %s", r->location, text);
	(void)snprintf(why, sizeof(why), "%s: %s", r->location, text);
	if (state == RUN_LOGIN)
		run_complete(refused ? code : AFW_OK, refused ? why : NULL);
	requests_resume();
}

/* It connects at once: the application waits for its event. */
static void
default_typed(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = routes_default();

	(void)arg;
	(void)code;
	(void)m;
	if (state != RUN_LOGIN) { /* stopped in the meantime */
		r->busy = false;
		requests_resume();
		return;
	}
	if (types_refuse(r, r->uses > 0, &text) != AFW_OK) {
		log_err("route %s: %s", r->location, text);
		if (r->uses == 0) {
			r->busy = false;
			run_answer(AFW_ENOTSUP, text);
			return;
		}
	}
	setup_route(r, ROUTE_MS, default_reply, NULL);
}

static void
default_start(struct route *r)
{
	r->eager = true;
	r->busy = true;
	if (r->set || r->is_listed ||
	    strcmp(r->location, AFW_LOCATION_OPTIMAL) == 0)
		default_typed(NULL, AFW_OK, NULL, NULL);
	else
		types_ask(r, TYPE_MS, r->uses > 0, default_typed, NULL);
}

/*
 * Only a refused login ends the start: what is down now may come up. The
 * default location comes after it, so that no attempt is made in vain.
 */
static void
login_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *d = routes_default();

	(void)arg;
	(void)m;
	if (code != AFW_OK)
		log_warn("login: %s", text);
	if (state != RUN_LOGIN)
		return;
	if (code == AFW_OK)
		login_refused = false;
	if (code == AFW_EACCES) {
		run_answer(code, REFUSED);
		return;
	}
	may_connect = true;
	wake_routes();
	if (d != NULL && (!d->set || !d->eager)) /* a rule may have set it */
		default_start(d);
	else
		run_complete(AFW_OK, NULL);
}

static void
run_go(void)
{
	(void)evtimer_del(timer);
	state = RUN_LOGIN;
	login_refused = false;
	ask(AFW_AUTH, AFW_MSG_AUTH_BEGIN, NULL, LOGIN_MS, false, login_reply,
	    NULL);
}

static void
wan_await(void)
{
	if (have_wan && wan.up) {
		run_go();
		return;
	}
	state = RUN_WAN;
	log_info("waits up to %u s for %s", config.wan_wait, config.wan_ifname);
	afwrtd_timer_set(
	    timer, config.wan_wait < 86400 ? config.wan_wait * 1000 : 86400000);
}

static void
types_known(void)
{
	if (state != RUN_TYPES)
		return;
	applied = true;
	apply_now();
	wan_await();
}

int
run_run_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	switch (state) {
	case RUN_NONE:
	case RUN_CONFIGURING:
		answer(m->hdr.id, AFW_EINVAL, "not configured");
		return 0;
	case RUN_IDLE:
		break;
	case RUN_STOPPING:
		return AFW_EBUSY;
	default:
		return AFW_EALREADY;
	}
	if (ending)
		return AFW_EPIPE;
	run_id = m->hdr.id;
	if (applied) {
		wan_await();
		return 0;
	}
	state = RUN_TYPES;
	apply_start(types_known);
	return 0;
}

int
run_wan_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_wan *w = (const void *)m->payload;

	(void)arg;
	(void)l;
	if (!have_wan || w->up != wan.up || strcmp(w->ifname, wan.ifname) != 0)
		log_info("uplink %s: %s", w->ifname, w->up ? "up" : "down");
	wan = *w;
	have_wan = true;
	if (state == RUN_WAN && wan.up)
		run_go();
	return 0;
}

/* ---- stop and end -------------------------------------------------------- */

static bool
keep_blocked(void)
{
	return (config.flags & AFW_C_KILLSWITCH) != 0;
}

static void
stop_finished(void)
{
	struct afw_m_status ok = {.code = AFW_OK};
	unsigned int i;

	applied = stop_begun = false;
	state = RUN_IDLE;
	if (was_running)
		(void)afw_link_send(
		    library_link(), AFW_MSG_EV_STOPPED, 0, &ok, -1);
	was_running = false;
	for (i = 0; i < n_stops; i++)
		answer(stop_ids[i], AFW_OK, NULL);
	n_stops = 0;
	log_info("stopped");
	if (ending)
		stop_children(keep_blocked());
}

static void
stop_go(void)
{
	stop_start(keep_blocked(), stop_finished);
}

void
run_requests_idle(void)
{
	if (state != RUN_STOPPING || stop_begun)
		return;
	stop_begun = true;
	stats_last(stop_go);
}

static void
stop_begin(void)
{
	if (state == RUN_TYPES || state == RUN_WAN || state == RUN_LOGIN)
		run_answer(AFW_OK, NULL);
	may_connect = false;
	was_running = state == RUN_RUNNING;
	state = RUN_STOPPING;
	if (requests_idle())
		run_requests_idle();
}

int
run_stop_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	(void)arg;
	(void)l;
	if (!run_is_configured() || n_stops == STOPS_MAX ||
	    (!applied && state == RUN_IDLE)) {
		answer(m->hdr.id, AFW_OK, NULL);
		return 0;
	}
	if (state == RUN_CONFIGURING)
		return AFW_EBUSY;
	stop_ids[n_stops++] = m->hdr.id;
	if (state != RUN_STOPPING)
		stop_begin();
	return 0;
}

void
run_end(void)
{
	if (ending)
		return;
	ending = true;
	stop_limit(END_MS);
	if (state == RUN_CONFIGURING)
		config_answer(AFW_EPIPE, "stopped");
	if (state == RUN_STOPPING)
		return;
	if (applied)
		stop_begin();
	else
		stop_children(keep_blocked());
}

void
run_child_gone(void)
{
	if (child_all_gone())
		(void)event_base_loopbreak(afwrtd_base);
}
