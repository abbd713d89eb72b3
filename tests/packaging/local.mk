# SPDX-License-Identifier: ISC
# Run by pytest (./dev check packaging), not in make check.
EXTRA_DIST += tests/packaging/boot.py tests/packaging/conftest.py \
	tests/packaging/debs.py tests/packaging/installed.py \
	tests/packaging/openwrt/root/functions.sh \
	tests/packaging/openwrt/root/procd.sh \
	tests/packaging/openwrt/root/rc.common \
	tests/packaging/openwrt/sdk/include/package.mk \
	tests/packaging/openwrt/sdk/rules.mk \
	tests/packaging/root.py tests/packaging/sdk.py \
	tests/packaging/test_boot.py tests/packaging/test_debian.py \
	tests/packaging/test_openwrt.py \
	tests/packaging/test_openwrt_router.py \
	tests/packaging/test_uci.py tests/packaging/test_units.py
