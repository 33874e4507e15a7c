#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completeness: generators that count what they do themselves (tests/faults/load.c), in CONTAINERS containers, at rising rates until well past
# what can be taken; of each load a row. Nothing is unaccounted for, nothing is another container's, in any row, and each container's account is
# what its generator and the log say. The sensor has its defaults; LOG_LIMIT is more, so that the whole of it is there to be counted.
# SHORT=1: fewer and shorter rows. ROWS="MIX RATE SECONDS;...": these.
. "$(dirname "$0")/../e2e/lib.sh"
CONTAINERS=${CONTAINERS:-16}
if [ -n "${SHORT:-}" ]; then
	: "${ROWS:=x 1000 2;wrux 2000 2;wruxc 0 2;x 0 2;wru 0 2}"
else
	: "${ROWS:=x 500 5;x 1000 5;x 2000 5;x 3000 5;x 5000 5;x 0 5
		wru 3000 5;wru 6000 5;wru 12000 5;wru 24000 5;wru 60000 5;wru 0 5
		c 1000 5;c 5000 5;c 20000 5;c 0 5;wruxc 1000 5;wruxc 4000 5;wruxc 10000 5;wruxc 0 5}"
fi
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
make --no-print-directory -s O="$O" "$O/tests/faults/load" "$O/tests/faults/tally" || { fail "the generator is built"; finish; }

# Of the sensor since its start, in seconds.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$sensor_pid/stat"; }

row() { # MIX RATE SECONDS
	local rc before spent
	rm -rf "$work/load" "$work/log"
	mkdir "$work/load"
	sensor_start --log-limit 16G || { fail "$1 at $2: sensor starts"; return; }
	before=$(cpu)
	"$O/tests/faults/load" "$work/load" "$cgroup2/$tree" "$CONTAINERS" "$@" >"$work/load.out" 2>&1
	rc=$?
	[ $rc = 0 ] || { fail "$1 at $2: the generators: $(cat "$work/load.out")"; sensor_stop; return; }
	sleep 0.5 # a container's account is closed 100 ms after its end; the end of the run closes what is left of it
	spent=$(cpu)
	sensor_stop || fail "$1 at $2: sensor stops cleanly: $(cat "$work/sensor.err")"
	"$O/tests/faults/tally" "$work/log" "$work/load/truth" >"$work/tally" || fail "$1 at $2: the log can be read"
	"$PYTHON" tests/bench/completeness_row.py "$work/load/truth" "$(awk "BEGIN { print $spent - $before }")" <"$work/tally" >"$work/row" 2>&1
	rc=$?
	printf '%s %-6s %8s %s\n' '#' "$1" "$2" "$(head -n 1 "$work/row")"
	tail -n +2 "$work/row"
	[ $rc = 0 ] && pass "$1 at $2/s: nothing is unaccounted for" || fail "$1 at $2/s: nothing is unaccounted for"
}

echo "# x: fork and exec, w: open of a new file, r: two opens of it for reading, u: unlink, c: connect; $CONTAINERS containers, rates per second"
printf '# %-6s %8s %9s %9s %10s %10s %10s %10s %10s %6s %8s %7s\n' mix offered done events generated recorded lost suppressed unaccount. wrong '% rec.' us/rec.
while read -r mix rate seconds; do
	[ -z "$mix" ] || row "$mix" "$rate" "$seconds"
done < <(tr ';' '\n' <<<"$ROWS")
finish
