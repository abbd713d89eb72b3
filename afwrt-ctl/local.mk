# SPDX-License-Identifier: ISC
sbin_PROGRAMS += afwrt-ctl/afwrt-ctl
afwrt_ctl_afwrt_ctl_SOURCES = \
	afwrt-ctl/async.c afwrt-ctl/async.h \
	afwrt-ctl/client.c afwrt-ctl/client.h \
	afwrt-ctl/cmd_blocked.c afwrt-ctl/cmd_config.c \
	afwrt-ctl/cmd_events.c afwrt-ctl/cmd_explain.c \
	afwrt-ctl/cmd_import.c \
	afwrt-ctl/cmd_locations.c afwrt-ctl/cmd_login.c \
	afwrt-ctl/cmd_metrics.c afwrt-ctl/cmd_requests.c \
	afwrt-ctl/cmd_rules.c afwrt-ctl/cmd_status.c \
	afwrt-ctl/cmd_support.c afwrt-ctl/cmd_verify.c \
	afwrt-ctl/control.c afwrt-ctl/control.h \
	afwrt-ctl/control_bind.c afwrt-ctl/control_bind.h \
	afwrt-ctl/control_change.c afwrt-ctl/control_change.h \
	afwrt-ctl/control_rest.c afwrt-ctl/control_rest.h \
	afwrt-ctl/control_unix.c afwrt-ctl/control_unix.h \
	afwrt-ctl/ctl.h \
	afwrt-ctl/dump.c afwrt-ctl/dump.h \
	afwrt-ctl/explain.c afwrt-ctl/explain.h \
	afwrt-ctl/history.c afwrt-ctl/history.h \
	afwrt-ctl/keeper.c afwrt-ctl/keeper.h \
	afwrt-ctl/keeper_control.c afwrt-ctl/keeper_control.h \
	afwrt-ctl/keeper_link.c afwrt-ctl/keeper_link.h \
	afwrt-ctl/keeper_watch.c afwrt-ctl/keeper_watch.h \
	afwrt-ctl/main.c \
	afwrt-ctl/metrics.c afwrt-ctl/metrics.h \
	afwrt-ctl/notify.c afwrt-ctl/notify.h \
	afwrt-ctl/reload.c afwrt-ctl/reload.h \
	afwrt-ctl/rest_conn.c afwrt-ctl/rest_conn.h \
	afwrt-ctl/rest_token.c afwrt-ctl/rest_token.h \
	afwrt-ctl/passed.c afwrt-ctl/passed.h \
	afwrt-ctl/mask.c afwrt-ctl/mask.h \
	afwrt-ctl/secret.c afwrt-ctl/secret.h \
	afwrt-ctl/tables.c afwrt-ctl/tables.h \
	afwrt-ctl/wait.c afwrt-ctl/wait.h \
	afwrt-ctl/run.c afwrt-ctl/service.h afwrt-ctl/service_config.c \
	afwrt-ctl/worker.c afwrt-ctl/worker.h
afwrt_ctl_afwrt_ctl_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) \
	$(MNL_CFLAGS)
afwrt_ctl_afwrt_ctl_LDADD = lib/libafwrt-client.la lib/libafwclient.la \
	lib/libafwwgquick.la lib/libafwbeneath.la \
	$(EVENT_LIBS) $(JANSSON_LIBS) $(MNL_LIBS)

# the name that existing set-ups start
install-exec-hook: install-afwrt-ci
uninstall-hook: uninstall-afwrt-ci
install-afwrt-ci:
	cd "$(DESTDIR)$(sbindir)" && rm -f afwrt-ci && \
	    $(LN_S) afwrt-ctl afwrt-ci
uninstall-afwrt-ci:
	rm -f "$(DESTDIR)$(sbindir)/afwrt-ci"
.PHONY: install-afwrt-ci uninstall-afwrt-ci
