#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# root.sh: makes a root file system whose first process is Debian 12's systemd, with dbus, containerd and runc, of Debian's packages, unpacked
# and not installed (no script of theirs runs), and busybox for the rest; prints the directory it is in. Kept beside the kernels, for a
# week; an older one still serves if no newer is to be had.
set -euo pipefail
. "$(dirname "$0")/debian.bash"
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/roots
here=$cache/$(cat "$0" | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ -n "$(find "$here.made" -mtime -7 2>/dev/null)" ]; then
	echo "$here"
	exit
fi
work=$(mktemp -d "$cache/get.XXXXXX")
trap 'rm -rf "$work"' EXIT

cannot() {
	[ -e "$here.made" ] || die "$*: $(tail -n 2 "$work/err" | tr '\n' ' ')"
	echo "vm: $*: the root of $(date -r "$here.made" +%F) serves" >&2
	echo "$here"
	exit
}
debian_sources bookworm bookworm-security
# With nothing installed, apt tells all that these need. Perl is for their scripts alone.
: >"$work/status"
packages=$(debian apt-get -o Dir::State::status="$work/status" -s --no-install-recommends install systemd systemd-sysv dbus runc containerd |
	sed -nE 's/^Inst ([^ ]+) .*/\1/p' | grep -vE 'perl|^usrmerge$')
[ -n "$packages" ] || cannot "no systemd in Debian 12"
# shellcheck disable=SC2086
(cd "$work" && debian apt-get download $packages >/dev/null) || cannot "cannot download systemd and what it needs"

root=$work/root
mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},etc,proc,sys,dev,tmp,run,root,var/{lib,log},mnt}
for d in bin sbin lib lib64; do ln -s usr/$d "$root/$d"; done
for deb in "$work"/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink; done
rm -rf "$root"/usr/share/{doc,man,locale,i18n}
cp "$(command -v busybox)" "$root/usr/bin/busybox"
for applet in $(busybox --list); do
	[ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
done
/sbin/ldconfig -r "$root"

# What the packages' scripts would have done.
cat >"$root/etc/passwd" <<'P'
root:x:0:0:root:/root:/bin/sh
messagebus:x:100:100::/:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
P
sed -E 's/^([^:]*:x:)[0-9]*:([0-9]*):.*/\1\2:/' "$root/etc/passwd" >"$root/etc/group"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
echo vm >"$root/etc/hostname"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
ln -s ../../../lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# Absolute links would lead whoever copies something over them to this machine's files.
find "$root" -type l -lname '/*' | while read -r link; do ln -snfr "$root$(readlink "$link")" "$link"; done
# Nobody logs in, and nothing is looked up.
for unit in getty.target systemd-logind.service systemd-udev-trigger.service systemd-udevd.service systemd-networkd.service \
	systemd-timesyncd.service systemd-random-seed.service systemd-update-utmp.service systemd-binfmt.service dev-hugepages.mount \
	systemd-pstore.service e2scrub_reap.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# It ends rather than waits for somebody.
for unit in rescue emergency; do
	printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/systemctl poweroff -ff\n' >"$root/etc/systemd/system/$unit.service"
done
rm -rf "$cache"/*.made "$here"
find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$work" -exec rm -rf {} +
mv "$root" "$here"
touch "$here.made"
echo "$here"
