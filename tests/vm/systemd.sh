#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# systemd.sh [unified] [hybrid] [legacy]: a virtual machine whose first process is a real systemd, with cgroup v2 alone, beside v1, or v1
# alone (all, if not said). containerd and runc use their systemd drivers in it: their containers are scopes of that systemd. The sensor, a unit there, has to
# say of each record whose it is; what it recorded is judged here, on the host, by whose.py against what was asked for in the guest.
# Environment: VM_SYSTEMD_KERNEL (6.1), VM_TIMEOUT (1200: seconds for one machine).
. "$(dirname "$0")/../e2e/lib.sh"
kernel=${VM_SYSTEMD_KERNEL:-6.1}
cri=$(tests/go_program.sh cri tests/cri) || { echo "skip systemd: the CRI client cannot be built"; exit 0; }
base=$(tests/vm/root.sh) || { fail "a root with systemd: see above"; finish; }
declare -A append=([unified]= [hybrid]="systemd.unified_cgroup_hierarchy=0" \
	[legacy]="systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1")
[ $# != 0 ] || set -- unified hybrid legacy

# --- what goes into the root beside Debian's packages
overlay=$work/overlay
mkdir -p "$overlay"/usr/bin "$overlay"/etc/{containerd,systemd/system/multi-user.target.wants} "$overlay"/var/lib/test
cp "$SENSOR" "$overlay/usr/bin/varve-sensor"
cp "$cri" "$overlay/usr/bin/cri"
cp tests/vm/systemd_guest.sh "$overlay/usr/bin/"
for lib in $(ldd "$SENSOR" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
	to=$overlay/usr/${lib#/}
	to=${to/usr\/usr/usr}
	mkdir -p "$(dirname "$to")"
	cp -L "$lib" "$to"
done
units=$overlay/etc/systemd/system
sed 's,@PREFIX@/sbin,/usr/bin,' deploy/systemd/varve-sensor.service >"$units/varve-sensor.service"
install -D -m 600 deploy/systemd/sensor.conf "$overlay/etc/varve/sensor.conf"
mkdir -p "$units/varve-sensor.service.d" "$overlay/etc/default"
printf '[Service]\nEnvironmentFile=-/etc/varve.env\nStandardError=append:/run/varve.err\n' >"$units/varve-sensor.service.d/test.conf"
printf 'VARVE_%s\n' NODE_NAME=vm SCOPE=all RING_SIZE=64M DECISIVE_RING_SIZE=32M >"$overlay/etc/default/varve-sensor"
cat >"$units/test.service" <<'U'
[Unit]
After=dbus.service containerd.service
Wants=containerd.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh /run-command
ExecStopPost=/bin/systemctl --no-block poweroff
U
ln -s ../test.service "$units/multi-user.target.wants/"
cat >"$overlay/etc/containerd/config.toml" <<'C'
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
	"io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "example.test/pause:1"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
C
bundle() { # NAME ID CGROUPS_PATH COMMAND...: UID in the path is the pod's
	local uid
	uid=$(cat /proc/sys/kernel/random/uuid)
	POD=$1 NAMESPACE=e2e POD_UID=$uid CONTAINER=app ROOTFS="/$1/image" tests/demo/bundle.sh "$overlay/$1" "$2" "${3/UID/${uid//-/_}}" "${@:4}"
	printf 'ID=%s\nPOD_UID=%s\n' "$2" "$uid" >"$overlay/var/lib/test/$1.env"
}
bundle named named kubepods-podUID.slice:runc:named /bin/sleep 100000
# It lives until the sensor has looked: see late in systemd_guest.sh.
alone=$(new_id)
bundle alone "$alone" "kubepods-besteffort-podUID.slice:cri-containerd:$alone" /bin/sh -c "/bin/true alone-first; /bin/sleep 5"
"$PYTHON" tests/e2e/image.py "$overlay/named/image" "$overlay/pause.tar" example.test/pause:1 /bin/sleep 100000 || fail "image is made"

# path_of EVENTS CGROUPS: each container is where systemd says that its scope is.
paths() {
	"$PYTHON" - "$@" <<'P'
import json, sys
path = {}
for e in map(json.loads, open(sys.argv[1])):
    if e['kind'] == 'CONTAINER_START' and not e['container_start'].get('nested_cgroup'):
        path[e.get('container', {}).get('id')] = e['container_start']['cgroup_path']
want = dict(line.rstrip('\n').split('\t') for line in open(sys.argv[2]))
wrong = [(path.get(i), p) for i, p in want.items() if path.get(i) != p]
print(f'not ok containers are where systemd says: {wrong[0]}' if wrong or not want else 'ok containers are where systemd says')
sys.exit(bool(wrong or not want))
P
}

judge() { # DIRECTORY
	"$VARVE" cat "$1/varve" >"$1/all" || { echo "not ok no log"; return 1; }
	"$PYTHON" tests/e2e/whose.py "$1/all" "$1/test/expected" /
	paths "$1/all" "$1/test/cgroups"
	grep '"kind":"RUN_START"' "$1/all" | tail -n 1 | grep -q '"takes_over":true' && ! grep -q '"kind":"LOSS"' "$1/all" &&
		pass "restarted as a unit it takes over, without a loss" || fail "restarted as a unit it takes over, without a loss"
}

one() { # HIERARCHY
	local out=$work/$1 began=$SECONDS rc
	mkdir -p "$out/root"
	cp -a "$base/." "$out/root/"
	# Not cp, which writes through links; tar takes them away.
	tar -c -C "$overlay" . | tar -x -C "$out/root" --keep-directory-symlink
	rm -f "$out/image"
	truncate -s 1G "$out/image"
	/sbin/mke2fs -q -t ext4 -O ^has_journal -d "$out/root" "$out/image" || { echo "not ok an image of the root"; return; }
	rm -rf "$out/root"
	VM_DISK=$out/image VM_MODULES=overlay VM_TIMEOUT=${VM_TIMEOUT:-1200} VM_APPEND="systemd.show_status=false ${append[$1]}" VM_LOG=$out/console \
		tests/vm/run.sh "$kernel" "$overlay" "sh /usr/bin/systemd_guest.sh $1"
	rc=$?
	[ $rc != 125 ] || echo "not ok the machine runs to its end"
	/sbin/debugfs -R "rdump /var/lib/varve /var/lib/test $out" "$out/image" >/dev/null 2>&1
	judge "$out"
	echo "# took $((SECONDS - began)) s, booted in $(sed -n 's/^@@BOOTED //p' "$out/console") s of its own"
}
for hierarchy; do
	one "$hierarchy" 2>&1 | sed -E "s/^(ok|not ok) /\1 $hierarchy: /" | tee "$work/$hierarchy.out"
	! grep -q '^not ok ' "$work/$hierarchy.out" || failures=$((failures + 1))
done
finish
