# SPDX-License-Identifier: Apache-2.0
# What the faults share, sourced: a load that keeps its own account (load.c) runs before, during and after the fault; judge.py holds the log
# against it. LONG=1: more, and longer. SEED makes the same choices again.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
LONG=${LONG:-}
RATE=${RATE:-1000} CONTAINERS=${CONTAINERS:-4} MIX=${MIX:-wruxc}
RANDOM=${SEED:=$((0x$(od -An -tx2 -N2 /dev/urandom | tr -d ' ')))}
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
load_pid=
log=$work/log
on_exit+=('[ -z "$load_pid" ] || { kill -TERM "$load_pid"; kill -CONT "$load_pid"; wait "$load_pid"; }')

# Each open is recorded, so that what one sensor left out is not unknown to the next.
fault_sensor() { sensor_start --read-opens all "$@"; }
load_start() {
	mkdir -p "$work/load"
	TRACE=1 "$O/tests/faults/load" "$work/load" "$cgroup2/$tree" "$CONTAINERS" "$MIX" "$RATE" 0 >"$work/load.out" 2>&1 &
	load_pid=$!
	wait_for 20 grep -q doing "$work/load.out" || { fail "the load starts: $(cat "$work/load.out")"; finish; }
}
load_stop() {
	local rc=0
	kill -TERM "$load_pid"
	wait "$load_pid" || rc=$?
	load_pid=
	[ $rc = 0 ] || fail "the load: $(cat "$work/load.out")"
}
# Load and sensor, both at work.
begin() { # OPTIONS...: the sensor's
	fault_sensor "$@" || { fail "sensor starts"; finish; }
	load_start
	sleep 1
}
# The load ends, then the sensor.
end() {
	sleep 1
	load_stop
	sleep 0.5
	sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
}
# What is in the log is what the sensor sealed. SEALED: exit status of varve verify that is due.
sealed() {
	local rc=0
	"$VARVE" verify "$log" --key "$log/sensor.pub" >"$work/verified" 2>&1 || rc=$?
	[ $rc = "${SEALED:-0}" ] && pass "varve verify: $(tail -n 1 "$work/verified")" ||
		fail "varve verify: exit status $rc: $(grep -vE '^(run|pod) ' "$work/verified" | head -n 5 | tr '\n' '|')"
}
judge() { # OPTIONS...: judge.py's
	sealed
	TRACE=1 "$O/tests/faults/tally" "$log" "$work/load/truth" >"$work/tally" 2>"$work/tally.err" || fail "the log can be read: $(cat "$work/tally.err")"
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" tests/faults/judge.py "$work" "$VARVE" "$log" "$@" >"$work/judged" 2>&1
	local rc=$?
	cat "$work/judged"
	[ $rc = 0 ] || failures=$((failures + 1))
	[ $rc = 0 ] || grep -q '^not ok' "$work/judged" || fail "judge: $(tail -n 2 "$work/judged")"
	[ $rc = 0 ] || [ -z "${KEEP_FAILED:-}" ] || cp -r "$work" "$KEEP_FAILED"
}
said() { # PATTERN NAME: the sensor has said so
	grep -qE "$1" "$work/sensor.err" && pass "$2: $(grep -E -m 1 "$1" "$work/sensor.err" | cut -c1-140)" || fail "$2: $(tail -n 3 "$work/sensor.err" | tr '\n' '|')"
}
# pause FROM TO: a time between, in milliseconds.
pause() {
	local r=$RANDOM # here: a subshell has a sequence of its own, which SEED does not begin
	sleep "$(awk -v r=$r -v a="$1" -v b="$2" 'BEGIN { print (a + (b - a) * r / 32768) / 1000 }')"
}
