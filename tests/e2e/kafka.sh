#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Through a real broker: everything arrives, in one partition, in order; the broker is killed in mid-stream, then the sensor: nothing that
# was in the log is missing, what was not watched is declared, and the verdicts are true.
. "$(dirname "$0")/lib.sh"
KAFKA=tests/kafka/kafka.sh
PER_CONTAINER=6000 # files each container makes

"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { cat "$work/kafka.out"; fail "broker starts"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
topic=kafka://$PLAIN
"$KAFKA" topic "$work/kafka" varve.pods 2 cleanup.policy=compact || fail "a compacted topic is made"

start() { sensor_start --log-segment-size 256M --kafka.bootstrap.servers="$PLAIN" || { fail "sensor starts"; finish; }; }
# Makes its files over some seconds, so that what is killed meanwhile is killed in mid-stream.
steady() { # POD
	container_run "$1" /bin/sh -c "i=0; while [ \$i -lt $PER_CONTAINER ]; do : >/tmp/f; i=\$((i+1)); [ \$((i % 100)) = 0 ] && sleep 0.05; done"
}
ended() { # SOURCE POD: the pod's account is closed there
	"$VARVE" replay "$1" --pod "e2e/$2" --format jsonl 2>/dev/null | grep -q '"kind":"ACCOUNT"'
}
begun() { # SOURCE POD: its container is at work
	"$VARVE" replay "$1" --pod "e2e/$2" --format jsonl 2>/dev/null | grep -q '"kind":"OPEN".*"path":"/tmp/f"'
}

# 1. the broker dies and comes back while a container runs
start
steady calm &
job=$!
wait_for 30 begun "$work/log" calm || fail "container calm begins"
sleep 0.5
"$KAFKA" kill "$work/kafka"
sleep 1
"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || fail "broker starts again"
wait $job || fail "container calm runs"
wait_for 30 ended "$topic" calm && pass "a killed broker catches up" || fail "a killed broker catches up"
check "COMPLETE from Kafka after the broker was killed" "$VARVE" replay "$topic" --pod e2e/calm --format jsonl

# 2. the sensor dies and is started again while a container runs
steady cut &
job=$!
wait_for 30 begun "$work/log" cut || fail "container cut begins"
sleep 0.5
sensor_kill
sleep 0.5
start
wait $job || fail "container cut runs"
sensor_stop && pass "sensor stops cleanly" || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

"$VARVE" cat "$work/log" >"$work/log.jsonl" || fail "varve cat of the log"
rm -rf "$work/log"
"$VARVE" cat "$topic" >"$work/kafka.jsonl" 2>"$work/cat.err" || fail "varve cat of the topic: $(cat "$work/cat.err")"
if cmp -s <(sort "$work/log.jsonl") <(sort "$work/kafka.jsonl"); then
	pass "the topic holds what the log held: $(wc -l <"$work/kafka.jsonl") records"
else
	fail "log and topic differ: $(wc -l <"$work/log.jsonl") and $(wc -l <"$work/kafka.jsonl") records"
fi
check "runs are gapless, the restart declared, every file there or not watched" "$PYTHON" - "$work/kafka.jsonl" $PER_CONTAINER <<'PY'
import json, sys
runs, opens, starts, pods = {}, {}, [], {}
for line in open(sys.argv[1]):
    e = json.loads(line)
    runs.setdefault(e['run_id'], []).append(int(e['sequence']))
    if e['kind'] == 'RUN_START':
        starts.append(e)
    # After a restart runc's bundle is not where runtimes have theirs, so the pod's name is known from the first run only.
    if e.get('pod', {}).get('name') and 'container' in e:
        pods[e['container']['id']] = e['pod']['name']
    if e['kind'] == 'OPEN' and 'container' in e and e['open']['file'].get('path') == '/tmp/f':
        opens.setdefault((pods[e['container']['id']], e['run_id']), []).append(int(e['time_unix_nano']))
for run, seqs in runs.items():
    assert seqs == list(range(len(seqs))), f'run {run}: not in order and gapless'
assert len(runs) == 2, runs.keys()
first, second = starts
rs = second['run_start']
assert rs['previous_run_id'] == first['run_id'] and int(rs['previous_last_sequence']) == runs[first['run_id']][-1], rs
assert not rs.get('previous_clean')
assert len(opens['calm', first['run_id']]) == int(sys.argv[2])
got = len(opens['cut', first['run_id']]) + len(opens['cut', second['run_id']])
since, until = int(rs['not_watched_since_unix_nano']), int(rs['watched_since_unix_nano'])
assert max(opens['cut', first['run_id']]) <= since < until <= min(opens['cut', second['run_id']]), 'an event in the time not watched'
print(f'{got} of {sys.argv[2]} files of the container over which the sensor was killed; not watched for {(until - since) / 1e9:.2f} s')
assert 0 < got <= int(sys.argv[2])
# And within each run nothing that was numbered is missing.
numbers = {}
for line in open(sys.argv[1]):
    e = json.loads(line)
    n = e.get('kernel_number')
    if n:
        numbers.setdefault((e['run_id'], n['cgroup_id'], n['cpu'], n['event_class']), []).append(int(n['number']))
for series, got in numbers.items():
    assert sorted(got) == list(range(len(got))), f'{series}: numbers are missing'
print(f'{len(numbers)} series of kernel numbers are whole')
PY
sed 's/^/# /' "$work/check.out"
"$VARVE" replay "$topic" --pod e2e/cut --format jsonl >"$work/cut.jsonl" 2>"$work/verdict"
rc=$?
[ $rc = 3 ] && grep -q INCOMPLETE "$work/verdict" && pass "the verdict on the container that was cut is INCOMPLETE" ||
	fail "the verdict on the container that was cut: $(cat "$work/verdict")"
sed 's/^/# /' "$work/verdict"

[ "$(grep -o '"run_id":"[^"]*"' "$work/cut.jsonl" | sort -u | wc -l)" = 2 ] && pass "its history goes on in the second run" ||
	fail "its history has one run"

# 3. the directory of pods
"$VARVE" pods "$topic" >"$work/pods" 2>"$work/pods.err" && [ ! -s "$work/pods.err" ] && [ "$(grep -c '^e2e/calm  uid ' "$work/pods")" = 1 ] &&
	grep -q '^e2e/cut  uid ' "$work/pods" && grep -q '^2 pods by topic varve.pods' "$work/pods" && pass "varve pods by the topic of pods" ||
	fail "varve pods by the topic of pods: $(cat "$work/pods" "$work/pods.err")"
sed 's/^/# /' "$work/pods"
kcat -q -C -b "$PLAIN" -t varve.pods -e -f '%k\t%h\n' | sort >"$work/pods.kcat"
calm=$(sed -n 's|^e2e/calm  uid \([^ ]*\) .*|\1|p' "$work/pods")
[ "$(cut -f1 "$work/pods.kcat" | grep -c "^$calm\$")" -ge 2 ] && ! grep -qv "kind=POD_STATE,pod_uid=" "$work/pods.kcat" &&
	pass "it holds POD_STATE records, keyed by the pod's UID" || fail "what is in it: $(cat "$work/pods.kcat")"
for pod in e2e/calm "$calm" e2e/cut e2e/none; do
	"$VARVE" replay "$topic" --pod "$pod" --format timeline >"$work/part" 2>/dev/null
	part=$?
	"$VARVE" replay "$topic" --pod "$pod" --format timeline --read-all >"$work/all" 2>/dev/null
	[ $part = $? ] && cmp -s "$work/part" "$work/all" && pass "replay of ${pod%%-*} by the directory says what reading all says (status $part)" ||
		fail "replay of $pod by the directory: $part, $(tail -n 1 "$work/part"); $(tail -n 1 "$work/all")"
done
"$VARVE" pods "$topic" --pods-topic varve.none >"$work/pods.all" 2>"$work/pods.err"
grep -q 'no directory in topic "varve.none"' "$work/pods.err" && grep -q '^e2e/calm  uid ' "$work/pods.all" && grep -q "^  app  " "$work/pods.all" &&
	pass "without it the events are read" || fail "without a directory: $(cat "$work/pods.err")"

# 4. what a consumer that is not ours sees
kcat -q -C -b "$PLAIN" -t varve.events -e -f '%p\t%k\t%h\n' >"$work/kcat"
[ "$(cut -f1,2 "$work/kcat" | sort -u | wc -l)" = 1 ] && [ "$(head -n 1 "$work/kcat" | cut -f2)" = test-node ] &&
	pass "one partition, keyed by the node's name" || fail "partition and key: $(cut -f1,2 "$work/kcat" | sort | uniq -c)"
if grep -P '\tschema=[^,]+,kind=OPEN,pod_uid=[0-9a-f-]{36},container_id=[0-9a-f]{64}$' "$work/kcat" | head -n 1 | grep -q .; then
	pass "headers name schema, kind, pod and container"
else
	fail "headers: $(grep OPEN "$work/kcat" | head -n 1)"
fi
finish
