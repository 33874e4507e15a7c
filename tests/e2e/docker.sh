#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Docker: each record of a container has the name and the image that it was run with.
. "$(dirname "$0")/lib.sh"
. tests/e2e/node.bash

for p in dockerd containerd; do command -v $p >/dev/null || { echo "skip docker: no $p here"; exit 0; }; done
# The client that came with the daemon: others on the path may speak to something else.
docker=$(dirname "$(readlink -f "$(command -v dockerd)")")/docker
[ -x "$docker" ] || docker=/usr/bin/docker
[ -x "$docker" ] || { echo "skip docker: no client for $(command -v dockerd)"; exit 0; }
docker_() { env -i PATH=/usr/sbin:/usr/bin HOME="$work" "$docker" --host "unix://$node_root/run/docker.sock" "$@" </dev/null; }

node_up || { fail "a node of our own"; finish; }
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

# run NAME IMAGE OPTION... -- COMMAND...: sets id; what is expected of it.
run() {
	local name=$1 image=example.test/$2:1 options=()
	shift 2
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	id=$(docker_ run --detach --name "$name" "${options[@]}" "$image" "$@" 2>"$work/run.err") || { fail "docker run $name: $(tail -n 1 "$work/run.err")"; return; }
	expect title="$name" id="$id" name="$name" image="$image" runtime=docker ${starts:+starts="$starts"}
}
first() { # NAME IMAGE OPTION...
	run "$@" -- /bin/sh -c "/bin/true $mark-first-$1-$2; exec /bin/sleep 100000"
	expect title="first program of $1, of image $2" id="$id" token="$mark-first-$1-$2" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "$1 comes up"
}
session() { # NAME TOKEN
	docker_ exec "$1" /bin/true "$mark-$2" || fail "docker exec $1"
	expect title="docker exec $2 is a session of its container" id="$(docker_ inspect --format '{{.Id}}' "$1")" token="$mark-$2" entry=session times=1
}

run early web --network host -- /bin/sh -c "while :; do /bin/true $mark-loop-early; /bin/sleep 0.2; done"
node_sensor_start || { fail "sensor starts"; finish; }
expect title="what ran before the sensor is its container's" id="$id" token="$mark-loop-early"
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

# A docker in docker makes cgroups as this one does.
fake=$(new_id)
run nested web "${privileged[@]}" -- /bin/sh -c 'mkdir /tmp/cg && mount -t cgroup2 cgroup2 /tmp/cg || exit 1
	own=/tmp/cg$(sed -n "s/^0:://p" /proc/self/cgroup)
	mkdir -p "$own/docker/'"$fake"'" && (echo 0 >"$own/docker/'"$fake"'/cgroup.procs" && /bin/true '"$mark"'-nested) || exit 1
	exec /bin/sleep 100000'
expect title="in a cgroup of a docker in docker it stays the container's" id="$id" token="$mark-nested" entry=entrypoint times=1
wait_for 30 sleeps "$id" || fail "nested comes up"

# Docker restarts, the containers live on.
kill -TERM "$daemon_pid"
wait_for 20 test ! -e "/proc/$daemon_pid" || fail "dockerd ends"
docker_start || fail "dockerd starts again"
session web exec-after-docker

sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
node_sensor_start || { fail "sensor starts again"; finish; }
session web exec-after-sensor
# The name is used again.
docker_ rm --force web >/dev/null || fail "web is removed"
first web job
again=$id
for c in early web host nested job; do docker_ rm --force "$c" >/dev/null 2>&1 || fail "$c is removed"; done
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
"$VARVE" cat "$work/log" >"$work/all"
"$PYTHON" tests/e2e/whose.py "$work/all" "$work/expected" "$tree" || failures=$((failures + 1))
check "what lived while the sensor did is COMPLETE" "$VARVE" replay "$work/log" --container "$again" --format jsonl
node_down
leftovers
finish
