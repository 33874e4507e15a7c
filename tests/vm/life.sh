#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# In the guest: a container's life, from its cgroup's making to its removal, recorded by varve-sensor and told by varve. Prints "ok life_..."
# lines. What the live tests do not show: both programs together, as they are installed, on a pure cgroup v2 hierarchy.
log=/tmp/life
mkdir $log
varve-sensor ${TEST_HOOKS:+--hooks $TEST_HOOKS} --log-dir $log/log >$log/sensor.err 2>&1 &
sensor=$!
n=0
until grep -q recording $log/sensor.err; do
	n=$((n + 1))
	[ $n -lt 1200 ] && kill -0 $sensor || { echo "not ok life_complete: $(tail -n 1 $log/sensor.err)"; exit 1; }
	sleep 0.5
done
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
mkdir /sys/fs/cgroup/$id
sh -c 'echo 0 >/sys/fs/cgroup/'$id'/cgroup.procs
	echo x >/tmp/made; mv /tmp/made /tmp/moved; rm /tmp/moved; busybox nc 127.0.0.1 9; exec busybox true'
until rmdir /sys/fs/cgroup/$id; do sleep 0.1; done
sleep 2
kill $sensor
wait $sensor || { echo "not ok life_complete: the sensor ended with $?"; exit 1; }
varve cat $log/log | grep '"COVERAGE"' >$log/coverage
varve cat $log/log | grep '"FILE_HASH"' >$log/hashes
varve replay $log/log --container $id --format timeline >$log/timeline
expect() { # NAME FILE PATTERN
	if grep -qE "$3" $log/$2; then echo "ok $1"; else echo "not ok $1: nothing like $3: $(grep . $log/$2 | tail -n 1)"; fi
}
# Functions that can be preempted leave events out, and say so: then the verdict has to say it, too.
complete='^COMPLETE'
[ "${TEST_HOOKS:-}" != trampoline ] || [ "$(uname -r | cut -d . -f 1)" -lt 7 ] || complete='^COMPLETE|^INCOMPLETE: [0-9]+ other events of the node lost \(not_run\)'
expect life_complete timeline "$complete"
expect life_exec timeline 'EXEC .*busybox true'
expect life_open timeline 'OPEN .*/tmp/made created'
expect life_rename timeline 'RENAME .*/tmp/moved'
expect life_unlink timeline 'UNLINK .*/tmp/moved'
expect life_connect timeline 'CONNECT .*127.0.0.1:9 failed'
grep -F '/bin/busybox' $log/hashes >$log/hash
expect life_hash hash "$(sha256sum /bin/busybox | cut -d ' ' -f 1)"
# A hook that another serves for is none that is missing.
missing=$(grep -oE '\{[^{}]*"attached":false[^{}]*' $log/coverage | grep -v '"served_by"' | head -n 3 | tr '\n' ' ')
[ -z "$missing" ] && expect life_hooks coverage '"attached":true' || echo "not ok life_hooks: $missing"
rm -rf $log
