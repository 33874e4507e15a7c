#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The log at its size limit: the disk is bounded, what had to go is declared with its place, and the verdicts are true.
. "$(dirname "$0")/lib.sh"

sensor_start --log-segment-size 64K --log-limit 512K || { fail "sensor starts"; finish; }
container_run early /bin/sh -c 'i=0; while [ $i -lt 500 ]; do : >/tmp/f; i=$((i+1)); done' || fail "runc"
for i in 1 2 3 4 5; do container_run "later-$i" /bin/sh -c 'i=0; while [ $i -lt 500 ]; do : >/tmp/f; i=$((i+1)); done' || fail "runc"; done
sleep 1.5
size=$(du -sb "$work/log" | cut -f1)
container_run last /bin/true
sensor_stop || fail "sensor stops cleanly"
[ "$size" -lt $((700 * 1024)) ] && pass "the log is bounded: $size bytes" || fail "the log has $size bytes"
"$VARVE" cat "$work/log" 2>/dev/null | "$PYTHON" -c '
import json, sys
events = [json.loads(l) for l in sys.stdin]
losses = [e["loss"] for e in events if e["kind"] == "LOSS" and e["loss"]["cause"] == "log_limit"]
first_left = int(events[0]["sequence"])
gone = sum(int(l["count"]) for l in losses)
print(f"# {len(losses)} losses declare {gone} records; the first record left is {first_left}")
assert losses and gone == first_left, (gone, first_left)
assert min(int(l["first_sequence"]) for l in losses) == 0
assert max(int(l["last_sequence"]) for l in losses) == first_left - 1
assert all(int(l["first_unix_nano"]) <= int(l["last_unix_nano"]) for l in losses)
' >"$work/out" 2>&1 && pass "what is gone is declared, record by record" || fail "declared: $(tail -n 2 "$work/out")"
cat "$work/out"
"$VARVE" replay "$work/log" --pod e2e/early --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 4 ] && grep -q 'it may have been among' "$work/err" && pass "a pod that went is UNKNOWN: $(sed -n 2p "$work/err" | cut -c1-120)" ||
	fail "a pod that went: exit $rc, $(head -n 2 "$work/err")"
# Of the last container all is there, and COVERAGE was said anew when the first one went.
"$VARVE" replay "$work/log" --container "$id" --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 0 ] && pass "the last container is COMPLETE" || fail "the last container: exit $rc, $(head -n 2 "$work/err")"
# Its pod may have had another, among what went.
"$VARVE" replay "$work/log" --pod e2e/last --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 4 ] && grep -q 'another container of this pod may be among' "$work/err" && pass "its pod is UNKNOWN" || fail "its pod: exit $rc, $(head -n 1 "$work/err")"
finish
