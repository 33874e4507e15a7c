#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A soak: MINUTES (30) of mixed load (RATE operations a second, 2000; tests/faults/load.c) in containers that come and go each minute. The sensor
# has its defaults but for LOG_LIMIT (256M), so that the log turns over. Memory and descriptors stay what they were in the first third,
# the log within its limit, and each container's account balances.
. "$(dirname "$0")/../e2e/lib.sh"
MINUTES=${MINUTES:-30} RATE=${RATE:-2000} CONTAINERS=${CONTAINERS:-8} LOG_LIMIT=${LOG_LIMIT:-256M} ROUND=${ROUND:-60}
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
make --no-print-directory -s O="$O" "$O/tests/faults/load" || { fail "the generator is built"; finish; }
limit=$(numfmt --from=iec "$LOG_LIMIT")

sample() { # MINUTE: a row, and what the checks go by
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$sensor_pid/status")
	fds=$(find "/proc/$sensor_pid/fd" -mindepth 1 | wc -l)
	size=$(du -sb "$work/log" | cut -f1)
	printf '# %6s %10s %6s %12s\n' "$1" "$rss" "$fds" "$size"
}

sensor_start --log-limit "$LOG_LIMIT" || { fail "sensor starts: $(cat "$work/sensor.err")"; finish; }
printf '# %6s %10s %6s %12s\n' minute RSS/KiB fds log/bytes
size_max=0 fds_first=0 fds_last=100000
rounds=$((MINUTES * 60 / ROUND))
for ((i = 1; i <= rounds; i++)); do
	rm -rf "$work/load"
	mkdir "$work/load"
	"$O/tests/faults/load" "$work/load" "$cgroup2/$tree" "$CONTAINERS" wruxc "$RATE" "$ROUND" >"$work/load.out" 2>&1 || fail "the generators: $(cat "$work/load.out")"
	sample $((i * ROUND / 60))
	# The first third fills tables and the allocator's pools. Descriptors of /proc come and go: their range.
	if [ "$i" -le $(((rounds + 2) / 3)) ]; then
		rss_first=$rss
		[ "$fds" -le "$fds_first" ] || fds_first=$fds
	fi
	[ "$i" -le $((rounds * 2 / 3)) ] || [ "$fds" -ge "$fds_last" ] || fds_last=$fds
	[ "$size" -le "$size_max" ] || size_max=$size
done
sleep 1
sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
[ "$rss" -le $((rss_first + rss_first / 20 + 1024)) ] && pass "memory is flat: $rss_first KiB, then $rss" || fail "memory grows: $rss_first KiB, then $rss"
[ "$fds_last" -le "$fds_first" ] && pass "descriptors are flat: at most $fds_first, then at least $fds_last" || fail "descriptors grow: at most $fds_first, then at least $fds_last"
[ "$size_max" -le $((limit + limit / 50)) ] && pass "the log is bounded: $size_max bytes at most" || fail "the log has $size_max bytes"
"$VARVE" cat "$work/log" | grep '"kind":"\(ACCOUNT\|LOSS\)"' >"$work/accounts"
check "each account balances, and nothing but what the log's limit removed is lost" "$PYTHON" - "$work/accounts" <<'P'
import json, sys
closed = events = 0
for e in map(json.loads, open(sys.argv[1])):
    if e['kind'] == 'LOSS':
        assert e['loss']['cause'] == 'log_limit', e
    elif e['account']['closed']:
        closed += 1
        for c in e['account']['counts']:
            assert int(c['generated']) == int(c['recorded']) + int(c['lost']) + int(c['suppressed']), e
            events += int(c['generated'])
assert closed, 'no account'
print(f'{closed} closed accounts of {events} events')
P
sed 's/^/# /' "$work/check.out"
finish
