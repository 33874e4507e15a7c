#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hooks that outlive the sensor (option pin), under load: it is killed and stopped, and of three starts one is an upgrade and one the way
# back, to a sensor whose programs are not the same. It is watched all the time, and nothing is lost. Environment: TIMES; OTHER_SENSOR, what is
# upgraded to (LONG: another build, made here; else this one with one kind of event less).
. "$(dirname "$0")/lib.bash"
TIMES=${TIMES:-$([ -n "$LONG" ] && echo 50 || echo 6)}
RATE=${RATE_RESTART:-2000}

this=$SENSOR other=${OTHER_SENSOR:-} less=()
if [ -z "$other" ] && [ -n "$LONG" ]; then
	other=$O/other/varve-sensor
	make --no-print-directory -s -j"$(nproc)" O="$O/other" BPF_OPT=-O3 "$other" || { fail "another build"; finish; }
	! cmp -s "$O/bpf/varve.o" "$O/other/bpf/varve.o" || fail "the other build has other programs"
fi
[ -n "$other" ] || other=$this less=(--events all,-comm)

mkdir "$work/bpf" && mount -t bpf bpf "$work/bpf" && on_exit+=('umount "$work/bpf"') || { fail "a BPF file system"; finish; }
pins=(--log-limit 16G --pin on --pin-directory "$work/bpf/varve")
# A start may be slow where all else runs beside it; the long form is by the defaults.
[ -n "$LONG" ] || pins+=(--ring-size 64M --decisive-ring-size 16M)
echo "# SEED=$SEED, $TIMES times"
begin "${pins[@]}"
for ((n = 0; n < TIMES; n++)); do
	pause 50 800
	how=$([ $((n % 2)) = 0 ] && echo kill || echo stop)
	"sensor_$how" || fail "sensor_$how $n: $(tail -n 2 "$work/sensor.err")"
	SENSOR=$this options=("${pins[@]}")
	[ $((n % 3)) != 1 ] || SENSOR=$other options+=("${less[@]}")
	fault_sensor "${options[@]}" || { fail "sensor starts again after $n times"; finish; }
done
end
judge runs=$((TIMES + 1)) unwatched=0 lost=0
finish
