#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The private key in the sensor's memory: the one that signs is in memory that is neither swapped nor dumped, and nowhere else; those that
# it replaced are nowhere.
. "$(dirname "$0")/lib.sh"
sensor_start --seal-key-interval 2s --heartbeat 1s || { fail "sensor starts"; finish; }
mkdir "$work/keys"
read_key() { tr -d '\0' <"$work/log/sensor.key" 2>/dev/null | grep PRIVATE; }
for which in old older; do
	read_key >"$work/keys/$which"
	changed() { k=$(read_key) && [ "$k" != "$(cat "$work/keys/$which")" ]; }
	wait_for 10 changed || fail "the key changes"
done
# While memory is looked through, the key must not change.
look() {
	read_key >"$work/keys/now"
	python3 "$(dirname "$0")/seal_key.py" "$sensor_pid" "$work"/keys/* >"$work/found" && [ "$(read_key)" = "$(cat "$work/keys/now")" ]
}
wait_for 5 look || fail "memory is read"
check "the private key is in the sensor's memory" grep -q '/now ' "$work/found"
check "nowhere but where nothing is swapped or dumped" sh -c '! grep -v "locked nodump" "$1"' - "$work/found"
check "those before it are gone" sh -c '! grep -v /now "$1"' - "$work/found"
check "it is not among its arguments, nor in its environment" eval '! cut -d+ -f5- "$work"/keys/* | grep -qaFf - "/proc/$sensor_pid/cmdline" "/proc/$sensor_pid/environ"' 
sensor_stop || fail "sensor stops cleanly"
finish
