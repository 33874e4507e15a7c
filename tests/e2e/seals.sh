#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Seals of a real sensor over three runs, the second of which is killed; then everything that somebody could do to the evidence, one after
# the other, in a directory and in Kafka: each is found, and named.
. "$(dirname "$0")/lib.sh"
KAFKA=tests/kafka/kafka.sh
make --no-print-directory -s O="$O" WERROR=1 "$O/tests/seals/tamper" "$O/tests/kafka/ship_log" || exit 1

# --- evidence

# Each private key while it is there: what a thief could have copied.
mkdir "$work/keys"
(
	n=0 last=
	while sleep 0.05; do
		key=$(cat "$work/log/sensor.key" 2>/dev/null)
		case $key in PRIVATE*) [ "$key" = "$last" ] || { echo "$key" >"$work/keys/$n"; last=$key n=$((n + 1)); } ;; esac
	done
) &
thief=$!
on_exit+=('kill $thief 2>/dev/null')

sensor_start --log-dir "$work/other" --node-name other-node && sensor_stop || fail "another node's sensor runs"
# What a container does goes on over some seconds, for there to be something in each period.
busy() { container_run "$1" /bin/sh -c 'i=0; while [ $i -lt 50 ]; do : >/tmp/f$i; i=$((i+1)); busybox sleep 0.1; done'; }
run() { # NAME HOW-TO-END
	sensor_start --seal-key-interval 2s --heartbeat 1s || { fail "sensor starts"; finish; }
	busy "$1" &
	if [ "$2" = stop ]; then
		wait $!
		sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
	else
		sleep 4
		sensor_kill
		wait $!
	fi
}
run first stop
run second kill
run third stop
kill $thief
wait $thief 2>/dev/null

# --- the keys' files

[ "$(stat -c %a "$work/log/sensor.key")" = 600 ] && pass "only the sensor can read the private key" || fail "mode of sensor.key: $(stat -c %a "$work/log/sensor.key")"
[ "$(wc -l <"$work/log/sensor.pub")" = 1 ] && pass "one first key" || fail "sensor.pub has $(wc -l <"$work/log/sensor.pub") lines"
grep -qF "$(cat "$work/log/sensor.pub")" "$work/other/sensor.pub" && fail "two nodes have one key" || pass "each node has its own key"
[ "$(ls "$work/keys" | wc -l)" -ge 6 ] && pass "keys were changed: $(ls "$work/keys" | wc -l)" || fail "keys: $(ls "$work/keys")"
if cat "$work"/keys/* | cut -d+ -f4- | grep -qrFf - --exclude=sensor.key "$work/log" "$work/sensor.err"; then
	fail "a private key is in a file that is not its own"
else
	pass "no private key is in the log, in what was printed, or in another file"
fi

# --- the matrix

# shellcheck disable=SC2086
verify() { "$VARVE" verify $1 --key "$work/log/sensor.pub" --changes "$work/log/sensor.keys" "${@:2}" >"$work/verify.out" 2>"$work/verify.err"; }
# judge NAME SOURCE STATUS FINDING...: found, named, and the exit status says so.
judge() {
	local name=$1 source=$2 want=$3 rc=0 f missing=
	shift 3
	verify "$source" || rc=$?
	for f; do grep -q "^$f " "$work/verify.out" || missing+=" $f"; done
	if [ $rc = "$want" ] && [ -z "$missing" ]; then
		pass "$name: $(tail -n 1 "$work/verify.out" | cut -d: -f1)$(printf ' %s' "$@")"
	else
		fail "$name: exit status $rc, not named:$missing: $(head -n 4 "$work/verify.out" | tr '\n' '|') $(tail -n 1 "$work/verify.err")"
	fi
}

matrix=(
	"none 0 CRASHED"
	"change 3 CHANGED"
	"remove 3 MISSING"
	"remove_and_renumber 3 SEAL_INVALID"
	"insert 3 REPEATED"
	"insert_and_renumber 3 SEAL_INVALID"
	"swap 3 ORDER MISSING"
	"swap_and_renumber 3 CHANGED"
	"cut_at_seal 4 OPEN"
	"cut_between 4 OPEN TAIL"
	"cut_first_run 3 CUT"
	"cut_killed_run 3 CUT"
	"change_killed_tail 3 CHANGED"
	"remove_period 3 MISSING"
	"remove_run 3 RUN_MISSING"
	"remove_last_run 4 OPEN"
	"remove_first_run 0 BEGINS"
	"seal_of_other_run 3 SEAL_FOREIGN"
	"seal_of_other_run_put_in 3 RUN_AGAIN"
	"seal_of_other_node 3 SEAL_FOREIGN"
	"sign_with_other_key 3 KEY_UNKNOWN"
	"forge 3 FORGED"
	"sign_with_old_key 3 KEY_REPLACED"
	"forge_with_newest_key 3 KEY_NEWER"
	"no_seals 3 NO_SEAL"
	"clock_back 0 CLOCK"
	"run_again 3 RUN_AGAIN"
	"copies 0 COPIES"
)
broker=
if "$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1; then
	on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
	. "$work/kafka/env"
	broker=$PLAIN
else
	fail "broker starts: $(tail -n 2 "$work/kafka.out")"
fi
for row in "${matrix[@]}"; do
	read -r attack status findings <<<"$row"
	"$O/tests/seals/tamper" "$attack" "$work/log" "$work/$attack" "$work/keys" "$work/other" 2>"$work/tamper.err" ||
		{ fail "$attack is made: $(cat "$work/tamper.err")"; continue; }
	# shellcheck disable=SC2086
	judge "$attack, directory" "$work/$attack" $status $findings
	[ -n "$broker" ] || continue
	"$O/tests/kafka/ship_log" --log-dir "$work/$attack" --kafka.bootstrap.servers="$broker" --kafka-topic "$attack" --kafka-pods-topic "$attack.pods" >"$work/ship.out" 2>&1 ||
		{ fail "$attack is shipped: $(tail -n 1 "$work/ship.out")"; continue; }
	# shellcheck disable=SC2086
	judge "$attack, Kafka" "kafka://$broker --topic $attack" $status $findings
	[ "$attack" = none ] || rm -rf "${work:?}/$attack"
done
finish
