#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The shipper against a real broker: SCRAM over TLS, mTLS, refusals, a broker that is killed, a broker that comes late.
# Prints "ok NAME" or "not ok NAME" for each and ends non-zero if one failed. O is the build directory.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
O=${O:-build}
KAFKA=$HERE/kafka.sh
make --no-print-directory -s -C "$TOP" O="$O" "$O/tests/kafka/ship_log" || exit 1
SHIP=$(cd "$TOP" && cd "$O/tests/kafka" && pwd)/ship_log
T=$(mktemp -d)
: >"$T/empty.conf"
PIDS=
FAILED=0
# Now, not any old time: a broker that restarts forgets producers whose last record is older than a day
# (producer.id.expiration.ms goes by the records' times), and with them what it needs to see a duplicate.
SHIP_LOG_TIME=$(date +%s)
export SHIP_LOG_TIME

finish() {
	for p in $PIDS; do kill -KILL "$p" 2>/dev/null; done
	"$KAFKA" kill "$T/broker"
	"$KAFKA" kill "$T/late"
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

result() { # NAME STATUS
	if [ "$2" -eq 0 ]; then
		echo "ok $1"
		return
	fi
	echo "not ok $1"
	FAILED=$((FAILED + 1))
	[ ! -f "$T/$1.out" ] || sed 's/^/# /' "$T/$1.out"
}

ship() { # NAME TOPIC OPTION... : the log is of the topic's name
	local name=$1 topic=$2
	shift 2
	mkdir -p "$T/log-$topic"
	# VARVE_* are options to the sensor.
	env -u TEST_CACHE "$SHIP" --config "$T/empty.conf" --log-dir "$T/log-$topic" --node-name node-1 --kafka-topic "$topic" "$@" \
		>"$T/$name.out" 2>&1
}

# Sequences 0 to COUNT-1 in one partition, in order, each once, with key and headers.
arrived() { # TOPIC COUNT
	kcat -q -C -b "$PLAIN" -t "$1" -e -f '%p %k %T %h %S\n' >"$T/$1.got" 2>"$T/$1.err" || return 1
	kcat -q -C -b "$PLAIN" -t "$1" -e -D '' -f '%R%s' >"$T/$1.values" 2>/dev/null || return 1
	/usr/bin/python3 - "$T/$1.got" "$T/$1.values" "$2" "$SHIP_LOG_TIME" <<'PY'
import struct, sys
def varint(b, i):
    v = s = 0
    while True:
        c = b[i]; i += 1; v |= (c & 127) << s; s += 7
        if c < 128: return v, i
def sequence(b):  # field 2 of the Event
    i = 0
    while i < len(b):
        tag, i = varint(b, i)
        if tag & 7 == 0:
            v, i = varint(b, i)
            if tag >> 3 == 2: return v
        elif tag & 7 == 2:
            n, i = varint(b, i); i += n
        else: sys.exit('unexpected wire type')
raw, at, got = open(sys.argv[2], 'rb').read(), 0, []
while at < len(raw):
    n, = struct.unpack_from('>i', raw, at); got.append(sequence(raw[at + 4:at + 4 + n])); at += 4 + n
want = int(sys.argv[3])
missing, twice = want - len(set(got)), len(got) - len(set(got))
if got != list(range(want)): sys.exit(f'{len(got)} records for {want}: {missing} missing, {twice} twice, or out of order')
lines = open(sys.argv[1]).read().splitlines()
if len(lines) != want or len({l.split()[0] for l in lines}) != 1: sys.exit('not one partition')
for i, l in enumerate(lines):
    _, key, time, headers, _ = l.split()
    if key != 'node-1' or int(time) != int(sys.argv[4]) * 1000 + i or \
       headers != 'schema=varve.v1.Event/1,kind=EXEC,pod_uid=pod-a,container_id=container-a': sys.exit('record: ' + l)
PY
}

one_line() { # NAME PATTERN : one error line, of this content
	[ "$(grep -c 'error:' "$T/$1.out")" -eq 1 ] && grep -q "error:.*$2" "$T/$1.out" &&
		[ "$(wc -l <"$T/$1.out")" -eq 1 ]
}

refused() { # NAME PATTERN OPTION...
	local name=$1 pattern=$2 status
	shift 2
	SHIP_LOG_APPEND=10 ship "$name" "$name" "$@"
	status=$?
	[ $status -ne 0 ] && [ $status -lt 126 ] && one_line "$name" "$pattern"
	result "$name" $?
}

"$KAFKA" up "$T/broker" || exit 1
. "$T/broker/env"
TLS=--kafka.ssl.ca.location=$PKI/ca.pem
sasl() { # PASSWORD
	echo --kafka.bootstrap.servers="$SCRAM" --kafka.security.protocol=SASL_SSL \
		--kafka.sasl.mechanism=SCRAM-SHA-512 --kafka.sasl.username="$KAFKA_USER" --kafka.sasl.password="$1"
}
MTLS_SERVER="--kafka.bootstrap.servers=$MTLS --kafka.security.protocol=SSL"
MTLS_CLIENT="--kafka.ssl.certificate.location=$PKI/client.crt --kafka.ssl.key.location=$PKI/client.key"

SHIP_LOG_APPEND=20000 ship scram-tls scram-tls $(sasl "$KAFKA_PASSWORD") $TLS && arrived scram-tls 20000 \
	2>>"$T/scram-tls.out"
result scram-tls $?

SHIP_LOG_APPEND=20000 ship mtls mtls $MTLS_SERVER $MTLS_CLIENT $TLS && arrived mtls 20000 2>>"$T/mtls.out"
result mtls $?

SHIP_LOG_APPEND=100 ship restart mtls $MTLS_SERVER $MTLS_CLIENT $TLS && arrived mtls 20100 2>>"$T/restart.out"
result restart $?

refused wrong-password "refuses the sensor.*check kafka.sasl" $(sasl wrong) $TLS
refused wrong-ca "refuses the sensor.*kafka.ssl.ca.location" $(sasl "$KAFKA_PASSWORD") \
	--kafka.ssl.ca.location="$PKI/other-ca.pem"
refused no-client-certificate "refuses the sensor.*kafka.ssl.certificate.location" $MTLS_SERVER $TLS
refused unknown-property "no.such.property" --kafka.bootstrap.servers="$PLAIN" --kafka.no.such.property=1
refused weak-acks "kafka.acks=1 is refused" --kafka.bootstrap.servers="$PLAIN" --kafka.acks=1

# kill -9 in mid-stream: 40,000 records over some 8 s, the broker killed twice.
SHIP_LOG_APPEND=40000 SHIP_LOG_PACE=100 SHIP_LOG_WAIT=60 ship broker-kill broker-kill \
	--kafka.bootstrap.servers="$PLAIN" &
PIDS=$!
for _ in 1 2; do
	sleep 2
	"$KAFKA" kill "$T/broker"
	sleep 0.5
	"$KAFKA" start "$T/broker"
done
wait $PIDS && arrived broker-kill 40000 2>>"$T/broker-kill.out"
result broker-kill $?
PIDS=

# Down at the start, there 7 s later.
"$KAFKA" format "$T/late" && . "$T/late/env"
SHIP_LOG_APPEND=5000 SHIP_LOG_WAIT=60 ship broker-late broker-late --kafka.bootstrap.servers="$PLAIN" &
PIDS=$!
sleep 7
"$KAFKA" start "$T/late"
wait $PIDS && arrived broker-late 5000 2>>"$T/broker-late.out" && grep -q "does not answer" "$T/broker-late.out"
result broker-late $?
PIDS=

[ $FAILED -eq 0 ]
