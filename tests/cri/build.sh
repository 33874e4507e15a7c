#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the CRI client and prints where it is: ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/cri, by what it was made of. Its modules
# come from wherever this machine's Go gets them.
set -euo pipefail
cd "$(dirname "$0")"
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/cri
client=$cache/cri-$(cat go.mod go.sum main.go | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -x "$client" ]; then
	go=$(../go.sh 1.26)
	CGO_ENABLED=0 "$go" build -trimpath -ldflags '-s -w' -o "$client.new" . >&2
	mv "$client.new" "$client"
	# Those of other versions of it, but for what may be in use.
	find "$cache" -name 'cri-*' ! -path "$client" -mtime +7 -delete
fi
touch "$client"
echo "$client"
