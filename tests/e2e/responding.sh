#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/RESPONDING.md: its case is made, and each of its commands typed again. WRITE=1: what they print becomes the page's.
. "$(dirname "$0")/lib.sh"
. tests/demo/case.bash
sensor_start --node-name node-3 --heartbeat 2s || { fail "sensor starts"; finish; }
case_make || fail "the case is made"
sensor_stop || fail "sensor stops cleanly"
work=$work "$PYTHON" tests/demo/responding.py ${WRITE:+--write} docs/RESPONDING.md "$work/log" "$VARVE" || failures=1
"$VARVE" replay "$work/log" --pod "shop/${case_pods[0]}" --format summary >"$work/summary"
for words in ' /var/run/secrets/kubernetes.io/serviceaccount/token  ' ' /tmp/.x/kworker \[upper layer\]' ' updates.cdn-metrics.example  ' ' session: ' ' moved by '; do
	check "the summary has $words" grep -q -- "$words" "$work/summary"
done
finish
