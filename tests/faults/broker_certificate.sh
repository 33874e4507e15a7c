#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker's certificate ends while the sensor ships over TLS: nobody gives a record to such a broker, and nothing is lost; with a new
# one all is shipped. A sensor that starts meanwhile says why it does not.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
[ -n "$LONG" ] || { echo "skip broker_certificate: the long form only (make check-faults)"; exit 0; }
broker_up
certificate_ended "$work/old" server
cat "$work/old.key" "$work/old.crt" "$PKI/ca.pem" >"$work/old.pem"
tls=(--kafka.security.protocol=SSL --kafka.ssl.ca.location="$PKI/ca.pem" --kafka.ssl.certificate.location="$PKI/client.crt"
	--kafka.ssl.key.location="$PKI/client.key")
via=$MTLS
again_with() { # CERTIFICATE
	"$KAFKA" kill "$work/kafka"
	sed -i "s|^ssl.keystore.location=.*|ssl.keystore.location=$1|" "$work/kafka/server.properties"
	"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || { fail "broker starts with $1"; finish; }
}

broker_begin "${tls[@]}"
again_with "$work/old.pem"
had=$(taken)
# It waits up to ten seconds before it tries again.
wait_for 30 grep -q 'certificate' "$work/sensor.err"
[ -z "$LONG" ] || sleep 60
now=$(taken)
[ "$now" = "$had" ] && pass "a broker whose certificate has ended is given nothing: $had records" || fail "a broker whose certificate has ended was given $((now - had)) records"
said 'certificate' "it is told"
: >"$work/sensor.conf"
timeout 60 "$SENSOR" --config "$work/sensor.conf" --log-dir "$work/other" --kafka.bootstrap.servers="$MTLS" "${tls[@]}" 2>"$work/other.err"
rc=$?
[ $rc = 1 ] && [ "$(wc -l <"$work/other.err")" = 1 ] && grep -q 'certificate' "$work/other.err" && pass "a sensor that starts says so: $(cut -c1-140 "$work/other.err")" ||
	fail "a sensor that starts: exit $rc, $(head -n 3 "$work/other.err" | tr '\n' '|')"
again_with "$PKI/server.pem"
broker_end
judge runs=1 lost=0
same_in_topic
finish
