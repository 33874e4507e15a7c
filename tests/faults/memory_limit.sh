#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A memory limit of 64 MiB on the sensor's cgroup: it works within it, or is killed for it. Newer kernels charge it for what their verifier
# needs, and kill it while it loads its programs: then nothing is left behind, and it runs with 96 MiB. Then the limit is lowered to what it
# uses, which kills it at work. The next run, without a limit, says what was not watched.
. "$(dirname "$0")/lib.bash"
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/self/mounts)
[ -n "$memory" ] || { echo "skip no memory controller of cgroup v1 here"; exit 0; }
mkdir "$memory/$tree" && on_exit+=('rmdir "$memory/$tree"') || { fail "a cgroup with a limit"; finish; }
limit() { echo "$1" >"$memory/$tree/memory.limit_in_bytes"; } 2>/dev/null
lives() { kill -0 "$sensor_pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$sensor_pid/status"; }
printf '#!/bin/sh\necho $$ >%s/cgroup.procs && exec %s "$@"\n' "$memory/$tree" "$PWD/$SENSOR" >"$work/limited"
chmod +x "$work/limited"
unlimited=$SENSOR
SENSOR=$work/limited
RATE=5000

killed() { # WHEN: the sensor, by the kernel
	local rc=0
	wait "$sensor_pid" 2>/dev/null || rc=$?
	sensor_pid=
	[ $rc = 137 ] && pass "killed for its memory $1" || fail "killed for its memory $1: it ended with $rc: $(tail -n 1 "$work/sensor.err")"
}
# Its rings, maps and heap are most of what it uses: the limit cannot be much below that, and whatever it needs next is too much.
lower() {
	local used
	for ((i = 0; i < 200; i++)); do
		used=$(cat "$memory/$tree/memory.usage_in_bytes")
		lives && limit $((used - (1 << 20))) || limit "$used"
		lives || return 0
		sleep 0.05
	done
	return 1
}

limit 64M
: >"$work/sensor.conf"
"$SENSOR" --config "$work/sensor.conf" --log-dir "$log" --read-opens all 2>"$work/sensor.err" &
sensor_pid=$!
wait_for 30 eval '! lives || grep -q recording "$work/sensor.err"'
if lives; then
	load_start
	sleep $([ -n "$LONG" ] && echo 60 || echo 5)
	lives && pass "it lives with 64 MiB" || fail "it lives with 64 MiB: it was killed"
else
	killed "while it loads, within 64 MiB"
	limit 96M
	begin
	sleep $([ -n "$LONG" ] && echo 60 || echo 2)
	lives && pass "it lives with 96 MiB" || fail "it lives with 96 MiB: it was killed"
	echo "# most memory used: $(cat "$memory/$tree/memory.max_usage_in_bytes") bytes"
fi
lower && killed "at work" || fail "killed for its memory at work: it lives with $(cat "$memory/$tree/memory.limit_in_bytes") bytes"
SENSOR=$unlimited
fault_sensor || { fail "sensor starts again"; finish; }
end
judge runs=2 lost=0
finish
