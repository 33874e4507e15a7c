#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One table of options: manual, sample and committed configuration files say what it says; each source of values refuses what it does not
# know, with what was meant; --check tells what is not there. No sensor runs.
. "$(dirname "$0")/lib.sh"

check "the manual has each option, value and default" "$PYTHON" tests/e2e/sensor_manual.py "$SENSOR" docs/varve-sensor.8
check "the configuration files in deploy/ are what the table makes of them" deploy/samples.py --check "$SENSOR"
check "they set what they set" grep -q '^pin = on$' deploy/systemd/sensor.conf

refused() { # NAME WORDS COMMAND...
	local name=$1 words=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	[ $? = 1 ] && grep -qF -- "$words" "$work/err" && pass "$name" || fail "$name: $(cat "$work/err")"
}
: >"$work/empty.conf"
printf 'scope = all\nlog-dri = /x\n' >"$work/bad.conf"
refused "a misspelt option" "did you mean --log-dir?" "$SENSOR" --log-dri /x --print-config
refused "a misspelt line" "$work/bad.conf:2: unknown option log-dri: did you mean log-dir?" "$SENSOR" --config "$work/bad.conf" --print-config
refused "a misspelt variable" "environment: unknown option log-dri: did you mean log-dir?" env VARVE_LOG_DRI=/x "$SENSOR" --config "$work/empty.conf" --print-config

look() { "$SENSOR" --config "$work/empty.conf" --log-dir "$work/log" --check --json "$@" >"$work/check.json" 2>"$work/err"; }
look --kafka.bootstrap.servers 127.0.0.1 --kafka.sasl.pasword x --kube-api https://127.0.0.1:1 --pin on --pin-directory "$work/pin"
[ $? = 3 ] && pass "--check ends with 3 if something is missing" || fail "--check: $(cat "$work/err")"
grep -q 'did you mean kafka.sasl.password?' "$work/err" && pass "a misspelt property of librdkafka" || fail "property: $(cat "$work/err")"
check "and tells what" "$PYTHON" - "$work/check.json" <<'P'
import json, sys
lines = {r['name']: r for r in json.load(open(sys.argv[1]))['requirements']}
assert lines['kernel']['state'] == 'ok', lines
for name in 'Kafka properties', 'API server', 'API token', 'bpffs':
    assert lines[name]['state'] == 'missing' and lines[name]['todo'], lines[name]
assert lines['log directory']['state'] == lines['Kafka brokers']['state'] == 'ok', lines
P
[ ! -e "$work/log" ] && [ ! -e "$work/pin" ] && pass "--check makes nothing" || fail "--check made something"
# Each by itself: capability, the word of its absence.
for cap in bpf:missing perfmon:missing net_admin:limited dac_read_search:limited sys_ptrace:limited sys_nice:limited; do
	state=${cap#*:} cap=${cap%:*}
	setpriv --bounding-set="-$cap,-sys_admin" "$SENSOR" --config "$work/empty.conf" --log-dir "$work/log" --check >"$work/out" 2>&1
	rc=$?
	grep -qi "^CAP_$cap  *$state " "$work/out" && [ $rc = "$([ "$state" = missing ] && echo 3 || echo 0)" ] && pass "--check without CAP_${cap^^}: $state" ||
		fail "--check without $cap: $rc, $(grep -i "CAP_$cap" "$work/out")"
done
finish
