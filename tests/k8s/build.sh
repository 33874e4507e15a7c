#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds Kubernetes (main.go) from its Go modules, once, and prints the program's path. Kept in
# ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kube-HASH, by what it is made of. Some 400 s of one CPU, 2.5 GB of memory to link.
set -euo pipefail
cd "$(dirname "$0")"
VERSION=1.36.3
hash=$(cat build.sh go.mod go.sum main.go | sha256sum | cut -c1-16)
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}
dir=$cache/kube-$hash
mkdir -p "$cache"
exec 9>"$cache/kube.lock"
flock 9
if [ ! -x "$dir/kube" ]; then
	work=$(mktemp -d "$cache/kube.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	set_version=
	for v in component-base/version.gitVersion=v$VERSION component-base/version.gitMajor=${VERSION%%.*} \
		component-base/version.gitMinor="$(cut -d. -f2 <<<$VERSION)" client-go/pkg/version.gitVersion=v$VERSION; do
		set_version="$set_version -X k8s.io/$v"
	done
	go=$(../go.sh 1.26) || exit 1
	CGO_ENABLED=0 GOTOOLCHAIN=local "$go" build -mod=readonly -trimpath -ldflags "-s -w$set_version" -o "$work/kube" . >"$work/log" 2>&1 ||
		{ grep -v '^go: downloading' "$work/log" | tail -n 5 >&2; echo "k8s: Kubernetes could not be built" >&2; exit 1; }
	rm "$work/log"
	chmod 755 "$work"
	mv -T "$work" "$dir"
	trap - EXIT
	# Those of other versions of this directory, but for what may be in use.
	find "$cache" -maxdepth 1 -name 'kube-*' ! -path "$dir" -mtime +7 -exec rm -rf {} +
fi
touch "$dir"
echo "$dir/kube"
