#!/bin/sh
# SPDX-License-Identifier: ISC
# complete.sh SHELL FOLDER LINE: what the shell offers for the last word of
# the line, one a line; FOLDER has the three completions. Without that shell
# the exit status is 77. bash calls the function as readline would, fish has a
# builtin for the purpose, zsh's works in an editor on a terminal only.
set -eu
shell=$1
folder=$(cd "$2" && pwd)
line=$3
command -v "$shell" >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ask_bash()
{
	# shellcheck disable=SC2016
	bash -c '. "$1"; COMP_LINE=$2; COMP_POINT=${#2}
	    read -ra COMP_WORDS <<<"$2"
	    [[ $2 == *" " ]] && COMP_WORDS+=("")
	    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	    _afwrt_ctl afwrt-ctl "${COMP_WORDS[COMP_CWORD]}"
	    [ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' \
	    bash "$folder/afwrt-ctl.bash" "$line"
}

# Each word, and a tab and its description.
ask_fish()
{
	# shellcheck disable=SC2016
	HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_DATA_HOME=$tmp fish --no-config -c \
	    'source $argv[1]; complete -C $argv[2]' \
	    "$folder/afwrt-ctl.fish" "$line" | cut -f 1
}

# A second zsh, on a terminal: a key of it completes, and what is found goes
# into a file in place of the line.
ask_zsh()
{
	: >"$tmp/found"
	cat >"$tmp/.zshrc" <<-'RC'
	PS1=ready-
	fpath=($COMPLETIONS $fpath)
	autoload -Uz compinit && compinit -u -D
	compadd()
	{
		local -a hits
		if [[ -z ${argv[(r)-[ADO]]} ]]; then
			builtin compadd -A hits "$@"
			(( $#hits )) && print -rl -- $hits >>$ZDOTDIR/found
		fi
		builtin compadd "$@"
	}
	ask()
	{
		_main_complete
		compstate[insert]= compstate[list]=
		print -n asked-
	}
	zle -C ask complete-word ask
	bindkey '^T' ask
	RC
	# shellcheck disable=SC2016
	ZDOTDIR=$tmp COMPLETIONS=$folder TERM=dumb zsh -fc '
	    zmodload zsh/zpty
	    zpty ask zsh -id || exit 1
	    zpty -r ask got "*ready-*" &&
	    zpty -nw ask "$1"$'\''\x14'\'' && zpty -r ask got "*asked-*"
	    zpty -d ask' zsh "$line" >"$tmp/log" 2>&1 || cat "$tmp/log" >&2
	cat "$tmp/found"
}

"ask_$shell" | sort -u
