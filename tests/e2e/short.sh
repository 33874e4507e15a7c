#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A container that lives under 50 ms and does one exec is in the replay, whole and with its name: 100 of 100.
. "$(dirname "$0")/lib.sh"
N=${N:-100}

sensor_start || { fail "sensor starts"; finish; }
for i in $(seq "$N"); do
	container_run "job-$i" /bin/true || fail "runc runs job-$i"
done
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

found=0 complete=0 brief=0 named=0 hashed=0
sha=$(sha256sum "$(command -v busybox)" | cut -d ' ' -f 1)
for i in $(seq "$N"); do
	"$VARVE" replay "$work/log" --pod "e2e/job-$i" --format jsonl >"$work/out" 2>"$work/verdict"
	rc=$?
	[ $rc = 0 ] && complete=$((complete + 1))
	read -r execs pods ms hashes <<<"$("$PYTHON" - "$work/out" "job-$i" "$sha" <<'PY'
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
execs = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'] == ['/bin/true']]
named = all(e.get('pod', {}).get('name') == sys.argv[2] and e['pod']['namespace'] == 'e2e' and e['container']['name'] == 'app'
            for e in events)
t = {e['kind']: int(e['boot_time_nano']) for e in events}
# The exec is named by its time and its process; the program is gone before anyone can look.
hashes = [e['file_hash'] for e in events if e['kind'] == 'FILE_HASH']
hashes = [h for h in hashes if execs and h['event_boot_time_nano'] == execs[0]['boot_time_nano']]
print(len(execs), int(named), (t['CONTAINER_STOP'] - t['CONTAINER_START']) // 1000000 if 'CONTAINER_STOP' in t else 10**9,
      int(len(hashes) == 1 and hashes[0].get('sha256') == sys.argv[3]))
PY
)"
	[ "$execs" = 1 ] && found=$((found + 1))
	[ "$pods" = 1 ] && named=$((named + 1))
	[ "$hashes" = 1 ] && hashed=$((hashed + 1))
	[ "$ms" -lt 50 ] && brief=$((brief + 1))
done
echo "# $N containers: $found with their one exec, $named with pod and container name in every record, $complete COMPLETE, $brief lived under 50 ms"
[ $found = "$N" ] && pass "$N of $N have their one exec" || fail "$found of $N have their one exec"
[ $named = "$N" ] && pass "$N of $N have their names in every record" || fail "$named of $N have their names in every record"
[ $complete = "$N" ] && pass "$N of $N are COMPLETE" || fail "$complete of $N are COMPLETE"
[ $hashed = "$N" ] && pass "$N of $N have the hash of what they ran" || fail "$hashed of $N have the hash of what they ran"
# How long they live is the machine's affair; that some were that short is the test's.
[ $brief -ge $((N / 2)) ] && pass "most lived under 50 ms" || fail "only $brief of $N lived under 50 ms"
finish
