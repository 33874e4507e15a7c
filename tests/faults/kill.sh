#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sensor is killed at random points under load, and started again: what was not watched is declared, to the event. With a sensor that pins
# (--pin), it is done once more so, and then it is watched all the time.
. "$(dirname "$0")/lib.bash"
TIMES=${TIMES:-$([ -n "$LONG" ] && echo 200 || echo 5)}
RATE=${RATE_KILL:-2000}

restarts() { # HOW OPTIONS...
	local how=$1 n
	shift
	begin "$@"
	for ((n = 0; n < TIMES; n++)); do
		pause 50 800
		"sensor_$how" || fail "sensor_$how $n: $(tail -n 2 "$work/sensor.err")"
		fault_sensor "$@" || { fail "sensor starts again after $n times"; finish; }
	done
	end
}
echo "# SEED=$SEED, $TIMES times"
restarts "${HOW:-kill}" --log-limit 16G
judge runs=$((TIMES + 1)) clean="${CLEAN:-0}" lost=0

if "$SENSOR" --help | grep -qE '^ *--pin[ =]'; then
	rm -rf "$log" "$work/load"
	mkdir "$work/bpf" && mount -t bpf bpf "$work/bpf" && on_exit+=('umount "$work/bpf"') || { fail "a BPF file system"; finish; }
	pins=$work/bpf/varve
	restarts "${HOW:-kill}" --log-limit 16G --pin on --pin-directory "$pins"
	# On a machine that is too busy for a start to come in time the rings fill: then it is declared what they could not hold.
	judge runs=$((TIMES + 1)) unwatched=0
fi
finish
