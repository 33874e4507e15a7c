#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real podman: containers and a pod of it, by name and image; podman exec; the same name used again.
. "$(dirname "$0")/lib.sh"

podman=$(command -v podman) || { echo "skip podman: podman is not installed"; finish; }
root=$work/root
mkdir -p "$root/var/lib/containers/storage" "$root/run/containers/storage"
cat >"$work/containers.conf" <<C
[containers]
default_sysctls = []
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "$(command -v runc)"
[engine.runtimes]
C
podman_() {
	CONTAINERS_CONF="$work/containers.conf" "$podman" --root "$root/var/lib/containers/storage" --runroot "$root/run/containers/storage" --tmpdir "$work/libpod" \
		--runtime "$(command -v runc)" --cgroup-manager cgroupfs --events-backend file --storage-driver vfs "$@" </dev/null
}
on_exit+=('podman_ rm -af -t 0 >/dev/null 2>&1; podman_ pod rm -af >/dev/null 2>&1'
	'for m in $(findmnt -rno TARGET | grep "^$work/" | tac); do umount "$m"; done')
bundle_make image /bin/true
tar -C "$work/image/image" -cf "$work/image.tar" . && podman_ import "$work/image.tar" example.test/busybox:1 >"$work/import" 2>&1 || { fail "image is imported: $(tail -n 2 "$work/import")"; finish; }
run() { podman_ run --network host --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cgroup-parent "/$tree/libpod_parent" "$@"; }

sensor_start --host-root "$root" || { fail "sensor starts"; finish; }
first=$(run -d --name web example.test/busybox:1 /bin/sh -c '/bin/true first; /bin/sleep 1000') || fail "a container"
podman_ exec web /bin/true by-exec || fail "podman exec"
podman_ rm -f -t 0 web >/dev/null || fail "the container ends"
second=$(run -d --name web example.test/busybox:1 /bin/true second) || fail "another of the same name"
podman_ wait web >/dev/null
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

"$VARVE" cat "$work/log" >"$work/all"
check "each program is its container's, by name and image" "$PYTHON" - "$work/all" "$first" "$second" <<'PY'
import json, sys
all_, first, second = sys.argv[1:]
events = [json.loads(l) for l in open(all_)]
expected = {'first': (first, 'entrypoint'), 'by-exec': (first, 'session'), 'second': (second, 'entrypoint')}
for word, (id, entry) in expected.items():
    runs = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'] == ['/bin/true', word]]
    assert len(runs) == 1, (word, len(runs))
    e = runs[0]
    c = e['container']
    assert (c['id'], c['name'], c['image'], c['runtime']) == (id, 'web', 'example.test/busybox:1', 'podman'), (word, c)
    assert c['metadata_state'] == 'RESOLVED', (word, c)
    assert e['process']['entry']['how'] == entry, (word, e['process'])
for e in events:
    if 'container' in e:
        assert e['container']['id'] in (first, second), e
PY
for id in "$first" "$second"; do check "COMPLETE: ${id:0:12}" "$VARVE" replay "$work/log" --container "$id" --format jsonl; done
finish
