#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a replay costs: CPU time and memory of each view over one pod's log, as one table. make bench-replay; RECORDS=N: so many
# (1,000,000), ROUND=N: so many of each process (48), VIEWS="timeline jsonl": only these. Output goes to /dev/null.
. "$(dirname "$0")/../e2e/lib.sh"
RECORDS=${RECORDS:-1000000} ROUND=${ROUND:-48}
POD=default/web-7f9c6d5b48-x2x7q
make --no-print-directory -s O="$O" "$O/tests/bench/replay" "$O/tests/bench/cost" || exit 1
VIEWS=${VIEWS:-$("$VARVE" replay --help | grep -o 'tree|[a-z|]*' | head -n 1 | tr '|' ' ') cat}

"$O/tests/bench/replay" "$work/log" "$RECORDS" "$ROUND" || { fail "the log is written"; finish; }
bytes=$(cat "$work"/log/*.seg | wc -c)
echo "$RECORDS records of $((bytes / RECORDS)) bytes"
echo
echo "| view | CPU s | records/s of CPU | peak KiB |"
echo "|---|---|---|---|"
for view in $VIEWS; do
	if [ "$view" = cat ]; then
		set -- cat "$work/log"
	else
		set -- replay "$work/log" --pod "$POD" --format "$view"
	fi
	cost=$("$O/tests/bench/cost" "$VARVE" "$@" 2>"$work/err") || { fail "varve $*: $(tail -n 2 "$work/err")"; continue; }
	read -r cpu peak <<<"$cost"
	echo "| $view | $cpu | $(awk "BEGIN {printf \"%d\", $RECORDS / $cpu}") | $peak |"
done
finish
