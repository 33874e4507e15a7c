#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody removes the log's directory under the sensor: it must not go on as if it recorded.
. "$(dirname "$0")/lib.bash"
begin --log-segment-size 256K
mv "$log" "$work/was"
# Its segments come on being made there until the directory has gone.
until rm -rf "$work/was" 2>/dev/null; do :; done
sleep 5
load_stop
sleep 1
said "(cannot|No such).*$log" "the sensor says that its log is gone"
rc=0
sensor_stop || rc=$?
if [ -d "$log" ]; then
	judge runs=1 gap=some
else
	[ $rc != 0 ] && pass "it ends with an error" || fail "it ended as if all were well, and there is no log"
fi
finish
