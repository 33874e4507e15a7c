#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hooks that outlive the sensor (option pin): killed, stopped and started again, also with other programs, under load. Of what containers
# did meanwhile no number is missing and none is there twice, and it is as much as they did. Environment: RESTARTS (6).
. "$(dirname "$0")/lib.sh"
restarts=${RESTARTS:-6}

bpffs=$work/bpf
mkdir "$bpffs" && mount -t bpf bpf "$bpffs" || { fail "a BPF file system is mounted"; finish; }
on_exit+=("umount $bpffs")
start() { sensor_start --pin on --pin-directory "$bpffs/varve" --heartbeat 1s --log-limit 16G "$@"; }

check "nothing to unpin is no error" "$SENSOR" --unpin --pin-directory "$bpffs/varve"
if "$SENSOR" --log-dir "$work/other" --pin on --pin-directory "$work/varve" 2>"$work/refused"; then
	fail "a directory that is in no BPF file system is refused"
else
	check "a directory that is in no BPF file system is refused, with the way out" grep -q 'mount -t bpf' "$work/refused"
fi
start || { fail "sensor starts: $(cat "$work/sensor.err")"; finish; }
"$SENSOR" --log-dir "$work/other" --pin on --pin-directory "$bpffs/varve" 2>"$work/refused" && fail "a second sensor is refused"
check "a second sensor is refused, with the way out" grep -q 'another sensor has what is pinned' "$work/refused"

# Containers that do so much of each, over and over, until they are told to end; and short ones.
cat >"$work/load" <<'LOAD'
n=0
while [ ! -e /load/end ]; do
	/bin/true
	echo >/load/$1.file
	n=$((n + 1))
done
echo $n >/load/$1.count
LOAD
pids=()
names=(a b c)
for name in "${names[@]}"; do
	bundle_make "$name" /bin/sh -c "$(cat "$work/load")" load "$name"
	mkdir "$work/$name/image/load"
	echo "$id" >"$work/$name.id"
	runc_ run --bundle "$work/$name" "$id" >"$work/$name.out" 2>&1 &
	pids+=($!)
done
short=0
for ((i = 0; i < restarts; i++)); do
	for _ in 1 2 3; do
		container_run "short$((short++))" /bin/true || fail "a short container runs"
		echo "$id" >>"$work/short.ids"
	done
	case $((i % 4)) in
	0 | 2) sensor_kill ;;
	*) sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")" ;;
	esac
	[ $((i % 3)) = 1 ] || { container_run "short$((short++))" /bin/true && echo "$id" >>"$work/short.ids"; }
	case $i in
	2) set -- --events all,-comm ;; # programs that are not the same
	*) set -- ;;
	esac
	start "$@" || { fail "sensor starts again: $(cat "$work/sensor.err")"; finish; }
	sleep 0.$((RANDOM % 10))
done
for name in "${names[@]}"; do touch "$work/$name/image/load/end"; done
wait "${pids[@]}"
sleep 1
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
check "what is pinned is removed when it is asked for" "$SENSOR" --unpin --pin-directory "$bpffs/varve"
[ -e "$bpffs/varve" ] && fail "nothing stays pinned"

"$VARVE" cat "$work/log" >"$work/events"
"$PYTHON" tests/e2e/pin.py "$work" "$restarts" "${names[@]}" || fail "what is recorded is what was done"
# Of many short ones some: each verdict reads the whole log.
while read -r id; do
	"$VARVE" replay "$work/log" --container "$id" >"$work/verdict" 2>&1 || echo "$id: $(grep -a -m 3 'COMPLETE\|not watched\|missing' "$work/verdict")"
done < <(cat "$work"/*.id <(awk -v n="$(wc -l <"$work/short.ids")" 'NR % (int(n / 24) + 1) == 0' "$work/short.ids")) >"$work/verdicts"
[ -s "$work/verdicts" ] && fail "of each container nothing is missing: $(head -n 3 "$work/verdicts")" || pass "of each container nothing is missing"
finish
