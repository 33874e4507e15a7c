#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Docker: containers before and after the sensor, by their names and images; docker exec, the host's pid namespace, a restart of the
# daemon, the same name used again.
. "$(dirname "$0")/lib.sh"

dockerd=$(command -v dockerd) && client=$(PATH=/usr/bin:$PATH command -v docker) || { echo "skip docker: dockerd is not installed"; finish; }
docker_() { "$client" --host "unix://$work/docker.sock" "$@" </dev/null; }
daemon_start() {
	"$dockerd" --data-root "$work/root/var/lib/docker" --exec-root "$work/root/run/docker" --pidfile "$work/dockerd.pid" --host "unix://$work/docker.sock" \
		--iptables=false --ip6tables=false --bridge=none --cgroup-parent "/$tree/docker" --live-restore >>"$work/dockerd.log" 2>&1 &
	daemon=$!
	wait_for 30 docker_ version
}
daemon_stop() { kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
take_down() {
	docker_ ps -aq >"$work/ps" 2>/dev/null && xargs -r "$client" --host "unix://$work/docker.sock" rm -f <"$work/ps" >/dev/null 2>&1
	[ -n "${daemon:-}" ] && daemon_stop
	# With --live-restore its containerd goes on without it.
	[ -f "$work/root/run/docker/containerd/containerd.pid" ] && kill "$(cat "$work/root/run/docker/containerd/containerd.pid")" 2>/dev/null
	for n in 1 2 3 4 5 6 7 8 9 10; do pgrep -f "$work" >/dev/null || break; sleep 0.2; done
	for m in $(findmnt -rno TARGET | grep "^$work/" | tac); do umount "$m"; done
}
on_exit+=(take_down)
daemon_start || { tail -n 5 "$work/dockerd.log"; fail "dockerd starts"; finish; }

bundle_make image /bin/true
tar -C "$work/image/image" -cf "$work/image.tar" . && docker_ import "$work/image.tar" example.test/busybox:1 >/dev/null || { fail "image is imported"; finish; }
run() { docker_ run --network none --security-opt apparmor=unconfined --security-opt seccomp=unconfined "$@"; }

early=$(run -d --name early example.test/busybox:1 /bin/sh -c 'while :; do /bin/true early; sleep 0.2; done') || fail "container before the sensor"
sensor_start --host-root "$work/root" || { fail "sensor starts"; finish; }
first=$(run -d --name web example.test/busybox:1 /bin/sh -c '/bin/true first; /bin/sleep 1000') || fail "a container"
docker_ exec web /bin/true by-exec || fail "docker exec"
daemon_stop
daemon_start || fail "dockerd starts again"
docker_ exec web /bin/true by-later-exec || fail "docker exec after a restart of the daemon"
docker_ rm -f web >/dev/null || fail "the container ends"
second=$(run -d --name web example.test/busybox:1 /bin/true second) || fail "another of the same name"
docker_ wait web >/dev/null
hostpid=$(run -d --name hostpid --pid host example.test/busybox:1 /bin/true hostpid) || fail "a container in the host's pid namespace"
docker_ wait hostpid >/dev/null
docker_ rm -f early >/dev/null
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

# What each container is, by Docker's own word: its id.
"$VARVE" cat "$work/log" >"$work/all"
check "each program is its container's, by name and image" "$PYTHON" - "$work/all" "$early" "$first" "$second" "$hostpid" <<'PY'
import json, sys
all_, early, first, second, hostpid = sys.argv[1:]
events = [json.loads(l) for l in open(all_)]
expected = {'early': (early, 'early', None), 'first': (first, 'web', 'entrypoint'), 'by-exec': (first, 'web', 'session'),
            'by-later-exec': (first, 'web', 'session'), 'second': (second, 'web', 'entrypoint'), 'hostpid': (hostpid, 'hostpid', 'entrypoint')}
for word, (id, name, entry) in expected.items():
    runs = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'] == ['/bin/true', word]]
    assert runs, word
    for e in runs:
        c = e['container']
        assert (c['id'], c['name'], c['image'], c['runtime']) == (id, name, 'example.test/busybox:1', 'docker'), (word, c)
        assert c['metadata_state'] == 'RESOLVED', (word, c)
        assert e['process'].get('entry', {}).get('how') == entry, (word, e['process'])
        assert 'pod' not in e, e
for e in events:
    if 'container' in e:
        assert e['container']['id'] in (early, first, second, hostpid), e
PY
for id in "$first" "$second" "$hostpid"; do check "COMPLETE: ${id:0:12}" "$VARVE" replay "$work/log" --container "$id" --format jsonl; done
finish
