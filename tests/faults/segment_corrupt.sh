#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A segment goes bad while the sensor writes on, and the sensor is started again over it.
. "$(dirname "$0")/lib.bash"
begin --log-segment-size 256K
wait_for 20 eval '[ "$(ls "$log"/*.seg | wc -l)" -ge 4 ]'
seg=$(ls "$log"/*.seg | sed -n 2p)
dd if=/dev/urandom of="$seg" bs=1 seek=$((RANDOM % 100000 + 40000)) count=$((RANDOM % 3000 + 1)) conv=notrunc 2>/dev/null
sleep 1
sensor_stop || fail "sensor stops"
fault_sensor || { fail "sensor starts over a damaged log"; finish; }
end
SEALED=3 judge runs=2 clean=1 gap=some damage=some
finish
