# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What every set-up script shares: messages, the download cache, and the rule
# that an entry appears in the cache whole or not at all: it is built in a
# directory beside its place and renamed. To be sourced.

ENPU_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ENPU_CACHE=${ENPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/enpu}

say() { printf '  %-7s %s\n' "$1" "${*:2}" >&2; }

die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null ||
			die "needs the command '$tool': run 'make deps' (as root) first"
	done
}

# cache_lock NAME: one process at a time works on this entry; held until exit
cache_lock() {
	mkdir -p "$ENPU_CACHE/lock" 2>/dev/null ||
		die "cannot write to the cache $ENPU_CACHE: set ENPU_CACHE to a directory of yours"
	exec {CACHE_LOCK_FD}>"$ENPU_CACHE/lock/${1//\//_}"
	if ! flock -n "$CACHE_LOCK_FD"; then
		say WAIT "another process prepares $1"
		flock "$CACHE_LOCK_FD"
	fi
}

# cache_tmp: a scratch directory on the cache's file system, removed at exit
cache_tmp() {
	mkdir -p "$ENPU_CACHE/tmp"
	CACHE_TMP=$(mktemp -d "$ENPU_CACHE/tmp/$(basename "$0").XXXXXX")
	trap 'rm -rf "$CACHE_TMP"' EXIT
}

# publish BUILT FINAL: the entry becomes visible under its name
publish() {
	mkdir -p "$(dirname "$2")"
	rm -rf "$2"
	mv -T "$1" "$2"
}
