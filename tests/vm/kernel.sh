#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh SERIES: gets Debian's newest cloud kernel of that series ("5.10"; "sid": the newest that Debian carries) and prints the
# directory it is in: vmlinuz, release (its name), lib/modules. Kept in ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kernels, for
# a week; an older one still serves if no newer is to be had. From the mirror that this machine's apt uses (TEST_DEBIAN_MIRROR: another),
# with an apt state of its own: the machine's sources and lists stay as they are. Debian's signatures are checked.
set -euo pipefail
series=$1
die() { echo "vm: $*" >&2; exit 125; }
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

# The mirror, as the machine's own sources name it: by its label if its lists are there, else by its path.
mirror() { # LABEL PATH
	apt-get indextargets --format '$(REPO_URI)|$(LABEL)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v label="$1" -v path="/$2/?\$" '$2 == label || $2 !~ /^Debian/ && $1 ~ path { print $1; exit }'
}
archive=${TEST_DEBIAN_MIRROR:-$(mirror Debian debian)}
security=$(mirror Debian-Security debian-security)
[ -n "$archive" ] || die "this machine's apt names no Debian mirror: say one by TEST_DEBIAN_MIRROR"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -s $keys ] || die "no $keys: install debian-archive-keyring"
for s in $suites; do
	case $s in
	*-security) [ -z "$security" ] || echo "deb [arch=amd64 signed-by=$keys] $security $s main" ;;
	*) echo "deb [arch=amd64 signed-by=$keys] $archive $s main" ;;
	esac
done >"$work/sources"
mkdir -p "$work"/{lists,archives}/partial
apt() { # TOOL ARGUMENTS...
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::sourcelist="$work/sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists" \
		-o Dir::Cache="$work" -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o APT::Sandbox::User=root -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@" 2>>"$work/err"
}
cannot() {
	usable || die "$*: $(tail -n 2 "$work/err" | tr '\n' ' ')"
	echo "vm: $* ($(tail -n 1 "$work/err")): the one of $(date -r "$here/release" +%F) serves" >&2
	echo "$here"
	exit
}
# A suite that the mirror no longer has must not cost the others.
apt apt-get update >/dev/null || true

[ "$series" = sid ] && version='[0-9][^ ]*' || version="${series//./\\.}\.[0-9][^ ]*"
release=$(apt apt-cache pkgnames linux-image- | sed -nE "s/^linux-image-($version-cloud-amd64)\$/\1/p" | grep -v '0\.deb' | sort -V | tail -n 1)
[ -n "$release" ] || cannot "no cloud kernel $series in $suites"
# Since 6.17 or so image and modules are packages of their own.
packages=$(apt apt-cache pkgnames linux- | grep -xFe "linux-image-$release" -e "linux-binary-$release" -e "linux-modules-$release")
# shellcheck disable=SC2086
(cd "$work" && apt apt-get download $packages >/dev/null) || cannot "cannot download linux-image-$release"
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
