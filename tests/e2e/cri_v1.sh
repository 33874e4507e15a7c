#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods on a containerd on an old node, that has cgroup v1 alone; with names as both cgroup drivers have them.
. "$(dirname "$0")/lib.sh"
V1_ONLY=1
. tests/e2e/containerd.bash

in_v2() { find "$(findmnt -rnt cgroup2 -o TARGET | head -n 1)" -path "*/$tree/*" | head -n 1; }
pod early early
container early early web "${loop[@]}"
early=$id
watch "$early"
check "the sensor takes the v1 hierarchy of pids" grep -q 'by the cgroup hierarchy pids' "$work/sensor.err"
session "$early" exec-early
for driver in cgroupfs systemd; do
	[ $driver = systemd ] && more=(parent=SLICE handler=changed) || more=()
	pod $driver $driver-0 "${more[@]}"
	first $driver app web
	session "$id" exec-$driver-app
	first $driver sidecar sidecar
	session "$id" exec-$driver-sidecar
	container $driver job web /bin/true "$mark-first-$driver-job"
	job=$id
	expect title="a program that is all there is" id="$job" token="$mark-first-$driver-job" entry=entrypoint times=1
	[ "$("$cri" wait "$job")" = 0 ] || fail "job of $driver ends well"
done
[ -z "$(in_v2)" ] && pass "no container is in v2" || fail "a container is in v2 as well: $(in_v2)"

# A container that makes cgroups in its own, which look like another's.
pod nested nested-0 privileged=true
container nested app web /bin/sh -c 'mkdir /tmp/cg && mount '"$cgroup_mount"' cgroup /tmp/cg || exit 1
	own=/tmp/cg$(sed -n "s/^'"$cgroup_line"'//p" /proc/self/cgroup)/docker/'"$(new_id)"'
	mkdir -p "$own" && (echo 0 >"$own/cgroup.procs" && /bin/true '"$mark"'-nested) || exit 1
	umount /tmp/cg; exec /bin/sleep 100000'
expect title="in a cgroup of its own it stays the container's" id="$id" token="$mark-nested" entry=entrypoint times=1
wait_for 30 sleeps "$id" || fail "app of nested comes up"

watch_again
session "$early" exec-after-sensor
for p in early cgroupfs systemd nested; do "$cri" remove-pod "$work/$p" || fail "pod $p is removed"; done
judge
check "COVERAGE names the hierarchy" grep -q '"cgroup_hierarchy":"pids"' <(grep '"COVERAGE"' "$work/all" | tr -d ' ')
check "what lived while the sensor did is COMPLETE" "$VARVE" replay "$work/log" --container "$job" --format jsonl
node_down
leftovers
finish
