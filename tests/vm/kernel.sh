#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh SERIES: gets Debian's newest cloud kernel of that series ("5.10"; "sid": the newest that Debian carries) and prints the
# directory it is in: vmlinuz, release (its name), lib/modules. Kept in ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kernels, for
# a week; an older one still serves if no newer is to be had.
set -euo pipefail
series=$1
. "$(dirname "$0")/debian.bash"
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kernels
here=$cache/$series
mkdir -p "$cache"
exec 9>"$cache/$series.lock"
flock 9
usable() { [ -s "$here/vmlinuz" ] && [ -s "$here/release" ]; }
if usable && [ -n "$(find "$here/release" -mtime -7)" ]; then
	echo "$here"
	exit
fi
work=$(mktemp -d "$cache/get.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Which suites carry a series; the security archive's have a name of their own.
case $series in
5.10) suites="bullseye bullseye-security" ;;
6.1) suites="bookworm bookworm-security" ;;
6.12) suites="bookworm-backports trixie trixie-security" ;;
sid) suites=sid ;;
*) suites="bullseye bookworm bookworm-backports trixie trixie-backports sid" ;;
esac

# shellcheck disable=SC2086
debian_sources $suites
cannot() {
	usable || die "$*: $(tail -n 2 "$work/err" | tr '\n' ' ')"
	echo "vm: $* ($(tail -n 1 "$work/err")): the one of $(date -r "$here/release" +%F) serves" >&2
	echo "$here"
	exit
}
[ "$series" = sid ] && version='[0-9][^ ]*' || version="${series//./\\.}\.[0-9][^ ]*"
release=$(debian apt-cache pkgnames linux-image- | sed -nE "s/^linux-image-($version-cloud-amd64)\$/\1/p" | grep -v '0\.deb' | sort -V | tail -n 1)
[ -n "$release" ] || cannot "no cloud kernel $series in $suites"
# Since 6.17 or so image and modules are packages of their own.
packages=$(debian apt-cache pkgnames linux- | grep -xFe "linux-image-$release" -e "linux-binary-$release" -e "linux-modules-$release")
# shellcheck disable=SC2086
(cd "$work" && debian apt-get download $packages >/dev/null) || cannot "cannot download linux-image-$release"
for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
mkdir -p "$work/new/lib"
cp "$(find "$work/root" -name "vmlinuz*" -type f | head -n 1)" "$work/new/vmlinuz" || cannot "no image in $packages"
mv "$(find "$work/root" -path "*/lib/modules" -type d | head -n 1)" "$work/new/lib/modules"
rm -f "$work/new/lib/modules/$release/vmlinuz"
busybox depmod -b "$work/new" "$release"
echo "$release" >"$work/new/release"
rm -rf "$here"
mv "$work/new" "$here"
echo "$here"
