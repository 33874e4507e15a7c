#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the sensor says of itself while it records: metrics and health by HTTP, messages as JSON, a service manager's watchdog, SIGHUP.
# All that is scraped has to be what the log says.
. "$(dirname "$0")/lib.sh"
py="$PYTHON tests/e2e/metrics.py"
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port

get() { $py get "$url/$1" >"$work/got" 2>"$work/get.err" || { cat "$work/get.err"; return 1; }; }
is() { [ "$(head -n 1 "$work/got")" = "$1" ] || { cat "$work/got"; return 1; }; }
page() { get "$1" && is "$2"; }
value() { tail -n +2 "$work/got" | awk -v name="$1" '$1 == name { print $2 }'; }
at_least() { page metrics 200 && awk -v a="$(value "$1")" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 >= b) }'; }

$py notify "$work/notify" "$work/heard" &
manager=$!
on_exit+=("kill $manager 2>/dev/null")
wait_for 5 test -S "$work/notify"
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=3000000 sensor_start --heartbeat 1s --listen "127.0.0.1:$port" --log-format json ||
	{ fail "sensor starts"; finish; }
check "it is ready" wait_for 10 page readyz 200
check "it is alive" page healthz 200
check "there is nothing else" page "" 404
check "it told its service manager" wait_for 5 grep -q 'READY=1' "$work/heard"

http=$(grep -lx varve-http /proc/"$sensor_pid"/task/*/comm)
check "the thread that serves has no capabilities" grep -qE '^CapEff:\s+0+$' "${http%comm}status"

# While a container runs.
bundle_make worker /bin/sh -c 'i=0; while [ $i -lt 60 ]; do /bin/true; echo x >/tmp/f; cat /tmp/f >/dev/null; rm /tmp/f; i=$((i + 1)); sleep 0.02; done; sleep 3'
runc_ run --detach --bundle "$work/worker" "$id" >"$work/worker.out" 2>&1 || fail "runc runs a container: $(cat "$work/worker.out")"
check "the container is followed" wait_for 10 at_least varve_sensor_containers 1
check "its events are counted while it runs" wait_for 10 at_least 'varve_sensor_events_recorded_total{class="process"}' 120
tail -n +2 "$work/got" >"$work/during"
check "promtool has nothing to say" promtool check metrics <"$work/during"

# The loop hangs, its watchdog hears nothing, and the server says so.
$py hang "$sensor_pid" 4.2 "$url/metrics" >"$work/got" 2>"$work/hang.err" || fail "the loop is stopped: $(cat "$work/hang.err")"
age=$(value varve_sensor_loop_age_seconds)
awk -v a="$age" 'BEGIN { exit !(a >= 4) }' && pass "a loop that hangs is seen: ${age%????????} s" || fail "a loop that hung for 4 s: $age"

# Clients that hold all places as long as they may.
$py slow "$port" 40 6 >"$work/slow" 2>&1 &
slow=$!
for i in 1 2 3; do container_run "beside-$i" /bin/true || fail "runc runs beside-$i"; done

# Meanwhile the configuration is changed: first to what it cannot be, then to something else.
said() { grep -qF "$1" "$work/sensor.err"; }
printf 'log-limit = 512M\nlog-limt = 1G\n' >"$work/sensor.conf"
kill -HUP "$sensor_pid"
check "a wrong file changes nothing" wait_for 5 said 'the configuration is wrong: nothing is changed'
printf 'log-limit = 512M\nevents = all,-unlink\nscope = all\n' >"$work/sensor.conf"
kill -HUP "$sensor_pid"
check "a right one is taken" wait_for 5 said 'reloaded: 2 options have changed'
check "what needs a restart is said" said 'scope = all needs a restart'
removes='echo x >/tmp/gone; rm /tmp/gone'
container_run removes /bin/sh -c "$removes" || fail "runc runs a container after the change"

wait $slow
[ "$(tail -n 1 "$work/slow")" = 40 ] && pass "slow clients are cut off" || fail "slow clients: $(cat "$work/slow") of 40 cut off"
check "and others are served again" wait_for 5 page healthz 200
for i in $(seq 100); do runc_ list -q | grep -q . || break; runc_ delete "$id" 2>/dev/null; sleep 0.05; done
sleep 2 # the account is closed
check "after the container" page metrics 200
tail -n +2 "$work/got" >"$work/after"
grep -q '^varve_sensor_log_limit_bytes 536870912$' "$work/after" && pass "the new limit is set" || fail "the new limit: $(grep limit "$work/after")"
page readyz 200 || fail "not ready: $(cat "$work/got")"
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
kill $manager

"$VARVE" cat "$work/log" >"$work/events" || fail "varve cat"
$py judge "$work/during" "$work/events" && pass "what was scraped while it ran is what the log says" || fail "scraped while it ran"
$py judge "$work/after" "$work/events" && pass "what was scraped after it is what the log says" || fail "scraped after it"
$py heard "$work/heard" && pass "the service manager heard what it should" || fail "what the service manager heard"
"$PYTHON" - "$work/events" "$work/sensor.err" <<'PY' && pass "COVERAGE tells the new policy, heartbeats went on, messages are JSON" || fail "COVERAGE, heartbeats or messages"
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
coverage = [e['coverage'] for e in events if e['kind'] == 'COVERAGE']
assert [int(c['log_limit_bytes']) for c in (coverage[0], coverage[-1])] == [1 << 30, 512 << 20], coverage
assert coverage[0]['config_sha256'] != coverage[-1]['config_sha256'] and coverage[-1]['scope'] == 'containers'
# The policy: nobody's removals are recorded from then on, and all of them are counted.
assert coverage[-1]['kinds_off'] == ['UNLINK'] and not coverage[0].get('kinds_off')
of = lambda name, kind: [e for e in events if e.get('pod', {}).get('name') == name and e['kind'] == kind]
assert of('worker', 'UNLINK') and not of('removes', 'UNLINK')
assert [s for s in of('removes', 'SUPPRESSION') if s['suppression']['reason'] == 'kind_off' and int(s['suppression']['count']) >= 1] # runc removes something, too
closed = [a['account'] for a in of('removes', 'ACCOUNT') if a['account'].get('closed')]
assert closed and all(int(c['generated']) == int(c['recorded']) + int(c['lost']) + int(c['suppressed']) for c in closed[0]['counts'])
beats = [int(e['boot_time_nano']) / 1e9 for e in events if e['kind'] == 'HEARTBEAT']
late = sorted(b - a for a, b in zip(beats, beats[1:]))
assert late[-2] < 3, late # the last one is the loop that hung
for line in open(sys.argv[2]):
    assert set(json.loads(line)) == {'time', 'level', 'program', 'message'}, line
PY
finish
