# SPDX-License-Identifier: Apache-2.0
# A containerd without Kubernetes, in the test's directory; sourced after lib.sh. Called as ctr_.
cat >"$work/containerd.toml" <<C
version = 2
root = "$work/containerd/root"
state = "$work/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "$work/containerd.sock"
C
ctr_() { ctr --address "$work/containerd.sock" --namespace e2e "$@" </dev/null; }
setsid containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
containerd=$!
on_exit+=('kill $containerd; wait $containerd' 'for m in $(findmnt -rno TARGET | grep "^$work/" | tac); do umount "$m"; done')
wait_for 20 ctr_ version || { tail -n 5 "$work/containerd.log"; fail "containerd starts"; finish; }
