#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a user can get wrong, and what a disk can: one clear line that says what, why and what to do, a non-zero exit, nothing half-written;
# and a damaged log is told, skipped, and in the verdict.
. "$(dirname "$0")/lib.sh"
: >"$work/empty.conf"

# refused NAME PATTERN COMMAND...: ends non-zero, with one line on stderr that matches.
refused() {
	local name=$1 pattern=$2 rc
	shift 2
	timeout 20 "$@" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
	if [ $rc -eq 0 ] || [ $rc -ge 124 ]; then
		fail "$name: exit $rc"
	elif [ "$(wc -l <"$work/err")" != 1 ] || ! grep -qE -- "$pattern" "$work/err"; then
		fail "$name: said: $(head -n 3 "$work/err" | tr '\n' '|')"
	else
		pass "$name: $(cut -c1-150 "$work/err")"
	fi
}
with() { refused "$1" "$2" "$SENSOR" --config "$work/empty.conf" --log-dir "$work/log-none" "${@:3}"; }

with "unknown option" 'log-limt.*log-limit' --log-limt 5
with "bad value" 'scope.*everything' --scope everything
with "ring size no power of two" 'ring-size' --ring-size 3000000
refused "configuration not there" 'nowhere.conf' "$SENSOR" --config "$work/nowhere.conf" --log-dir "$work/log-none"
echo 'log-dirr = /x' >"$work/bad.conf"
refused "unknown key in the file" 'bad.conf:1.*log-dir' "$SENSOR" --config "$work/bad.conf" --log-dir "$work/log-none"
with "a Kafka property that there is not" 'kafka.*no.such' --kafka.bootstrap.servers=127.0.0.1:1 --kafka.no.such=1
with "delivery may not be weakened" 'acks' --kafka.bootstrap.servers=127.0.0.1:1 --kafka.acks=1
# Those that fail before the log is opened leave none; the last two had to open it.
rm -rf "$work/log-none"
with "unknown option again" 'nonsense' --nonsense
[ ! -e "$work/log-none" ] && pass "nothing is half-written" || fail "a log directory was left by a start that failed"

: >"$work/file"
refused "log directory under a file" "$work/file/log" "$SENSOR" --config "$work/empty.conf" --log-dir "$work/file/log"
mkdir "$work/foreign" && echo hello >"$work/foreign/notes.txt"
refused "log directory of something else" 'foreign' "$SENSOR" --config "$work/empty.conf" --log-dir "$work/foreign"
[ "$(ls "$work/foreign")" = notes.txt ] && pass "and it is left as it was" || fail "and it is left as it was: $(ls "$work/foreign")"
mkdir "$work/newer" && echo 'varve evidence log 9' >"$work/newer/format"
refused "log of another format version" 'newer' "$SENSOR" --config "$work/empty.conf" --log-dir "$work/newer"
mkdir "$work/readonly" && mount -t tmpfs -o ro none "$work/readonly" && on_exit+=('umount "$work/readonly"') &&
	refused "log directory that is read-only" 'readonly' "$SENSOR" --config "$work/empty.conf" --log-dir "$work/readonly/log"

refused "no capabilities" 'CAP_BPF' setpriv --bounding-set=-all --inh-caps=-all "$SENSOR" --config "$work/empty.conf" --log-dir "$work/log-caps"
refused "kernel without BTF" 'BTF' unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - \
	"$SENSOR" --config "$work/empty.conf" --log-dir "$work/log-btf"

sensor_start || { fail "sensor starts"; finish; }
refused "two sensors on one log directory" 'log' "$SENSOR" --config "$work/empty.conf" --log-dir "$work/log"
for i in 1 2 3; do container_run "job-$i" /bin/sh -c 'i=0; while [ $i -lt 200 ]; do : >/tmp/f; i=$((i+1)); done'; done
sensor_stop || fail "sensor stops cleanly"

refused "unknown pod" 'nearest' "$VARVE" replay "$work/log" --pod e2e/job-9
refused "no such log" 'no-log' "$VARVE" cat "$work/no-log"
refused "a time that is none" 'teatime' "$VARVE" replay "$work/log" --pod e2e/job-1 --since teatime
refused "unknown format" 'xml' "$VARVE" replay "$work/log" --pod e2e/job-1 --format xml
refused "broker away" '127.0.0.1:1' "$VARVE" cat kafka://127.0.0.1:1

# A byte in the middle goes bad.
seg=$(ls "$work"/log/*.seg | head -n 1)
cp "$seg" "$work/whole.seg"
at=$(($(stat -c %s "$seg") / 2))
printf '\xff\xff\xff' | dd of="$seg" bs=1 seek=$at conv=notrunc 2>/dev/null
"$VARVE" cat "$work/log" >"$work/cat.jsonl" 2>"$work/err"
lines=$(wc -l <"$work/cat.jsonl")
grep -q "$(basename "$seg")" "$work/err" && pass "damage is told with its file: $(grep "$(basename "$seg")" "$work/err" | head -n 1 | cut -c1-160)" ||
	fail "damage is told with its file: $(head -n 2 "$work/err")"
[ "$lines" -gt 500 ] && pass "the rest is shown: $lines records" || fail "the rest is shown: $lines records"
"$VARVE" replay "$work/log" --pod e2e/job-2 --format jsonl >/dev/null 2>"$work/err"
[ $? = 3 ] && grep -q INCOMPLETE "$work/err" && pass "and the verdict says so: $(grep INCOMPLETE "$work/err" | cut -c1-160)" || fail "the verdict on a damaged log: $(cat "$work/err")"

# kill -9 leaves a torn tail: cut at the next start, and declared.
cp "$work/whole.seg" "$seg"
truncate -s -7 "$seg"
sensor_start || fail "sensor starts over a torn tail"
sensor_stop
"$VARVE" cat "$work/log" | grep '"RUN_START"' | tail -n 1 | grep -q '"log_cut_bytes":"[1-9]' && pass "a torn tail is cut and declared" ||
	fail "a torn tail is cut and declared: $("$VARVE" cat "$work/log" | grep '"RUN_START"' | tail -n 1)"
finish
