#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records that the topic does not take: each is declared as not delivered, stays in the log, and the others go on.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
broker_up
"$KAFKA" topic "$work/kafka" varve.events 1 max.message.bytes=2000 || fail "a topic with a limit"
broker_begin
# COVERAGE is larger.
sleep 2
broker_end
judge runs=1 lost=0
"$VARVE" cat "$log" >"$work/in_log" 2>/dev/null
"$VARVE" cat "kafka://$server" >"$work/in_topic" 2>/dev/null
"$PYTHON" - "$work" <<'PY' >"$work/refused" 2>&1 && pass "$(cat "$work/refused")" || fail "what was refused: $(tail -n 1 "$work/refused")"
import json, sys
read = lambda name: {(e['run_id'], e['sequence']): e for e in map(json.loads, open(f'{sys.argv[1]}/{name}'))}
log, topic = read('in_log'), read('in_topic')
gone = {(e['loss']['lost_run_id'], e['loss']['first_sequence']) for e in log.values() if e['kind'] == 'LOSS' and e['loss']['cause'] == 'not_delivered'}
lacks = log.keys() - topic.keys()
assert lacks == gone and gone, (len(lacks), len(gone), list(lacks ^ gone)[:3])
print(f'{len(gone)} of {len(log)} records are not in the topic, and each is declared')
PY
"$VARVE" replay "kafka://$server" --container "$(head -n 1 "$work/load/truth" | cut -d' ' -f2)" --format jsonl >/dev/null 2>"$work/verdict"
rc=$?
[ $rc != 0 ] && pass "the topic's verdict is not COMPLETE: $(head -n 1 "$work/verdict" | cut -c1-120)" || fail "the topic's verdict is COMPLETE, and COVERAGE is not there"
finish
