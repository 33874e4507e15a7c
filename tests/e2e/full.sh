#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A full log under drop-newest, and a full disk: what is refused is counted exactly and declared (log_full), file events go before exec
# events do, what the sensor says itself goes on, the disk is never full by it, and recording goes on once there is room.
. "$(dirname "$0")/lib.sh"

flood() { # NAME FILES EXECS
	container_run "$1" /bin/sh -c "i=0; while [ \$i -lt $2 ]; do : >/tmp/f; i=\$((i+1)); done; i=0; while [ \$i -lt $3 ]; do /bin/true; i=\$((i+1)); done" ||
		fail "container $1 runs"
}

# 1. at log-limit, with no Kafka that would make room
sensor_start --log-segment-size 64K --log-limit 2M --log-full drop-newest --heartbeat 1s --ring-size 32M || { fail "sensor starts"; finish; }
grep -q 'nothing makes room' "$work/sensor.err" && pass "drop-newest without Kafka is warned of" || fail "no warning: $(cat "$work/sensor.err")"
began=$(date +%s%N)
flood early 50 5
flood files 6000 5
files=$id
flood late 10 2000
late=$id
sleep 2.5
sensor_stop || fail "sensor stops cleanly"
size=$(du -sb "$work/log" | cut -f1)
[ "$size" -le $((2100 * 1024)) ] && pass "the log is bounded: $size bytes" || fail "the log has $size bytes"
grep -q 'is full (log-limit, log-free)' "$work/sensor.err" && pass "it is told" || fail "told: $(cat "$work/sensor.err")"
"$VARVE" cat "$work/log" >"$work/log.jsonl" 2>"$work/err" || fail "varve cat: $(cat "$work/err")"
check "what was refused is declared, exactly" "$PYTHON" - "$work/log.jsonl" "$files" "$late" "$began" <<'PY'
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
files, late, began = sys.argv[2:]
assert [int(e['sequence']) for e in events] == list(range(len(events))), 'what was there first went'
assert [e['kind'] for e in events[-2:]] == ['RUN_END', 'SEAL']
coverage = next(e['coverage'] for e in events if e['kind'] == 'COVERAGE')
assert coverage['log_full'] == 'drop-newest' and coverage['sync'] == 'lag' and int(coverage['log_limit_bytes']) == 2 << 20, coverage
def of(c, kind): return [e for e in events if e['kind'] == kind and e.get('container', {}).get('id') == c]
for c in (files, late):
    losses = [e['loss'] for e in of(c, 'LOSS')]
    assert losses and all(l['cause'] == 'log_full' for l in losses), losses
    account = of(c, 'ACCOUNT')
    assert len(account) == 1 and account[0]['account']['closed']
    for n in account[0]['account']['counts']:
        g, r, l, s = (int(n.get(k, 0)) for k in ('generated', 'recorded', 'lost', 'suppressed'))
        assert g == r + l + s, n
        here = [e for e in events if e.get('kernel_number', {}).get('event_class') == n['event_class']
                and e.get('container', {}).get('id') == c]
        assert len(here) == r, (n, len(here))
        declared = [x for x in losses if x['event_class'] == n['event_class']]
        assert sum(int(x['count']) for x in declared) == l, (n, declared)
    for x in losses:
        assert int(began) <= int(x['first_unix_nano']) <= int(x['last_unix_nano']) <= int(account[0]['time_unix_nano']), x
lost = lambda c, k: sum(int(e['loss']['count']) for e in of(c, 'LOSS') if e['loss']['event_class'] == k)
print(f"files: lost {lost(files, 'file')} file, {lost(files, 'process')} process; late: {lost(late, 'file')}, {lost(late, 'process')}")
# Whatever other containers this machine runs take part of the room; what is decisive is refused last all the same.
first = lambda k: min((int(e['loss']['first_unix_nano']) for e in of(files, 'LOSS') if e['loss']['event_class'] == k), default=1 << 63)
assert lost(files, 'file') > 0 and first('file') < min(first('process'), first('container'))
classes = [e.get('kernel_number', {}).get('event_class', '') for e in events]
last = max(i for i, c in enumerate(classes) if c in ('file', 'network'))
after = sum(c in ('process', 'container', 'kernel') for c in classes[last:])
print(f'{after} decisive events are recorded after the last of file and network')
assert lost(late, 'process') > 0 and after > 30, 'file events were to be refused first'
assert sum(e['kind'] == 'HEARTBEAT' for e in events[last:]) >= 2
PY
sed 's/^/# /' "$work/check.out"
"$VARVE" replay "$work/log" --container "$files" --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 3 ] && grep -q log_full "$work/err" && pass "the verdict is INCOMPLETE, and says why" || fail "verdict: $rc, $(cat "$work/err")"

# 2. a disk that others fill: a file system of 24 MiB, of which 8M must stay free
mkdir "$work/disk"
mount -t tmpfs -o size=24M varve-test "$work/disk" || { fail "tmpfs"; finish; }
on_exit+=('umount "$work/disk"')
sensor_start --log-dir "$work/disk/log" --log-segment-size 64K --log-limit 64M --log-free 8M --log-full drop-newest --heartbeat 1s --ring-size 32M || { fail "sensor starts"; finish; }
flood before 200 5
head -c 15M /dev/zero >"$work/disk/others"
sleep 1.5
flood during 2000 20
during=$id
sleep 1.5
left=$(df --output=avail -B1 "$work/disk" | tail -n 1)
# The disk is looked at each second; what the log takes until then it could not know of.
[ "$left" -gt $((6 * 1024 * 1024)) ] && pass "$((left >> 10)) KiB of the disk are left, 8192 were to be" || fail "only $left bytes are left"
rm "$work/disk/others"
sleep 1.5
flood after 200 5
after=$id
sleep 1.5
sensor_stop || fail "sensor stops cleanly"
grep -q 'takes all records again' "$work/sensor.err" || sed 's/^/# /' "$work/sensor.err"
"$VARVE" replay "$work/disk/log" --container "$during" --format jsonl >"$work/during.out" 2>"$work/err"
rc=$?
[ $rc = 3 ] && grep -q log_full "$work/err" && pass "what the full disk cost is declared" || fail "during: exit $rc, $(cat "$work/err")"
"$VARVE" replay "$work/disk/log" --container "$after" --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 0 ] && pass "with room again it is COMPLETE" || fail "after: exit $rc, $(tr "\n" " " <"$work/err")"

# 3. nothing is kept free, and the disk fills up under the sensor (ENOSPC): declared once it can be
sensor_start --log-dir "$work/disk/log" --log-segment-size 64K --log-limit 64M --log-free 0 --log-full drop-newest --heartbeat 1s --ring-size 32M || { fail "sensor starts"; finish; }
head -c 64M /dev/zero >"$work/disk/others" 2>/dev/null
flood enospc 4000 20
enospc=$id
sleep 1
rm "$work/disk/others"
sleep 1.5
flood again 200 5
again=$id
sleep 1.5
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/disk/log" 2>"$work/err" >"$work/log.jsonl"
rc=$?
check "at ENOSPC what is lost is declared, and the log is whole" "$PYTHON" - "$work/log.jsonl" "$enospc" "$again" $rc <<'PY'
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
assert sys.argv[4] == '0', 'varve cat found damage or gaps'
losses = [e['loss'] for e in events if e['kind'] == 'LOSS' and e.get('container', {}).get('id') == sys.argv[2]]
lost = sum(int(l['count']) for l in losses if l['cause'] in ('log_write', 'log_full')) # the second once the full disk is seen, each second
print(f'{lost} declared')
assert lost > 0, losses
PY
sed 's/^/# /' "$work/check.out"
"$VARVE" replay "$work/disk/log" --container "$again" --format jsonl >/dev/null 2>"$work/err"
rc=$?
[ $rc = 0 ] && pass "the next container is COMPLETE" || fail "again: exit $rc, $(tr "\n" " " <"$work/err")"
finish
