#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A container that runc starts has no session; each `runc exec` into it is one, by runc, and its program descends from who came in.
. "$(dirname "$0")/lib.sh"

sensor_start || { fail "sensor starts"; finish; }
bundle_make quiet /bin/true && runc_ run --bundle "$work/quiet" "$id" || fail "runc runs a container"
quiet=$id
bundle_make busy /bin/sleep 100 && runc_ run --detach --bundle "$work/busy" "$id" >/dev/null 2>&1 || fail "runc starts a container"
check "runc exec" runc_ exec "$id" /bin/ls /tmp
check "runc exec again" runc_ exec "$id" /bin/id
runc_ kill "$id" KILL
wait_for 10 runc_ delete "$id" || fail "the container ends"
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"

events() { "$VARVE" cat "$work/log" | grep "\"stream\":\"$1\""; }
n=$(events "$quiet" | grep -c '"kind":"EXEC_SESSION"')
[ "$n" = 0 ] && pass "a container's start is no session" || fail "a container's start is no session: $n"
events "$id" >"$work/events"
check "each runc exec is a session" "$PYTHON" - "$work/events" <<'PY'
import json, sys
events = [json.loads(l) for l in open(sys.argv[1])]
sessions = [e for e in events if e['kind'] == 'EXEC_SESSION']
assert len(sessions) == 2, f'{len(sessions)} sessions'
for session, program in zip(sessions, (['/bin/ls', '/tmp'], ['/bin/id'])):
    by = session['exec_session']['by']
    assert by['name'] == 'runc', by
    assert ' exec ' in session['exec_session']['by_cmd_line'], session
    uid = session['process']['process_uid']
    runs = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'] == program]
    assert len(runs) == 1, f'{program}: {len(runs)} EXECs'
    process = runs[0]['process']
    family = {process['process_uid'], process['parent']['process_uid']} | {a['process_uid'] for a in process['ancestry']}
    assert uid in family, f'{program}: {session["process"]} is no ancestor of {process}'
    assert process['entry'] == {'how': 'session', 'process_uid': uid}, process
own = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'][0] == '/bin/sleep']
assert len(own) == 1 and own[0]['process']['entry']['how'] == 'entrypoint', own
# One that runs while it is moved is in the container before the kernel says so.
def is_before_word(e):
    return any(s['process']['process_uid'] == e['process']['process_uid'] and int(s['sequence']) > int(e['sequence']) for s in sessions)
unknown = [e for e in events if 'process' in e and e['kind'] not in ('CONTAINER_START', 'CONTAINER_STOP', 'SIGNAL') and 'entry' not in e['process']
           and not is_before_word(e)]
assert not unknown, unknown[0]
PY
finish
