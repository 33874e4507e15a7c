# SPDX-License-Identifier: Apache-2.0
# A containerd with its CRI plugin on a node of the test's own, and pods on it, sourced after lib.sh. V2_ONLY=1: it sees cgroup v2 alone.
. tests/e2e/node.bash
V2_ONLY=${V2_ONLY:-}

suite=$(basename "$0" .sh)
cri=$(tests/cri/build.sh) || { echo "skip $suite: the client cannot be built"; exit 0; }
for f in bridge host-local loopback; do
	[ -x /usr/lib/cni/$f ] || { echo "skip $suite: no CNI plugin $f in /usr/lib/cni"; exit 0; }
done
node_up || { fail "a node of our own"; finish; }
[ -z "$V2_ONLY" ] || node_ mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cgroup v2 alone on the node"
export CRI_SOCKET=$node_root/run/containerd/containerd.sock

# A runtime that changes what containerd asks of runc:
# - names of cgroups become what the systemd driver has, without systemd: SLICE:PREFIX:ID is turned into the directories systemd would make;
# - where v2 alone is there, it may have no controllers (they are in the v1 hierarchies of this machine), so no limits are asked for.
runc=$(command -v runc)
cat >"$work/change.py" <<'PY'
import json, sys
path, tree, v2_only = sys.argv[1:]
config = json.load(open(path))
linux = config['linux']
if ':' in linux['cgroupsPath']:
    slice, prefix, cid = linux['cgroupsPath'].split(':')
    parts = slice.removesuffix('.slice').split('-')
    dirs = ['-'.join(parts[:i + 1]) + '.slice' for i in range(len(parts))]
    linux['cgroupsPath'] = '/'.join(['/' + tree, *dirs, f'{prefix}-{cid}.scope'])
if v2_only:
    linux['resources'] = {'devices': linux['resources']['devices']}
json.dump(config, open(path, 'w'))
PY
cat >"$work/runc-changed" <<R
#!/bin/sh
b= p=
for a; do [ "\$p" = --bundle ] && b=\$a; p=\$a; done
[ -n "\$b" ] && /usr/bin/python3 "$work/change.py" "\$b/config.json" "$tree" "$V2_ONLY"
exec $runc "\$@"
R
chmod +x "$work/runc-changed"
runtime() { # NAME BINARY
	echo "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.$1]
  runtime_type = \"io.containerd.runc.v2\"
  pod_annotations = [\"*\"]
  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.$1.options]
    BinaryName = \"$2\""
}
[ -n "$V2_ONLY" ] && default=changed || default=runc
{ # Without CAP_SYS_RESOURCE no lower oom_score_adj can be had.
	cat <<C
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
	"io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "example.test/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "$default"
C
	runtime runc "$runc"
	runtime changed "$work/runc-changed"
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

# pod FILE NAME [KEY=VALUE...]: a pod of that name with a UID of its own, of namespace shop; what is expected of its sandbox. parent=SLICE:
# its cgroup's parent as the systemd driver has it.
declare -A pod_uid pod_name
pod() {
	local file=$1 name=$2 uid sandbox
	shift 2
	uid=$(cat /proc/sys/kernel/random/uuid)
	pod_uid[$file]=$uid pod_name[$file]=$name
	sandbox=$("$cri" pod "$work/$file" name="$name" namespace=shop uid="$uid" "parent=/$tree/kubepods/burstable/pod$uid" \
		"${@/parent=SLICE/parent=kubepods-burstable-pod${uid//-/_}.slice}") ||
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
	container "$1" "$2" "$3" /bin/sh -c "/bin/true $mark-first-$1-$2; exec /bin/sleep 100000"
	expect title="first program of $2 of $1" id="$id" token="$mark-first-$1-$2" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "$2 of $1 comes up"
}
session() { # ID TOKEN
	"$cri" exec "$1" /bin/true "$mark-$2" || fail "exec in $1"
	expect title="exec $2 is a session of its container" id="$1" token="$mark-$2" entry=session times=1
}
