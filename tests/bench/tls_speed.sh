#!/bin/sh
# SPDX-License-Identifier: ISC
# lib/tls against openssl s_server on loopback, a cipher suite a line.
# usage: tls_speed.sh TLS-SPEED-PROGRAM [MB]
set -eu
prog=$(readlink -f "$1") mb=${2:-200} pid=
dir=$(mktemp -d)
cd "$dir"
trap '[ -z "$pid" ] || kill $pid; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem \
    -subj /CN=bench -days 2 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
head -c "$((mb * 1000000))" /dev/zero >file
mkfifo input # s_server ends with its own
exec 9<>input
port=$((20000 + $$ % 10000))
for suite in ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 \
    ECDHE-RSA-CHACHA20-POLY1305; do
	for mode in -quiet -HTTP; do
		port=$((port + 1))
		: >log
		openssl s_server -accept "127.0.0.1:$port" -cert ca.pem \
		    -key key.pem -cipher "$suite" -tls1_2 $mode \
		    <input >/dev/null 2>log &
		pid=$!
		i=0
		until grep -q ":$(printf %04X "$port") .* 0A " /proc/net/tcp; do
			i=$((i + 1))
			[ $i -lt 100 ] || { cat log; exit 1; }
			sleep 0.05
		done
		printf '%s ' "$suite"
		if [ $mode = -quiet ]; then
			timeout 60 "$prog" "$port" ca.pem "$mb"
		else
			timeout 60 "$prog" "$port" ca.pem file
		fi
		kill $pid
		wait $pid 2>/dev/null || :
		pid=
	done
done
