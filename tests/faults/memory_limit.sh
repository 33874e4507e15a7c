#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A memory limit of 64 MiB on the sensor's cgroup: it works within it, or is killed for it, and then all is as after a kill. Where the kernel
# does not let it load its programs and maps within that, with 96 MiB.
. "$(dirname "$0")/lib.bash"
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/self/mounts)
[ -n "$memory" ] || { echo "skip no memory controller of cgroup v1 here"; exit 0; }
mkdir "$memory/$tree" && on_exit+=('rmdir "$memory/$tree"') || { fail "a cgroup with a limit"; finish; }
echo 64M >"$memory/$tree/memory.limit_in_bytes"
printf '#!/bin/sh\necho $$ >%s/cgroup.procs && exec %s "$@"\n' "$memory/$tree" "$PWD/$SENSOR" >"$work/limited"
chmod +x "$work/limited"
SENSOR=$work/limited
RATE=5000
limit=64
lives() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status"; }
: >"$work/sensor.conf"
"$SENSOR" --config "$work/sensor.conf" --log-dir "$log" --read-opens all 2>"$work/sensor.err" &
sensor_pid=$!
wait_for 30 eval '! lives $sensor_pid || grep -q recording "$work/sensor.err"'
if ! lives $sensor_pid; then
	echo "skip start within 64 MiB: the kernel kills it while it loads its programs and maps"
	limit=96
	wait "$sensor_pid" 2>/dev/null
	rm -rf "$log"
	echo 96M >"$memory/$tree/memory.limit_in_bytes"
	fault_sensor || { fail "sensor starts within $limit MiB"; finish; }
fi
load_start
sleep 1
sleep $([ -n "$LONG" ] && echo 60 || echo 5)
runs=1
if ! lives "$sensor_pid"; then
	wait "$sensor_pid"
	runs=2
	SENSOR=$O/varve-sensor
	fault_sensor || { fail "sensor starts again"; finish; }
fi
echo "# most memory used: $(cat "$memory/$tree/memory.max_usage_in_bytes") bytes, limit reached $(cat "$memory/$tree/memory.failcnt") times"
end
[ $runs = 1 ] && pass "it lives with $limit MiB" || fail "it lives with $limit MiB: it was killed"
judge runs=$runs
finish
