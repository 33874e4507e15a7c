#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the sensor costs the node when nothing happens, and that it does not grow with what has happened: CPU time while idle, memory after
# many containers and many processes, and no descriptor, program or map left behind.
. "$(dirname "$0")/lib.sh"
IDLE_S=${IDLE_S:-10}

cpu_ms() { "$PYTHON" -c 'import os, sys
f = open(f"/proc/{sys.argv[1]}/stat").read().rsplit(")", 1)[1].split()
print((int(f[11]) + int(f[12])) * 1000 // os.sysconf("SC_CLK_TCK"))' "$sensor_pid"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$sensor_pid/status"; }
programs() { bpftool prog show | awk '/ name core_sys_exit / { sub(":", "", $1); print $1 }' | sort; } # ids
fds() { ls "/proc/$sensor_pid/fd" | wc -l; }
# Containers by the hundred, as a runtime makes them for the kernel: a cgroup, processes in it, removed.
churn() { # COUNT
	"$PYTHON" - "$(findmnt -rnt cgroup2 -o TARGET | head -n 1)/$tree" "$1" <<'PY'
import os, secrets, sys
top, count = sys.argv[1], int(sys.argv[2])
os.makedirs(top, exist_ok=True)
for _ in range(count):
    cg = f'{top}/{secrets.token_hex(32)}'
    os.mkdir(cg)
    pid = os.fork()
    if not pid:
        open(cg + '/cgroup.procs', 'w').write('0')
        open('/dev/null', 'w').close()
        if not os.fork():
            os.execv('/bin/true', ['true'])
        os.wait()
        os._exit(0)
    os.waitpid(pid, 0)
    os.rmdir(cg)
PY
}

before=$(programs)
sensor_start --heartbeat 1s || { fail "sensor starts"; finish; }
sleep 2
a=$(cpu_ms)
sleep "$IDLE_S"
b=$(cpu_ms)
idle=$((b - a))
[ $idle -lt $((IDLE_S * 10)) ] && pass "idle: $idle ms of CPU in $IDLE_S s (under 1 %)" || fail "idle: $idle ms of CPU in $IDLE_S s"

churn 500
sleep 1.5
rss1=$(rss_kb) fds1=$(fds)
churn 3000
sleep 1.5
rss2=$(rss_kb) fds2=$(fds)
echo "# resident: $rss1 KiB after 500 containers, $rss2 KiB after 3500; descriptors $fds1, $fds2"
[ "$rss2" -le $((rss1 + rss1 / 10)) ] && pass "memory is flat: $rss1 to $rss2 KiB over 3,000 containers" || fail "memory grows: $rss1 to $rss2 KiB over 3,000 containers"
# A segment that was rolled and is not synced yet is held open.
[ "$fds2" -le $((fds1 + 2)) ] && pass "descriptors are flat" || fail "descriptors grow: $fds1 to $fds2"
[ "$rss2" -lt $((64 * 1024)) ] && pass "memory is below 64 MiB" || fail "memory: $rss2 KiB"
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/log" | "$PYTHON" -c '
import json, sys
events = [json.loads(l) for l in sys.stdin]
ours = {e["container"]["id"] for e in events
        if e["kind"] == "CONTAINER_START" and e["container_start"]["cgroup_path"].startswith("/" + sys.argv[1] + "/")}
accounts = [e for e in events if e["kind"] == "ACCOUNT" and e.get("container", {}).get("id") in ours]
closed = [a for a in accounts if a["account"].get("closed")]
bad = [a for a in closed for c in a["account"]["counts"]
       if int(c["recorded"]) + int(c["lost"]) + int(c["suppressed"]) != int(c["generated"])]
print(f"# {len(closed)} accounts closed, {len(bad)} do not add up")
sys.exit(len(closed) != 3500 or bool(bad))' "$tree" >"$work/accounts" && pass "3,500 accounts are closed and add up" || fail "accounts: $(cat "$work/accounts")"
# The kernel frees a program some time after the last descriptor of it is closed: what stood there before may go as well.
for _ in $(seq 50); do
	left=$(comm -13 <(echo "$before") <(programs))
	[ -z "$left" ] && break
	sleep 0.1
done
[ -z "$left" ] && pass "no BPF program is left behind" || fail "BPF programs left behind, by id: $left"
finish
