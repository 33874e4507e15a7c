#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# README's first command does what README says, from the log and through a broker, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

state() { mount | grep -c varve; find /sys/fs/cgroup -type d -name '*varve-demo*' | wc -l; bpftool prog show | grep -c ' name core_sys_exit '; }
before=$(state)
for how in "" --kafka; do
	if tests/demo/demo.sh $how >"$work/out" 2>&1; then pass "demo $how"; else fail "demo $how: $(tail -n 3 "$work/out" | tr '\n' '|')"; fi
	for what in '^COMPLETE: ' 'shop/checkout-6d5f9' '/tmp/.x/nc .*upper layer' 'serviceaccount/token' 'tcp to 127.0.0.1' 'RENAME.*kworker' 'UNLINK.*loot'; do
		grep -qE "$what" "$work/out" && pass "demo $how shows $what" || fail "demo $how does not show $what"
	done
done
[ "$before" = "$(state)" ] && pass "nothing is left behind" || fail "left behind: before $before, after $(state)"
finish
