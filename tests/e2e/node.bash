# SPDX-License-Identifier: Apache-2.0
# A node of the test's own for a container runtime, sourced after lib.sh: a mount and a network namespace in which /run and the runtimes'
# directories are private, so that a runtime with its default paths meets no other of this machine and leaves nothing behind. The sensor
# stays outside and sees it by --host-root "$node_root". No pid namespace: the containers' host is this machine.
node_dirs="/var/lib/containerd /var/lib/docker /var/lib/containers /var/lib/cni /etc/cni /etc/docker /opt"
node=
# In the arguments that programs are told by: another run of the test may be on this machine.
mark=${tree##*.}

node_up() {
	local d
	for d in $node_dirs; do mkdir -p "$work/node$d"; done
	unshare --mount --net -- /bin/sh -c '
		mount -t tmpfs tmpfs /run && mkdir -p /run/lock && ip link set lo up || exit 1
		for d in $1; do mkdir -p "$d" && mount --bind "$2/node$d" "$d" || exit 1; done
		touch "$2/node/up" && exec sleep 1000000' sh "$node_dirs" "$work" 2>"$work/node/err" &
	node=$!
	node_root=/proc/$node/root
	on_exit+=(node_down)
	wait_for 10 test -e "$work/node/up" || { cat "$work/node/err"; return 1; }
}
node_() { nsenter --target "$node" --mount --net -- "$@" </dev/null; }

# What a container mounts to make cgroups of its own, and what is before its cgroup in /proc/PID/cgroup.
cgroup_mount='-t cgroup2' cgroup_line=0::

# Cgroup v1 alone, for the node and for sensors that are started later: each without a mount of v2.
node_v1() {
	[ -n "$(findmnt -rnt cgroup -O pids -o TARGET)" ] || { echo "skip $(basename "$0" .sh): no cgroup v1 hierarchy of pids is mounted here"; exit 0; }
	cgroup_mount='-t cgroup -o pids' cgroup_line='[0-9]*:pids:'
	local umount='for m in $(findmnt -rnt cgroup2 -o TARGET); do umount "$m" || exit 1; done'
	node_ sh -c "$umount" || return 1
	printf '#!/bin/sh\nexec unshare --mount -- /bin/sh -c '"'%s; exec \"\$@\"'"' sh %s "$@"\n' "$umount" "$PWD/$SENSOR" >"$work/sensor-v1"
	chmod +x "$work/sensor-v1"
	SENSOR=$work/sensor-v1
}

# The rings hold all that the test does, so that nothing is lost however busy this machine is.
node_sensor_start() { sensor_start --host-root "$node_root" --ring-size 64M --decisive-ring-size 32M "$@"; }

# What runs on the node: by its mount namespace, or by its cgroup.
node_processes() {
	local ns p
	ns=$(readlink "/proc/$node/ns/mnt")
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/ns/mnt" 2>/dev/null)" = "$ns" ] && echo "${p#/proc/}"
	done | grep -vx "$node"
	find /sys/fs/cgroup -path "*/$tree*" -name cgroup.procs -exec cat {} + 2>/dev/null
}
node_down() {
	local p n
	[ -n "$node" ] || return 0
	for ((n = 0; n < 100; n++)); do
		p=$(node_processes | sort -u)
		[ -n "$p" ] || break
		# shellcheck disable=SC2086
		kill -KILL $p 2>/dev/null
		sleep 0.05
	done
	kill -KILL "$node" 2>/dev/null
	wait "$node" 2>/dev/null
	find /sys/fs/cgroup -depth -type d -path "*/$tree*" -exec rmdir {} + 2>/dev/null
	node=
}

# daemon NAME COMMAND...: runs on the node, output in $work/NAME.log; sets daemon_pid.
daemon() {
	local name=$1
	shift
	setsid nsenter --target "$node" --mount --net -- "$@" >>"$work/$name.log" 2>&1 </dev/null &
	daemon_pid=$!
	disown
}

# expect KEY=VALUE...: adds a line for whose.py.
expect() { printf '%s\t' "$@" >>"$work/expected"; echo >>"$work/expected"; }

# sleeps ID: whether the container has come to its last program, /bin/sleep: all before it has been run.
sleeps() {
	local p
	for p in $(find /sys/fs/cgroup -path "*/$tree/*$1*" -name cgroup.procs -exec cat {} + | sort -u); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q '^/bin/sleep 100000' && return
	done
	return 1
}

# first_of TITLE TOKEN COMMAND...: the first program of the container that COMMAND makes when it is given what to run; it sets id.
first_of() {
	local title=$1 token=$mark-first-$2
	shift 2
	"$@" /bin/sh -c "/bin/true $token; exec /bin/sleep 100000"
	expect title="first program of $title" id="$id" token="$token" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "$title comes up"
}
# session_of ID TOKEN COMMAND...: a program that COMMAND, an exec of the runtime, runs in the container.
session_of() {
	local of=$1 token=$2
	shift 2
	"$@" /bin/true "$mark-$token" || fail "exec $token"
	expect title="exec $token is a session of its container" id="$of" token="$mark-$token" entry=session times=1
}

# What a container runs that is there before the sensor; the sensor then starts.
loop=(/bin/sh -c "while :; do /bin/true $mark-loop-early; /bin/sleep 0.2; done")
watch() { # ID
	node_sensor_start || { fail "sensor starts"; finish; }
	expect title="what ran before the sensor is its container's" id="$1" token="$mark-loop-early"
}
watch_end() { sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"; }
watch_again() {
	watch_end
	node_sensor_start || { fail "sensor starts again"; finish; }
}
# The sensor stops, and what it has recorded is compared with what was expected.
judge() {
	sleep 0.5
	watch_end
	"$VARVE" cat "$work/log" >"$work/all"
	"$PYTHON" tests/e2e/whose.py "$work/all" "$work/expected" "$tree" || failures=$((failures + 1))
}

# leftovers: what the test must not leave behind, said if there is any. Called after the node is down.
leftovers() {
	local left
	left=$(grep -F "$tree" /proc/self/mountinfo; find /sys/fs/cgroup -type d -path "*/$tree*" 2>/dev/null)
	[ -z "$left" ] && pass "nothing is left behind" || fail "nothing is left behind: $(echo "$left" | head -n 3 | tr '\n' ' ')"
}
