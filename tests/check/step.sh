#!/bin/bash
# SPDX-License-Identifier: ISC
# One step of ./dev check; its output is the step's log.  A step that counts
# its own tests writes them with `count`; a skip is said with `skip`.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. tests/check/common.sh

name=$1
top=$PWD
out=$top/build/check

note()
{
	echo "$*" | tee -a "$out/$name.notes"
}

count()
{
	echo "$1 $2 $3" >"$out/$name.count"
}

skip()
{
	note "SKIPPED: $*"
	count 0 0 1
	exit 0
}

need_source()
{
	[ -f configure.ac ] || { note "there is no configure.ac"; exit 1; }
}

# totals automake DIR | totals junit FILE|DIR: counts, and notes for the rest
totals()
{
	"$PYTHON" -B tests/check/totals.py "$@" >"$out/$name.totals" || exit 1
	tail -n +2 "$out/$name.totals" | tee -a "$out/$name.notes"
	head -n 1 "$out/$name.totals" >"$out/$name.count"
}

gcc_build()
{
	build_stage "$out/gcc" "$out/gcc-stage" CC=gcc --enable-werror
}

sanitizer_build()
{
	build_stage "$out/sanitize" "$out/sanitize-stage" --enable-sanitizers
}

make_check()
{
	local dir=$1 status
	find "$dir" -name '*.trs' -delete
	make -C "$dir" -k -j2 check
	status=$?
	totals automake "$dir"
	return $status
}

# Three laboratories at a time: they mostly wait.
netns_tests()
{
	local status
	AFWRT_STAGE=$1 AFWRT_BUILD=${1%-stage} "$PYTHON" -B \
	    tests/check/parallel.py 3 "$out/$name" tests/fake tests/netns
	status=$?
	totals junit "$out/$name"
	return $status
}

step_gcc()
{
	need_source
	gcc_build
}

step_unit()
{
	need_source
	gcc_build && make_check "$out/gcc"
}

# Each statement of the document has its test, and README says so.
step_conformance()
{
	"$PYTHON" -B tests/conformance/check_table.py | tee "$out/$name.table"
	[ "${PIPESTATUS[0]}" -eq 0 ] || exit 1
	grep PENDING "$out/$name.table" >>"$out/$name.notes" || :
}

# The library's tests once more, each byte watched.
step_valgrind()
{
	need_source
	command -v valgrind >/dev/null || skip "valgrind is not installed"
	gcc_build && make -C "$out/gcc" -j2 check TESTS= &&
	    tests/conformance/valgrind.sh "$out/gcc"
}

step_netns()
{
	[ ! -f configure.ac ] || gcc_build || exit 1
	netns_tests "$out/gcc-stage"
}

# As a package: units, Debian's packages installed and booted, OpenWrt's.
step_packaging()
{
	local status
	need_source
	gcc_build || exit 1
	AFWRT_STAGE=$out/gcc-stage "$PYTHON" -B -m pytest \
	    -p no:cacheprovider -v -rs --junitxml="$out/$name.xml" \
	    --durations=10 tests/packaging
	status=$?
	totals junit "$out/$name.xml"
	return $status
}

# On a kernel with WireGuard and netem, older than most developers have.
step_qemu()
{
	local status
	need_source
	gcc_build && make -C "$out/gcc" -j2 check TESTS= || exit 1
	AFWRT_BUILD=$out/gcc AFWRT_STAGE=$out/gcc-stage "$PYTHON" -B \
	    -m pytest -p no:cacheprovider -v -rsx \
	    --junitxml="$out/$name.xml" --durations=10 tests/qemu
	status=$?
	totals junit "$out/$name.xml"
	return $status
}

step_clang()
{
	need_source
	bootstrap_tree && configure_tree "$out/clang" "$out/clang-stage" \
	    CC=clang --enable-werror && make -C "$out/clang" -j2 &&
	    make -C "$out/clang" -j2 check TESTS=
}

step_sanitize-unit()
{
	need_source
	sanitizer_build && make_check "$out/sanitize"
}

step_sanitize-netns()
{
	need_source
	sanitizer_build && netns_tests "$out/sanitize-stage"
}

# The lines changed since the main branch; on it, since the last commit.
format_base()
{
	local branch base head
	head=$(git rev-parse HEAD) || return 1
	for branch in ${AFWRT_FORMAT_BASE:-} origin/HEAD origin/main main \
	    origin/master master; do
		base=$(git merge-base HEAD "$branch" 2>/dev/null) || continue
		[ "$base" = "$head" ] || { echo "$base"; return; }
	done
	git rev-parse --verify -q HEAD^
}

step_format()
{
	local base diff
	command -v git-clang-format >/dev/null ||
	    skip "git-clang-format is not installed"
	base=$(format_base) || skip "no commit to compare with"
	# The exit status tells of a diff in some versions only.
	diff=$(git clang-format --diff --extensions c,h "$base")
	case $?:$diff in
	*:"diff --git"*) ;;
	0:*) return 0 ;;
	*) echo "$diff"; return 1 ;;
	esac
	echo "$diff"
	note "changed lines that clang-format would write otherwise:" \
	    "$(echo "$diff" | grep -c '^@@') places since $base"
	return 1
}

step_man()
{
	local pages
	pages=$(find man -name '*.[1-8]' 2>/dev/null | sort)
	[ -n "$pages" ] || skip "there are no pages in man/"
	mandoc -Tlint -Wwarning $pages && "$PYTHON" -B tests/check/manual.py
}

# What the library exports is what its map says, no more and no less.
step_symbols()
{
	local map library
	need_source
	gcc_build || exit 1
	map=$(find lib -name '*.map' -o -name '*.sym' | head -n 1)
	[ -n "$map" ] || { note "no symbol map below lib/"; exit 1; }
	library=$out/gcc-stage/lib/libafwrt-client.so.1
	[ -e "$library" ] || { note "no $library"; exit 1; }
	sed 's/#.*//; s,/\*.*\*/,,' "$map" | tr -s ' \t;{}' '\n' |
	    grep -E '^[a-z_]\w+$' | grep -vxE 'global|local' | sort -u \
	    >"$out/symbols.map"
	nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
	    sed 's/@.*//' | sort -u >"$out/symbols.library"
	diff -u "$out/symbols.map" "$out/symbols.library" || {
		note "$map and the library differ:" \
		    "$(diff "$out/symbols.map" "$out/symbols.library" |
		    grep -c '^[<>]') symbols"
		exit 1
	}
	echo "$(wc -l <"$out/symbols.map") symbols, all as in $map"
	[ -s "$out/symbols.map" ]
}

# The release by itself: built, installed, removed; complete, and its demo
# works. Of the tests those that look at that; the others have run in `unit`,
# with the same code.
step_distcheck()
{
	need_source
	gcc_build && make -C "$out/gcc" -j2 distcheck TESTS="\
	    tests/unit/symbols.sh tests/unit/header.sh \
	    tests/unit/check_config tests/unit/check_events \
	    tests/unit/check_cstp tests/unit/check_nat tests/unit/check_msg \
	    tests/install/tenlines.sh tests/conformance/abi.sh \
	    tests/ipc/check_wire tests/ipc/check_client" ||
	    exit 1
	AFWRT_STAGE=$out/gcc-stage "$PYTHON" -B tests/check/tarball.py \
	    "$out"/gcc/afwrt-*.tar.xz
}

"step_$name"
