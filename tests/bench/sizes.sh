#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a record takes, as it is in the log and as the broker stores it, by how many come in a second: few of them make small batches, which
# compress badly. A container of a pod makes and removes files and runs programs, at five paces; "idle" is what the sensor says by itself.
# make bench-sizes; SECONDS_EACH=N: so long each (30). tools/sizing.py takes the table from docs/BENCH.md.
. "$(dirname "$0")/../e2e/lib.sh"
KAFKA=tests/kafka/kafka.sh
EACH=${SECONDS_EACH:-30}

"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { cat "$work/kafka.out"; fail "broker starts"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"

load() { # SLEEP: between rounds of some 20 records
	container_run "load$RANDOM" /bin/sh -c "end=\$((\$(date +%s) + $EACH)); n=0
		while [ \$(date +%s) -lt \$end ]; do
			echo \$n >/tmp/f\$n; cat /tmp/f\$n >/dev/null; mv /tmp/f\$n /tmp/g; rm /tmp/g; n=\$((n+1)); $1
		done"
}
# Of all that came: as many records, so many bytes of values, so many in the broker's files. $options: of the sensor.
options=()
row() { # NAME LOAD...: again, if others' containers, which have a pace of their own, were in it
	local try
	for try in 1 2 3 4 5; do once "$@" && return; done
	fail "$1: records of other containers among them each time: run it on a quiet machine"
}
once() {
	local name=$1 topic=sizes.$RANDOM values stored
	shift
	"$KAFKA" topic "$work/kafka" "$topic" 1 && rm -rf "$work/log" || { fail "$name: topic"; return; }
	sensor_start --kafka.bootstrap.servers="$PLAIN" --kafka-topic "$topic" --kafka-pods-topic '' "${options[@]}" || { fail "$name: sensor starts"; return; }
	"$@" || fail "$name: load"
	sleep 1
	sensor_stop || fail "$name: sensor stops: $(tail -n 1 "$work/sensor.err")"
	values=$(kcat -q -C -b "$PLAIN" -t "$topic" -e -f '%S %h\n' | awk -v id="container_id=${id:-none}" '{ n++; s += $1; if (/container_id=/ && !index($0, id)) o++ } END { print n, s, o + 0 }')
	[ $((${values##* } * 10)) -le "${values%% *}" ] || return 1
	stored=$(cat "$work/kafka/data/$topic"-*/*.log | wc -c)
	awk -v name="$name" -v each="$EACH" -v stored="$stored" '{ printf "| %s | %d | %.1f | %d | %d | %.1f |\n", name, $1, $1 / each, $2 / $1, stored / $1, $2 / stored }' <<<"$values"
}

echo '| load | records | a second | bytes in the log | bytes in Kafka | compressed to 1/ |'
echo '|---|---|---|---|---|---|'
row idle sleep "$EACH"
row 'a round a second' load 'sleep 1'
row 'ten' load 'sleep 0.1'
row 'fifty' load 'sleep 0.02'
row 'as fast as it can' load :
# Batches of half a second, for who would rather have fewer bytes than the last half second.
options=(--kafka.linger.ms=500)
row 'idle, linger.ms 500' sleep "$EACH"
row 'a round a second, linger.ms 500' load 'sleep 1'
row 'ten, linger.ms 500' load 'sleep 0.1'
pass "measured"
finish
