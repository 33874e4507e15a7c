#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# go_program.sh NAME DIR: builds the Go program in DIR (go.mod, go.sum, main.go) and prints where it is:
# ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/NAME, by what it was made of. Its modules come from wherever this machine's Go gets them.
set -euo pipefail
name=$1
go_sh=$(cd "$(dirname "$0")" && pwd)/go.sh
cd "$2"
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/$name
program=$cache/$name-$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -x "$program" ]; then
	go=$("$go_sh" 1.26)
	CGO_ENABLED=0 "$go" build -trimpath -ldflags '-s -w' -o "$program.new" . >&2
	mv "$program.new" "$program"
	# Those of other versions of it, but for what may be in use.
	find "$cache" -name "$name-*" ! -path "$program" -mtime +7 -delete
fi
touch "$program"
echo "$program"
