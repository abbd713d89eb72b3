#!/bin/sh
# SPDX-License-Identifier: ISC
# The library's own tests under valgrind: valgrind.sh BUILD-FOLDER. No byte is
# lost, no descriptor, nothing undefined is used.
set -eu
build=${1:-.}
command -v valgrind >/dev/null || { echo "valgrind is missing"; exit 77; }
status=0
for test in tests/unit/check_config tests/unit/check_events \
    tests/unit/check_msg tests/ipc/check_client; do
	[ -x "$build/$test" ] || { echo "$test is not built"; exit 1; }
	echo "== $test"
	# Its processes are others' business; each test of `check` is a fork.
	(cd "$build" && CK_TIMEOUT_MULTIPLIER=10 ./libtool --mode=execute \
	    valgrind -q --error-exitcode=9 --leak-check=full \
	    --errors-for-leak-kinds=definite --child-silent-after-fork=no \
	    --trace-children=no "$test") || { echo "$test: $?"; status=1; }
done
exit $status
