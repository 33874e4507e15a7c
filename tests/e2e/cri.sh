#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods on a real containerd, made through its CRI plugin as kubelet makes them: each record has the pod, whatever is restarted meanwhile.
. "$(dirname "$0")/lib.sh"
. tests/e2e/node.bash

cri=$(tests/cri/build.sh) || { echo "skip cri: the client cannot be built"; exit 0; }
for f in bridge host-local loopback; do
	[ -x /usr/lib/cni/$f ] || { echo "skip cri: no CNI plugin $f in /usr/lib/cni"; exit 0; }
done
node_up || { fail "a node of our own"; finish; }
export CRI_SOCKET=$node_root/run/containerd/containerd.sock

# Names of cgroups as the systemd driver has them, without systemd: a runtime that turns what containerd asks of it, SLICE:PREFIX:ID, into
# the directories that systemd would make.
runc=$(command -v runc)
cat >"$work/runc-systemd-names" <<R
#!/bin/sh
b= p=
for a; do [ "\$p" = --bundle ] && b=\$a; p=\$a; done
[ -n "\$b" ] && /usr/bin/python3 - "\$b/config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))
slice, prefix, cid = config['linux']['cgroupsPath'].split(':')
parts = slice.removesuffix('.slice').split('-')
dirs = ['-'.join(parts[:i + 1]) + '.slice' for i in range(len(parts))]
config['linux']['cgroupsPath'] = '/'.join(['/$tree', *dirs, f'{prefix}-{cid}.scope'])
json.dump(config, open(sys.argv[1], 'w'))
PY
exec $runc "\$@"
R
chmod +x "$work/runc-systemd-names"
runtime() { # NAME BINARY
	echo "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.$1]
  runtime_type = \"io.containerd.runc.v2\"
  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.$1.options]
    BinaryName = \"$2\""
}
{ # Without CAP_SYS_RESOURCE no lower oom_score_adj can be had.
	cat <<C
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "example.test/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
C
	runtime runc "$runc"
	runtime systemd "$work/runc-systemd-names"
} >"$work/containerd.toml"
echo '{"cniVersion": "0.4.0", "name": "e2e", "plugins": [{"type": "bridge", "bridge": "e2e0", "isGateway": true,
	"ipam": {"type": "host-local", "ranges": [[{"subnet": "192.0.2.0/24"}]]}}]}' >"$work/node/etc/cni/e2e.conflist"
containerd_start() {
	daemon containerd containerd --config "$work/containerd.toml"
	wait_for 30 "$cri" version
}
containerd_start || { tail -n 5 "$work/containerd.log"; fail "containerd starts"; finish; }

bundle_make image /bin/true
for image in pause web sidecar; do
	"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/$image.tar" example.test/$image:1 /bin/sleep 100000 || fail "image is made"
	node_ ctr --namespace k8s.io images import "$work/$image.tar" >/dev/null || fail "image is imported"
done

# pod FILE NAME [KEY=VALUE...]: a pod of that name with a UID of its own, of namespace shop; what is expected of its sandbox.
declare -A pod_uid pod_name
pod() {
	local file=$1 name=$2 uid sandbox
	shift 2
	uid=$(cat /proc/sys/kernel/random/uuid)
	pod_uid[$file]=$uid pod_name[$file]=$name
	sandbox=$("$cri" pod "$work/$file" name="$name" namespace=shop uid="$uid" "parent=/$tree/kubepods/burstable/pod$uid" "${@//UID/$uid}") ||
		{ fail "pod $file is made"; return; }
	expect title="the sandbox of $file" id="$sandbox" namespace=shop pod="$name" uid="$uid" runtime=containerd sandbox=true
}
# container FILE NAME IMAGE COMMAND...: sets id; what is expected of it.
container() {
	local file=$1 name=$2 image=example.test/$3:1
	shift 3
	id=$("$cri" container "$work/$file" "$name" "$image" "$@") || { fail "container $name of $file is made"; return; }
	expect title="$name of $file" id="$id" name="$name" image="$image" namespace=shop pod="${pod_name[$file]}" uid="${pod_uid[$file]}" runtime=containerd
}
# The program that a container runs as its first, and one that is run in it by an exec of the runtime.
first() {
	container "$1" "$2" "$3" /bin/sh -c "/bin/true first-$1-$2; exec /bin/sleep 100000"
	expect title="first program of $2 of $1" id="$id" token="first-$1-$2" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "$2 of $1 comes up"
}
session() { # ID TOKEN
	"$cri" exec "$1" /bin/true "$2" || fail "exec in $1"
	expect title="exec $2 is a session of its container" id="$1" token="$2" entry=session times=1
}

pod early early
container early early sidecar /bin/sh -c 'while :; do /bin/true loop-early; /bin/sleep 0.2; done'
early=$id
sensor_start --host-root "$node_root" || { fail "sensor starts"; finish; }
expect title="what ran before the sensor is its container's" id="$early" token=loop-early
session "$early" exec-early

# One pod, an init container and two that live together.
pod web web-0
container web setup web /bin/true first-web-setup
expect title="the init container" id="$id" token=first-web-setup entry=entrypoint times=1
[ "$("$cri" wait "$id")" = 0 ] || fail "init container ends well"
first web app web
app=$id
first web sidecar sidecar
session "$app" exec-app
session "$id" exec-sidecar

# Namespaces of the node.
pod hostpid hostpid-0 pid=node privileged=true
first hostpid app web
session "$id" exec-hostpid
pod hostnet hostnet-0 network=node
first hostnet app web
session "$id" exec-hostnet
pod shared shared-0 pid=pod
first shared app web
first shared other sidecar

# As the systemd driver names them.
pod systemd systemd-0 handler=systemd parent=kubepods-burstable-podUID.slice
sed -i "s/kubepods-burstable-pod[-0-9a-f]*.slice/$(echo "kubepods-burstable-pod${pod_uid[systemd]//-/_}.slice")/" "$work/systemd"
first systemd app web
session "$id" exec-systemd

# A container that makes cgroups in its own, which look like other containers', and runs what it runs there.
fake=$(new_id)
pod nested nested-0 privileged=true
container nested app web /bin/sh -c 'mkdir /tmp/cg && mount -t cgroup2 cgroup2 /tmp/cg || exit 1
	own=/tmp/cg$(sed -n "s/^0:://p" /proc/self/cgroup)
	for d in inner docker/'"$fake"' kubepods/pod'"${pod_uid[web]}"'/cri-containerd-'"$fake"'.scope; do
		mkdir -p "$own/$d" && (echo 0 >"$own/$d/cgroup.procs" && /bin/true nested-"${d%%/*}") || exit 1
		done
	umount /tmp/cg; exec /bin/sleep 100000'
for d in inner docker kubepods; do expect title="in a cgroup $d/... of its own it stays the container's" id="$id" token=nested-$d entry=entrypoint times=1; done
wait_for 30 sleeps "$id" || fail "app of nested comes up"

# Containerd restarts, its tasks live on.
kill -KILL "$daemon_pid"
wait_for 5 test ! -e "/proc/$daemon_pid"
containerd_start || fail "containerd starts again"
session "$app" exec-after-containerd
container web later web /bin/true first-web-later
expect title="a container of the pod after containerd's restart" id="$id" token=first-web-later entry=entrypoint times=1
[ "$("$cri" wait "$id")" = 0 ] || fail "the later container ends well"

# The sensor restarts.
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
sensor_start --host-root "$node_root" || { fail "sensor starts again"; finish; }
session "$app" exec-after-sensor
first web last sidecar

# Another pod of the same name.
"$cri" remove-pod "$work/web" || fail "pod is removed"
pod web2 web-0
first web2 app web
for p in early web2 hostpid hostnet shared systemd nested; do "$cri" remove-pod "$work/$p" || fail "pod $p is removed"; done
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

"$VARVE" cat "$work/log" >"$work/all"
"$PYTHON" tests/e2e/whose.py "$work/all" "$work/expected" "$tree" || failures=$((failures + 1))

# Two pods of one name.
"$VARVE" pods "$work/log" >"$work/pods"
n=$(grep -cE "^shop/web-0 +uid (${pod_uid[web]}|${pod_uid[web2]}) " "$work/pods")
[ "$n" = 2 ] && pass "two pods of the same name are two pods" || fail "two pods of the same name are two pods: $n"
for p in web web2; do
	"$VARVE" replay "$work/log" --pod "${pod_uid[$p]}" --format jsonl 2>&1 | grep -o 'first-web[-0-9a-z]*' | sort -u | tr '\n' ' ' >"$work/$p.first"
done
check "each has what its own containers ran" grep -qx 'first-web-app first-web-last first-web-later first-web-setup first-web-sidecar ' "$work/web.first"
check "and nothing of the other's" grep -qx 'first-web2-app ' "$work/web2.first"
node_down
leftovers
finish
