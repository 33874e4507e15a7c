#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three brokers, each record on at least two of them (min.insync.replicas=2): one is lost, and all goes on; two are, and nothing is taken until
# one is back; then all is there.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
[ -n "$LONG" ] || { echo "skip broker_of_three: the long form only (make check-faults)"; exit 0; }
export KAFKA_HEAP=128m
mkdir "$work/kafka"
on_exit+=('for n in 1 2 3; do "$KAFKA" down "$work/kafka/$n" >/dev/null 2>&1; done')
"$KAFKA" cluster "$work/kafka" 3 2 >"$work/kafka.out" 2>&1 || { fail "three brokers start: $(tail -n 2 "$work/kafka.out")"; finish; }
. "$work/kafka/env"
server=$PLAIN
more_than() {
	local n
	n=$(taken) && [ "$n" -gt "$1" ]
}
in_log() { "$VARVE" cat "$log" 2>/dev/null | wc -l; }

broker_begin
for ((n = 0; n < $([ -n "$LONG" ] && echo 5 || echo 1); n++)); do
	# The first is the controller as well: without it there is no cluster.
	one=$((2 + RANDOM % 2))
	other=$((5 - one))
	"$KAFKA" kill "$work/kafka/$one"
	sleep 1.5 # it is missed after a second
	wait_for 30 taken || fail "the others lead"
	had=$(taken)
	wait_for 30 more_than $((had + 100)) && pass "without broker $one records are taken" || fail "without broker $one no record is taken: $had"
	"$KAFKA" kill "$work/kafka/$other"
	sleep 1.5
	had=$(taken || echo no leader)
	sleep $([ -n "$LONG" ] && echo 30 || echo 2)
	now=$(taken || echo no leader)
	[ "$now" = "$had" ] || [[ $now == *leader ]] && pass "without $one and $other none is: $had, of $(in_log)" || fail "without $one and $other records are taken: $had, $now"
	# The one that was lost last has all of them; so the first might not, on a busy machine.
	"$KAFKA" start "$work/kafka/$other" >>"$work/kafka.out" 2>&1 || fail "broker $other starts again"
	had=$(taken || echo 0)
	wait_for 30 more_than "$had" && pass "with broker $other they are again" || fail "with broker $other no record is taken: $had"
	[ -z "$LONG" ] || "$KAFKA" start "$work/kafka/$one" >>"$work/kafka.out" 2>&1 || fail "broker $one starts again"
done
broker_end
judge runs=1 lost=0
same_in_topic
finish
