#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinned.sh: a call that is under way while one sensor takes the hooks over from another (option pin): an accept(2) that waits. In the
# tracepoint set it is seen; in the trampoline set the kernel lets it pass by, and COVERAGE says that this is so.
# Environment: O, VM_KERNELS ("6.1 sid").
set -uo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
work=$(mktemp -d /tmp/varve-pinned.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/usr/bin"
cp "$O/varve-sensor" "$O/varve" "$work/usr/bin/"
. tests/vm/libraries.bash
copy_libraries "$work" "$O/varve-sensor" "$O/varve"
cat >"$work/guest" <<'GUEST'
mount | grep -q ' /sys/fs/bpf ' || mount -t bpf -o mode=700 bpf /sys/fs/bpf
start() { # HOOKS
	: >/tmp/err
	varve-sensor --scope all --log-dir "/tmp/log.$1" --hooks "$1" --pin on 2>/tmp/err &
	sensor=$!
	n=0
	until grep -q recording /tmp/err; do
		n=$((n + 1))
		[ $n -lt 300 ] && kill -0 $sensor || { echo "not ok pinned_start_$1: $(tail -n 1 /tmp/err)"; return; }
		sleep 1
	done
}
accepted() { grep '"kind":"ACCEPT"' /tmp/events | grep -c '"port":'$1; } # by a server that listens on it
for hooks in trampoline tracepoint; do
	start $hooks
	nc -l -p 7001 </dev/null >/dev/null &
	sleep 3 # it waits in accept(2)
	kill -KILL $sensor
	wait $sensor
	start $hooks
	nc -l -p 7002 </dev/null >/dev/null &
	sleep 3
	for port in 7001 7002; do echo | nc 127.0.0.1 $port; done
	sleep 3
	kill -TERM $sensor
	wait $sensor
	varve cat /tmp/log.$hooks >/tmp/events
	grep '"kind":"COVERAGE"' /tmp/events | tail -n 1 | grep -q 'under way while a sensor starts' && said=1 || said=0
	[ "$(accepted 7002)" = 1 ] && echo "ok pinned_accept_$hooks" || echo "not ok pinned_accept_$hooks: $(accepted 7002) seen"
	case $hooks/$said/$(accepted 7001) in
	trampoline/1/0 | tracepoint/0/1) echo "ok pinned_under_way_$hooks" ;;
	*) echo "not ok pinned_under_way_$hooks: said $said, seen $(accepted 7001)" ;;
	esac
	varve-sensor --unpin 2>/tmp/err && [ ! -e /sys/fs/bpf/varve ] && echo "ok pinned_removed_$hooks" || echo "not ok pinned_removed_$hooks: $(tail -n 1 /tmp/err)"
done
# Where the kernel preempts programs (7.0) it leaves some out, also while no sensor runs: the next one says how often. Two starts, to tell
# what its own start does from what a flood before it did.
not_run() { # that the last run declares
	run=$(varve cat /tmp/log.trampoline | grep '"kind":"RUN_START"' | tail -n 1 | sed 's/.*"run_id":"\([^"]*\)".*/\1/')
	varve cat /tmp/log.trampoline | grep '"cause":"not_run"' | grep "$run" | sed 's/.*"count":"\{0,1\}\([0-9]*\).*/\1/' |
		awk '{ n += $1 } END { print n + 0 }'
}
start trampoline
for flood in 0 1; do
	kill -KILL $sensor
	wait $sensor
	for n in 1 2; do
		[ $flood = 0 ] || timeout 20 sh -c 'while :; do : <>/tmp/flood; done' &
	done
	wait
	start trampoline
	sleep 3 # a heartbeat comes with the end, too
	not_run >/tmp/not_run.$flood
done
kill -TERM $sensor
wait $sensor
echo "# not_run: $(cat /tmp/not_run.0) without a flood, $(cat /tmp/not_run.1) with one"
case $(uname -r) in
[56].*) echo "skip pinned_not_run: this kernel leaves none out" ;;
*) [ "$(cat /tmp/not_run.1)" -gt "$(cat /tmp/not_run.0)" ] && echo "ok pinned_not_run" || echo "not ok pinned_not_run" ;;
esac
varve-sensor --unpin 2>/tmp/err
echo pinned_end
GUEST
for kernel in ${VM_KERNELS:-6.1 sid}; do
	VM_TIMEOUT=1800 tests/vm/run.sh "$kernel" "$work" "sh /guest" || echo "not ok pinned: the machine ended with $?"
done | tr -d '\r' | tee "$work/said" | grep -E '^(ok|not ok|skip|#) '
[ "$(grep -c '^pinned_end' "$work/said")" = "$(wc -w <<<"${VM_KERNELS:-6.1 sid}")" ] || echo "not ok pinned: a guest did not get to its end"
! grep -q '^not ok ' "$work/said"
