#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the independent check of seals and prints where it is: ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/seals, by what it was made
# of. Its modules come from wherever this machine's Go gets them.
set -euo pipefail
cd "$(dirname "$0")/independent"
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/seals
program=$cache/independent-$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -x "$program" ]; then
	go=$(../../go.sh 1.26)
	CGO_ENABLED=0 "$go" build -trimpath -ldflags '-s -w' -o "$program.new" . >&2
	mv "$program.new" "$program"
	find "$cache" -name 'independent-*' ! -path "$program" -mtime +7 -delete
fi
touch "$program"
echo "$program"
