# SPDX-License-Identifier: ISC
# Run by pytest (./dev check packaging), not in make check.
EXTRA_DIST += tests/packaging/boot.py tests/packaging/conftest.py \
	tests/packaging/debs.py \
	tests/packaging/functions.sh tests/packaging/installed.py \
	tests/packaging/root.py tests/packaging/test_boot.py \
	tests/packaging/test_debian.py \
	tests/packaging/test_openwrt_makefile.py \
	tests/packaging/openwrt/rules.mk \
	tests/packaging/openwrt/include/package.mk \
	tests/packaging/test_uci.py tests/packaging/test_units.py
