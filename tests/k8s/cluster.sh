# SPDX-License-Identifier: Apache-2.0
# A Kubernetes of our own, for tests; sourced after tests/e2e/lib.sh. It has network and mount namespaces of its own, with empty /run,
# /var/lib and /var/log in which everything is at its usual place, and the node's pids. All its processes and pods are in the cgroup
# /$tree, by which they are ended. Sets: $ns, a process in its namespaces; $pki; $api, the API server's URL there.
cluster=$work/cluster pki=$work/cluster/pki
NODE=test-node
api=https://10.96.0.1
export NODE
v2=$(findmnt -rnt cgroup2 -o TARGET | head -n 1)

in_cluster() { nsenter --target "$ns" --net --mount --wd="$PWD" -- "$@"; }
kubectl() { in_cluster "$KUBE" kubectl --kubeconfig "$pki/admin.conf" --cache-dir "$cluster/cache" "$@" </dev/null; }

# run NAME COMMAND...: in the background, in the cluster's namespaces and cgroup; log/NAME.log, pids[NAME].
declare -A pids
run() {
	local name=$1
	shift
	(
		echo "$BASHPID" >"$v2/$tree/cluster/cgroup.procs"
		exec setsid nsenter --target "$ns" --net --mount --wd="$PWD" -- "$@"
	) >>"$cluster/log/$name.log" 2>&1 </dev/null &
	pids[$name]=$!
}
end() { # NAME
	kill -KILL "${pids[$1]}" 2>/dev/null
	wait "${pids[$1]}" 2>/dev/null
	unset "pids[$1]"
}
still_runs() { # NAME: else the end of its log
	kill -0 "${pids[$1]}" 2>/dev/null && return
	echo "# $1 ended:"
	tail -n 5 "$cluster/log/$1.log" | sed 's/^/# /'
	return 1
}

# Everything in the cgroup, until nothing is there: pods, shims, daemons. Their mounts and networks go with the namespaces.
cluster_end() {
	local n=100 found
	while found=$(find "$v2/$tree" -name cgroup.procs -exec cat {} + 2>/dev/null) && [ -n "$found" ] && [ $n -gt 0 ]; do
		# shellcheck disable=SC2086
		kill -KILL $found 2>/dev/null
		n=$((n - 1))
		sleep 0.05
	done
	wait "${pids[@]}" 2>/dev/null
	find /sys/fs/cgroup -depth -type d -path "*/$tree*" -exec rmdir {} + 2>/dev/null
}

# cluster_down: ends it now, and looks what is left.
cluster_down() {
	local left
	cluster_end 2>/dev/null
	left=$(find /sys/fs/cgroup -path "*/$tree*" -type d; grep -l "$cluster" /proc/[0-9]*/cmdline 2>/dev/null; findmnt -rno TARGET | grep "$work")
	[ -z "$left" ] && pass "nothing of the cluster is left" || fail "nothing of the cluster is left: $left"
}

namespaces() {
	local dir
	mkdir -p "$cluster"/{log,sysctl,cache}
	for dir in $(findmnt -rnt cgroup,cgroup2 -o TARGET); do mkdir -p "$dir/$tree" || return 1; done
	mkdir "$v2/$tree/cluster" || return 1
	# With version 2 alone controllers are handed down explicitly; hybrid has none to hand down.
	for dir in "$v2" "$v2/$tree"; do
		sed 's/ \|^/ +/g' "$dir/cgroup.controllers" >"$dir/cgroup.subtree_control" 2>/dev/null
	done
	on_exit+=('cluster_end 2>/dev/null') # without the shell's words on who was killed
	(
		echo "$BASHPID" >"$v2/$tree/cluster/cgroup.procs"
		exec setsid unshare --net --mount sleep 100000
	) </dev/null &
	ns=$! pids[namespaces]=$!
	wait_for 10 grep -qx sleep "/proc/$ns/comm" || return 1
	in_cluster bash -euc '
		mount --make-rshared /
		for d in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs $d; mount --make-shared $d; done
		mount -t bpf bpf /sys/fs/bpf
		mkdir -p /run/netns /var/lib/{etcd,kubelet/static,containerd,varve,cni/net.d} /var/log/pods
		# What kubelet would set for the whole machine is so already, as far as it sees.
		set_seen() { echo $2 >$0/$1; mount --bind $0/$1 /proc/sys/${1//.//}; }
		set_seen vm.overcommit_memory 1; set_seen vm.panic_on_oom 0; set_seen kernel.panic 10; set_seen kernel.panic_on_oops 1
		set_seen kernel.keys.root_maxkeys 1000000; set_seen kernel.keys.root_maxbytes 25000000
		ip link set lo up
		ip addr add 10.96.0.1/32 dev lo
		ip link add eth0 type veth peer name eth0-peer
		ip addr add 192.168.7.1/24 dev eth0
		ip link set eth0 up
		ip link set eth0-peer up
		ip route add default via 192.168.7.254 dev eth0
		echo 1 >/proc/sys/net/ipv4/ip_forward' "$cluster/sysctl"
}

apiserver_start() { # OPTIONS...
	run kube-apiserver "$KUBE" kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=10.96.0.1 --secure-port=443 \
		--advertise-address=10.96.0.1 --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
		--enable-admission-plugins=NodeRestriction --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
		--client-ca-file="$pki/ca.crt" --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/tokens.key" \
		--service-account-signing-key-file="$pki/tokens.key" --kubelet-client-certificate="$pki/admin.crt" \
		--kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP --profiling=false \
		--audit-policy-file="$cluster/audit.yaml" --audit-log-path="$cluster/audit.log" "$@"
}
admin_curl() { in_cluster curl -fsS --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "$@"; }
apiserver_ready() { admin_curl --max-time 5 "$api/readyz"; }

# etcd and the API server.
control_start() { # OPTIONS of the API server...
	namespaces || { fail "namespaces for the cluster"; return 1; }
	tests/k8s/certs.sh "$pki" "$api" 127.0.0.1 10.96.0.1 || { fail "certificates: $(tail -n 1 "$pki/openssl.log")"; return 1; }
	# Who asked what: of service accounts, since only those are of interest.
	cat >"$cluster/audit.yaml" <<-C
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules: [{level: Metadata, userGroups: ["system:serviceaccounts:varve"]}, {level: None}]
	C
	run etcd "$KUBE" etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn
	apiserver_start "$@"
	wait_for 120 apiserver_ready || { still_runs etcd && still_runs kube-apiserver; fail "API server is ready"; return 1; }
}

images() { # makes and imports what the pods run
	bundle_make image /bin/true
	"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/busybox.tar" registry.test/busybox:1 &&
		"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/pause.tar" registry.test/pause:1 /bin/sleep 2147483647 &&
		image_import "$work/busybox.tar" && image_import "$work/pause.tar"
}
image_import() { in_cluster ctr --namespace k8s.io images import "$1" </dev/null; }

# The rest of the control plane, and the node.
node_start() {
	cat >"$cluster/cni.conflist" <<-C
		{"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "ptp",
		 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.7.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
	C
	in_cluster cp "$cluster/cni.conflist" /var/lib/cni/net.d/10-ptp.conflist
	cat >"$cluster/containerd.toml" <<-C
		version = 2
		disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
		[plugins."io.containerd.internal.v1.opt"]
		path = "/var/lib/containerd/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "registry.test/pause:1"
		restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "/var/lib/cni/net.d"
	C
	cat >"$cluster/kubelet.yaml" <<-C
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failCgroupV1: false
		failSwapOn: false
		cgroupDriver: cgroupfs
		cgroupRoot: /$tree
		containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
		staticPodPath: /var/lib/kubelet/static
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
		authorization: {mode: Webhook}
		evictionHard: {memory.available: 50Mi}
		imageGCHighThresholdPercent: 100
		fileCheckFrequency: 1s
		enableControllerAttachDetach: false
		makeIPTablesUtilChains: false
	C
	run containerd containerd --config "$cluster/containerd.toml"
	run kube-controller-manager "$KUBE" kube-controller-manager --kubeconfig="$pki/kube-controller-manager.conf" --root-ca-file="$pki/ca.crt" \
		--service-account-private-key-file="$pki/tokens.key" --use-service-account-credentials --leader-elect=false --bind-address=127.0.0.1
	run kube-scheduler "$KUBE" kube-scheduler --kubeconfig="$pki/kube-scheduler.conf" --leader-elect=false --bind-address=127.0.0.1
	wait_for 60 in_cluster ctr version || { still_runs containerd; fail "containerd starts"; return 1; }
	images >"$cluster/log/images.log" 2>&1 || { fail "images: $(tail -n 2 "$cluster/log/images.log")"; return 1; }
	run kubelet "$KUBE" kubelet --config="$cluster/kubelet.yaml" --kubeconfig="$pki/kubelet.conf" --hostname-override=$NODE --node-ip=192.168.7.1
	wait_for 120 node_ready || { still_runs kubelet && kubectl describe node $NODE; fail "node is ready"; return 1; }
	wait_for 60 kubectl get serviceaccount default || { fail "default service account"; return 1; }
}
node_ready() { [ "$(kubectl get node $NODE -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# The sensor with the cluster's network, since its API server is nowhere else; the node's mounts and pids.
sensor_in_cluster() {
	printf '#!/bin/sh\nexec nsenter --target %s --net -- %s "$@"\n' "$ns" "$(realpath "$SENSOR")" >"$work/sensor"
	chmod 755 "$work/sensor"
	SENSOR=$work/sensor
}

# KUBE: another program than the one that build.sh makes.
KUBE=${KUBE:-$(tests/k8s/build.sh)} && [ -x "$KUBE" ] || { fail "Kubernetes is built"; finish; }
