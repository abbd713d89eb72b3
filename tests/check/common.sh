# SPDX-License-Identifier: ISC
# Sourced by dev and the checks, from the top of the tree: packages, builds.

STEPS="gcc unit conformance netns packaging valgrind qemu clang \
sanitize-unit sanitize-netns format man symbols distcheck"

DEMO_PACKAGES="autoconf automake libtool pkg-config gcc make libevent-dev \
libjansson-dev libmbedtls-dev libmnl-dev libnftnl-dev libcap-ng-dev \
libexpat1-dev libssl-dev ocserv openconnect nftables iperf3 tcpdump \
conntrack python3 gnutls-bin openssl iproute2 ethtool iputils-ping curl \
wireguard-go wireguard-tools"
CHECK_PACKAGES="check python3-pytest mandoc clang \
clang-format git valgrind libclang-rt-14-dev qemu-system-x86 busybox-static \
dpkg-dev debhelper lintian mmdebstrap fakeroot e2fsprogs strace zsh \
fish musl-tools"

# Debian's Python, which has Debian's pytest.
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3

need_root()
{
	if [ "$(id -u)" -ne 0 ]; then
		echo "dev: this makes network namespaces: run it as root" >&2
		exit 1
	fi
}

# Install what is missing, and say so.
install_packages()
{
	local package missing=

	if ! command -v dpkg-query >/dev/null; then
		echo "dev: not a Debian system; needed here: $*"
		return 0
	fi
	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
		    grep -qx installed || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "dev: installing$missing"
	{
		apt-get update -q &&
		    DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
			--no-install-recommends $missing
	} >build/apt.log 2>&1 </dev/null && return 0
	tail -n 15 build/apt.log
	echo "dev: packages could not be installed:$missing"
	return 1
}

# configure from configure.ac, if that is needed.
bootstrap_tree()
{
	if [ -x configure ] && [ -z "$(find configure.ac m4 \
	    -newer configure -type f -print -quit 2>/dev/null)" ]; then
		return 0
	fi
	./bootstrap
}

# configure_tree DIR PREFIX [ARGUMENT...]: out of the tree, once.
configure_tree()
{
	local dir=$1 prefix=$2
	shift 2
	if [ -f "$dir/Makefile" ] && [ "$dir/Makefile" -nt configure ]; then
		return 0
	fi
	mkdir -p "$dir" && (cd "$dir" && "$OLDPWD/configure" \
	    --prefix="$prefix" "$@")
}

# build_stage DIR PREFIX [ARGUMENT...]: configure, make, make install.
build_stage()
{
	bootstrap_tree && configure_tree "$@" &&
	    make -C "$1" -j2 && make -C "$1" install
}

# The demo's build: quiet, and nothing at all when nothing changed.
quick_build()
{
	local stamp=build/stage/.built log=build/build.log started=$SECONDS

	if [ -f $stamp ] && [ -z "$(find . -path ./build -prune -o \
	    -path ./.git -prune -o -path ./tests -prune -o \
	    -name autom4te.cache -prune -o -newer $stamp \
	    -type f -print -quit)" ]; then
		return 0
	fi
	if [ ! -f configure.ac ]; then
		echo "dev: there is no configure.ac here"
		return 1
	fi
	echo "dev: building (the log is $log)"
	if ! build_stage build/dev "$PWD/build/stage" >$log 2>&1 </dev/null
	then
		tail -n 30 $log
		echo "dev: the build failed, see $log"
		return 1
	fi
	touch $stamp
	echo "dev: built in $((SECONDS - started)) s"
}
