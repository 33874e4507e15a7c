#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# options.sh: what cgroup v2 is mounted with is the hierarchy's, not the mount's, and one more mount sets it anew. The sensor in a mount
# namespace in which v1 alone is to be seen attaches to the root of v2, and leaves init's options as they were.
# Environment: O, VM_KERNELS ("6.1").
set -uo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
work=$(mktemp -d /tmp/varve-options.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/usr/bin"
cp "$O/varve-sensor" "$work/usr/bin/"
. tests/vm/libraries.bash
copy_libraries "$work" "$O/varve-sensor"
cat >"$work/guest" <<'GUEST'
mkdir /v2
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /v2
grep ' cgroup2 ' /proc/mounts >/tmp/before
grep -q nsdelegate,memory_recursiveprot /tmp/before && echo "ok options_there: $(cat /tmp/before)" || echo "not ok options_there: $(cat /tmp/before)"
unshare -m sh -c 'umount /v2; ! grep cgroup2 /proc/self/mounts && exec varve-sensor --probe=json' >/tmp/probe 2>/tmp/err || echo "not ok options_probe: $(tail -n 1 /tmp/err)"
grep -A 2 -E '"name": "udp_flow_(in|out)"' /tmp/probe | grep '"attached": true' >/tmp/hooks
[ "$(grep -c . /tmp/hooks)" = 2 ] && echo "ok options_attached" || echo "not ok options_attached: $(tail -n 1 /tmp/err)"
grep ' cgroup2 ' /proc/mounts >/tmp/after
cmp -s /tmp/before /tmp/after && echo "ok options_left" || echo "not ok options_left: $(cat /tmp/after)"
GUEST
for kernel in ${VM_KERNELS:-6.1}; do
	VM_CGROUP=v1 VM_TIMEOUT=600 tests/vm/run.sh "$kernel" "$work" "sh /guest" || echo "not ok options: the machine ended with $?"
done | tr -d '\r' | grep -E '^(ok|not ok|skip) ' | tee "$work/said"
grep -q 'options_left' "$work/said" || echo "not ok options: the guest did not get to its end"
! grep -q '^not ok ' "$work/said"
