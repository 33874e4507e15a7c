#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Docker: each record of a container has the name and the image that it was run with. V1_ONLY=1: on a node with cgroup v1 alone.
. "$(dirname "$0")/lib.sh"
engine=docker
. tests/e2e/engine.bash

for p in dockerd containerd; do command -v $p >/dev/null || { echo "skip docker: no $p here"; exit 0; }; done
# The client that came with the daemon: others on the path may speak to something else.
docker=$(dirname "$(readlink -f "$(command -v dockerd)")")/docker
[ -x "$docker" ] || docker=/usr/bin/docker
[ -x "$docker" ] || { echo "skip docker: no client for $(command -v dockerd)"; exit 0; }
docker_() { env -i PATH=/usr/sbin:/usr/bin HOME="$work" "$docker" --host "unix://$node_root/run/docker.sock" "$@" </dev/null; }

node_up || { fail "a node of our own"; finish; }
[ -z "${V1_ONLY:-}" ] || node_v1 || fail "cgroup v1 alone on the node"
# Packets' filters are not what is tested; Debian's may not do in a network namespace.
docker_start() {
	daemon dockerd dockerd --host unix:///run/docker.sock --iptables=false --ip-masq=false --bridge=none --cgroup-parent "/$tree/docker" --live-restore
	wait_for 30 docker_ version
}
docker_start || { tail -n 5 "$work/dockerd.log"; fail "dockerd starts"; finish; }
bundle_make image /bin/true
for image in web job; do
	tar -C "$work/image/image" -c . >"$work/$image.tar"
	docker_ import "$work/$image.tar" example.test/$image:1 >/dev/null || fail "image is imported"
done

# A privileged container has all capabilities there are; where root lacks some it cannot be made, and this comes nearest.
privileged=(--privileged)
(((0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status) >> 24 & 1) == 1)) ||
	privileged=(--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt apparmor=unconfined)

run early web --network host -- "${loop[@]}"
watch "$id"
session early exec-early
first web web
session web exec-web
first host web "${privileged[@]}" --pid host --network host --ipc host --uts host
session host exec-host
starts=2
run job job -- /bin/true "$mark-first-job"
starts=
expect title="a program that is all there is" id="$id" token="$mark-first-job" entry=entrypoint times=2
[ "$(docker_ wait job)" = 0 ] || fail "job ends well"
# It starts once more, as the same container in a new cgroup.
docker_ start job >/dev/null && [ "$(docker_ wait job)" = 0 ] || fail "job starts again"

nested "docker/$(new_id)" "${privileged[@]}"

# Docker restarts, the containers live on.
kill -TERM "$daemon_pid"
wait_for 20 test ! -e "/proc/$daemon_pid" || fail "dockerd ends"
docker_start || fail "dockerd starts again"
session web exec-after-docker

watch_again
session web exec-after-sensor
# The name is used again.
docker_ rm --force web >/dev/null || fail "web is removed"
first web job
again=$id
for c in early web host nested job; do docker_ rm --force "$c" >/dev/null 2>&1 || fail "$c is removed"; done
judge
[ -z "${V1_ONLY:-}" ] || check "the sensor took the v1 hierarchy of pids" grep -q 'by the cgroup hierarchy pids' "$work/sensor.err"
check "what lived while the sensor did is COMPLETE" "$VARVE" replay "$work/log" --container "$again" --format jsonl
node_down
leftovers
finish
