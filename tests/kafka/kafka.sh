#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Apache Kafka broker (KRaft, one node) for tests, on random loopback ports.
#
#   kafka.sh fetch          jars from Maven Central and test certificates into the cache, once
#   kafka.sh up DIR         format and start a broker; writes DIR/env, returns when it answers
#   kafka.sh start DIR      start it again over the data it has (after kill or stop)
#   kafka.sh format DIR     choose ports, write DIR/env and the data directory, start nothing
#   kafka.sh kill|stop DIR  SIGKILL or SIGTERM, and wait for the end
#   kafka.sh topic DIR NAME PARTITIONS [CONFIG=VALUE]...   make a topic
#   kafka.sh partitions DIR NAME COUNT   give a topic more partitions
#   kafka.sh down DIR       SIGKILL, remove what it wrote
#   kafka.sh cluster DIR COUNT MIN   so many brokers, started: DIR/1 (the controller as well), DIR/2 ..., each a DIR for the others
#                           above; topics that come by themselves have a copy on each, MIN of which must be in sync
#
# DIR/env sets PLAIN, SCRAM (SASL_SSL, SCRAM-SHA-512), MTLS (each host:port), KAFKA_USER, KAFKA_PASSWORD and
# PKI (ca.pem, client.crt, client.key, other-ca.pem, which signed nothing). The cache is
# ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kafka-VERSION.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
VERSION=3.9.2
CACHE=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kafka-$VERSION
KAFKA_USER=alice
KAFKA_PASSWORD=alice-secret
# Small heap and the first compiler only: a broker for a minute, ready in 1-3 s.
HEAP=${KAFKA_HEAP:-256m}
JVM="-Xms$HEAP -Xmx$HEAP -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.net.preferIPv4Stack=true
	-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true"

die() {
	echo "kafka.sh: $*" >&2
	exit 1
}

# Into a temporary name, then moved: an interrupted download is never taken for a whole one.
fetch() {
	mkdir -p "$CACHE"
	if [ ! -d "$CACHE/lib" ]; then
		rm -rf "$CACHE/lib.tmp"
		mvn -q -ntp -B -Dstyle.color=never -f "$HERE/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory="$CACHE/lib.tmp" >"$CACHE/fetch.log" 2>&1 ||
			die "Maven Central is not to be had: $(tail -n 3 "$CACHE/fetch.log")"
		mv "$CACHE/lib.tmp" "$CACHE/lib"
	fi
	if [ ! -d "$CACHE/pki" ]; then
		rm -rf "$CACHE/pki.tmp"
		mkdir -p "$CACHE/pki.tmp"
		pki "$CACHE/pki.tmp" || die "openssl could not make the certificates in $CACHE/pki.tmp"
		mv "$CACHE/pki.tmp" "$CACHE/pki"
	fi
}

pki() (
	cd "$1"
	ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	openssl req -x509 $ec -days 3650 -subj /CN=test-ca -keyout ca.key -out ca.pem
	openssl req -x509 $ec -days 3650 -subj /CN=other-ca -keyout other-ca.key -out other-ca.pem
	for n in server client; do
		openssl req $ec -subj /CN=$n -keyout $n.key -out $n.csr
		openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out $n.crt \
			-extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
		cat $n.key $n.crt ca.pem >$n.pem # the order that ssl.keystore.type=PEM wants
	done
) 2>/dev/null

free_ports() {
	/usr/bin/python3 -c '
import socket, sys
s = [socket.socket() for _ in range(int(sys.argv[1]))]
for x in s: x.bind(("127.0.0.1", 0))
print(*[x.getsockname()[1] for x in s])' "$1"
}

# Low session timeouts: with the defaults a restart after kill -9 takes 12 s instead of 2.
# CONTROLLER is where the first node's is.
properties() { # DIR PLAIN SCRAM MTLS CONTROLLER NODE COPIES MIN
	local roles=broker controller=
	[ "$6" != 1 ] || roles=broker,controller controller=,CONTROLLER://127.0.0.1:$5
	cat <<P
process.roles=$roles
node.id=$6
controller.quorum.voters=1@127.0.0.1:$5
controller.listener.names=CONTROLLER
listeners=PLAIN://127.0.0.1:$2,SCRAM://127.0.0.1:$3,MTLS://127.0.0.1:$4$controller
advertised.listeners=PLAIN://127.0.0.1:$2,SCRAM://127.0.0.1:$3,MTLS://127.0.0.1:$4
listener.security.protocol.map=PLAIN:PLAINTEXT,SCRAM:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mtls.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=$CACHE/pki/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$CACHE/pki/ca.pem
log.dirs=$1/data
auto.create.topics.enable=true
num.partitions=4
default.replication.factor=$7
min.insync.replicas=$8
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
controlled.shutdown.enable=false
controller.quorum.election.timeout.ms=300
controller.quorum.election.backoff.max.ms=300
controller.quorum.fetch.timeout.ms=1000
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
initial.broker.registration.timeout.ms=60000
P
}

new_cluster_id() { echo "T$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)"; }

format() { # DIR
	# shellcheck disable=SC2046
	format_node "$1" "$(new_cluster_id)" 1 1 1 $(free_ports 4)
}

format_node() { # DIR CLUSTER-ID NODE COPIES MIN CONTROLLER PLAIN SCRAM MTLS: the last four are ports
	local d plain=$7 scram=$8 mtls=$9
	fetch
	mkdir -p "$1"
	d=$(cd "$1" && pwd)
	properties "$d" "$plain" "$scram" "$mtls" "$6" "$3" "$4" "$5" >"$d/server.properties"
	java $JVM -cp "$CACHE/lib/*" kafka.tools.StorageTool format -c "$d/server.properties" -t "$2" \
		--add-scram "SCRAM-SHA-512=[name=$KAFKA_USER,password=$KAFKA_PASSWORD]" >"$d/format.log" 2>&1 ||
		die "cannot format $d: $(tail -n 3 "$d/format.log")"
	cat >"$d/env" <<P
PLAIN=127.0.0.1:$plain
SCRAM=127.0.0.1:$scram
MTLS=127.0.0.1:$mtls
KAFKA_USER=$KAFKA_USER
KAFKA_PASSWORD=$KAFKA_PASSWORD
PKI=$CACHE/pki
P
}

# A session of its own, so that a ^C at the terminal ends the test, and the test ends the broker.
spawn() { # DIR
	setsid java $JVM -cp "$CACHE/lib/*" kafka.Kafka "$1/server.properties" >>"$1/broker.log" 2>&1 </dev/null &
	echo $! >"$1/pid"
}

# Waits for a Metadata answer that comes from our cluster and lists a broker.
ready() { # DIR
	/usr/bin/python3 - "$1" <<'PY'
import os, socket, struct, sys, time
d = sys.argv[1]
env = dict(l.strip().split('=', 1) for l in open(d + '/env'))
port = int(env['PLAIN'].split(':')[1])
pid = int(open(d + '/pid').read())
cluster = [l.split('=', 1)[1].strip() for l in open(d + '/data/meta.properties') if l.startswith('cluster.id=')][0].encode()
tail = lambda: open(d + '/broker.log').read()[-3000:]
def take(s, n):
    b = b''
    while len(b) < n:
        x = s.recv(n - len(b))
        if not x: raise OSError
        b += x
    return b
end = time.time() + 60
while time.time() < end:
    try: dead = open(f'/proc/{pid}/stat').read().split()[2] == 'Z'
    except OSError: dead = True
    if dead: sys.exit('kafka.sh: the broker died:\n' + tail())
    try:
        with socket.create_connection(('127.0.0.1', port), 1) as s:
            s.settimeout(2)
            m = struct.pack('>hhih5si', 3, 2, 7, 5, b'probe', 0)  # Metadata v2, no topics
            s.sendall(struct.pack('>i', len(m)) + m)
            r = take(s, struct.unpack('>i', take(s, 4))[0])
            if cluster in r and struct.unpack('>i', r[4:8])[0] >= 1: sys.exit(0)
    except OSError: pass
    time.sleep(0.02)
sys.exit('kafka.sh: not ready in 60 s:\n' + tail())
PY
}

# CreateTopics v2: the class that does it is not among the broker's jars.
topic() { # DIR NAME PARTITIONS [CONFIG=VALUE]...
	/usr/bin/python3 - "$@" <<'PY'
import socket, struct, sys
d, name, partitions, *configs = sys.argv[1:]
env = dict(l.strip().split('=', 1) for l in open(d + '/env'))
text = lambda s: struct.pack('>h', len(s)) + s.encode()
body = struct.pack('>i', 1) + text(name) + struct.pack('>ihii', int(partitions), 1, 0, len(configs))
for c in configs:
    body += b''.join(text(x) for x in c.split('=', 1))
m = struct.pack('>hhi', 19, 2, 7) + text('probe') + body + struct.pack('>ib', 10000, 0)
with socket.create_connection(('127.0.0.1', int(env['PLAIN'].split(':')[1])), 5) as s:
    s.settimeout(15)
    s.sendall(struct.pack('>i', len(m)) + m)
    f = s.makefile('rb')
    r = f.read(struct.unpack('>i', f.read(4))[0])
code, = struct.unpack('>h', r[14 + len(name):16 + len(name)])  # correlation, throttle, count, name
sys.exit(f'kafka.sh: cannot make topic {name}: error {code}' if code else 0)
PY
}

# CreatePartitions v0.
partitions() { # DIR NAME COUNT
	/usr/bin/python3 - "$@" <<'PY'
import socket, struct, sys
d, name, count = sys.argv[1:]
env = dict(l.strip().split('=', 1) for l in open(d + '/env'))
text = lambda s: struct.pack('>h', len(s)) + s.encode()
m = struct.pack('>hhi', 37, 0, 7) + text('probe') + struct.pack('>i', 1) + text(name) + struct.pack('>iiib', int(count), -1, 10000, 0)
with socket.create_connection(('127.0.0.1', int(env['PLAIN'].split(':')[1])), 5) as s:
    s.settimeout(15)
    s.sendall(struct.pack('>i', len(m)) + m)
    f = s.makefile('rb')
    r = f.read(struct.unpack('>i', f.read(4))[0])
code, = struct.unpack('>h', r[14 + len(name):16 + len(name)])  # correlation, throttle, count, name
sys.exit(f'kafka.sh: topic {name} cannot have {count} partitions: error {code}' if code else 0)
PY
}

end() { # DIR SIGNAL
	local p
	p=$(cat "$1/pid" 2>/dev/null) || return 0
	kill "-$2" "$p" 2>/dev/null || true
	while [ -d "/proc/$p" ] && ! grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null; do sleep 0.02; done
	rm -f "$1/pid"
}

start() { # DIR
	local d
	[ -f "$1/server.properties" ] || die "$1 was not formatted"
	d=$(cd "$1" && pwd)
	STARTING=$d
	trap 'end "$STARTING" KILL' EXIT # no broker is left behind when it does not come up
	spawn "$d"
	ready "$d"
	trap - EXIT
}

# Each in a process of its own: they come up at the same time.
cluster() { # DIR COUNT MIN
	local id controller n ports up=()
	fetch
	id=$(new_cluster_id)
	read -ra ports < <(free_ports $((1 + 3 * $2)))
	controller=${ports[-1]}
	for ((n = 1; n <= $2; n++)); do
		(format_node "$1/$n" "$id" "$n" "$2" "$3" "$controller" "${ports[@]:3 * n - 3:3}" && start "$1/$n") &
		up+=($!)
	done
	for n in "${up[@]}"; do
		wait "$n" || die "not all brokers came up"
	done
	sed -n 's/^PLAIN=//p' "$1"/[0-9]*/env | paste -sd, | sed 's/^/PLAIN=/' >"$1/env"
}

down() { # DIR
	end "$1" KILL
	rm -rf "$1/data" "$1/server.properties" "$1/env" "$1/format.log" "$1/broker.log"
}

[ $# -ge 1 ] || set -- help
case $1 in
fetch) fetch ;;
format | start | down) [ $# -eq 2 ] || die "$1 needs a directory"; "$1" "$2" ;;
cluster) [ $# -eq 4 ] || die "cluster needs a directory, a count and a minimum"; shift; cluster "$@" ;;
topic) [ $# -ge 4 ] || die "topic needs a directory, a name and a count"; shift; topic "$@" ;;
partitions) [ $# -eq 4 ] || die "partitions needs a directory, a name and a count"; shift; partitions "$@" ;;
up) [ $# -eq 2 ] || die "up needs a directory"; format "$2"; start "$2" ;;
kill) end "$2" KILL ;;
stop) end "$2" TERM ;;
*)
	sed -n '3,19p' "$0"
	exit 2
	;;
esac
