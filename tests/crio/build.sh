#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds CRI-O from its Go module, which brings its own go.sum, and its pinns, which is C, once, and prints the directory they are in:
# ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/crio-HASH, by what it is made of. Without cgo: no seccomp, AppArmor, SELinux.
set -euo pipefail
cd "$(dirname "$0")"
MODULE=github.com/cri-o/cri-o VERSION=v1.34.0 SUM=h1:ux2URwAyENy5e5hD9Z95tshdfy98eqatZk0fxx3rhuk=
hash=$(sha256sum <build.sh | cut -c1-16)
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}
dir=$cache/crio-$hash
mkdir -p "$cache"
exec 9>"$cache/crio.lock"
flock 9
if [ ! -x "$dir/crio" ]; then
	work=$(mktemp -d "$cache/crio.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	die() { tail -n 5 "$work/log" >&2; echo "crio: $1" >&2; exit 1; }
	go=$(../go.sh 1.26) || exit 1
	export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-buildvcs=false
	(cd "$work" && "$go" mod download -json $MODULE@$VERSION) >"$work/module" 2>"$work/log" || die "no module $MODULE $VERSION"
	grep -qF "\"Sum\": \"$SUM\"" "$work/module" || die "the module $MODULE $VERSION is not the one we know"
	source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' "$work/module")
	mkdir "$work/bin"
	(cd "$source" && "$go" build -mod=readonly -trimpath -ldflags '-s -w' -o "$work/bin/crio" \
		-tags 'containers_image_openpgp containers_image_ostree_stub exclude_graphdriver_btrfs' ./cmd/crio) >"$work/log" 2>&1 || die "it could not be built"
	gcc -std=c99 -O2 -s -static -o "$work/bin/pinns" "$source"/pinns/src/*.c >"$work/log" 2>&1 || die "pinns could not be built"
	mv -T "$work/bin" "$dir"
	# Those of other versions of this file, but for what may be in use.
	find "$cache" -maxdepth 1 -name 'crio-*' ! -path "$dir" -mtime +7 -exec rm -rf {} +
fi
touch "$dir"
echo "$dir"
