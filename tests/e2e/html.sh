#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# varve replay --format html, in a headless Chromium: it shows what the records say, asks for nothing, and hostile names stay text.
. "$(dirname "$0")/lib.sh"

make --no-print-directory O="$O" "$O/tests/views/sample" || { fail "the samples are built"; finish; }
for name in story lossy hostile; do
	"$O/tests/views/sample" $name "$work/$name.log"
done
"$O/tests/views/sample" many "$work/many.log" 100001

# page NAME STATUS OPTIONS...: NAME.html, and its records in NAME.jsonl.
page() {
	local name=$1 status=$2
	shift 2
	"$VARVE" replay "$work/$name.log" "$@" --format jsonl >"$work/$name.jsonl" 2>/dev/null
	"$VARVE" replay "$work/$name.log" "$@" --format html >"$work/$name.html" 2>"$work/$name.err"
	local rc=$?
	[ $rc = "$status" ] && pass "html $name ends with $status" || fail "html $name ends with $rc: $(cat "$work/$name.err")"
}
page story 0 --pod default/web-7f9
page lossy 3 --pod default/web-7f9
page hostile 4 --container 4b2e9f12ac
page many 4 --pod default/web-7f9
head -c 40000 "$work/many.html" >"$work/cut.html"

check "html lossy: the reason is in the header" grep -q '<li class="incomplete"><b>INCOMPLETE</b> .*17 file events lost' "$work/lossy.html"
check "html hostile: no line of it is markup" sh -c "! grep -E '<(img|svg)|pwned=[0-9]*<' '$work/hostile.html'"
echo "# 100,001 records are $(($(stat -c %s "$work/many.html") / 1024)) KiB, of $(($(stat -c %s "$work/many.jsonl") / 1024)) KiB of JSON lines"

if "$PYTHON" -c 'import sys; sys.path.insert(0, "tests/e2e"); import browser; sys.exit(not browser.program())'; then
	"$PYTHON" tests/e2e/html_page.py "$work" || failures=$((failures + 1))
else
	echo "skip html in a browser: no Chromium (Debian: chromium-headless-shell)"
fi
finish
