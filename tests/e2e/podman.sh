#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real podman: each record of a container has the name and the image that it was run with; containers of podman's pods, too.
. "$(dirname "$0")/lib.sh"
engine=podman
. tests/e2e/engine.bash

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

run_options=(--entrypoint '' --cgroup-parent "/$tree/libpod_parent")
run early web --network host -- "${loop[@]}"
watch "$id"
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
run_options=(--entrypoint '' --pod shop)
first member web
session member exec-member
first other job
expect title="the pod's infra container" id="$(id_of shop-infra)" name=shop-infra image=example.test/pause:1 runtime=podman

run_options=(--entrypoint '' --cgroup-parent "/$tree/libpod_parent")
nested "libpod_parent/libpod-$(new_id)" --privileged --network none

watch_again
session alone exec-after-sensor
# The name is used again.
podman_ rm --force --time 0 host >/dev/null || fail "host is removed"
first host job --network none
again=$id
podman_ pod rm --force --time 0 shop >/dev/null || fail "pod is removed"
podman_ rm --all --force --time 0 >/dev/null || fail "containers are removed"
judge
check "what lived while the sensor did is COMPLETE" "$VARVE" replay "$work/log" --container "$again" --format jsonl
node_down
leftovers
finish
