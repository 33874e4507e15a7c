#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# In the guest, for instructions.sh: the workload in a new container with each of $CONFIGURATIONS. Its lines, after "configuration NAME".
sensor_cgroup=/sys/fs/cgroup/sensor
mkdir $sensor_cgroup
n=0

in_sensor_cgroup() { # COMMAND...
	echo 0 >$sensor_cgroup/cgroup.procs
	exec "$@"
}
wait_until() { # WHAT FILE
	t=0
	until grep -q "$1" "$2"; do
		t=$((t + 1))
		[ $t -lt 1200 ] && kill -0 $pid || { echo "not ok $configuration: $(tail -n 1 "$2")"; exit 1; }
		sleep 0.5
	done
}
sensor() { # OPTIONS...
	: >/tmp/err
	in_sensor_cgroup env LD_PRELOAD=/usr/lib/no_sha.so varve-sensor --log-dir /tmp/log "$@" 2>/tmp/err &
	pid=$!
	wait_until recording /tmp/err
}
empty_programs() { # SET: at the hooks where the sensor has programs. Those of system calls are reached from one.
	varve-sensor --probe=json --hooks "$1" 2>/tmp/err | awk -F'"' '
		$2 == "name" { name = $4 }
		$2 == "target" { target = $4 }
		/"attached": true/ && target !~ /^(iter|raw_tp)/ && (target !~ /sys_exit$|io_uring_complete$/ || name ~ /^core_/) { print target }' >/tmp/hooks
	: >/tmp/out
	floor </tmp/hooks >/tmp/out 2>&1 &
	pid=$!
	wait_until attached /tmp/out
}
measure() { # OPERATION...
	workload -c /sys/fs/cgroup/$id -s $sensor_cgroup -w /tmp/files -d 150 -p "$PERCENT" "$@" || echo "not ok $configuration: the workload"
}
programs() { # what each has done so far, in one line: name, ns, runs ...
	echo "programs $(bpftool prog show | sed -nE 's/^[0-9]+: .* name ([^ ]*) .* run_time_ns ([0-9]*) run_cnt ([0-9]*).*/\1 \2 \3/p' | tr '\n' ' ')"
}
measure_programs() { # OPERATION...
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	for operation; do
		programs
		measure "$operation"
		programs
	done
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
}
begin() {
	case $configuration in
	programs-*) sensor --hooks "${configuration#programs-}" ;;
	none) pid= ;;
	all) sensor --hooks trampoline --read-opens all ;;
	floor-*) empty_programs "${configuration#floor-}" ;;
	*) sensor --hooks "$configuration" ;;
	esac
}
finish() {
	[ -n "$pid" ] || return 0
	kill -TERM $pid
	wait $pid
	case $configuration in
	floor-*) return 0 ;;
	esac
	grep -q 'no_sha: [1-9]' /tmp/err || { echo "not ok $configuration: hashing was not left out: $(tail -n 2 /tmp/err)"; exit 1; }
	grep -E 'warning: |error: ' /tmp/err
	varve cat --kind ACCOUNT /tmp/log 2>/dev/null | grep '"id":"'$id | tail -n 1
	rm -rf /tmp/log
}

uname -r | sed 's/^/kernel /'
for configuration in $CONFIGURATIONS; do
	n=$((n + 1))
	echo "configuration $configuration"
	begin
	id=$(printf '%064x' $n)
	mkdir /sys/fs/cgroup/$id /tmp/files
	sleep 2 # what the start has left to do
	case $configuration in
	programs-*) measure=measure_programs ;;
	*) measure=measure ;;
	esac
	$measure 'getppid' 'fork, exec, wait' 'open, read, close: again' 'create, close, rename, unlink' 'TCP connect, accept, close both'
	rm -rf /tmp/files
	until rmdir /sys/fs/cgroup/$id; do sleep 0.1; done
	sleep 1
	finish
done
