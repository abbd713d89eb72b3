# SPDX-License-Identifier: ISC
man_functions = man/afwrt_get_fd.3 man/afwrt_get_locations.3 \
	man/afwrt_explain.3 man/afwrt_get_status.3 man/afwrt_init.3 man/afwrt_last_error.3 \
	man/afwrt_protect_ip_addr.3 man/afwrt_register_device.3 \
	man/afwrt_set_log_callback.3 man/afwrt_setup_tunnel.3 \
	man/afwrt_start.3 man/afwrt_verify_user.3 man/afwrt_version.3
dist_man_MANS += $(man_functions) man/afwrt.3 man/afwrt.conf.5 \
	man/afwrt-locations.5 man/afwrt.7 man/afwrt-tutorial.7 \
	man/afwrt-auth.8 man/afwrt-ctl.8 man/afwrt-net.8 man/afwrt-tun.8 \
	man/afwrtd.8

# A page with more than one name in its NAME has a link for each other one.
man_others = sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([a-z_]*\).*/\1/p' \
	$(srcdir)/$$page | tail -n +2
install-data-hook: install-man-links
install-man-links:
	@for page in $(man_functions); do \
		for name in `$(man_others)`; do \
			rm -f "$(DESTDIR)$(man3dir)/$$name.3" && \
			$(LN_S) "$${page##*/}" \
			    "$(DESTDIR)$(man3dir)/$$name.3" || exit 1; \
		done; \
	done
uninstall-hook: uninstall-man-links
uninstall-man-links:
	@for page in $(man_functions); do \
		for name in `$(man_others)`; do \
			rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
		done; \
	done
.PHONY: install-man-links uninstall-man-links
