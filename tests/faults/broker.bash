# SPDX-License-Identifier: Apache-2.0
# Faults of Kafka, sourced after lib.bash: a real broker, and at the end the topic must hold what the log holds, record by record.
KAFKA=tests/kafka/kafka.sh
broker_up() {
	"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { fail "broker starts: $(tail -n 2 "$work/kafka.out")"; finish; }
	on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
	. "$work/kafka/env"
	server=$PLAIN
}
# One segment: what Kafka has taken does not go from the log, to be compared with it.
broker_begin() { begin --log-segment-size 1G --log-limit 8G --kafka.bootstrap.servers="${via:-$server}" "$@"; }
# The load ends, all of it is shipped, the sensor ends.
broker_end() {
	local until=$((SECONDS + 60))
	load_stop
	sleep 0.5
	until shipped; do
		[ $SECONDS -lt $until ] || { fail "all is shipped in 60 s: $(tail -n 2 "$work/sensor.err")"; break; }
		sleep 0.5
	done
	sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
}
# The accounts of the load's containers are the last of them.
shipped() {
	local want
	want=$(wc -l <"$work/load/truth")
	[ "$(timeout 20 kcat -q -C -b "$server" -t varve.events -e -f '%h\n' 2>/dev/null | grep -F -f <(cut -d' ' -f2 "$work/load/truth") | grep -c 'kind=ACCOUNT')" -ge "$want" ]
}
# How many records the topic has, as the leaders of its four partitions say: those that too few copies have are not among them. Fails if
# one has no leader.
taken() { timeout 5 kcat -Q -b "$server" $(printf -- '-t varve.events:%d:-1 ' 0 1 2 3) 2>/dev/null | awk '{ n += $NF } END { if (NR != 4) exit 1; print n }'; }
same_in_topic() {
	"$VARVE" cat "$log" 2>/dev/null | sort >"$work/in_log"
	"$VARVE" cat "kafka://$server" 2>"$work/cat.err" | sort >"$work/in_topic"
	cmp -s "$work/in_log" "$work/in_topic" && pass "the topic holds what the log holds: $(wc -l <"$work/in_log") records" ||
		fail "the topic lacks $(comm -23 "$work/in_log" "$work/in_topic" | wc -l) of $(wc -l <"$work/in_log") records, and has $(comm -13 "$work/in_log" "$work/in_topic" | wc -l) others: $(tail -n 1 "$work/cat.err")"
}
# certificate_ended FILE NAME: FILE.key and FILE.crt, of the test's own CA, which ended long ago.
certificate_ended() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	mkdir "$1.ca" && : >"$1.ca/index" && echo 01 >"$1.ca/serial" && cat >"$1.ca/conf" <<C
[ca]
default_ca=test
[test]
database=$1.ca/index
serial=$1.ca/serial
new_certs_dir=$1.ca
default_md=sha256
policy=any
x509_extensions=names
[any]
commonName=supplied
[names]
subjectAltName=DNS:localhost,IP:127.0.0.1
C
	openssl ca -batch -config "$1.ca/conf" -cert "$PKI/ca.pem" -keyfile "$PKI/ca.key" -startdate 20200101000000Z -enddate 20200201000000Z \
		-in "$1.csr" -out "$1.crt" -notext 2>"$1.err" || fail "a certificate of long ago: $(tail -n 1 "$1.err")"
}
