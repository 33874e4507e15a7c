# SPDX-License-Identifier: Apache-2.0
# A containerd with its CRI plugin, for pods on a node of the test's own; sourced after lib.sh. V2_ONLY=1: it sees cgroup v2 alone.
runtime=containerd
sandbox_says() { :; }
. tests/e2e/cri.bash
export CRI_SOCKET=$node_root/run/containerd/containerd.sock

runc_like runc-changed systemd
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
containerd_start() {
	daemon containerd containerd --config "$work/containerd.toml"
	wait_for 30 "$cri" version
}
containerd_start || { tail -n 5 "$work/containerd.log"; fail "containerd starts"; finish; }

image_import() { node_ ctr --namespace k8s.io images import "$2"; }
images_make image_import
