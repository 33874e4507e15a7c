#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Memory of a replay: below 200 MiB in every view; the same for twice the records where they stream through; in the tree a little more for
# twice the records of as many processes, which differ in what they did. How fast it is: make bench-replay.
. "$(dirname "$0")/lib.sh"
POD=default/web-7f9c6d5b48-x2x7q
LIMIT=$((200 * 1024)) # KiB
make --no-print-directory -s O="$O" WERROR=1 "$O/tests/bench/replay" "$O/tests/bench/cost" || exit 1

# As many processes in both.
"$O/tests/bench/replay" "$work/half" 100000 50 && "$O/tests/bench/replay" "$work/whole" 200000 100 || { fail "logs are written"; finish; }

peak() { # LOG VIEW: sets peak
	local cost args=(replay "$work/$1" --pod "$POD" --format "$2")
	[ "$2" != cat ] || args=(cat "$work/$1")
	cost=$("$O/tests/bench/cost" "$VARVE" "${args[@]}" 2>"$work/err") || { fail "varve ${args[*]}: $(tail -n 2 "$work/err")"; return 1; }
	peak=${cost#* }
}
views=$("$VARVE" replay --help | grep -o 'tree|[a-z|]*' | head -n 1 | tr '|' ' ')
[ -n "$views" ] || fail "the views are not told by --help"
for view in $views cat; do
	peak whole "$view" || continue
	[ "$peak" -lt $LIMIT ] && pass "$view: $peak KiB for 200,000 records" || fail "$view: $peak KiB for 200,000 records"
done
for row in timeline:1024 jsonl:1024 cat:1024 tree:16384; do
	view=${row%:*}
	peak half "$view" && half=$peak && peak whole "$view" || continue
	[ $((peak - half)) -lt "${row#*:}" ] && pass "$view: $((peak - half)) KiB more for twice the records" ||
		fail "$view: $((peak - half)) KiB more for twice the records"
done
"$VARVE" replay "$work/half" --pod "$POD" --format jsonl 2>"$work/err" | wc -l >"$work/lines"
check "each record is a line" grep -qx 100000 "$work/lines"
check "the verdict is COMPLETE" grep -q '^COMPLETE: 1 container, 100000 records' "$work/err"
finish
