#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The fault suite: each fault is a file here that prints ok and not ok. LONG=1: more of each. Arguments: only these.
set -uo pipefail
cd "$(dirname "$0")/../.."
export O=${O:-build}
make --no-print-directory -s O="$O" WERROR=1 "$O/tests/faults/load" "$O/tests/faults/tally" || exit 1
rc=0
for fault in tests/faults/*.sh; do
	name=$(basename "$fault" .sh)
	[ "$name" != run ] && { [ $# = 0 ] || [[ " $* " == *" $name "* ]]; } || continue
	start=$SECONDS
	echo "# --- $name"
	"$fault" | sed -E "s/^(ok|not ok|skip) /\1 $name: /" || rc=1
	echo "# $name took $((SECONDS - start)) s"
done
exit $rc
