#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# instructions.sh [--write | --check] [SERIES...] (6.12 6.1): what being watched costs a container's operations, and the sensor, in instructions: in a
# virtual machine whose clocks count them, so that a change of 1 % shows. Prints a table; --write puts it into docs/PERFORMANCE.md, --check
# holds the first columns of it against the one that is there (instructions.py). The sensor has its defaults, and records everything; only
# hashing is left out (no_sha.c). Environment: O; PERCENT: of the usual times (50); CONFIGURATIONS; KEEP: a directory for what the guests said.
set -euo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
mode=
case ${1:-} in --*) mode=$1; shift ;; esac
[ $# -gt 0 ] || set -- 6.12 6.1
configurations=${CONFIGURATIONS:-none trampoline programs-trampoline all tracepoint floor-tracepoint floor-trampoline}
[ "$mode" != --check ] || configurations="none trampoline"
make --no-print-directory -s O="$O" "$O"/tests/bench/{workload,nop,floor,no_sha.so}
work=$(mktemp -d /tmp/varve-instructions.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/overlay/{bin,usr/bin,usr/lib}
cp "$O"/{varve-sensor,varve} "$O"/tests/bench/{workload,floor} "$work/overlay/usr/bin/"
cp /usr/sbin/bpftool "$work/overlay/usr/bin/"
cp "$O/tests/bench/nop" "$work/overlay/bin/"
cp "$O/tests/bench/no_sha.so" "$work/overlay/usr/lib/"
cp tests/bench/instructions_guest.sh "$work/overlay/guest"
. tests/vm/libraries.bash
copy_libraries "$work/overlay" "$O/varve-sensor" "$O/varve" "$O/tests/bench/floor" /usr/sbin/bpftool

# One boot for each kernel, the configurations one after the other: what came before is the same each time.
pids=()
for series; do
	VM_COUNT=1 VM_MEMORY=2G VM_TIMEOUT=1800 tests/vm/run.sh "$series" "$work/overlay" \
		"CONFIGURATIONS='$configurations' PERCENT=${PERCENT:-50} sh /guest" >"$work/$series.out" 2>"$work/$series.err" &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
[ -z "${KEEP:-}" ] || { mkdir -p "$KEEP" && cp "$work"/*.out "$work"/*.err "$KEEP/"; }
for series; do
	grep -a '^not ok ' "$work/$series.out" || [ -s "$work/$series.out" ] || { echo "not ok instructions: $series: $(tail -n 3 "$work/$series.err")"; failed=1; }
done
[ $failed = 0 ] || exit 1
/usr/bin/python3 tests/bench/instructions.py $mode "${@/#/$work/}"
