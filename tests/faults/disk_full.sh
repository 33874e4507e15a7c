#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The file system of the log is full for a while, then there is room again: what could not be kept is declared.
. "$(dirname "$0")/lib.bash"
mkdir "$work/disk" && mount -t tmpfs -o size=192M none "$work/disk" && on_exit+=('umount "$work/disk"') || { fail "a small disk"; finish; }
log=$work/disk/log
begin --log-dir "$log" --log-segment-size 1M --log-limit 160M --log-free 0 --log-full drop-newest
fallocate -l $(($(stat -f -c '%a * %S' "$work/disk"))) "$work/disk/ballast" 2>/dev/null ||
	head -c 256M /dev/zero >"$work/disk/ballast" 2>/dev/null
sleep $([ -n "$LONG" ] && echo 20 || echo 4)
said 'cannot write the log' "the sensor says that the disk is full"
rm "$work/disk/ballast"
wait_for 10 grep -q 'can be written again' "$work/sensor.err" && pass "it goes on when there is room" || fail "it goes on when there is room: $(tail -n 2 "$work/sensor.err")"
end
judge runs=1 lost=some
finish
