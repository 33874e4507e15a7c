#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No more descriptors than the sensor has when it begins: it cannot open another file, neither to hash nor for a new segment.
. "$(dirname "$0")/lib.bash"
begin --log-segment-size 256K
prlimit --pid "$sensor_pid" --nofile=$(($(ls "/proc/$sensor_pid/fd" | wc -l) - 1)):1048576 || fail "a limit on descriptors"
sleep 4
echo "# $(tail -n 2 "$work/sensor.err" | tr '\n' '|')"
[ "${LIFT:-1}" = 0 ] || prlimit --pid "$sensor_pid" --nofile=1048576:1048576
end
judge runs=1
finish
