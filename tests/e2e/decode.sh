#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every record means the same to protoc, to Python's protobuf and to ours; and the log's frames are what log_format.h says, read by a
# reader that is not ours.
. "$(dirname "$0")/lib.sh"

sensor_start --heartbeat 1s || { fail "sensor starts"; finish; }
# Names that are hard on a decoder: not UTF-8, a newline, an escape sequence, an empty argument, very long.
container_run odd /bin/sh -c 'h=$(printf "/tmp/\377\376bad\n\033[31mred"); echo x >"$h"; mv "$h" /tmp/plain; rm /tmp/plain
	/bin/true "" "$h" "$@"' "$(head -c 3000 /dev/zero | tr '\0' a)" "$(printf '\377')" || fail "runc runs the container"
container_run loud /bin/sh -c 'i=0; while [ $i -lt 300 ]; do : >/tmp/f$i; i=$((i+1)); done'
sleep 1.5
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/log" >"$work/ours.jsonl" || fail "varve cat"
check "the same by protoc, Python and ours" "$PYTHON" tests/e2e/decode.py "$O/varve.desc" "$work/log" "$work/ours.jsonl"
grep '^#' "$work/check.out"
for format in timeline tree; do
	"$VARVE" replay "$work/log" --pod e2e/odd --format $format >"$work/$format" 2>"$work/$format.err" || fail "varve replay --format $format"
done
"$VARVE" pods "$work/log" >"$work/pods" 2>"$work/pods.err" || fail "varve pods"
"$VARVE" replay "$work/log" --pod $'e2e/\e[31m\xe2\x80\xae\xff' >/dev/null 2>"$work/wrong.err" && fail "a pod that is not there"
check "stderr was not empty" test -s "$work/wrong.err"
check "nothing that a terminal would act on" "$PYTHON" tests/e2e/terminal.py "$work"/{timeline,tree,pods}{,.err} "$work/wrong.err"
# The check itself can fail.
for bad in 'a\x1b[2Jb' '\xc2\x9b31m' '\xe2\x80\xae' '\xef\xbb\xbf' '\xff' 'a\rb' '\x7f'; do
	printf "$bad" >"$work/bad"
	"$PYTHON" tests/e2e/terminal.py "$work/bad" >/dev/null && fail "the check takes $bad"
done
check "the hostile name is shown escaped" grep -qF '\xff\xfebad\n\x1b[31mred' "$work/timeline"
finish
