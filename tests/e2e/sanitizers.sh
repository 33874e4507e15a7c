#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole path with ASan and UBSan in the sensor, and the responder under valgrind.
. "$(dirname "$0")/lib.sh"
SENSOR=$O/san/varve-sensor
export ASAN_OPTIONS=log_path=$work/asan UBSAN_OPTIONS=log_path=$work/ubsan:print_stacktrace=1

sensor_start --heartbeat 1s --read-opens all || { fail "sensor with sanitizers starts"; finish; }
for i in $(seq 10); do
	container_run "job-$i" /bin/sh -c 'i=0; while [ $i -lt 50 ]; do : >/tmp/f$i; cat /etc/passwd >/dev/null; mv /tmp/f$i /tmp/g; rm /tmp/g; i=$((i+1)); done' || fail "runc"
done
sleep 1.5
sensor_stop && pass "sensor with sanitizers ends cleanly" || fail "sensor with sanitizers ends cleanly"
if ls "$work"/asan* "$work"/ubsan* >/dev/null 2>&1; then
	fail "sanitizers: $(cat "$work"/asan* "$work"/ubsan* 2>/dev/null | head -n 20 | tr '\n' '|')"
else
	pass "sanitizers report nothing"
fi
unset ASAN_OPTIONS UBSAN_OPTIONS
for c in "cat $work/log" "pods $work/log" "replay $work/log --pod e2e/job-3 --format tree" "replay $work/log --pod e2e/job-3 --format timeline" \
	"replay $work/log --pod e2e/job-3 --format summary --key $work/log/sensor.pub" "replay $work/log --pod e2e/job-3 --format dot"; do
	# shellcheck disable=SC2086
	valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect "$VARVE" $c >/dev/null 2>"$work/valgrind" &&
		pass "valgrind: varve ${c%% *} ${c##* }" || fail "valgrind: varve ${c%% *}: $(head -n 5 "$work/valgrind" | tr '\n' '|')"
done
finish
