#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A broker that takes less than there is, through a proxy that throttles: the log holds the rest, the shipper catches up afterwards.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/broker.bash"
"$KAFKA" format "$work/kafka" >"$work/kafka.out" 2>&1 || { fail "broker is made"; finish; }
. "$work/kafka/env"
# The broker says that it is where the proxy is.
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/^advertised.listeners=PLAIN:\/\/127.0.0.1:[0-9]*/advertised.listeners=PLAIN:\/\/127.0.0.1:$port/" "$work/kafka/server.properties"
proxy_start() { # BYTES_PER_SECOND DELAY_MS
	"$PYTHON" tests/faults/throttle.py "$port" "${PLAIN##*:}" "$@" &
	proxy=$!
	wait_for 5 "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)"
}
on_exit+=('kill $proxy 2>/dev/null; "$KAFKA" down "$work/kafka" >/dev/null 2>&1')
"$KAFKA" start "$work/kafka" >>"$work/kafka.out" 2>&1 || { fail "broker starts"; finish; }
server=127.0.0.1:$port
proxy_start 20000 50
RATE=2000
broker_begin
sleep $([ -n "$LONG" ] && echo 120 || echo 6)
kill $proxy && wait $proxy 2>/dev/null
proxy_start 100000000 0
broker_end
judge runs=1 lost=0
same_in_topic
finish
