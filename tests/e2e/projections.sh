#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The views in other people's schemas, of a history that has every kind, failed and hostile (tests/views/records.py), and of a container as the
# sensor records it, checked by what is not ours: OCSF's own definition, the field list of ECS, Timesketch's import client, Sigma rules as
# pySigma compiles them, Python's csv and json. And from a line the way back to the sealed record.
. "$(dirname "$0")/lib.sh"
RECORDS=2000 MANY=150000
make --no-print-directory -s O="$O" "$O/tests/views/log" "$O/varve.desc" || exit 1
CONTAINER=4b2e9f12
log_make() { "$PYTHON" tests/views/records.py "$O/varve.desc" "$2" | "$O/tests/views/log" "$1"; }
replay() { "$VARVE" replay "$1" --container $CONTAINER --format "$2"; }
tools=$(tests/views/get.sh) || { fail "the checks' packages"; finish; }
show() { # NAME SCRIPT ARGUMENTS...: its own lines of what is right and wrong
	local name=$1
	shift
	PYTHONPATH=$tools/python PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "tests/views/$@" >"$work/show.out" 2>&1 || {
		failures=$((failures + 1))
		grep -q '^not ok ' "$work/show.out" || echo "not ok $name: $(tail -n 3 "$work/show.out" | cut -c1-2000 | tr '\n' ' ')"
	}
	grep -E '^(ok|not ok) ' "$work/show.out" | sed "s/$/ ($name)/"
}
views() { # NAME LOG VERDICT STATUS: prints and checks all of them; $work/NAME/FORMAT.out
	local format rc dir=$work/$1
	mkdir -p "$dir"
	for format in jsonl csv ocsf ecs sysmon timesketch; do
		replay "$2" $format >"$dir/$format.out" 2>"$dir/$format.err"
		rc=$?
		[ $rc = "$4" ] && grep -q "^$3: " "$dir/$format.err" && ! grep -q "^$3: " "$dir/$format.out" ||
			fail "$1, $format: the verdict is on standard error: $rc, $(tail -n 1 "$dir/$format.err")"
	done
	cp "$dir/timesketch.out" "$dir/timesketch.jsonl"
	show "$1" lines.py "$dir" "${5:-}"
	show "$1" ocsf.py "$dir/ocsf.out"
	show "$1" ecs.py "$tools/ecs.json" "$dir/ecs.out"
	show "$1" timesketch.py "$dir/timesketch.jsonl"
}

log_make "$work/made" $RECORDS || { fail "the log is made"; finish; }
views every-kind "$work/made" INCOMPLETE 3 all
show every-kind rules.py deploy/sigma/varve-sysmon.yml tests/views/rules "$work/every-kind/jsonl.out" "$work/every-kind/sysmon.out"

sensor_start || { fail "sensor starts"; finish; }
container_run web /bin/sh -c 'cp /bin/busybox "/tmp/=x"; "/tmp/=x" id; echo "a;=1" >/tmp/a; mv /tmp/a "/tmp/b,\"c"; rm "/tmp/b,\"c"; cat /no/such
	mkdir /tmp/d; ln -s d /tmp/e; chmod 4755 "/tmp/=x"; nc -w 1 127.0.0.1 9; printf "\033[2J" >/tmp/f; exit 3'
sleep 1.5
sensor_stop || fail "sensor stops: $(tail -n 2 "$work/sensor.err")"
CONTAINER=$id
views sensor "$work/log" COMPLETE 0
for path in 'ocsf .metadata.uid' 'ecs .event.id' 'sysmon .RecordId'; do
	record=$("$PYTHON" -c 'import json, sys; e = json.loads(sys.stdin.readlines()[-3])
for key in sys.argv[1].split(".")[1:]: e = e[key]
print(e)' "${path#* }" <"$work/sensor/${path%% *}.out")
	"$VARVE" prove "$work/log" --event "$record" --out "$work/proof" 2>"$work/prove.err" &&
		"$VARVE" verify --proof "$work/proof" --key "$work/log/sensor.pub" --changes "$work/log/sensor.keys" >"$work/proved" 2>&1 &&
		grep -q "\"sequence\":\"${record#*/}\"" "$work/proved" && pass "${path%% *}: from ${path#* } to the sealed record" ||
		fail "${path%% *}: $record: $(cat "$work/prove.err" "$work/proved" 2>/dev/null | tail -n 2)"
	rm -f "$work/proof"
done

CONTAINER=4b2e9f12
# What it costs: the processor's time of the whole command, so that what else runs here does not count much.
log_make "$work/many" $MANY || fail "the long log is made"
for format in csv ocsf ecs sysmon timesketch; do
	TIMEFORMAT=%U
	seconds=$( { time replay "$work/many" $format >/dev/null 2>&1; } 2>&1)
	awk -v s="$seconds" -v n=$MANY -v f=$format 'BEGIN { if (s < 0.01) s = 0.01; printf "# %s: %d records in %s s of processor time, %d a second\n", f, n, s, n / s
		exit n / s < 100000 }' && pass "$format is fast enough" || fail "$format: $MANY records took $seconds s"
done
finish
