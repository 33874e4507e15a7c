#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SERIES OVERLAY COMMAND: boots the cloud kernel that kernel.sh gets for SERIES under QEMU's software emulation, with busybox and the
# files of OVERLAY as its root, runs COMMAND by sh in it, prints its output as it comes, and ends with its status; 125 if the guest did
# not get so far. Needs neither /dev/kvm nor root.
# With VM_DISK, an image of ext4, that is the guest's root (and writable) instead: its /sbin/init is booted, of whose doing it is to run
# /run-command when it is up; OVERLAY must have been put into the image.
# Environment: VM_MODULES ("overlay veth": loaded before, with what they depend on; one that the kernel has built in or lacks is passed
# over), VM_CGROUP ("v1": pids, memory and the other controllers each in a hierarchy of its own; else v2 alone), VM_SPARE_MODULE ("dummy": one that needs no other; not loaded, but there as /NAME.ko), VM_TIMEOUT (seconds, 300), VM_MEMORY (1536M), VM_APPEND (kernel arguments), VM_LOG (keep the whole console there),
# VM_COUNT (1: the processor's clocks count instructions, one a nanosecond, and one boot is like another).
set -euo pipefail
series=$1 overlay=$2
shift 2
die() { echo "vm: $*" >&2; exit 125; }
kernel=$("$(dirname "$0")/kernel.sh" "$series") || exit 125
release=$(cat "$kernel/release")
work=$(mktemp -d /tmp/varve-vm.XXXXXX)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,tmp,run,root,usr/bin,var,mnt,new,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do ln -s busybox "$root/bin/$applet" 2>/dev/null || true; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
[ -n "${VM_DISK:-}" ] || cp -a "$overlay"/. "$root/"
printf '%s\n' "$*" >"$root/command"

# --- modules, in the order in which they have to be loaded
loaded=()
module_path() { sed -nE "s#^([^:]*/$1\.ko[^:]*):.*#\1#p" "$kernel/lib/modules/$release/modules.dep" | head -n 1; }
module_copy() { # a path of modules.dep, to
	case $1 in
	*.xz) busybox unxz -c "$kernel/lib/modules/$release/$1" >"$2" ;;
	*) cp "$kernel/lib/modules/$release/$1" "$2" ;;
	esac
}
module_add() { # a path of modules.dep
	local file=$1 name dep
	name=$(basename "$file")
	[[ " ${loaded[*]} " != *" $name "* ]] || return 0
	for dep in $(sed -n "s|^$file: *||p" "$kernel/lib/modules/$release/modules.dep"); do module_add "$dep"; done
	loaded+=("$name")
	module_copy "$file" "$root/modules/$(printf '%02d-%s' ${#loaded[@]} "${name%%.*}.ko")"
}
for m in ${VM_DISK:+virtio_pci virtio_blk ext4} ${VM_MODULES:-}; do
	file=$(module_path "$m")
	[ -z "$file" ] || module_add "$file"
done
if [ -n "${VM_SPARE_MODULE:-}" ]; then
	file=$(module_path "$VM_SPARE_MODULE")
	[ -z "$file" ] || module_copy "$file" "$root/$VM_SPARE_MODULE.ko"
fi

# The first root is the kernel's own, which nobody can pivot away from: what runs, runs in a tmpfs of its own, as on any machine.
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
mount -t tmpfs -o size=80%,mode=755 root /new
for f in /*; do [ "$f" = /new ] || cp -a "$f" /new/; done
mv /new/stage2 /new/init
exec switch_root /new /init
INIT
# Another's init mounts what it needs.
[ -z "${VM_DISK:-}" ] || cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs dev /dev
for m in /modules/*.ko; do insmod "$m" || echo "cannot load $m"; done >/dev/console 2>&1
until mount -t ext4 /dev/vda /new; do sleep 0.1; done
cp /run-command /command /new/
mount --move /dev /new/dev
exec switch_root /new /sbin/init
INIT
cat >"$root/stage2" <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/bin HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts -o ptmxmode=666 pts /dev/pts; mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=1777,size=60% tmp /tmp; mount -t tmpfs run /run
if grep -qw vm_cgroup=v1 /proc/cmdline; then
	mount -t tmpfs cgroup /sys/fs/cgroup
	for c in pids memory cpu,cpuacct freezer devices; do mkdir "/sys/fs/cgroup/$c" && mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c"; done
else
	mount -t cgroup2 cgroup /sys/fs/cgroup
fi
for m in /modules/*.ko; do [ ! -e "$m" ] || insmod "$m" || echo "cannot load $m"; done >/dev/console 2>&1
for fs in bpf:/sys/fs/bpf tracefs:/sys/kernel/tracing securityfs:/sys/kernel/security; do
	mount -t ${fs%%:*} ${fs%%:*} ${fs#*:}
done 2>/dev/null
ip link set lo up; hostname vm; ulimit -l unlimited
sh /run-command
sleep 0.2
poweroff -f
INIT
cat >"$root/run-command" <<'INIT'
cut -d' ' -f1 /proc/uptime | sed 's/^/@@BOOTED /' >/dev/console
echo "@@BEGIN" >/dev/console
sh /command >/dev/console 2>&1 </dev/null
printf '\n@@END %d\n' $? >/dev/console
INIT
chmod 755 "$root/init" "$root/stage2"
machine=(-accel tcg -cpu "${VM_CPU:-max,la57=off}") clock="clocksource=hpet"
if [ -n "${VM_COUNT:-}" ]; then
	# What differs from boot to boot is pinned: addresses, seeds, times. Of string instructions the emulator counts each step: without
	# erms and fsrm the kernel uses them for less.
	machine=(-accel tcg,thread=single -icount shift=0,sleep=off -seed 1 -rtc base=2025-01-01T00:00:00,clock=vm
		-cpu max,la57=off,erms=off,fsrm=off)
	clock="clocksource=tsc nokaslr norandmaps randomize_kstack_offset=off nowatchdog"
	find "$root" -exec touch -h -d @0 {} +
fi
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --reproducible --quiet) >"$work/initrd"

# Not the TSC: on a busy host the guest measures its rate wrongly, and its clock then runs several times as fast.
log=${VM_LOG:-$work/log}
timeout --foreground "${VM_TIMEOUT:-300}" qemu-system-x86_64 "${machine[@]}" -machine pc -smp 1 -m "${VM_MEMORY:-1536M}" -nodefaults \
	-no-user-config -no-reboot -display none -serial stdio -monitor none -kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
	${VM_DISK:+-drive "file=$VM_DISK,format=raw,if=none,id=root" -device virtio-blk-pci,drive=root} \
	-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off tsc=reliable $clock ${VM_CGROUP:+vm_cgroup=$VM_CGROUP} ${VM_APPEND:-}" \
	</dev/null 2>"$work/err" | sed -u 's/\r$//' | tee "$log" | sed -un '/^@@BEGIN$/,/^@@END /{/^@@/!p}' || true
rc=$(sed -n 's/^@@END \([0-9]*\)$/\1/p' "$log" | tail -n 1)
[ -n "$rc" ] || { tail -n 10 "$log" "$work/err" >&2; die "the guest did not finish"; }
exit "$rc"
