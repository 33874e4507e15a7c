#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods on a real containerd, made through its CRI plugin as kubelet makes them: each record has the pod, whatever is restarted meanwhile.
. "$(dirname "$0")/lib.sh"
. tests/e2e/containerd.bash

pod early early
container early early sidecar "${loop[@]}"
early=$id
watch "$early"
session "$early" exec-early

# One pod, an init container and two that live together.
pod web web-0
container web setup web /bin/true "$mark-first-web-setup"
expect title="the init container" id="$id" token="$mark-first-web-setup" entry=entrypoint times=1
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
pod systemd systemd-0 handler=changed parent=SLICE
first systemd app web
session "$id" exec-systemd

# A pod whose author writes annotations as if it were another one, on a node that passes them on.
# shellcheck disable=SC2046
pod forger forger-0 $(forged web sandbox)
first forger app web
pod slice slice-0 handler=changed parent=SLICE annotation:io.kubernetes.cri-o.ContainerType=sandbox annotation:io.kubernetes.pod.name=web-0
first slice app web

# A container that makes cgroups in its own, which look like other containers', and runs what it runs there.
fake=$(new_id)
pod nested nested-0 privileged=true
container nested app web /bin/sh -c 'mkdir /tmp/cg && mount -t cgroup2 cgroup2 /tmp/cg || exit 1
	own=/tmp/cg$(sed -n "s/^0:://p" /proc/self/cgroup)
	for d in inner docker/'"$fake"' kubepods/pod'"${pod_uid[web]}"'/cri-containerd-'"$fake"'.scope; do
		mkdir -p "$own/$d" && (echo 0 >"$own/$d/cgroup.procs" && /bin/true '"$mark"'-nested-"${d%%/*}") || exit 1
		done
	umount /tmp/cg; exec /bin/sleep 100000'
for d in inner docker kubepods; do expect title="in a cgroup $d/... of its own it stays the container's" id="$id" token="$mark-nested-$d" entry=entrypoint times=1; done
wait_for 30 sleeps "$id" || fail "app of nested comes up"

# Containerd restarts, its tasks live on.
kill -KILL "$daemon_pid"
wait_for 5 test ! -e "/proc/$daemon_pid"
containerd_start || fail "containerd starts again"
session "$app" exec-after-containerd
container web later web /bin/true "$mark-first-web-later"
expect title="a container of the pod after containerd's restart" id="$id" token="$mark-first-web-later" entry=entrypoint times=1
[ "$("$cri" wait "$id")" = 0 ] || fail "the later container ends well"

# The sensor restarts.
watch_again
session "$app" exec-after-sensor
first web last sidecar

# Another pod of the same name.
"$cri" remove-pod "$work/web" || fail "pod is removed"
pod web2 web-0
first web2 app web
for p in early web2 hostpid hostnet shared systemd forger slice nested; do "$cri" remove-pod "$work/$p" || fail "pod $p is removed"; done
judge

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
