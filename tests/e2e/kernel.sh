#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian 12's kernels, 6.1 and 6.12, on a pure cgroup v2 hierarchy: every program loads and attaches, and a container's life is COMPLETE.
. "$(dirname "$0")/lib.sh"

mkdir -p "$work/overlay/usr/bin"
cp "$SENSOR" "$VARVE" "$work/overlay/usr/bin/"
for lib in $(ldd "$SENSOR" "$VARVE" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
	mkdir -p "$work/overlay$(dirname "$lib")"
	cp -L "$lib" "$work/overlay$lib"
done
cat >"$work/overlay/scenario" <<'S'
varve-sensor --log-dir /tmp/log >/tmp/sensor.err 2>&1 &
sensor=$!
n=0
until grep -q recording /tmp/sensor.err; do
	n=$((n + 1)); [ $n -lt 100 ] && kill -0 $sensor || { cat /tmp/sensor.err; exit 1; }
	sleep 0.5
done
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
mkdir /sys/fs/cgroup/$id
sh -c 'echo 0 >/sys/fs/cgroup/'$id'/cgroup.procs
	echo x >/tmp/made; mv /tmp/made /tmp/moved; rm /tmp/moved; busybox nc 127.0.0.1 9; exec busybox true'
sleep 0.5
rmdir /sys/fs/cgroup/$id
sleep 1
kill $sensor; wait $sensor || exit 1
cat /tmp/sensor.err
varve cat /tmp/log | grep '"COVERAGE"'
varve cat /tmp/log | grep '"FILE_HASH"' | grep $(sha256sum /bin/busybox | cut -d ' ' -f 1)
varve replay /tmp/log --container $id --format timeline
S
for kernel in 6.1 6.12; do
	tests/vm/run.sh $kernel "$work/overlay" sh /scenario >"$work/out" 2>&1
	rc=$?
	[ $rc = 0 ] && grep -q '^COMPLETE' "$work/out" && pass "$kernel: a container's life is COMPLETE" ||
		fail "$kernel: status $rc: $(tail -n 3 "$work/out" | tr '\n' '|')"
	for what in 'EXEC .*busybox true' 'OPEN .*/tmp/made created' 'RENAME .*/tmp/moved' 'UNLINK .*/tmp/moved' 'CONNECT .*127.0.0.1:9 failed'; do
		grep -qE "$what" "$work/out" && pass "$kernel: $what" || fail "$kernel: no $what"
	done
	grep -q '"FILE_HASH".*"path":"/bin/busybox"' "$work/out" && pass "$kernel: the hash of busybox" || fail "$kernel: no hash of busybox"
	grep -q '"COVERAGE"' "$work/out" && ! grep '"COVERAGE"' "$work/out" | grep -q '"attached":false' && pass "$kernel: every hook attached" ||
		fail "$kernel: a hook did not attach"
done
finish
