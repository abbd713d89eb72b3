#!/bin/sh
# SPDX-License-Identifier: ISC
# The packet path between namespaces of its own: lan -- router =TUN= node.
# usage: path_wire.sh PATH-WIRE-PROGRAM [MTU [plain]] -- COMMAND
# The command runs in the lan namespace; a server for it: $NODE_EXEC.
set -eu
prog=$1 mtu=1400 plain=
shift
[ "$1" = -- ] || { mtu=$1; shift; }
[ "$1" = -- ] || { plain=$1; shift; }
shift
id=afpath$$
lan=$id-lan rtr=$id-rtr node=$id-node
NODE_EXEC="ip netns exec $node"
export NODE_EXEC lan rtr node
tmp=$(mktemp -d)
pid=
cleanup() {
	exec 9>&- || :
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || :
	[ ! -s "$tmp/out" ] || cat "$tmp/out"
	for n in $lan $rtr $node; do ip netns del "$n" 2>/dev/null || :; done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
for n in $lan $rtr $node; do
	ip netns add "$n"
	ip -n "$n" link set lo up
done
ip -n $lan link add eth0 type veth peer name lan0 netns $rtr
for d in eth0:$lan lan0:$rtr; do
	ip -n "${d#*:}" link set "${d%:*}" up
done
ip -n $lan addr add 192.168.77.2/24 dev eth0
ip -n $lan addr add fd77::2/64 dev eth0 nodad
ip -n $lan route add default via 192.168.77.1
ip -n $lan route add default via fd77::1
ip -n $rtr addr add 192.168.77.1/24 dev lan0
ip -n $rtr addr add fd77::1/64 dev lan0 nodad
ip netns exec $rtr sysctl -qw net.ipv4.ip_forward=1 \
    net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
mkfifo "$tmp/in"
"$prog" /run/netns/$rtr /run/netns/$node 10.8.77.2 fd88::2 "$mtu" $plain \
    <"$tmp/in" >"$tmp/out" 2>&1 &
pid=$!
exec 9>"$tmp/in"
i=0
until grep -q ready "$tmp/out"; do
	i=$((i + 1))
	[ $i -lt 50 ] && kill -0 $pid || { echo "path_wire did not start"; exit 1; }
	sleep 0.1
done
ip -n $rtr link set wire0 up mtu 1500
ip -n $rtr addr add 10.99.77.1/24 dev wire0
ip -n $rtr route add default dev wire0
ip -n $rtr -6 route add default dev wire0
ip -n $node link set wire1 up mtu "$mtu"
ip -n $node addr add 10.8.77.1/24 dev wire1
ip -n $node addr add fd88::1/64 dev wire1 nodad
ip netns exec $lan "$@"
