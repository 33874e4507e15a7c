#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods on a containerd that sees cgroup v2 alone, as on today's nodes; with names as both cgroup drivers have them.
. "$(dirname "$0")/lib.sh"
V2_ONLY=1
. tests/e2e/containerd.bash

pod early early
container early early web "${loop[@]}"
early=$id
watch "$early"
session "$early" exec-early
for driver in cgroupfs systemd; do
	[ $driver = systemd ] && parent=(parent=SLICE) || parent=()
	pod $driver $driver-0 "${parent[@]}"
	first $driver app web
	session "$id" exec-$driver-app
	first $driver sidecar sidecar
	in_v1=$(find /sys/fs/cgroup -path "*/$tree/*$id*" -name cgroup.procs -exec cat {} + | sort -u | sed 's,.*,/proc/&/cgroup,' | xargs cat | grep -v '^0::' | grep "$tree")
	[ -z "$in_v1" ] && pass "a container of $driver names is in v2 alone" || fail "a container is in v1 as well: $in_v1"
	session "$id" exec-$driver-sidecar
done
for p in early cgroupfs systemd; do "$cri" remove-pod "$work/$p" || fail "pod $p is removed"; done
judge
node_down
leftovers
finish
