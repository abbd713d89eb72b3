# SPDX-License-Identifier: ISC
dist_man_MANS += man/afwrt.3 man/afwrt.conf.5 man/afwrt.7 \
	man/afwrt-auth.8 man/afwrt-ctl.8 man/afwrt-net.8 man/afwrt-tun.8 \
	man/afwrtd.8
