#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Churn: CONTAINERS short containers of Kubernetes pods by runc, WIDTH at a time. Each EXEC has its pod in the record itself, none is another's,
# none is missing, and the sensor is no larger at the end than at a tenth (a third, if they are few) of it.
. "$(dirname "$0")/../e2e/lib.sh"
CONTAINERS=${CONTAINERS:-10000} WIDTH=${WIDTH:-20} GROWTH_KIB=${GROWTH_KIB:-4096}
LOG_LIMIT_MIB=3072

# By the sensor's own descriptors (some are gone at once): there may be another sensor on this machine.
map_id() { # NAME
	local map
	for map in $(cat "/proc/$sensor_pid"/fdinfo/* 2>/dev/null | awk '/^map_id:/ { print $2 }' | sort -nu); do
		bpftool map show id "$map" | grep -q " name $1 " && echo "$map"
	done
}
map_entries() { bpftool -j map dump id "$1" | "$PYTHON" -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
both() { echo "$(map_entries "$accounts") in accounts, $(map_entries "$scope") in scope"; }
back_to_start() { [ "$(both)" = "$maps" ]; }
no_cgroup() { [ -z "$(find /sys/fs/cgroup -mindepth 2 -type d -path "*/$tree/*/pod*" -print -quit)" ]; }

first=$((CONTAINERS <= 1000 ? CONTAINERS / 3 : 1000))
bundle_make image /bin/true # for its image, which all share
mv "$work/image" "$work/made" && mv "$work/made/image" "$work/image" && mkdir "$work/bundles"
# A process table that is full at any rate of containers: how many of the dead it holds is not to depend on the machine.
sensor_start --process-limit 16384 --log-limit ${LOG_LIMIT_MIB}M || { fail "sensor starts"; finish; }
accounts=$(map_id accounts) scope=$(map_id scope)
maps=$(both)
"$PYTHON" tests/bench/churn_run.py "$work" "$tree" "$CONTAINERS" "$WIDTH" "$sensor_pid" $first $(seq $((2 * first)) $first $((CONTAINERS - 1))) "$CONTAINERS" >"$work/ran"
grep -qx 'failed 0' "$work/ran" && pass "runc ran $CONTAINERS containers, $WIDTH at a time" ||
	fail "runc: $(tail -n 1 "$work/ran") of $CONTAINERS: $(head -n 3 "$work/runc.err" 2>/dev/null | tr '\n' ' ')"
awk '/^mark/ { printf "# %s containers ended: %.1f s, resident %s KiB\n", $2, $4, $3; n = $2; s = $4 } END { if (s) printf "# %.1f containers per second\n", n / s }' "$work/ran"
rss() { awk -v n="$1" '$1 == "mark" && $2 == n { print $3 }' "$work/ran"; }
rss1=$(rss $first) rss2=$(rss "$CONTAINERS")
growth="from the ${first}th container to the ${CONTAINERS}th: $rss1 to $rss2 KiB (at most $GROWTH_KIB more)"
[ -n "$rss1" ] && [ "${rss2:-$((1 << 40))}" -le $((rss1 + GROWTH_KIB)) ] && pass "memory is flat $growth" || fail "memory grows $growth"

# An account is closed when nothing of its container can come any more, hashes included.
wait_for 20 back_to_start
echo "# entries of the kernel's maps at the start: $maps; at the end: $(both)"
for map in "$accounts" "$scope"; do bpftool -j map dump id "$map"; done >"$work/keys"
no_cgroup && pass "no cgroup is left" || fail "cgroups are left"
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
size=$(du -sm "$work/log" | cut -f 1)
[ "$size" -le $LOG_LIMIT_MIB ] && pass "the log is bounded: $size MiB" || fail "the log has $size MiB"

"$VARVE" cat "$work/log" 2>"$work/cat.err" | "$PYTHON" tests/bench/churn_check.py "$work" "$tree" >"$work/judged" 2>&1 ||
	fail "the evidence can be read: $(tail -n 1 "$work/judged") $(tail -n 1 "$work/cat.err")"
cat "$work/judged"
failures=$((failures + $(grep -c '^not ok' "$work/judged")))
finish
