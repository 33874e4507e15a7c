#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real podman: each record of a container has the name and the image that it was run with; containers of podman's pods, too.
. "$(dirname "$0")/lib.sh"
. tests/e2e/node.bash

for p in podman conmon; do command -v $p >/dev/null || { echo "skip podman: no $p here"; exit 0; }; done
node_up || { fail "a node of our own"; finish; }
# Without systemd: cgroupfs, events in a file. Limits: podman asks for more than root may have where CAP_SYS_RESOURCE lacks.
cat >"$work/containers.conf" <<C
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "example.test/pause:1"
C
podman_() { node_ env CONTAINERS_CONF="$work/containers.conf" podman "$@"; }
podman_ info >"$work/info" 2>&1 || { fail "podman runs: $(tail -n 1 "$work/info")"; finish; }
bundle_make image /bin/true
for image in pause web job; do
	"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/$image.tar" example.test/$image:1 /bin/sleep 100000 &&
		podman_ pull -q "oci-archive:$work/$image.tar" >"$work/pulled" &&
		podman_ tag "$(tail -n 1 "$work/pulled")" example.test/$image:1 || fail "image is loaded"
done

# run NAME IMAGE OPTION... -- COMMAND...: sets id; what is expected of it. in_pod: it goes into that pod.
in_pod=
run() {
	local name=$1 image=example.test/$2:1 options=()
	shift 2
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	[ -n "$in_pod" ] && options+=(--pod "$in_pod") || options+=(--cgroup-parent "/$tree/libpod_parent")
	id=$(podman_ run --detach --entrypoint '' --name "$name" "${options[@]}" "$image" "$@" 2>"$work/run.err") ||
		{ fail "podman run $name: $(tail -n 1 "$work/run.err")"; return; }
	expect title="$name" id="$id" name="$name" image="$image" runtime=podman
}
first() { # NAME IMAGE OPTION...
	run "$@" -- /bin/sh -c "/bin/true $mark-first-$1-$2; exec /bin/sleep 100000"
	expect title="first program of $1, of image $2" id="$id" token="$mark-first-$1-$2" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "$1 comes up"
}
session() { # NAME TOKEN
	podman_ exec "$1" /bin/true "$mark-$2" || fail "podman exec $1"
	expect title="podman exec $2 is a session of its container" id="$(podman_ inspect --format '{{.Id}}' "$1")" token="$mark-$2" entry=session times=1
}

run early web --network host -- /bin/sh -c "while :; do /bin/true $mark-loop-early; /bin/sleep 0.2; done"
node_sensor_start || { fail "sensor starts"; finish; }
expect title="what ran before the sensor is its container's" id="$id" token="$mark-loop-early"
session early exec-early
first alone web --network none
session alone exec-alone
first host web --privileged --pid host --network host --uts host --ipc host
session host exec-host
run job job --network none -- /bin/true "$mark-first-job"
expect title="a program that is all there is" id="$id" token="$mark-first-job" entry=entrypoint times=1
[ "$(podman_ wait job)" = 0 ] || fail "job ends well"

# Whoever starts a container, who need not be root, says its annotations: they make it no pod's.
first forger web --network none --annotation io.kubernetes.pod.name=web-0 --annotation io.kubernetes.pod.namespace=shop \
	--annotation "io.kubernetes.pod.uid=$(cat /proc/sys/kernel/random/uuid)" --annotation io.kubernetes.container.name=app \
	--annotation io.kubernetes.cri-o.ImageName=example.test/other:1 --annotation io.kubernetes.cri-o.ContainerType=sandbox

# A pod of podman's: its name is in podman's data base only.
podman_ pod create --name shop --network none --infra-name shop-infra --cgroup-parent "/$tree/libpod_parent" >/dev/null || fail "pod is made"
in_pod=shop
first member web
session member exec-member
first other job
expect title="the pod's infra container" id="$(podman_ inspect --format '{{.Id}}' shop-infra)" name=shop-infra image=example.test/pause:1 runtime=podman
in_pod=

# A podman in podman makes cgroups as this one does.
fake=$(new_id)
run nested web --privileged --network none -- /bin/sh -c 'mkdir /tmp/cg && mount -t cgroup2 cgroup2 /tmp/cg || exit 1
	own=/tmp/cg$(sed -n "s/^0:://p" /proc/self/cgroup)/libpod_parent/libpod-'"$fake"'
	mkdir -p "$own" && (echo 0 >"$own/cgroup.procs" && /bin/true '"$mark"'-nested) || exit 1
	exec /bin/sleep 100000'
expect title="in a cgroup of a podman in podman it stays the container's" id="$id" token="$mark-nested" entry=entrypoint times=1
wait_for 30 sleeps "$id" || fail "nested comes up"

sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
node_sensor_start || { fail "sensor starts again"; finish; }
session alone exec-after-sensor
# The name is used again.
podman_ rm --force --time 0 host >/dev/null || fail "host is removed"
first host job --network none
again=$id
podman_ pod rm --force --time 0 shop >/dev/null || fail "pod is removed"
podman_ rm --all --force --time 0 >/dev/null || fail "containers are removed"
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
"$VARVE" cat "$work/log" >"$work/all"
"$PYTHON" tests/e2e/whose.py "$work/all" "$work/expected" "$tree" || failures=$((failures + 1))
check "what lived while the sensor did is COMPLETE" "$VARVE" replay "$work/log" --container "$again" --format jsonl
node_down
leftovers
finish
