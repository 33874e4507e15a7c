#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker neither answers nor closes its connections for a while (SIGSTOP), then goes on.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
broker_up
on_exit=('kill -CONT "$(cat "$work/kafka/pid")" 2>/dev/null' "${on_exit[@]}")
broker_begin
kill -STOP "$(cat "$work/kafka/pid")"
sleep $([ -n "$LONG" ] && echo 180 || echo 8)
kill -CONT "$(cat "$work/kafka/pid")"
broker_end
judge runs=1 lost=0
same_in_topic
finish
