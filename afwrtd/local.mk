# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrtd/libafwrtd.la
afwrtd_libafwrtd_la_SOURCES = \
	afwrtd/afwrtd.c afwrtd/afwrtd.h \
	afwrtd/apply.c afwrtd/apply.h \
	afwrtd/ask.c afwrtd/ask.h \
	afwrtd/batch.c afwrtd/batch.h \
	afwrtd/cache.c afwrtd/cache.h \
	afwrtd/child.c afwrtd/child.h \
	afwrtd/chroot.c afwrtd/chroot.h \
	afwrtd/events.c afwrtd/events.h \
	afwrtd/explain.c afwrtd/explain.h \
	afwrtd/files.c afwrtd/files.h \
	afwrtd/library.c afwrtd/library.h \
	afwrtd/locations.c afwrtd/locations.h \
	afwrtd/op.c afwrtd/op.h \
	afwrtd/peers.c afwrtd/peers.h \
	afwrtd/protect.c \
	afwrtd/query.c afwrtd/query.h \
	afwrtd/relay.c afwrtd/relay.h \
	afwrtd/replay.c afwrtd/replay.h \
	afwrtd/requests.c afwrtd/requests.h \
	afwrtd/retype.c \
	afwrtd/routes.c afwrtd/routes.h \
	afwrtd/rules.c afwrtd/rules.h \
	afwrtd/run.c afwrtd/run.h \
	afwrtd/savefile.c afwrtd/savefile.h \
	afwrtd/setup.c afwrtd/setup.h \
	afwrtd/spawn.c afwrtd/spawn.h \
	afwrtd/state.c afwrtd/state.h \
	afwrtd/stats.c afwrtd/stats.h \
	afwrtd/stop.c afwrtd/stop.h \
	afwrtd/supervise.c afwrtd/supervise.h \
	afwrtd/sync.c afwrtd/sync.h \
	afwrtd/tunnel.c \
	afwrtd/types.c afwrtd/types.h \
	afwrtd/usage.c afwrtd/usage.h \
	afwrtd/wake.c afwrtd/wake.h \
	afwrtd/wg.c afwrtd/wg.h \
	afwrtd/wg_listen.c afwrtd/wg_listen.h
afwrtd_libafwrtd_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
afwrtd_libafwrtd_la_LIBADD = lib/libafwdaemon.la lib/libafwbeneath.la

pkglibexec_PROGRAMS += afwrtd/afwrtd
afwrtd_afwrtd_SOURCES = afwrtd/main.c
afwrtd_afwrtd_LDADD = afwrtd/libafwrtd.la
