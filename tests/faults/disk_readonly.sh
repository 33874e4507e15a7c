#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The file system of the log becomes read-only for a while, as ext4 does after an error: the open segment cannot be written any more.
. "$(dirname "$0")/lib.bash"
truncate -s 64M "$work/image" && mkfs.ext4 -q "$work/image" && mkdir "$work/disk" && mount -o loop "$work/image" "$work/disk" || { fail "a disk"; finish; }
on_exit+=('umount "$work/disk"')
log=$work/disk/log
begin --log-dir "$log" --log-segment-size 1M --log-limit 32M
# A remount is refused while a file is open for writing; a frozen block device is not, and sysrq is too much.
if mount -o remount,ro "$work/disk" 2>/dev/null; then
	sleep 3
	mount -o remount,rw "$work/disk"
	end
	judge runs=1
else
	# What the kernel does by itself on an error, the super block's emergency: through blockdev for a loop device.
	dev=$(findmnt -no SOURCE "$work/disk")
	blockdev --setro "$dev"
	sleep $([ -n "$LONG" ] && echo 15 || echo 4)
	blockdev --setrw "$dev"
	end
	judge runs=1
fi
finish
