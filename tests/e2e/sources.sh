#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where evidence comes from, against a real broker: a topic that was given more partitions, TLS with a password from a file, what cannot be
# reached, kcat's output on standard input, several sources at once, and following. At first of a log made for this, then of a sensor.
. "$(dirname "$0")/lib.sh"
KAFKA=tests/kafka/kafka.sh
FILES=3000

make --no-print-directory -s O="$O" "$O/tests/kafka/ship_log" "$O/tests/kafka/sample_log" || { fail "build"; finish; }
"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { cat "$work/kafka.out"; fail "broker starts"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
topic=kafka://$PLAIN
: >"$work/empty.conf"
begin=$(($(date +%s) - 7200))

sample() { # NAME [FROM TO]
	"$O/tests/kafka/sample_log" "$work/$1" $FILES "$begin" "${@:2}"
}
ship() { # NAME OPTION...: the log $work/NAME, by the sensor's shipper
	"$O/tests/kafka/ship_log" --config "$work/empty.conf" --log-dir "$work/$1" --node-name worker-1 --kafka.bootstrap.servers="$PLAIN" \
		"${@:2}" >>"$work/ship.out" 2>&1
}
partitions_with_records() { kcat -q -C -b "$PLAIN" -t "$1" -e -f '%p\n' | sort -un | wc -l; }
same() { # NAME COMMAND...: prints what the file "$work/want" has, with the same status
	local name=$1 rc
	shift
	"$@" >"$work/got" 2>"$work/got.err"
	rc=$?
	[ $rc = "$want_rc" ] && cmp -s "$work/want" "$work/got" && pass "$name" ||
		fail "$name: status $rc, not $want_rc; $(diff "$work/want" "$work/got" | head -n 3; head -n 2 "$work/got.err")"
}
want() { # COMMAND...
	"$@" >"$work/want" 2>/dev/null
	want_rc=$?
}
says() { # NAME STATUS PATTERN COMMAND...: one line of error, of this pattern
	local name=$1 want=$2 pattern=$3 rc
	shift 3
	timeout 30 "$@" >"$work/says" 2>"$work/says.err"
	rc=$?
	[ $rc = "$want" ] && [ "$(wc -l <"$work/says.err")" = 1 ] && grep -q "$pattern" "$work/says.err" && pass "$name" ||
		fail "$name: status $rc: $(head -n 3 "$work/says.err")"
}

# 1. the topic is given more partitions while the node's records come
sample whole
sample early 0 12
sample late 12 100000
"$KAFKA" topic "$work/kafka" varve.events 1 && "$KAFKA" topic "$work/kafka" varve.pods 1 cleanup.policy=compact || fail "topics"
ship early && "$KAFKA" partitions "$work/kafka" varve.events 6 && ship late || fail "records are shipped: $(cat "$work/ship.out")"
[ "$(partitions_with_records varve.events)" = 2 ] && pass "the node's records lie in two partitions" || fail "they lie in $(partitions_with_records varve.events)"
want "$VARVE" cat "$work/whole"
same "cat puts two partitions in order" "$VARVE" cat "$topic"
for format in tree timeline jsonl; do
	want "$VARVE" replay "$work/whole" --pod default/web-7f9 --format $format
	same "replay as $format over two partitions" "$VARVE" replay "$topic" --pod default/web-7f9 --format $format --read-all
	same "replay as $format, where the directory leads" "$VARVE" replay "$topic" --pod default/web-7f9 --format $format
done
[ "$want_rc" = 0 ] && pass "it is COMPLETE" || fail "it is not COMPLETE"

# 2. standard input
want "$VARVE" cat "$work/whole"
same "cat --format delimited into cat" sh -c '"$0" cat "$1" --format delimited | "$0" cat -' "$VARVE" "$work/whole"
same "kcat into cat" sh -c 'kcat -q -C -b "$2" -t varve.events -p 0 -e -f "%R%s" >"$3"; for p in 1 2 3 4 5; do
	kcat -q -C -b "$2" -t varve.events -p $p -e -f "%R%s" >>"$3"; done; "$0" cat - <"$3"' "$VARVE" x "$PLAIN" "$work/kcat"
same "kcat and a directory" sh -c '"$0" cat "$1" - <"$2"' "$VARVE" "$work/whole" "$work/kcat"

# 3. several sources
same "two directories" "$VARVE" cat "$work/late" "$work/early"
same "a directory and a topic with copies" "$VARVE" cat "$work/early" "$topic"
grep -q '12 records came more than once and are printed once' "$work/got.err" && pass "copies are told" || fail "copies: $(cat "$work/got.err")"

# 4. TLS with a password, from a file that kcat reads, too
cat >"$work/client.conf" <<P
# of the broker at $SCRAM
bootstrap.servers=nowhere:1
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.username=$KAFKA_USER
sasl.password=$KAFKA_PASSWORD
ssl.ca.location=$PKI/ca.pem
P
same "-F with TLS and SCRAM" "$VARVE" cat "kafka://$SCRAM" -F "$work/client.conf"
same "the same file by environment" env VARVE_KAFKA_CONFIG="$work/client.conf" "$VARVE" cat "kafka://$SCRAM"
same "mTLS by -X" "$VARVE" cat "kafka://$MTLS" -X security.protocol=SSL -X ssl.ca.location="$PKI/ca.pem" \
	-X ssl.certificate.location="$PKI/client.crt" -X ssl.key.location="$PKI/client.key"
kcat -q -F "$work/client.conf" -b "$SCRAM" -C -t varve.pods -e >/dev/null 2>"$work/kcat.err" && pass "kcat takes the file" || fail "kcat: $(cat "$work/kcat.err")"

# 5. what cannot be reached, or is not allowed
says "a wrong password" 1 "refused the credentials" "$VARVE" cat "kafka://$SCRAM" -F "$work/client.conf" -X sasl.password=wrong
says "another CA" 1 "TLS failed" "$VARVE" cat "kafka://$SCRAM" -F "$work/client.conf" -X ssl.ca.location="$PKI/other-ca.pem"
says "a topic that is missing" 1 'there is no topic "none"' "$VARVE" cat "$topic" --topic none
"$VARVE" cat kafka://127.0.0.1:1 "$work/whole" >"$work/two" 2>"$work/two.err" &
two=$!
says "a broker that is away" 1 "no answer from the broker" "$VARVE" cat kafka://127.0.0.1:1
says "a property that there is not, in a file" 1 "bad.conf:2: no.such: " sh -c 'printf "#\nno.such=1\n" >"$1"; exec "$0" cat "$2" -F "$1"' \
	"$VARVE" "$work/bad.conf" "$topic"
says "a line without a value" 2 "bad.conf:1: want PROPERTY=VALUE" sh -c 'echo secret >"$1"; exec "$0" cat "$2" -F "$1"' "$VARVE" "$work/bad.conf" "$topic"
grep -q secret "$work/says.err" && fail "what is wrong in a file is printed" || pass "what is wrong in a file is not printed"
wait $two
[ $? = 3 ] && cmp -s "$work/want" "$work/two" && grep -q "cannot be read: kafka://127.0.0.1:1" "$work/two.err" && pass "of two sources one is away: said, the other is shown" ||
	fail "of two sources one is away: $(cat "$work/two.err")"

# 6. following, while partitions are added
"$KAFKA" topic "$work/kafka" live 1 || fail "topic live"
"$VARVE" follow "$topic" --topic live --pod default/web-7f9 >"$work/live" 2>"$work/live.err" &
follower=$!
on_exit+=('kill -KILL $follower 2>/dev/null')
sleep 1.5
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
rm "$work/early/cursor" "$work/late/cursor"
ship early --kafka-topic live --kafka-pods-topic '' || fail "shipped again: $(tail -n 1 "$work/ship.out")"
wait_for 10 has_lines "$work/live" 5 || fail "follow: nothing comes"
"$KAFKA" partitions "$work/kafka" live 6 && ship late --kafka-topic live --kafka-pods-topic '' || fail "more partitions"
wait_for 20 has_lines "$work/live" 14
kill -INT $follower
wait $follower
rc=$?
"$VARVE" replay "$work/whole" --pod default/web-7f9 --format jsonl 2>/dev/null | wc -l >"$work/want"
[ $rc = 0 ] && [ "$(wc -l <"$work/live")" = "$(cat "$work/want")" ] && grep -q 'has 6 partitions now, 1 before' "$work/live.err" &&
	pass "follow: all of the pod, over partitions that were added" || fail "follow: $rc, $(wc -l <"$work/live") lines, $(cat "$work/live.err")"
sed 's/^/# /' "$work/live.err"

# 7. a sensor, whose seals are checked; it learns of the partitions when its producer asks for them again
files() { container_run "$1" /bin/sh -c 'i=0; while [ $i -lt 200 ]; do : >/tmp/f$i; i=$((i+1)); done'; }
"$KAFKA" topic "$work/kafka" sealed 1 || fail "topic sealed"
sensor_start --kafka.bootstrap.servers="$PLAIN" --kafka-topic sealed --kafka-pods-topic '' --kafka.topic.metadata.refresh.interval.ms=300 ||
	{ fail "sensor starts"; finish; }
"$VARVE" follow "$topic" "$work/log" --topic sealed --pod e2e/after --format jsonl >"$work/live" 2>"$work/live.err" &
follower=$!
files before || fail "container before runs"
"$KAFKA" partitions "$work/kafka" sealed 6
sleep 1.5
files after || fail "container after runs"
wait_for 10 grep -q '"kind":"ACCOUNT"' "$work/live" || fail "follow: no account"
sensor_stop || fail "sensor stops: $(cat "$work/sensor.err")"
sleep 1
kill -INT $follower
wait $follower
rc=$?
"$VARVE" replay "$topic" --topic sealed --pod e2e/after --format jsonl >"$work/want" 2>/dev/null
[ $rc = 0 ] && [ "$(wc -l <"$work/live")" = "$(wc -l <"$work/want")" ] && ! grep -q 'came again: 0;' "$work/live.err" &&
	pass "follow: log and topic at once, each record once: $(wc -l <"$work/live")" ||
	fail "follow: $rc, $(wc -l <"$work/live") lines, not $(wc -l <"$work/want"); $(cat "$work/live.err")"
[ "$(partitions_with_records sealed)" = 2 ] && pass "the sensor's records lie in two partitions" || fail "they lie in $(partitions_with_records sealed)"
for pod in before after; do
	check "COMPLETE: $pod" "$VARVE" replay "$topic" --topic sealed --pod e2e/$pod --format timeline
done
trust=(--key "$work/log/sensor.pub" --changes "$work/log/sensor.keys")
"$VARVE" verify "$topic" --topic sealed "${trust[@]}" >"$work/verify" 2>&1 && grep -q '^AUTHENTIC' "$work/verify" && ! grep -qE '^(AGAIN|ORDER|COPIES)' "$work/verify" &&
	pass "AUTHENTIC over two partitions" || fail "verify: $(cat "$work/verify")"
"$VARVE" cat "$topic" --topic sealed --format delimited | "$VARVE" verify - "${trust[@]}" >"$work/verify" 2>&1 && grep -q '^AUTHENTIC' "$work/verify" &&
	pass "AUTHENTIC from standard input" || fail "verify -: $(cat "$work/verify")"
"$VARVE" cat "$topic" --topic sealed --format delimited >"$work/copy"
"$VARVE" verify "$topic" - --topic sealed "${trust[@]}" <"$work/copy" >"$work/verify" 2>&1 && grep -q '^COPIES' "$work/verify" && ! grep -q '^AGAIN' "$work/verify" &&
	pass "AUTHENTIC with a copy of all" || fail "verify of a copy: $(cat "$work/verify")"
finish
