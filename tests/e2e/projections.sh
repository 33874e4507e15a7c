#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The views in other people's schemas, of a history that has every kind, failed and hostile (tests/views/records.py), checked by what is not
# ours: OCSF's own definition, the field list of ECS, Timesketch's import client, Sigma rules as pySigma compiles them, Python's csv and json.
. "$(dirname "$0")/lib.sh"
RECORDS=2000 MANY=150000 CONTAINER=4b2e9f12
make --no-print-directory -s O="$O" "$O/tests/views/log" "$O/varve.desc" || exit 1
log_make() { "$PYTHON" tests/views/records.py "$O/varve.desc" "$2" | "$O/tests/views/log" "$1"; }
replay() { "$VARVE" replay "$1" --container $CONTAINER --format "$2"; }
tools=$(tests/views/get.sh) || { fail "the checks' packages"; finish; }
log_make "$work/log" $RECORDS || { fail "the log is made"; finish; }

for format in jsonl csv ocsf ecs sysmon timesketch; do
	replay "$work/log" $format >"$work/$format.out" 2>"$work/$format.err"
	rc=$?
	[ $rc = 3 ] && grep -q '^INCOMPLETE: ' "$work/$format.err" || fail "$format: the verdict is on standard error: $rc"
done
cp "$work/timesketch.out" "$work/timesketch.jsonl"
show() { # NAME SCRIPT ARGUMENTS...: its own lines of what is right and wrong
	local name=$1
	shift
	PYTHONPATH=$tools/python PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "tests/views/$@" >"$work/show.out" 2>&1 || {
		failures=$((failures + 1))
		grep -q '^not ok ' "$work/show.out" || echo "not ok $name: $(tail -n 3 "$work/show.out" | cut -c1-2000 | tr '\n' ' ')"
	}
	grep -E '^(ok|not ok) ' "$work/show.out"
}
show lines lines.py "$work"
show ocsf ocsf.py "$work/ocsf.out"
show ecs ecs.py "$tools/ecs.json" "$work/ecs.out"
show timesketch timesketch.py "$work/timesketch.jsonl"
show sigma rules.py deploy/sigma/varve-sysmon.yml tests/views/rules "$work/jsonl.out" "$work/sysmon.out"

# What it costs: the processor's time of the whole command, so that what else runs here does not count much.
log_make "$work/many" $MANY || fail "the long log is made"
for format in csv ocsf ecs sysmon timesketch; do
	TIMEFORMAT=%U
	seconds=$( { time replay "$work/many" $format >/dev/null 2>&1; } 2>&1)
	awk -v s="$seconds" -v n=$MANY -v f=$format 'BEGIN { if (s < 0.01) s = 0.01; printf "# %s: %d records in %s s of processor time, %d a second\n", f, n, s, n / s
		exit n / s < 50000 }' && pass "$format is fast enough" || fail "$format: $MANY records took $seconds s"
done
finish
