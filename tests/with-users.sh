#!/bin/sh
# SPDX-License-Identifier: ISC
# Runs a test program (make check's LOG_COMPILER). As root it gets a mount
# namespace of its own, in which the daemons' users exist and /run is empty:
# the system needs no such accounts for the tests, and nothing is left on it.
# It runs as it is where that cannot be.
set -u
if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
	exec "$@"
fi
# shellcheck disable=SC2016
exec unshare -m --propagation private sh -euc '
	mount -t tmpfs -o mode=755 afwrt-test /run
	for kind in passwd group; do
		cp /etc/$kind /run/$kind
		id=61180
		for user in _afwrt-net _afwrt-tun _afwrt-auth _afwrt _afwrtd; do
			grep -q "^$user:" /run/$kind || case $kind in
			passwd) echo "$user:x:$id:$id::/nonexistent:/bin/false" ;;
			group) echo "$user:x:$id:" ;;
			esac >>/run/$kind
			id=$((id + 1))
		done
		mount --bind /run/$kind /etc/$kind
	done
	mkdir -p -m 755 /run/afwrt/empty
	exec "$@"' sh "$@"
