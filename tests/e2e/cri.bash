# SPDX-License-Identifier: Apache-2.0
# Pods on a node of the test's own, made through a CRI runtime as kubelet makes them. Sourced by the file that starts the runtime, which
# sets runtime (its name in the records) and defines sandbox_says OPTION...: what else is expected of a pod's sandbox. V2_ONLY=1: it sees cgroup v2 alone;
# V1_ONLY=1: it and the sensor see v1 alone.
. tests/e2e/node.bash
V2_ONLY=${V2_ONLY:-} V1_ONLY=${V1_ONLY:-}

suite=$(basename "$0" .sh)
cri=$(tests/go_program.sh cri tests/cri) || { echo "skip $suite: the client cannot be built"; exit 0; }
for f in bridge host-local loopback; do
	[ -x /usr/lib/cni/$f ] || { echo "skip $suite: no CNI plugin $f in /usr/lib/cni"; exit 0; }
done
node_up || { fail "a node of our own"; finish; }
[ -z "$V2_ONLY" ] || node_ mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cgroup v2 alone on the node"
[ -z "$V1_ONLY" ] || node_v1 || fail "cgroup v1 alone on the node"

# runc_like NAME [systemd]: makes $work/NAME, a runc that changes what it is asked for:
# - systemd: names of cgroups become what the systemd driver has, without systemd: SLICE:PREFIX:ID, or what CRI-O's cgroupfs driver has, is
#   turned into the directories systemd would make;
# - CRI-O's conmon, which calls it, goes into its own of the pod's: with the cgroupfs driver on v2 CRI-O 1.34 makes that and leaves it empty;
# - where v2 alone is there, it may have no controllers (they are in the v1 hierarchies of this machine), so no limits are asked for;
# - without CAP_SYS_RESOURCE no lower oom_score_adj can be had.
runc=$(command -v runc)
cat >"$work/change.py" <<'PY'
import json, os, sys
path, tree, v2_only, caller, *systemd = sys.argv[1:]
config = json.load(open(path))
linux, process = config['linux'], config['process']
*dirs, name = linux['cgroupsPath'].split('/')
if systemd and (':' in name or name.startswith('crio-')):
    slice, prefix, cid = name.split(':') if ':' in name else ('-'.join(d.replace('-', '_') for d in dirs[2:]), *name.split('-'))
    parts = slice.removesuffix('.slice').split('-')
    parent = '/'.join(['/' + tree, *('-'.join(parts[:i + 1]) + '.slice' for i in range(len(parts)))])
    linux['cgroupsPath'] = f'{parent}/{prefix}-{cid}.scope'
parent, name = os.path.split(linux['cgroupsPath'])
if name.startswith('crio-'):
    unified = [f[1] for f in map(str.split, open('/proc/mounts')) if f[2] == 'cgroup2'][-1]
    conmon = f'{unified}{parent}/crio-conmon-' + name.removeprefix('crio-')
    os.makedirs(conmon, exist_ok=True)
    open(conmon + '/cgroup.procs', 'w').write(caller)
if v2_only:
    linux['resources'] = {'devices': linux['resources']['devices']}
process['oomScoreAdj'] = max(process.get('oomScoreAdj', 0), int(open('/proc/self/oom_score_adj').read()))
json.dump(config, open(path, 'w'))
PY
runc_like() {
	cat >"$work/$1" <<R
#!/bin/sh
b= p=
for a; do [ "\$p" = --bundle ] && b=\$a; p=\$a; done
[ -n "\$b" ] && /usr/bin/python3 "$work/change.py" "\$b/config.json" "$tree" "$V2_ONLY" "\$PPID" ${2:-}
exec $runc "\$@"
R
	chmod +x "$work/$1"
}
echo '{"cniVersion": "0.4.0", "name": "e2e", "plugins": [{"type": "bridge", "bridge": "e2e0", "isGateway": true,
	"ipam": {"type": "host-local", "ranges": [[{"subnet": "192.0.2.0/24"}]]}}]}' >"$work/node/etc/cni/e2e.conflist"

# images_make IMPORT: pause, web and sidecar, each given to the function IMPORT as NAME FILE.
images_make() {
	local image
	bundle_make image /bin/true
	for image in pause web sidecar; do
		"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/$image.tar" example.test/$image:1 /bin/sleep 100000 || fail "image is made"
		"$1" example.test/$image:1 "$work/$image.tar" >"$work/import.out" 2>&1 || fail "image is imported: $(tail -n 1 "$work/import.out")"
	done
}

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
	expect title="the sandbox of $file" id="$sandbox" namespace=shop pod="$name" uid="$uid" runtime="$runtime" sandbox=true $(sandbox_says "$@")
}
# forged FILE TYPE: annotations of a pod whose author would have it taken for the one of FILE, another container and image.
forged() {
	printf 'annotation:%s\n' "io.kubernetes.cri-o.ContainerType=$2" io.kubernetes.cri-o.Image=example.test/other:1 \
		io.kubernetes.cri-o.ImageName=example.test/other:1 \
		"io.kubernetes.pod.name=${pod_name[$1]}" io.kubernetes.pod.namespace=kube-system "io.kubernetes.pod.uid=${pod_uid[$1]}" \
		io.kubernetes.container.name=other "io.kubernetes.cri.sandbox-uid=${pod_uid[$1]}" "io.kubernetes.cri.sandbox-name=${pod_name[$1]}" \
		io.kubernetes.cri.container-name=other io.kubernetes.cri.image-name=example.test/other:1 io.kubernetes.cri.sandbox-namespace=kube-system
}
# container FILE NAME IMAGE COMMAND...: sets id; what is expected of it. NAME:1 is NAME's first restart.
container() {
	local file=$1 name=$2 image=example.test/$3:1
	shift 3
	id=$("$cri" container "$work/$file" "$name" "$image" "$@") || { fail "container $name of $file is made"; return; }
	expect title="$name of $file" id="$id" name="${name%:*}" image="$image" namespace=shop pod="${pod_name[$file]}" uid="${pod_uid[$file]}" runtime="$runtime"
}
first() { first_of "$2 of $1" "$1-$2" container "$@"; } # FILE NAME IMAGE
session() { session_of "$1" "$2" "$cri" exec "$1"; }      # ID TOKEN
