#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker is killed in mid-stream, several times, and comes back each time.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
broker_up
broker_begin
for ((n = 0; n < $([ -n "$LONG" ] && echo 10 || echo 2); n++)); do
	pause 200 1500
	"$KAFKA" kill "$work/kafka"
	pause 100 1000
	"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || fail "broker starts again"
done
broker_end
judge runs=1 lost=0
same_in_topic
finish
