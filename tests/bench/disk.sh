#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the log costs the disk: sectors written to a block device of its own (a loop device with ext4, on which there is nothing else)
# per record, with Kafka healthy and away, by policy of `sync`. make bench-disk; SECONDS_EACH=N: so long each (60).
. "$(dirname "$0")/../e2e/lib.sh"
KAFKA=tests/kafka/kafka.sh
EACH=${SECONDS_EACH:-60}

"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { cat "$work/kafka.out"; fail "broker starts"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
truncate -s 1G "$work/image"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$work/image" || { fail "mkfs.ext4"; finish; }
mkdir "$work/disk"
mount -o loop "$work/image" "$work/disk" || { echo "skip disk: no loop device"; exit 0; }
on_exit+=('umount "$work/disk"')
device=$(basename "$(findmnt -no SOURCE "$work/disk")")

sectors() { awk '{print $7}' "/sys/block/$device/stat"; }
writes() { awk '{print $5}' "/sys/block/$device/stat"; }
settle() { sync -f "$work/disk"; }
measure() { # NAME KAFKA-IS OPTIONS...
	local name=$1 s w n bytes
	shift
	rm -rf "$work/disk/log"
	settle
	sensor_start --log-dir "$work/disk/log" --heartbeat 1s --kafka.bootstrap.servers="$PLAIN" "$@" || { fail "sensor starts"; return; }
	s=$(sectors) w=$(writes)
	# Some 2,000 records a second.
	container_run "load$RANDOM" /bin/sh -c "end=\$((\$(date +%s) + $EACH)); while [ \$(date +%s) -lt \$end ]; do i=0; while [ \$i -lt 200 ]; do : >/tmp/f; i=\$((i+1)); done; sleep 0.1; done" || fail "load"
	sleep 1.5
	# What is dirty and still to be written is not waited for: the kernel's own time is 30 s, and the load was longer.
	s=$(($(sectors) - s)) w=$(($(writes) - w))
	n=$("$VARVE" cat "$work/disk/log" 2>/dev/null | tail -n 1 | sed 's/.*"sequence":"\([0-9]*\)".*/\1/')
	kill -KILL "$sensor_pid"; wait "$sensor_pid" 2>/dev/null; sensor_pid=
	echo "$name: $n records, $w writes, $((s * 512)) bytes written: $(awk "BEGIN {printf \"%.1f\", $s * 512 / $n}") bytes per record"
}
measure "Kafka healthy, sync lag"
measure "Kafka healthy, sync interval 5s" --sync interval
measure "Kafka healthy, sync each" --sync each
"$KAFKA" kill "$work/kafka"
measure "Kafka away, sync lag"
measure "Kafka away, sync none" --sync none
measure "Kafka away, sync each" --sync each
pass "measured"
finish
