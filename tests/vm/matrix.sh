#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# matrix.sh [--quick | NAME...]: the live tests (those whose names contain a NAME; --quick: those that tests/vm/quick names, a few for each
# kind, and with the first set those of tests/vm/quick_once; none: all) on Debian's kernels, each in a virtual machine of its own, once per
# set of hooks that the sensor has. Prints "ok KERNEL SET TEST" lines; results of a whole run, and of a quick one, are in
# $O/matrix/KERNEL.tap, of which table.py makes the matrix in EVENTS.md. The test program is the very file that runs natively.
# Environment: VM_KERNELS ("5.10 6.1 6.12 sid"; "sid/tracepoint": with this set only), VM_JOBS (2: how many at a time),
# VM_HOOKS ("tracepoint trampoline"), TEST_SLOW (10), TEST_TIMES (1: how often each test).
set -uo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
SENSOR=${SENSOR:-$O/varve-sensor}
VARVE=${VARVE:-$O/varve}
live=$O/tests/live/live
kernels=${VM_KERNELS:-5.10 6.1 6.12 sid}
# Two at a time, more would only wait for each other: even with many processors each has its memory.
jobs=${VM_JOBS:-$(($(nproc) < 2 ? 1 : 2))}
work=$(mktemp -d /tmp/varve-matrix.XXXXXX)
# Each machine is a process group, so that none outlives this script.
set -m
trap 'for p in $(jobs -p); do kill -- -$p; done 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
[ -x "$live" ] && [ -x "$SENSOR" ] && [ -x "$VARVE" ] || { echo "not ok matrix: build first: make all live"; exit 1; }
if ldd "$live" >/dev/null 2>&1; then
	echo "not ok matrix: $live is not static: build it with STATIC=1"
	exit 1
fi
if [ "${1:-}" = --quick ]; then
	results=$O/matrix quick=1 life=1 once=$(tr '\n' ' ' <tests/vm/quick_once)
	# shellcheck disable=SC2046
	set -- $(cat tests/vm/quick)
else
	[ $# = 0 ] && results=$O/matrix life=1 || results=$work/matrix life=
fi
mkdir -p "$results"
exec 8>"$results/lock"
flock -n 8 || { echo "not ok matrix: another run writes to $results"; exit 1; }

# Results of an earlier build do not stand beside this one's; of some kernels only (VM_KERNELS), they are asked to.
[ -n "${VM_KERNELS:-}" ] || rm -f "$results"/*.tap "$results"/*.tap.new

# A sensor that knows no --hooks has the one set that every kernel offers.
if [[ $("$SENSOR" --help 2>&1) == *--hooks* ]]; then sets=${VM_HOOKS:-tracepoint trampoline}; else sets=; fi

# --- what goes into the guest: programs, and the libraries of those that are not static
overlay=$work/overlay
mkdir -p "$overlay/usr/bin"
cp "$live" "$SENSOR" "$VARVE" tests/vm/life.sh "$overlay/usr/bin/"
tools=
for tool in strace; do
	! path=$(command -v $tool) || { cp -L "$path" "$overlay/usr/bin/" && tools="$tools $path"; }
done
. tests/vm/libraries.bash
copy_libraries "$overlay" "$SENSOR" "$VARVE" $tools
cat >"$overlay/suite" <<'SUITE'
# $1: sets of hooks ("-": the sensor's own choice); $2: run life.sh, too; $3: names of tests for the first set only; then names of tests
sets=${SETS:-$1} life=$2 once=$3
shift 3
[ ! -e /dummy.ko ] || export TEST_MODULE=/dummy.ko
echo "# kernel $(uname -r)"
for set in $sets; do
	[ $set = - ] && { echo "# hooks tracepoint"; unset TEST_HOOKS; } || { echo "# hooks $set"; export TEST_HOOKS=$set; }
	began=$(date +%s)
	# What fails is tried once more, alone: under emulation a second can be too short for anything.
	TEST_SENSOR=/usr/bin/varve-sensor live "$@" $once | while IFS= read -r line; do
		case $line in 'not ok '*) line="again ${line#not ok }" ;; esac
		printf '%s\n' "$line"
	done | tee /tmp/first
	again=$(sed -n 's/^again \([a-z0-9_]*\)[: ].*/\1/p' /tmp/first | tr '\n' ' ')
	if [ -n "$again" ]; then
		TEST_SENSOR=/usr/bin/varve-sensor live $again >/tmp/second
		for name in $again; do
			grep -E "^(ok|not ok|skip) $name[: ]" /tmp/second || echo "not ok $name: it failed, and did not run again"
		done
		! grep -q '^not ok ' /tmp/second || failed=1
	fi
	once=
	[ -z "$life" ] || sh /usr/bin/life.sh
	[ -z "$again" ] || echo "# passed only when tried again, or did not: $again"
	echo "# took $(($(date +%s) - began)) s"
done
exit ${failed:-0}
SUITE

# Lines as they come: in the file as they are, on the terminal with kernel and set.
label() { # KERNEL
	local line set=
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$results/$1.tap.new"
		case $line in
		'# hooks '*) set=${line#\# hooks } ;;
		'ok '*) echo "ok $1 $set ${line#ok }" ;;
		'not ok '*) echo "not ok $1 $set ${line#not ok }" ;;
		'skip '*) echo "skip $1 $set ${line#skip }" ;;
		'again '*) echo "# $1 $set failed, tried again: ${line#again }" ;;
		'#'* | live:*) echo "# $1 $set${set:+ }${line#\# }" ;;
		esac
	done
}

one() { # KERNEL[/SET] NAME...
	local kernel=${1%/*} only= began=$SECONDS rc
	[[ $1 != */* ]] || only=${1#*/}
	shift
	rm -f "$results/$kernel.tap" "$results/$kernel.tap.new" "$results/$kernel.console"
	[ -z "${quick:-}" ] || echo "# quick" | label "$kernel"
	VM_MODULES="overlay veth tun ${VM_MODULES:-}" VM_SPARE_MODULE=dummy VM_TIMEOUT=${VM_TIMEOUT:-3600} VM_LOG=$results/$kernel.console \
		tests/vm/run.sh "$kernel" "$overlay" "TEST_SLOW=${TEST_SLOW:-10} TEST_TIMES=${TEST_TIMES:-1} SETS=$only; export TEST_SLOW TEST_TIMES; . /suite" 2>"$work/$kernel.err" | label "$kernel"
	rc=${PIPESTATUS[0]}
	[ "$rc" != 125 ] || echo "not ok ${1:-all the tests}: $(tail -n 1 "$work/$kernel.err")" | label "$kernel"
	grep -qE '^(ok|not ok|skip) ' "$results/$kernel.tap.new" || echo "not ok no test ran, status $rc" | label "$kernel"
	echo "# $kernel: $((SECONDS - began)) s with boot, booted in $(sed -n 's/^@@BOOTED //p' "$results/$kernel.console") s of its own"
	mv "$results/$kernel.tap.new" "$results/$kernel.tap"
}

printf 'set -- %s\n' "'${sets:--}' '$life' '${once:-}'$(printf " '%s'" "$@" | sed "s/^ ''\$//")" | cat - "$overlay/suite" >"$work/suite"
mv "$work/suite" "$overlay/suite"
for kernel in $kernels; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	one "$kernel" "$@" &
done
wait
! grep -q '^not ok ' "$results"/*.tap
