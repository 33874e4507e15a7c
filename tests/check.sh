#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test and counts. Each suite is a program that prints "ok NAME", "not ok NAME" and "skip NAME: why" lines (TAP will do); a
# suite that ends badly without saying so counts as a failure. Full output: $O/check/SUITE.log. Arguments: only these suites.
set -uo pipefail
cd "$(dirname "$0")/.."
export O=${O:-build}
logs=$O/check
mkdir -p "$logs"
passed=0 failed=0 skipped=0
only=("$@")
jobs=$(nproc)

wanted() { [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }
suite() { # NAME COMMAND...
	wanted "$1" || return 0
	run "$@"
	report "$1"
}
run() { # NAME COMMAND...
	local name=$1 start=$SECONDS
	shift
	"$@" >"$logs/$name.log" 2>&1 </dev/null
	echo $? $((SECONDS - start)) >"$logs/$name.rc"
}
report() { # NAME: of one that has ended
	local name=$1 log=$logs/$1.log ok bad skip rc took
	read -r rc took <"$logs/$name.rc"
	skip=$(grep -cE '^(skip |ok [0-9]+ # [Ss][Kk][Ii][Pp])' "$log")
	ok=$(grep -E '^ok ' "$log" | grep -cvE '^ok [0-9]+ # [Ss][Kk][Ii][Pp]')
	bad=$(grep -cE '^not ok ' "$log")
	if [ $rc -ne 0 ] && [ "$bad" = 0 ] || [ $((ok + bad + skip)) = 0 ]; then
		bad=$((bad + 1))
		echo "not ok $name: ended with $rc after $ok passed" >>"$log"
	fi
	printf '%-12s %4d passed %3d failed %3d skipped  %4d s\n' "$name" "$ok" "$bad" "$skip" "$took"
	grep -E '^(not ok |skip |ok [0-9]+ # [Ss][Kk][Ii][Pp]|# .* passed only when tried again)' "$log" | sed 's/^/    /'
	[ "$bad" = 0 ] || tail -n 15 "$log" | sed 's/^/    | /'
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

build() {
	make --no-print-directory -j"$jobs" WERROR=1 all live && echo "ok build"
	# Each header compiles alone.
	local h bad=0
	for h in evidence/*.h lib/*.h sensor/*.h sensor/events/*.h kubewatch/*.h responder/*.h responder/views/*.h bpf/event.h; do
		gcc -std=gnu17 -D_GNU_SOURCE -I. -I"$O" -fsyntax-only -x c "$h" || bad=1
	done
	[ $bad = 0 ] && echo "ok headers compile alone" || echo "not ok headers compile alone"
	make --no-print-directory -j"$jobs" SAN=1 O="$O/san" WERROR=1 all unit && echo "ok build with sanitizers"
}

programs() { # DIRECTORY: each runs, some at a time; TAP lines of all
	local out rc=0
	out=$(mktemp -d "$logs/$1.XXXXXX")
	find "$O/san/tests/$1" -maxdepth 1 -type f -perm -u+x | sort | CMOCKA_MESSAGE_OUTPUT=TAP xargs -P "$jobs" -I{} sh -c '
		out=$1/$(basename "$2")
		echo "# $2" >"$out"
		"$2" >>"$out" 2>&1 && exit
		echo "# $2 ended with $?" >>"$out"
		exit 1' sh "$out" {} || rc=1
	cat "$out"/*
	rm -r "$out"
	return $rc
}

# A short run of each fuzz target from its corpus; a long one is `make fuzz` and patience.
fuzz() {
	local t name
	make --no-print-directory -j"$jobs" fuzz || return 1
	for t in tests/fuzz/*.c; do
		name=$(basename "$t" .c)
		if ASAN_OPTIONS=detect_leaks=1 "$O/tests/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-3}" -timeout=10 -rss_limit_mb=2048 \
			-artifact_prefix="$logs/fuzz-$name-" "$(mktemp -d "$logs/fuzz.XXXXXX")" "tests/fuzz/corpus/$name"; then
			echo "ok fuzz $name"
		else
			echo "not ok fuzz $name"
		fi
	done
	rm -rf "$logs"/fuzz.??????
}

# A few tests for each kind on Debian's kernels, in both sets of hooks (on the newest in the one that the sensor chooses there: the other
# takes minutes to load under emulation); those about whose a record is, where cgroup v1 is all there is; and a node with systemd. All of
# them, and its other hierarchy: make check-vm.
vm() {
	local rc=0 others
	# Beside the matrix: it leaves a processor free for most of its time.
	others=$(mktemp)
	{
		# shellcheck disable=SC2046
		VM_CGROUP=v1 VM_KERNELS=5.10 tests/vm/matrix.sh $(cat tests/vm/quick_v1) | sed -E 's/^(ok|not ok|skip) ([^ ]+)/\1 \2 v1/'
		[ "${PIPESTATUS[0]}" = 0 ] || rc=1
		tests/vm/systemd.sh unified || rc=1
		exit $rc
	} >"$others" 2>&1 &
	# The oldest, Debian 12's own, the newest.
	VM_KERNELS=${VM_KERNELS:-5.10 6.1 sid/tracepoint} tests/vm/matrix.sh --quick || rc=1
	wait $! || rc=1
	cat "$others"
	rm "$others"
	return $rc
}

docs() {
	local f
	for f in docs/*.[18]; do
		mandoc -T lint -W warning "$f" && echo "ok lint $f" || echo "not ok lint $f"
	done
	tests/vm/table.py --check --no-results
}

suite build build
if [ "$failed" = 0 ]; then
	suite unit programs unit
	suite replay programs replay
	suite docs docs
	# Virtual machines see nothing of what the others do, which wait for most of their time. Not beside those that load both processors.
	if wanted vm; then { renice -n 10 $BASHPID >/dev/null; run vm vm; } & fi
	# What takes minutes to build when a machine is new.
	if wanted k8s && wanted crio; then { nice -n 10 tests/crio/build.sh; nice -n 10 tests/k8s/build.sh; } >"$logs/builds.log" 2>&1 & fi
	suite fuzz fuzz
	suite package tests/package/deb.sh
	suite shipper tests/kafka/security.sh
	suite consumers tests/consumers/run.sh
	for t in tests/e2e/*.sh; do
		[ "$(basename "$t")" = lib.sh ] || suite "$(basename "$t" .sh)" "$t"
	done
	suite k8s tests/k8s/pods.sh
	suite apiserver tests/k8s/apiserver.sh
	suite manifests tests/k8s/manifests.sh
	wait
	wanted vm && report vm
	suite live env TEST_SENSOR="$O/varve-sensor" "$O/tests/live/live"
	suite churn env CONTAINERS=300 tests/bench/churn.sh
	suite completeness env SHORT=1 tests/bench/completeness.sh
	suite faults tests/faults/run.sh
fi
total="$passed passed, $failed failed"
[ "$skipped" = 0 ] || total="$total, $skipped skipped"
echo "$total"
[ "$failed" = 0 ]
