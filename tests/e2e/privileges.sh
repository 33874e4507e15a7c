#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Privileges: with those that the manual names and no others the sensor records a container whole; what each thread keeps when all is
# attached is what the manual says; without each in turn there is a clear message or a declared hole, and no crash.
. "$(dirname "$0")/lib.sh"
all=bpf,perfmon,net_admin,dac_read_search,sys_ptrace,sys_admin,sys_nice

start_with() { # CAPABILITIES OPTIONS...: as root with these only
	local set=-all,+${1//,/,+}
	shift
	: >"$work/sensor.conf" >"$work/sensor.err"
	setpriv --bounding-set="$set" --inh-caps="$set" "$SENSOR" --config "$work/sensor.conf" --log-dir "$work/log" --node-name test-node --drop-privileges on "$@" 2>"$work/sensor.err" &
	sensor_pid=$!
	wait_for 60 sh -c "grep -q recording '$work/sensor.err' || ! kill -0 $sensor_pid" && grep -q recording "$work/sensor.err"
}
caps_of() { sed -n 's/^CapPrm:\t//p' "$1/status"; }
records() { "$VARVE" cat "$work/log" --kind "$1" 2>/dev/null; }

# --- those that it needs, and no others
start_with $all && pass "starts with the capabilities that the manual names" || { fail "starts: $(cat "$work/sensor.err")"; finish; }
container_run whole /bin/sh -c 'echo x >/tmp/x; /bin/true' || fail "container runs"
runc_ delete --force "$id" 2>/dev/null
sleep 1
# In hex: bpf 39, sys_admin 21, sys_ptrace 19, dac_read_search 2.
[ "$(caps_of "/proc/$sensor_pid")" = 0000008000280004 ] && pass "the main loop keeps bpf, sys_admin, sys_ptrace, dac_read_search" ||
	fail "main keeps $(caps_of "/proc/$sensor_pid")"
others=$(for t in /proc/"$sensor_pid"/task/*; do [ "${t##*/}" = "$sensor_pid" ] || caps_of "$t"; done | sort | uniq -c | xargs)
[ "$others" = "2 0000000000080004" ] && pass "the threads that read files keep sys_ptrace, dac_read_search" || fail "threads keep $others"
grep -q '^NoNewPrivs:.1' "/proc/$sensor_pid/status" && pass "no_new_privs" || fail "new privileges can be had"
# A process of the same user without capabilities: what a process that can be dumped allows it.
setpriv --bounding-set=-all --inh-caps=-all cat "/proc/$sensor_pid/environ" >"$work/out" 2>&1 && fail "its memory can be read" || pass "its memory cannot be read by processes of the same user"
digest=$("$SENSOR" --config "$work/sensor.conf" --log-dir "$work/log" --node-name test-node --drop-privileges on --print-config |
	sed -n 's/^# config_sha256 in COVERAGE: //p')
sensor_stop && pass "stops cleanly" || fail "stops: $(cat "$work/sensor.err")"
"$VARVE" replay "$work/log" --pod e2e/whole >"$work/replay" 2>"$work/replay.err"
rc=$?
[ $rc = 0 ] || [ $rc = 3 ] && grep -q '/bin/true' "$work/replay" && ! grep -qi 'lost' "$work/replay.err" && pass "the container is recorded whole" ||
	fail "replay: $rc $(tail -n 3 "$work/replay.err")"
[ ${#digest} = 64 ] && records COVERAGE | grep -q "\"config_sha256\":\"$digest\"" && pass "COVERAGE has the digest that --print-config says" ||
	fail "digest $digest is not in $(records COVERAGE | head -n 1 | cut -c1-300)"
records FILE_HASH | grep -q '"sha256"' && pass "what ran is hashed" || fail "nothing is hashed: $(records FILE_HASH | head -n 1)"
[ -s "$work/sensor.err" ] && ! grep -q 'cannot give up' "$work/sensor.err" || fail "$(cat "$work/sensor.err")"

# --- pinned, killed and taken over, as in a DaemonSet that restarts
mkdir -p "$work/bpf" && mount -t bpf bpf "$work/bpf" && on_exit+=("$SENSOR --unpin --pin-directory $work/bpf/varve 2>/dev/null; umount $work/bpf")
pin="--pin on --pin-directory $work/bpf/varve"
# shellcheck disable=SC2086
if start_with $all $pin; then
	sensor_kill
	container_run between /bin/true || fail "container runs"
	start_with $all $pin || fail "takes over: $(cat "$work/sensor.err")"
	sleep 1
	sensor_stop || fail "stops: $(cat "$work/sensor.err")"
	records EXEC | grep -q '"between"' && records RUN_START | grep -q '"takes_over":true' && pass "takes over what was numbered meanwhile" || fail "nothing of between"
else
	fail "starts with pin: $(cat "$work/sensor.err")"
fi

# --- without each in turn
less() { sed "s/\(^\|,\)$1\(,\|\$\)/,/; s/^,//; s/,\$//" <<<$all; }
rm -rf "$work/log"
for cap in bpf perfmon net_admin dac_read_search sys_ptrace sys_nice; do
	caps=$(less $cap)
	# sys_admin would do for the first three.
	case $cap in bpf | perfmon | net_admin) caps=$(sed 's/,sys_admin//' <<<"$caps") ;; esac
	start_with "$caps"
	started=$?
	if [ $started = 0 ]; then
		sensor_stop || fail "without $cap: it stops with an error: $(tail -n 1 "$work/sensor.err")"
	else
		wait "$sensor_pid"
		rc=$?
		sensor_pid=
		[ $rc = 1 ] || fail "without $cap: it ended with $rc"
	fi
	case $cap in
	bpf | perfmon) [ $started = 1 ] && grep -q 'error: .*CAP_' "$work/sensor.err" && pass "without $cap: it ends, and says so" || fail "without $cap: $started $(tail -n 1 "$work/sensor.err")" ;;
	net_admin) [ $started = 0 ] && records COVERAGE | grep -q '"not_seen".*UDP_FLOW' && pass "without $cap: UDP_FLOW is said to be not seen" || fail "without $cap: $started $(tail -n 1 "$work/sensor.err")" ;;
	*) [ $started = 0 ] && pass "without $cap: it records" || fail "without $cap: $(tail -n 1 "$work/sensor.err")" ;;
	esac
done
finish
