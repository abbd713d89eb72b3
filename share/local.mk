# SPDX-License-Identifier: ISC
# What --json prints, described; what shells complete.
schemadir = $(pkgdatadir)/schema
dist_schema_DATA = \
	share/schema/check-config.json \
	share/schema/countries.json \
	share/schema/down.json \
	share/schema/dump-config.json \
	share/schema/events.json \
	share/schema/explain.json \
	share/schema/guard.json \
	share/schema/import.json \
	share/schema/locations.json \
	share/schema/login.json \
	share/schema/metrics.json \
	share/schema/protect.json \
	share/schema/requests.json \
	share/schema/rules.json \
	share/schema/status.json \
	share/schema/support.json \
	share/schema/unblock.json \
	share/schema/unprotect.json \
	share/schema/up.json \
	share/schema/verify-user.json \
	share/schema/version.json

bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
fishcompdir = $(datadir)/fish/vendor_completions.d
dist_zshcomp_DATA = share/completion/_afwrt-ctl
dist_fishcomp_DATA = share/completion/afwrt-ctl.fish
EXTRA_DIST += share/completion/afwrt-ctl.bash

# under the name of the command, by which bash finds it
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(bashcompdir)"
	$(INSTALL_DATA) $(srcdir)/share/completion/afwrt-ctl.bash \
	    "$(DESTDIR)$(bashcompdir)/afwrt-ctl"
uninstall-local:
	rm -f "$(DESTDIR)$(bashcompdir)/afwrt-ctl"
