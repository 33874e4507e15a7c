#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sensor is killed at random points under load, and started again: what was not watched is declared, to the event.
. "$(dirname "$0")/lib.bash"
TIMES=${TIMES:-$([ -n "$LONG" ] && echo 200 || echo 5)}
RATE=${RATE_KILL:-2000}

echo "# SEED=$SEED, $TIMES times"
begin --log-limit 16G
for ((n = 0; n < TIMES; n++)); do
	pause 50 800
	"sensor_${HOW:-kill}" || fail "sensor_${HOW:-kill} $n: $(tail -n 2 "$work/sensor.err")"
	fault_sensor --log-limit 16G || { fail "sensor starts again after $n times"; finish; }
done
end
judge runs=$((TIMES + 1)) clean="${CLEAN:-0}" lost=0
finish
