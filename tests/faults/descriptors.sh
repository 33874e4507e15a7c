#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No more descriptors for a while: the sensor cannot open another file, neither to hash nor for a new segment. What the log cannot take is
# declared.
. "$(dirname "$0")/lib.bash"
begin --log-segment-size 256K
prlimit --pid "$sensor_pid" --nofile=10: || fail "a limit on descriptors"
sleep 4
echo "# $(wc -l <"$work/sensor.err") messages: $(tail -n 1 "$work/sensor.err")"
prlimit --pid "$sensor_pid" --nofile="$(prlimit --raw --noheadings --output HARD --nofile):"
end
judge runs=1 lost=some
finish
