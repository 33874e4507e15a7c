#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was lost while no sensor ran (option pin) is declared with the time when it began: the rings fill, and go on to be full while the next
# sensor takes over, so that its programs lose, too, before it has settled anything. What happened in between is INCOMPLETE.
. "$(dirname "$0")/lib.sh"

bpffs=$work/bpf
mkdir "$bpffs" && mount -t bpf bpf "$bpffs" || { fail "a BPF file system is mounted"; finish; }
on_exit+=("umount $bpffs")
start() { sensor_start --pin on --pin-directory "$bpffs/varve" --ring-size 1M --decisive-ring-size 256K --heartbeat 10s "$@"; }
start || { fail "sensor starts: $(cat "$work/sensor.err")"; finish; }

# Files without end, from when it is told on, until it is told to end.
bundle_make noisy /bin/sh -c '
	while [ ! -e /load/begin ]; do sleep 0.1; done
	n=0
	while [ ! -e /load/end ]; do
		: >/load/file
		n=$((n + 1))
		[ $n != 10000 ] || mkdir /load/full
	done'
load=$work/noisy/image/load
mkdir "$load"
runc_ run --bundle "$work/noisy" "$id" >"$work/noisy.out" 2>&1 &
noisy=$!
runs() { [ -n "$(find /sys/fs/cgroup -path "*/$tree*/$id/cgroup.procs" -exec cat {} +)" ]; }
wait_for 30 runs || fail "the load runs: $(cat "$work/noisy.out")"
sleep 1
sensor_kill
touch "$load/begin"
wait_for 120 test -d "$load/full" && pass "the rings are full while no sensor runs" || fail "the load"
sleep 1
since=$(date -u +%FT%TZ)
sleep 3
until=$(date -u +%FT%TZ)
start || { fail "sensor starts again: $(cat "$work/sensor.err")"; finish; }
sleep 3
touch "$load/end"
wait "$noisy"
sleep 1
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
check "what is pinned is removed when it is asked for" "$SENSOR" --unpin --pin-directory "$bpffs/varve"

"$VARVE" cat "$work/log" | "$PYTHON" -c '
import datetime, json, sys
since = datetime.datetime.fromisoformat(sys.argv[2].replace("Z", "+00:00")).timestamp() * 1e9
events = [json.loads(line) for line in sys.stdin]
assert [e["run_start"].get("takes_over") for e in events if e["kind"] == "RUN_START"] == [None, True]
said = [e[e["kind"].lower()] for e in events if e["kind"] in ("LOSS", "SUPPRESSION") and e.get("container", {}).get("id") == sys.argv[1]]
said = [s for s in said if s.get("cause", s.get("reason")) in ("ring_full", "fair_share")]
for s in said:
    print("#", s.get("cause", s.get("reason")), s["event_class"], s["count"], "from", round((int(s["first_unix_nano"]) - since) / 1e9, 1), "s after", sys.argv[2])
assert said and min(int(s["first_unix_nano"]) for s in said) <= since
' "$id" "$since" >"$work/out" 2>&1 && pass "what was lost meanwhile began when it did" || fail "what was lost: $(tail -n 1 "$work/out")"
cat "$work/out"
"$VARVE" replay "$work/log" --container "$id" --since "$since" --until "$until" --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 3 ] && pass "that time is INCOMPLETE" || fail "that time: exit $rc, $(head -n 2 "$work/err" | tr '\n' ' ')"
finish
