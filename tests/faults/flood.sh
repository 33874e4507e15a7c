#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rings overflow: the sensor is stopped, the load goes on as fast as it can, the sensor goes on.
. "$(dirname "$0")/lib.bash"
RATE=0
begin --ring-size 256K --decisive-ring-size 1M
kill -STOP "$sensor_pid"
sleep $([ -n "$LONG" ] && echo 10 || echo 2)
kill -CONT "$sensor_pid"
end
judge runs=1 lost=some
finish
