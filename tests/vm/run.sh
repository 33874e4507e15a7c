#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh KERNEL OVERLAY COMMAND: boots a Debian cloud kernel of that series ("6.1") under QEMU's software emulation, with an initramfs of
# busybox and the files of OVERLAY, runs COMMAND by sh in it, prints its output, and ends with its status; 125 if the guest did not
# get so far. Kernels are kept in ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kernels. Needs no /dev/kvm.
set -euo pipefail
series=$1 overlay=$2
shift 2
die() { echo "vm: $*" >&2; exit 125; }
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kernels
mkdir -p "$cache"
work=$(mktemp -d /tmp/varve-vm.XXXXXX)
trap 'rm -rf "$work"' EXIT

image=$(ls "$cache/$series"/vmlinuz-* 2>/dev/null | head -n 1 || true)
if [ -z "$image" ]; then
	newest() { apt-cache search --names-only "^linux-image-${series//./\\.}\.[^ ]*-cloud-amd64\$" | awk '{ print $1 }' | sort -V | tail -n 1; }
	package=$(newest)
	[ -n "$package" ] || { apt-get update -q >/dev/null 2>&1 && package=$(newest); }
	[ -n "$package" ] || die "apt knows no cloud kernel $series"
	(cd "$work" && apt-get download -q "$package" >/dev/null 2>&1) || die "cannot download $package"
	dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
	mkdir -p "$cache/$series"
	cp "$work"/kernel/boot/vmlinuz-* "$cache/$series/"
	image=$(ls "$cache/$series"/vmlinuz-* | head -n 1)
fi

root=$work/root
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,tmp,run,root,usr/bin}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do ln -s busybox "$root/bin/$applet" 2>/dev/null || true; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
cp -a "$overlay"/. "$root/"
printf '%s\n' "$*" >"$root/command"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs -o mode=1777 tmp /tmp; mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
ip link set lo up
sh /command >/tmp/output 2>&1 </dev/null
rc=$?
echo "@@BEGIN"; cat /tmp/output; echo; echo "@@END $rc"
poweroff -f
INIT
chmod 755 "$root/init"
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd"
timeout "${VM_TIMEOUT:-300}" qemu-system-x86_64 -accel tcg -machine pc -cpu max,la57=off -smp 1 -m 1G -nodefaults -no-user-config -no-reboot \
	-display none -serial stdio -monitor none -kernel "$image" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off tsc=reliable clocksource=tsc" </dev/null 2>"$work/err" | tr -d '\r' >"$work/log" || true
sed -n '/^@@BEGIN$/,/^@@END /{/^@@/!p}' "$work/log"
rc=$(sed -n 's/^@@END \([0-9]*\)$/\1/p' "$work/log" | tail -n 1)
[ -n "$rc" ] || { tail -n 10 "$work/log" "$work/err" >&2; die "the guest did not finish"; }
exit "$rc"
