#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ext4 finds an error and makes itself read-only, with the log open. What could not be written is lost with the run, and declared by the next
# one, after fsck, as not watched.
. "$(dirname "$0")/lib.bash"
truncate -s 256M "$work/image" && mkfs.ext4 -q "$work/image" && mkdir "$work/disk" &&
	mount -o loop,errors=remount-ro "$work/image" "$work/disk" || { fail "a disk"; finish; }
on_exit+=('umount "$work/disk" 2>/dev/null')
trigger=/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$work/disk")")/trigger_fs_error
[ -w "$trigger" ] || { echo "skip ext4 has no trigger_fs_error here"; finish; }
log=$work/disk/log
begin --log-dir "$log" --log-segment-size 1M --log-limit 128M
sync -f "$work/disk" # what is not written back when the error comes, the disk loses
echo 1 >"$trigger"
sleep $([ -n "$LONG" ] && echo 15 || echo 4)
said 'cannot write the log' "the sensor says that its log cannot be written"
kill -0 "$sensor_pid" && pass "it goes on" || fail "it goes on"
sensor_stop && fail "it ends with an error" || pass "it ends with an error"
umount "$work/disk" && e2fsck -fy "$work/image" >/dev/null 2>&1
mount -o loop "$work/image" "$work/disk" || fail "the disk is mounted again"
fault_sensor --log-dir "$log" --log-segment-size 1M --log-limit 128M || { fail "sensor starts again"; finish; }
end
judge runs=2 clean=0 lost=0
finish
