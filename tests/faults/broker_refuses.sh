#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Wrong credentials, and a certificate that is no longer valid: the sensor does not start, and says why in one line; with the right ones it
# does. A topic that is not there, and comes later: nothing is lost.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
refused() { # NAME PATTERN OPTIONS...
	local name=$1 pattern=$2 rc
	shift 2
	: >"$work/sensor.conf"
	timeout 60 "$SENSOR" --config "$work/sensor.conf" --log-dir "$log" "$@" 2>"$work/sensor.err"
	rc=$?
	[ $rc = 1 ] && [ "$(wc -l <"$work/sensor.err")" = 1 ] && grep -qE "$pattern" "$work/sensor.err" && pass "$name: $(cut -c1-140 "$work/sensor.err")" ||
		fail "$name: exit $rc, $(head -n 3 "$work/sensor.err" | tr '\n' '|')"
}
"$KAFKA" format "$work/kafka" >"$work/kafka.out" 2>&1 || { fail "broker is made"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
sed -i 's/^auto.create.topics.enable=.*/auto.create.topics.enable=false/' "$work/kafka/server.properties"
"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || { fail "broker starts"; finish; }
server=$PLAIN

refused "wrong credentials" 'kafka.sasl' --kafka.bootstrap.servers="$SCRAM" --kafka.security.protocol=SASL_SSL --kafka.ssl.ca.location="$PKI/ca.pem" \
	--kafka.sasl.mechanism=SCRAM-SHA-512 --kafka.sasl.username="$KAFKA_USER" --kafka.sasl.password=wrong
certificate_ended "$work/old" client
refused "a certificate that has ended" 'ssl|certificate' --kafka.bootstrap.servers="$MTLS" --kafka.security.protocol=SSL \
	--kafka.ssl.ca.location="$PKI/ca.pem" --kafka.ssl.certificate.location="$work/old.crt" --kafka.ssl.key.location="$work/old.key"
rm -rf "$log"

broker_begin
grep -q 'varve.events' "$work/sensor.err" && pass "a topic that is not there is told: $(grep -m 1 varve.events "$work/sensor.err" | cut -c1-120)" || fail "a topic that is not there: $(cat "$work/sensor.err")"
sleep 3
"$KAFKA" topic "$work/kafka" varve.events 1 && "$KAFKA" topic "$work/kafka" varve.pods 1 cleanup.policy=compact || fail "the topics are made"
sleep 2
broker_end
judge runs=1 lost=0
same_in_topic
finish
