#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A second sensor on the same log directory refuses; the first one's evidence is not touched.
. "$(dirname "$0")/lib.bash"
begin
for n in 1 2 3; do
	"$SENSOR" --config "$work/sensor.conf" --log-dir "$log" >"$work/second.err" 2>&1 && fail "the second sensor ends badly"
done
grep -q "$log" "$work/second.err" && [ "$(wc -l <"$work/second.err")" = 1 ] && pass "the second refuses: $(cut -c1-120 "$work/second.err")" ||
	fail "the second refuses: $(cat "$work/second.err")"
end
judge runs=1 lost=0
finish
