#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# varve-sensor --probe: says what attached, for people and for machines, records nothing and leaves nothing.
. "$(dirname "$0")/lib.sh"

"$SENSOR" --probe >"$work/table" 2>"$work/err" && pass "--probe ends with 0" || fail "--probe: $(tail -n 1 "$work/err")"
grep -qE '^  exec_tp +tp_btf/sched_process_exec +[0-9-]+ +attached$' "$work/table" && pass "the table has hooks" || fail "no exec_tp in the table"
grep -qE '^  EXEC +seen$' "$work/table" && pass "the table has events" || fail "no EXEC in the table"
"$SENSOR" --probe=json >"$work/json" 2>>"$work/err" && python3 - "$work/json" "$work/table" <<'PY' && pass "JSON says the same" || fail "JSON and table differ"
import json, sys
j = json.load(open(sys.argv[1]))
table = open(sys.argv[2]).read().split("\nEvents\n")
hooks = [l.split()[0] for l in table[0].splitlines() if l.startswith("  ")]
events = dict(l.split(None, 1) for l in table[1].splitlines())
assert hooks == [h["name"] for h in j["hooks"]], hooks
assert events == j["events"], events
PY
"$SENSOR" --probe --hooks trampoline >"$work/out" 2>&1
if [ $? = 0 ]; then
	grep -q 'fexit/.*attached' "$work/out" && pass "--hooks trampoline attaches trampolines" || fail "no fexit among the hooks"
else
	grep -q 'refuses trampolines' "$work/out" && pass "--hooks trampoline says that the kernel refuses" || fail "$(tail -n 1 "$work/out")"
fi
"$SENSOR" --probe --hooks tracepoint >"$work/out" 2>&1 && ! grep -q 'fexit/' "$work/out" && pass "--hooks tracepoint has no trampolines" || fail "--hooks tracepoint"
"$SENSOR" --probe=xml >"$work/out" 2>&1 && fail "--probe=xml is accepted" || pass "--probe=xml is refused"
finish
