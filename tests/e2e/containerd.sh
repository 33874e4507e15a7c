#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real containerd: a container of an image, with the overlay that containerd mounts, started before and after the sensor.
. "$(dirname "$0")/lib.sh"

on_exit+=('ctr_ task kill -s KILL before-sensor; sleep 0.3; ctr_ container rm before-sensor')
. tests/e2e/containerd_alone.bash

# An image by hand: busybox and what runs it.
bundle_make image /bin/true
"$PYTHON" tests/e2e/image.py "$work/image/image" "$work/image.tar" example.test/busybox:1 || fail "image is made"
ctr_ images import "$work/image.tar" >/dev/null || fail "image is imported"

ctr_ run -d --cgroup "/$tree/before-sensor" example.test/busybox:1 before-sensor /bin/sh -c 'while :; do : >/tmp/before; sleep 0.2; done' || fail "container before the sensor"
sensor_start --host-root "" || { fail "sensor starts"; finish; }
ctr_ run --rm --cgroup "/$tree/after-sensor" example.test/busybox:1 after-sensor /bin/sh -c 'cp /bin/busybox /tmp/true; /tmp/true' || fail "container after the sensor"
id=$(new_id)
ctr_ run --rm --annotation io.kubernetes.pod.name=web-0 --annotation io.kubernetes.pod.namespace=shop --cgroup "/$tree/kubepods/pod$(cat /proc/sys/kernel/random/uuid)/$id" \
	example.test/busybox:1 "$id" /bin/true || fail "container of a pod"
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
check "a container of ctr is COMPLETE" "$VARVE" replay "$work/log" --container after-sensor --format jsonl
cp "$work/check.out" "$work/after.jsonl"
check "the dropped binary ran from the overlay's upper layer" grep -q '"kind":"EXEC".*"path":"/tmp/true".*"overlay_upper":true' "$work/after.jsonl"
check "the image's own did not" bash -c "! grep '\"kind\":\"EXEC\"' '$work/after.jsonl' | grep '\"filename\":\"/bin/sh\"' | grep -q '\"file\":{[^}]*overlay_upper'"
check "a pod by its annotations is COMPLETE" "$VARVE" replay "$work/log" --pod shop/web-0 --format jsonl
"$VARVE" cat "$work/log" >"$work/all"
if grep '"PROCESS_SNAPSHOT"' "$work/all" | grep '"from_snapshot":true' | grep -q 'while :'; then
	pass "what ran before the sensor is found, with its arguments"
else
	fail "what ran before the sensor is found, with its arguments"
fi
grep '"OPEN"' "$work/all" | grep -q '"path":"/tmp/before"' && pass "and recorded from then on" || fail "and recorded from then on"
finish
