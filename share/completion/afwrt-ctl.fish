# SPDX-License-Identifier: ISC
# fish completion of afwrt-ctl. A service that runs is asked for a second at
# most.

# The socket that the line names.
function __afwrt_ctl_to
	set -l words (commandline -opc)
	for i in (seq 2 (math (count $words) - 1))
		if contains -- $words[$i] -s --socket
			printf '%s\n' --socket $words[(math $i + 1)]
			return
		end
	end
end

function __afwrt_ctl_values
	timeout 1 afwrt-ctl --json (__afwrt_ctl_to) $argv[1] 2>/dev/null |
		string match -ra '"'$argv[2]'":"[A-Za-z0-9._:-]*"' |
		string replace -r '.*":"(.*)"' '$1' | sort -u
end

function __afwrt_ctl_words
	set -l found
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip = 1
			set skip 0
			continue
		end
		switch $word
			case -c --config -s --socket -w --wait --token-file --password-file
				set skip 1
			case '-*'
			case '*'
				set -a found $word
		end
	end
	printf '%s\n' $found
end

# Is that verb given, with so many words after it?
function __afwrt_ctl_at
	set -l words (__afwrt_ctl_words)
	test (count $words) -eq (math $argv[2] + 1); and test "$words[1]" = $argv[1]
end

function __afwrt_ctl_verb
	set -l words (__afwrt_ctl_words)
	contains -- "$words[1]" $argv
end

function __afwrt_ctl_key
	switch (__afwrt_ctl_words)[2]
		case ip
			__afwrt_ctl_values rules ip_addr
		case mac
			__afwrt_ctl_values rules mac_addr
		case '*'
			__afwrt_ctl_values rules iface
			__afwrt_ctl_verb protect; and command ls /sys/class/net
	end
end

complete -c afwrt-ctl -f
complete -c afwrt-ctl -s c -l config -rF -d 'configuration'
complete -c afwrt-ctl -s h -l help -d 'list the verbs'
complete -c afwrt-ctl -s j -l json -d 'answer in JSON'
complete -c afwrt-ctl -s s -l socket -rF -d 'control socket'
complete -c afwrt-ctl -n '__afwrt_ctl_verb status protect up login' -s w -l wait -x -d 'until the tunnel is up'
complete -c afwrt-ctl -n '__afwrt_ctl_verb login' -l token-file -rF -d 'the token'
complete -c afwrt-ctl -n '__afwrt_ctl_verb verify-user' -l password-file -rF -d 'the password'

set -l verbs run status locations countries protect unprotect rules up down \
	login verify-user events metrics explain check-config dump-config guard \
	import support unblock requests version
complete -c afwrt-ctl -n 'not string length -q -- (__afwrt_ctl_words)' -a "$verbs"

for verb in protect unprotect
	complete -c afwrt-ctl -n "__afwrt_ctl_at $verb 0" -a 'ip mac iface'
	complete -c afwrt-ctl -n "__afwrt_ctl_at $verb 1" -a '(__afwrt_ctl_key)'
end
complete -c afwrt-ctl -n '__afwrt_ctl_at protect 2; or __afwrt_ctl_at up 0' -a '(__afwrt_ctl_values locations name)'
complete -c afwrt-ctl -n '__afwrt_ctl_at down 0' -a '(__afwrt_ctl_values status location)'
complete -c afwrt-ctl -n '__afwrt_ctl_at explain 0' -a '(__afwrt_ctl_values rules ip_addr)'
complete -c afwrt-ctl -n '__afwrt_ctl_at login 0' -a anonymous
for verb in run check-config dump-config guard import support
	complete -c afwrt-ctl -n "__afwrt_ctl_at $verb 0" -F
end
