#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The directory of pods in the log: containers come and go over many segments, the sensor is killed in between, and what is found and
# replayed by the log's indexes is what reading everything says.
. "$(dirname "$0")/lib.sh"
PODS=24

start() { sensor_start --log-segment-size 64K --log-limit 1G || { fail "sensor starts"; finish; }; }
busy() { # POD
	container_run "$1" /bin/sh -c 'i=0; while [ $i -lt 400 ]; do : >/tmp/f$i; i=$((i+1)); done'
}
start
for i in $(seq $((PODS / 2))); do busy "pod-$i" || fail "container pod-$i runs"; done
busy twice || fail "container twice runs"
runc_ delete --force "$id" 2>/dev/null
rm -rf "$work/twice"
sleep 1
sensor_kill
start
for i in $(seq $((PODS / 2 + 1)) $PODS); do busy "pod-$i" || fail "container pod-$i runs"; done
busy twice || fail "container twice runs again"
sensor_stop || fail "sensor stops: $(cat "$work/sensor.err")"

segments=$(ls "$work/log" | grep -c '\.seg$')
[ "$segments" -gt 20 ] && [ "$(ls "$work/log" | grep -c '\.idx$')" = "$segments" ] && pass "each of $segments segments has an index" ||
	fail "$segments segments: $(ls "$work/log")"

# Of what still ran the indexes know the least there is.
list() { "$VARVE" pods "$work/log" "$@" 2>"$work/pods.err" | sed 's/ or later//; s/ or more//'; }
list >"$work/pods"
[ -s "$work/pods.err" ] && fail "varve pods: $(cat "$work/pods.err")"
list --read-all >"$work/pods.all"
cmp -s "$work/pods" "$work/pods.all" && pass "pods by the indexes are those of all records: $(grep -c '  uid ' "$work/pods")" ||
	fail "pods differ: $(diff "$work/pods" "$work/pods.all" | head -n 4)"
[ "$(grep -c '^e2e/twice  uid ' "$work/pods")" = 2 ] && pass "two pods that had one name are two" || fail "twice: $(grep twice "$work/pods")"
[ "$("$VARVE" pods "$work/log" --pod e2e/pod-3 | grep -c '  uid ')" = 1 ] && pass "one is found by its name" || fail "--pod finds not one"

uid=$(sed -n 's|^e2e/pod-5  uid \([^ ]*\) .*|\1|p' "$work/pods")
same=0
for pod in e2e/pod-1 e2e/pod-4 "$uid" "e2e/pod-$((PODS / 2))" "e2e/pod-$((PODS - 2))" "e2e/pod-$PODS" e2e/twice e2e/none; do
	for format in tree timeline; do
		"$VARVE" replay "$work/log" --pod "$pod" --format $format >"$work/part" 2>"$work/part.err"
		part=$?
		"$VARVE" replay "$work/log" --pod "$pod" --format $format --read-all >"$work/all" 2>"$work/all.err"
		[ $part = $? ] && cmp -s "$work/part" "$work/all" && cmp -s "$work/part.err" "$work/all.err" && same=$((same + 1)) ||
			fail "replay of $pod as $format: $part; $(diff "$work/part" "$work/all" | head -n 4)"
	done
done
[ $same = 16 ] && pass "replays by the indexes say what reading all says"

# Without indexes, with old ones, with nonsense: the same.
head -c 5000 /dev/urandom >"$work/log/$(ls "$work/log" | grep '\.idx$' | sed -n 3p)"
rm "$work/log/$(ls "$work/log" | grep '\.idx$' | sed -n 5p)"
truncate -s 60 "$work/log/$(ls "$work/log" | grep '\.idx$' | sed -n 7p)"
list >"$work/pods.hurt"
cmp -s "$work/pods.hurt" "$work/pods.all" && pass "indexes that are damaged or gone change nothing" ||
	fail "with damaged indexes: $(diff "$work/pods.hurt" "$work/pods.all" | head -n 4)"
finish
