# SPDX-License-Identifier: ISC
# What starts the suite: units of systemd here; init/procd and init/openwrt
# are for OpenWrt's build, debian for Debian's.
units = init/systemd/afwrt.service init/systemd/afwrt-guard.service
CLEANFILES += $(units) init/systemd/sysusers.d/afwrt.conf \
	init/systemd/tmpfiles.d/afwrt.conf

if WITH_UNITS
nodist_systemdsystemunit_DATA = $(units)
dist_systemdsystemunit_DATA = init/systemd/afwrt.socket
endif
if WITH_SYSUSERS
nodist_sysusers_DATA = init/systemd/sysusers.d/afwrt.conf
endif
if WITH_TMPFILES
nodist_tmpfiles_DATA = init/systemd/tmpfiles.d/afwrt.conf
endif

$(units): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's,@sbindir\@,$(sbindir),g' \
	    $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
init/systemd/afwrt.service: init/systemd/afwrt.service.in
init/systemd/afwrt-guard.service: init/systemd/afwrt-guard.service.in
init/systemd/sysusers.d/afwrt.conf: init/systemd/afwrt.sysusers
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $(srcdir)/init/systemd/afwrt.sysusers $@
init/systemd/tmpfiles.d/afwrt.conf: init/systemd/afwrt.tmpfiles
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $(srcdir)/init/systemd/afwrt.tmpfiles $@

EXTRA_DIST += init/systemd/afwrt.socket init/systemd/afwrt.service.in \
	init/systemd/afwrt-guard.service.in \
	init/systemd/afwrt.sysusers init/systemd/afwrt.tmpfiles
EXTRA_DIST += init/examples/afwrt-ci.conf init/examples/locations.json \
	init/procd/afwrt.config init/procd/afwrt.init \
	init/procd/afwrt-guard.init init/procd/uci-to-json \
	init/openwrt/Makefile init/openwrt/afwrt.nft \
	debian/afwrt.dirs debian/afwrt.docs debian/afwrt.examples \
	debian/afwrt.install debian/afwrt.links debian/afwrt.postrm \
	debian/afwrt.prerm debian/changelog debian/control \
	debian/copyright debian/libafwrt-client1.install \
	debian/libafwrt-client1.symbols \
	debian/libafwrt-dev.examples debian/libafwrt-dev.install \
	debian/rules debian/source/format \
	debian/tests/control debian/tests/smoke
