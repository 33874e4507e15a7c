# SPDX-License-Identifier: Apache-2.0
# What the end-to-end tests share. Sourced; sets up a work directory and takes everything down again at the end.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
O=${O:-build}
SENSOR=${SENSOR:-$O/varve-sensor}
VARVE=${VARVE:-$O/varve}
PYTHON=/usr/bin/python3
work=$(mktemp -d /tmp/varve-e2e.XXXXXX)
tree=$(basename "$work")
sensor_pid=
on_exit=() # commands
failures=0

pass() { echo "ok $*"; }
fail() { echo "not ok $*"; failures=$((failures + 1)); }
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then pass "$name"; else fail "$name: $(tail -n 3 "$work/check.out" | tr '\n' ' ')"; fi
}
wait_for() { # SECONDS COMMAND...
	local n=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.05
	done
}

sensor_start() { # OPTIONS...: into $work/log unless told otherwise; messages in $work/sensor.err
	: >"$work/sensor.conf" >"$work/sensor.err" # not what an earlier run has said
	"$SENSOR" --config "$work/sensor.conf" --log-dir "$work/log" --node-name test-node "$@" 2>"$work/sensor.err" &
	sensor_pid=$!
	wait_for 60 grep -q 'recording' "$work/sensor.err" || { cat "$work/sensor.err"; return 1; }
}
sensor_stop() {
	local rc=0
	kill -TERM "$sensor_pid" 2>/dev/null
	wait "$sensor_pid" || rc=$?
	sensor_pid=
	return $rc
}
sensor_kill() {
	kill -KILL "$sensor_pid"
	wait "$sensor_pid" 2>/dev/null
	sensor_pid=
}
new_id() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# bundle_make NAME COMMAND...: a bundle $work/NAME for pod e2e/NAME; sets id.
bundle_make() {
	local name=$1
	shift
	id=$(new_id)
	local uid
	uid=$(cat /proc/sys/kernel/random/uuid)
	POD=$name NAMESPACE=e2e POD_UID=$uid CONTAINER=app ROOTFS=${ROOTFS:-$work/$name/image} \
		tests/demo/bundle.sh "$work/$name" "$id" "/$tree/kubepods/burstable/pod$uid/$id" "$@"
}
runc_() { runc --root "$work/runc" "$@" </dev/null; }
# container_run NAME COMMAND...: runs it to its end and removes it.
container_run() {
	bundle_make "$@" && runc_ run --bundle "$work/$1" "$id"
}

cleanup() {
	local c
	set +e
	[ -n "$sensor_pid" ] && kill -KILL "$sensor_pid" 2>/dev/null && wait "$sensor_pid" 2>/dev/null
	for c in $(runc --root "$work/runc" list -q 2>/dev/null); do runc_ delete --force "$c" 2>/dev/null; done
	for c in "${on_exit[@]}"; do eval "$c"; done
	find /sys/fs/cgroup -depth -type d -path "*/$tree*" -exec rmdir {} + 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
finish() { [ $failures = 0 ]; exit; }
