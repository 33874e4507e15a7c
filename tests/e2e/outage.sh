#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker is away while a container makes 200,000 records, and comes back while another goes on: the shipper catches up without
# the rings losing anything, and all arrives. Then the cursor is lost and all is shipped once more: varve takes each record once, and says
# how many came twice.
. "$(dirname "$0")/lib.sh"
KAFKA=tests/kafka/kafka.sh
FILES=${FILES:-40000} # each makes two records: OPEN and CLOSE_WRITE

"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { cat "$work/kafka.out"; fail "broker starts"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
topic=kafka://$PLAIN
start() { sensor_start --heartbeat 1s --log-segment-size 1G --log-limit 4G --ring-size 64M --kafka.bootstrap.servers="$PLAIN" "$@" || { fail "sensor starts"; finish; }; }
load() { # NAME FILES: in portions, so that a ring can hold what comes while this machine does something else
	container_run "$1" /bin/sh -c "i=0; while [ \$i -lt $2 ]; do : >/tmp/f; i=\$((i+1)); [ \$((i % 1000)) = 0 ] && sleep 0.05; done; true" || fail "container $1 runs"
	echo "$id" >>"$work/ids"
}
raw() { kcat -q -C -b "$PLAIN" -t varve.events -e -f '.\n' | wc -l; }

start
load before 500
"$KAFKA" kill "$work/kafka"
load away "$FILES"
sleep 2 # a heartbeat more
lag=$("$VARVE" cat "$work/log" 2>/dev/null | grep '"kind":"HEARTBEAT"' | tail -n 1 | grep -o '"unshipped_records":"[0-9]*"' | grep -o '[0-9]*')
[ "${lag:-0}" -ge $((FILES * 19 / 10)) ] && pass "while the broker is away $lag records wait" || fail "only ${lag:-0} records wait"
# Makes files until it is told to stop: that is when the shipper has caught up.
bundle_make meanwhile /bin/sh -c 'while [ ! -e /stop ]; do i=0; while [ $i -lt 100 ]; do : >/tmp/f; i=$((i+1)); done; sleep 0.05; done'
echo "$id" >>"$work/ids"
runc_ run --bundle "$work/meanwhile" "$id" &
job=$!
"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || fail "broker starts again"
lags() { "$VARVE" cat "$work/log" 2>/dev/null | grep '"kind":"HEARTBEAT"' | tail -n 1 | grep -qE "\"unshipped_records\":\"?[0-9]{1,$1}\"?[,}]"; }
wait_for 200 lags 4 && pass "it catches up while records go on" || fail "it does not catch up while records go on"
touch "$work/meanwhile/image/stop"
wait $job || fail "container meanwhile runs"
wait_for 60 lags 2 && pass "the shipper has caught up" || fail "the shipper lags"
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/log" >"$work/log.jsonl" || fail "varve cat of the log"
"$VARVE" cat "$topic" >"$work/kafka.jsonl" 2>"$work/cat.err" || fail "varve cat of the topic: $(cat "$work/cat.err")"
cmp -s <(sort "$work/log.jsonl") <(sort "$work/kafka.jsonl") && pass "all arrived: $(wc -l <"$work/kafka.jsonl") records" ||
	fail "log and topic differ: $(wc -l <"$work/log.jsonl") and $(wc -l <"$work/kafka.jsonl") records"
check "nothing was lost meanwhile, by the accounts" "$PYTHON" - "$work/log.jsonl" "$work/ids" <<'PY'
import json, sys
ids = set(open(sys.argv[2]).read().split()) # other containers of this machine are in the log, too
accounts, lags = 0, []
for line in open(sys.argv[1]):
    if '"kind":"HEARTBEAT"' in line:
        e = json.loads(line)
        lags.append((int(e['time_unix_nano']), int(e['heartbeat'].get('unshipped_records', 0)), int(e['sequence'])))
    if '"kind":"ACCOUNT"' not in line:
        continue
    e = json.loads(line)
    if e['container']['id'] not in ids:
        continue
    accounts += 1
    for n in e['account']['counts']:
        g, r, l, s = (int(n.get(k, 0)) for k in ('generated', 'recorded', 'lost', 'suppressed'))
        assert g == r + s and l == 0, n
assert accounts == 3, accounts
top = max(lags, key=lambda x: x[1])
end = next(x for x in lags if x[0] > top[0] and x[1] < 10000)
took = (end[0] - top[0]) / 1e9
print(f'from {top[1]} records behind to {end[1]} in {took:.1f} s, with {end[2] - top[2]} new ones: {(top[1] + end[2] - top[2]) / took:.0f} shipped a second')
PY
sed 's/^/# /' "$work/check.out"

# The cursor is lost: all is shipped once more, behind what is there.
once=$(raw)
rm "$work/log/cursor"
start
load after 100
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/log" 2>/dev/null | sort >"$work/log.jsonl"
all=$(wc -l <"$work/log.jsonl")
twice=$(raw)
[ "$twice" -ge $((once + all)) ] && pass "the topic has $twice records for $all" || fail "the topic has $twice records, $once of them from before, for $all"
dup=$((twice - all))
"$VARVE" cat "$topic" 2>"$work/cat.err" | sort >"$work/kafka.jsonl"
cmp -s "$work/log.jsonl" "$work/kafka.jsonl" && grep -q " $dup records came more than once" "$work/cat.err" && pass "varve cat prints each once, and says that $dup came twice" ||
	fail "varve cat: $(wc -l <"$work/kafka.jsonl") of $all: $(cat "$work/cat.err")"
for format in timeline tree jsonl; do
	"$VARVE" replay "$topic" --pod e2e/before --format $format --read-all >"$work/view" 2>&1 && grep -q "$dup records came more than once" "$work/view" &&
		pass "so does replay as $format, COMPLETE" || fail "replay as $format: $(tail -n 2 "$work/view")"
done
"$VARVE" pods "$topic" --read-all >"$work/pods" 2>&1
grep -q "$dup came more than once" "$work/pods" && pass "and varve pods" || fail "varve pods: $(tail -n 2 "$work/pods")"
finish
