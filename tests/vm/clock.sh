#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The wall clock is stepped by hours, forward and back, and the machine is suspended, all under load: in a virtual machine, since it is the
# machine's own clock. Two loads (tests/faults/load.c): one over all of it; another begins when the clock shows a time before the
# sensor's start. Each operation is held against the log (tests/faults/judge.py) by CLOCK_BOOTTIME, which no step changes; and the wall
# clock's times in the log must have followed what `date` said.
# Environment: VM_CLOCK_KERNEL (6.1), VM_TIMEOUT (300).
. "$(dirname "$0")/../e2e/lib.sh"
make --no-print-directory -s O="$O" WERROR=1 "$O/tests/faults/load" "$O/tests/faults/tally" || { fail "the load is built"; finish; }
overlay=$work/overlay
mkdir -p "$overlay/usr/bin"
cp "$SENSOR" "$O/tests/faults/load" "$overlay/usr/bin/"
. tests/vm/libraries.bash
copy_libraries "$overlay" "$SENSOR" "$O/tests/faults/load"
cat >"$overlay/clock" <<'G'
mkdir -p /tmp/out/all/load /tmp/out/late/load
: >/tmp/out/sensor.err
varve-sensor --log-dir /tmp/out/log --node-name vm --read-opens all --heartbeat 1s --ring-size 8M --decisive-ring-size 4M 2>/tmp/out/sensor.err &
sensor=$!
until grep -q recording /tmp/out/sensor.err; do sleep 0.5; kill -0 $sensor || { cat /tmp/out/sensor.err; exit 1; }; done
begin() { # NAME
	TRACE=boot load /tmp/out/$1/load /sys/fs/cgroup/$1 2 wrux 60 0 >/tmp/out/$1/out 2>&1 &
	eval "$1=$!"
	until grep -q doing /tmp/out/$1/out; do sleep 0.2; done
}
# What the clock says from then until then, in seconds since boot and, of the wall clock, since 1970. The sensor looks each second.
steady() {
	sleep 3
	from=$(cut -d' ' -f1 /proc/uptime)
	wall=$(date +%s)
	sleep 3
	echo "$from $(cut -d' ' -f1 /proc/uptime) $wall" >>/tmp/out/clock
}
step() { date -s "@$(($(date +%s) + $1))" >/dev/null; }
mkdir /sys/fs/cgroup/all /sys/fs/cgroup/late
begin all
steady
step 3600
steady
step -14400 # now before the sensor's start
begin late
steady
echo +6 >/sys/class/rtc/rtc0/wakealarm
before=$(cut -d' ' -f1 /proc/uptime)
echo mem >/sys/power/state && echo "suspended $before $(cut -d' ' -f1 /proc/uptime)"
steady
step 10800
steady
kill -TERM $late; wait $late || echo "late ended badly"
step -3600
steady
kill -TERM $all; wait $all || echo "all ended badly"
sleep 2
kill -TERM $sensor; wait $sensor || echo "the sensor ended badly"
rm -f /tmp/out/*/load/program
echo "===="; tar -c -z -C /tmp/out . | base64; echo "===="
G
VM_TIMEOUT=${VM_TIMEOUT:-300} tests/vm/run.sh "${VM_CLOCK_KERNEL:-6.1}" "$overlay" sh /clock >"$work/console" || fail "the machine runs to its end"
sed '/^====$/,/^====$/d' "$work/console" >"$work/said"
sed -n '/^====$/,/^====$/{/^====$/!p}' "$work/console" | base64 -d 2>/dev/null | tar -x -z -C "$work" || { fail "nothing came of the machine: $(tail -n 3 "$work/said")"; finish; }
grep -vE '^(suspended.*|)$' "$work/said" && fail "in the guest: $(grep -vE '^(suspended.*|)$' "$work/said" | tail -n 3)"
grep -qE '^suspended' "$work/said" && pass "the machine was suspended: $(sed -n 's/^suspended //p' "$work/said")" || fail "the machine was not suspended"

for name in all late; do
	TRACE=boot "$O/tests/faults/tally" "$work/log" "$work/$name/load/truth" >"$work/$name/tally" || fail "the log can be read"
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" tests/faults/judge.py "$work/$name" "$VARVE" "$work/log" runs=1 lost=0 unwatched=0 >"$work/$name/judged" 2>&1 || failures=$((failures + 1))
	sed -E "s/^(ok|not ok) /\1 $name: /" "$work/$name/judged"
	for id in $(cut -d' ' -f2 "$work/$name/load/truth"); do
		"$VARVE" replay "$work/log" --container "$id" --format jsonl >/dev/null 2>"$work/verdict" && pass "$name: COMPLETE" || fail "$name: $(cut -c1-200 "$work/verdict" | head -n 3)"
	done
done
"$VARVE" cat "$work/log" >"$work/records" || fail "varve cat"
check "times of the log" "$PYTHON" - "$work/records" "$work/clock" <<'P'
import collections, json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
last = {}
for e in sorted((e for e in events if 'kernel_number' in e), key=lambda e: int(e['kernel_number']['number'])):
    n = e['kernel_number']
    series = n['cgroup_id'], n['cpu'], n['event_class']
    assert int(e['boot_time_nano']) >= last.get(series, 0), f'out of order: {e}'
    last[series] = int(e['boot_time_nano'])
seen = 0
for line in open(sys.argv[2]):
    since, until, wall = map(float, line.split())
    mine = [e for e in events if 'kernel_number' in e and since < int(e['boot_time_nano']) / 1e9 < until]
    assert mine, f'nothing was recorded from {since} to {until}'
    for e in mine:
        off = int(e['time_unix_nano']) / 1e9 - int(e['boot_time_nano']) / 1e9 - (wall - since)
        assert -0.5 < off < 1.5, f'{off} s off what date said: {e}'
    seen += len(mine)
print(f'{seen} records between the steps follow the wall clock, and {len(last)} series are in the order of boot time')
P
sed 's/^/# /' "$work/check.out"
finish
