#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Seals of a real sensor over three runs, the second of which is killed; then everything that somebody could do to the evidence, one after
# the other, in a directory and in Kafka: each is found, and named.
. "$(dirname "$0")/lib.sh"
KAFKA=tests/kafka/kafka.sh
make --no-print-directory -s O="$O" WERROR=1 "$O/tests/seals/tamper" "$O/tests/kafka/ship_log" || exit 1

# --- evidence

# Each private key while it is there: what a thief could have copied.
mkdir "$work/keys"
(
	n=0 last=
	while sleep 0.05; do
		{ key=$(tr -d '\0' <"$work/log/sensor.key"); } 2>/dev/null # it may just be overwritten
		case $key in PRIVATE*) [ "$key" = "$last" ] || { echo "$key" >"$work/keys/$n"; last=$key n=$((n + 1)); } ;; esac
	done
) &
thief=$!
on_exit+=('kill $thief 2>/dev/null')

sensor_start --log-dir "$work/other" --node-name other-node && sensor_stop || fail "another node's sensor runs"
# What a container does goes on over some seconds, for there to be something in each period.
busy() { container_run "$1" /bin/sh -c 'i=0; while [ $i -lt 50 ]; do : >/tmp/f$i; i=$((i+1)); busybox sleep 0.1; done'; }
run() { # NAME HOW-TO-END
	sensor_start --seal-key-interval 2s --heartbeat 1s || { fail "sensor starts"; finish; }
	busy "$1" &
	if [ "$2" = stop ]; then
		wait $!
		sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
	else
		# Between two seals: one has just been written, with another key, and the next comes in 0.8 s.
		container_run neighbour /bin/true
		sleep 3
		size=$(stat -c %s "$work/log/sensor.keys")
		wait_for 5 eval '[ "$(stat -c %s "$work/log/sensor.keys")" != "$size" ]'
		sleep 0.4
		sensor_kill
		wait $!
	fi
}
run first stop
run second kill
run third stop
kill $thief
wait $thief 2>/dev/null

# --- the keys' files

[ "$(stat -c %a "$work/log/sensor.key")" = 600 ] && pass "only the sensor can read the private key" || fail "mode of sensor.key: $(stat -c %a "$work/log/sensor.key")"
[ "$(wc -l <"$work/log/sensor.pub")" = 1 ] && pass "one first key" || fail "sensor.pub has $(wc -l <"$work/log/sensor.pub") lines"
grep -qF "$(cat "$work/log/sensor.pub")" "$work/other/sensor.pub" && fail "two nodes have one key" || pass "each node has its own key"
[ "$(ls "$work/keys" | wc -l)" -ge 6 ] && pass "keys were changed: $(ls "$work/keys" | wc -l)" || fail "keys: $(ls "$work/keys")"
if cat "$work"/keys/* | cut -d+ -f4- | grep -qrFf - --exclude=sensor.key "$work/log" "$work/sensor.err"; then
	fail "a private key is in a file that is not its own"
else
	pass "no private key is in the log, in what was printed, or in another file"
fi

# --- what was watched

rc=0
"$VARVE" coverage "$work/log" --json >"$work/coverage.json" || rc=$?
check "varve coverage: three runs, the time from the second's death to the third's start was not watched" "$PYTHON" - "$work/coverage.json" $rc <<'PY'
import json, sys
n = json.loads(open(sys.argv[1]).read())
assert n['node'] == 'test-node' and n['runs'] == 3 and not n['running'], n
assert n['heartbeat_nano'] == 1000000000 and n['silent_nano'] == 0, n
unwatched = [s for s in n['spans'] if s['what'] == 'not_watched']
assert len(unwatched) == 2 and all(s['what'] in ('not_watched', 'config_changed') for s in n['spans']), n['spans']
assert not n['whole'] and sys.argv[2] == '3', sys.argv
PY
"$VARVE" coverage "$work/log" >"$work/coverage" || true
[ "$(grep -c '^  not watched ' "$work/coverage")" = 2 ] && pass "varve coverage says so in words" || fail "varve coverage: $(cat "$work/coverage")"

# --- the matrix

# shellcheck disable=SC2086
verify() { "$VARVE" verify $1 --key "$work/log/sensor.pub" --changes "$work/log/sensor.keys" "${@:2}" >"$work/verify.out" 2>"$work/verify.err"; }
# judge NAME SOURCE STATUS FINDING...: found, named, and the exit status says so.
judge() {
	local name=$1 source=$2 want=$3 rc=0 f missing=
	shift 3
	verify "$source" || rc=$?
	for f; do grep -q "^$f " "$work/verify.out" || missing+=" $f"; done
	if [ $rc = "$want" ] && [ -z "$missing" ]; then
		pass "$name: $(tail -n 1 "$work/verify.out" | cut -d: -f1)$(printf ' %s' "$@")"
	else
		fail "$name: exit status $rc, not named:$missing: $(head -n 4 "$work/verify.out" | tr '\n' '|') $(tail -n 1 "$work/verify.err")"
	fi
}

matrix=(
	"none 0 CRASHED"
	"change 3 CHANGED"
	"remove 3 MISSING"
	"remove_and_renumber 3 SEAL_INVALID"
	"insert 3 REPEATED"
	"insert_and_renumber 3 SEAL_INVALID"
	"swap 3 ORDER MISSING"
	"swap_and_renumber 3 CHANGED"
	"cut_at_seal 3 OPEN CUT CVE-2023-31438"
	"cut_between 3 OPEN TAIL CUT"
	"cut_end 4 OPEN"
	"cut_head 4 BEGINS HEAD"
	"cut_head_and_frontiers 3 SEAL_INVALID"
	"cut_first_run 3 CUT"
	"cut_killed_run 3 CUT"
	"change_killed_tail 3 CHANGED"
	"remove_period 3 MISSING"
	"remove_run 3 RUN_MISSING"
	"remove_last_run 3 RUN_MISSING"
	"remove_first_run 0 BEGINS"
	"seal_of_other_run 3 SEAL_FOREIGN"
	"seal_of_other_run_put_in 4 AGAIN"
	"seal_of_other_node 3 SEAL_FOREIGN"
	"sign_with_other_key 3 KEY_UNKNOWN"
	"forge 3 FORGED"
	"sign_with_old_key 3 KEY_REPLACED"
	"forge_with_newest_key 3 KEY_NEWER CVE-2023-31439"
	"no_seals 3 NO_SEAL"
	"clock_back 0 CLOCK"
	"run_again 4 AGAIN"
	"copies 0 COPIES"
)
# --- checked by programs that are not ours

"$O/tests/seals/tamper" list "$work/log" >"$work/list"
# Of each run the first record, the last that can be, and some between.
awk '{ n[$1]++; line[$1, n[$1]] = $1 "/" $2 } NF > 3 { last[$1] = n[$1] - 1 }
	END { for (r in n) { print line[r, 1]; print line[r, last[r]]; for (i = 1; i < 12; i++) print line[r, 1 + int(last[r] * i / 12)] } }' "$work/list" | sort -u >"$work/events"
mkdir "$work/proofs"
while read -r event; do
	"$VARVE" prove "$work/log" --event "$event" --out "$work/proofs/${event/\//-}" 2>"$work/prove.err" || fail "$event is proven: $(cat "$work/prove.err")"
done <"$work/events"
if independent=$(tests/go_program.sh independent tests/seals/independent 2>"$work/build.err"); then
	check "independent code: every tree head, signature and change of keys, and the proofs" "$independent" "$work/log/sensor.pub" "$work"/proofs/* <"$work/list" &&
		echo "# $(cat "$work/check.out")"
	sed '2s/^extra ./extra D/' "$(ls "$work"/proofs/* | head -1)" >"$work/forged"
	"$independent" "$work/log/sensor.pub" "$work/forged" <"$work/list" >/dev/null 2>&1 && fail "independent code takes a changed record" || pass "independent code refuses a changed record"
else
	fail "the independent check is built: $(tail -n 2 "$work/build.err")"
fi
good=0
for proof in "$work"/proofs/*; do
	"$VARVE" verify --proof "$proof" --key "$work/log/sensor.pub" --changes "$work/log/sensor.keys" >"$work/verify.out" 2>&1 && good=$((good + 1))
done
[ $good = "$(wc -l <"$work/events")" ] && pass "varve verify --proof: $good of $good" || fail "varve verify --proof: $good of $(wc -l <"$work/events"): $(tail -n 1 "$work/verify.out")"
"$VARVE" verify --proof "$work/forged" --key "$work/log/sensor.pub" --changes "$work/log/sensor.keys" >"$work/verify.out" 2>&1
[ $? = 3 ] && pass "varve verify --proof: a changed record is BROKEN" || fail "a changed record: $(cat "$work/verify.out")"
"$VARVE" verify --proof "$proof" --key "$work/other/sensor.pub" --changes "$work/log/sensor.keys" >"$work/verify.out" 2>&1
[ $? = 4 ] && pass "varve verify --proof: with another key UNAUTHENTICATED" || fail "a proof with another key: $(cat "$work/verify.out")"

# The last seal's signature by openssl alone, as SEALS.md says.
by_openssl() {
	local n text
	"$VARVE" checkpoint "$work/log" >"$work/checkpoint" || return 1
	n=$(grep -n '^$' "$work/checkpoint" | tail -n 1 | cut -d: -f1)
	head -n $((n - 1)) "$work/checkpoint" >"$work/note.text"
	tail -n 1 "$work/checkpoint" | cut -d' ' -f3 | base64 -d | tail -c 64 >"$work/note.sig"
	# The key that signed: the last one of sensor.keys.
	{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; grep '^next-key' "$work/log/sensor.keys" | tail -n 1 | cut -d+ -f3- | base64 -d | tail -c 32; } >"$work/note.der"
	openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/note.der" -rawin -in "$work/note.text" -sigfile "$work/note.sig"
}
check "openssl alone: the last seal's signature" by_openssl

broker=
if "$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1; then
	on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
	. "$work/kafka/env"
	broker=$PLAIN
else
	fail "broker starts: $(tail -n 2 "$work/kafka.out")"
fi
# A topic for each; most of the time that takes is spent waiting for the broker.
ship() { "$O/tests/kafka/ship_log" --log-dir "$work/$1" --kafka.bootstrap.servers="$broker" --kafka-topic "$1" --kafka-pods-topic "$1.pods" >"$work/$1.ship" 2>&1; }
ships=()
for row in "${matrix[@]}"; do
	attack=${row%% *}
	"$O/tests/seals/tamper" "$attack" "$work/log" "$work/$attack" "$work/keys" "$work/other" 2>"$work/tamper.err" ||
		{ fail "$attack is made: $(cat "$work/tamper.err")"; continue; }
	[ -n "$broker" ] || continue
	ship "$attack" &
	ships+=($!)
	[ $((${#ships[@]} % 8)) != 0 ] || wait "${ships[@]}"
done
wait "${ships[@]}"
for row in "${matrix[@]}"; do
	read -r attack status findings <<<"$row"
	name=$attack
	[[ $findings == *CVE* ]] && name="$attack (${findings##* })" findings=${findings% CVE*}
	# shellcheck disable=SC2086
	judge "$name, directory" "$work/$attack" $status $findings
	# shellcheck disable=SC2086
	[ -z "$broker" ] || judge "$name, Kafka" "kafka://$broker --topic $attack" $status $findings
done

# Two nodes in one topic: each is checked by its own keys, and what is wrong with one says nothing of the other.
if [ -n "$broker" ]; then
	cp -r "$work/none" "$work/again" && rm "$work/again/cursor" # nothing was shipped to this topic
	for log in again other; do
		"$O/tests/kafka/ship_log" --log-dir "$work/$log" --kafka.bootstrap.servers="$broker" --kafka-topic nodes --kafka-pods-topic nodes.pods >"$work/nodes.ship" 2>&1 ||
			fail "two nodes are in one topic: $(tail -n 1 "$work/nodes.ship")"
	done
	cat "$work/log/sensor.keys" "$work/other/sensor.keys" >"$work/changes"
	both() { "$VARVE" verify "kafka://$broker" --topic nodes --key "$work/log/sensor.pub" --changes "$work/changes" "$@" --json >"$work/verify.out" 2>"$work/verify.err"; }
	check "two nodes in one topic are AUTHENTIC with the keys of both" both --key "$work/other/sensor.pub"
	both && rc=0 || rc=$?
	check "with the key of one the other is not" [ $rc = 3 ]
	check "but that one is, in each run" test "$(grep '"run":' "$work/verify.out" | grep -v '"finding":' | grep -c '"verdict":"AUTHENTIC"')" = 3
fi

# --- evidence bundles

bundle() { # NAME SOURCE OPTIONS...
	local name=$1 source=$2
	shift 2
	"$VARVE" export "$source" --pod e2e/second --case 4711 --evidence-id E1 --examiner "A. Nobody" --description "a test" --key "$work/log/sensor.pub" --out "$work/$name.zip" "$@" >"$work/export.out" 2>&1 ||
		fail "a bundle out of $source: $(tail -n 1 "$work/export.out")"
}
bundle from_log "$work/log"
[ -z "$broker" ] || bundle from_kafka "kafka://$broker" --topic none --changes "$work/log/sensor.keys"
"$VARVE" replay "$work/log" --pod e2e/second --format jsonl >"$work/second.jsonl" 2>"$work/second.verdict"
for name in from_log from_kafka; do
	[ -e "$work/$name.zip" ] || continue
	rc=0
	"$VARVE" verify "$work/$name.zip" --key "$work/log/sensor.pub" >"$work/verify.out" 2>&1 || rc=$?
	[ $rc = 0 ] && [ "$(grep -c '^pod ' "$work/verify.out")" = 1 ] && grep -q '^pod e2e/second .*: AUTHENTIC' "$work/verify.out" &&
		pass "bundle $name: AUTHENTIC, and of no other pod" || fail "bundle $name: $rc: $(tail -n 3 "$work/verify.out" | tr '\n' '|')"
	"$VARVE" replay "$work/$name.zip" --pod e2e/second --format jsonl >"$work/again.jsonl" 2>"$work/again.verdict"
	cmp -s "$work/second.jsonl" "$work/again.jsonl" && pass "bundle $name: its records are all of the pod's: $(wc -l <"$work/again.jsonl")" || fail "bundle $name: other records"
	rm -rf "$work/unzipped"
	check "bundle $name: sha256sum -c, the acquisition, a report, and nothing of other pods" "$PYTHON" - "$work/$name.zip" "$work/unzipped" <<'PY'
import json, subprocess, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
z.extractall(sys.argv[2])
subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=sys.argv[2], check=True)
a = json.loads(z.read('acquisition.json'))
assert (a['case_id'], a['evidence_id'], a['examiner'], a['description']) == ('4711', 'E1', 'A. Nobody', 'a test'), a
assert a['verify_status'] == 0 and len(a['tool_sha256']) == 64 and a['leaf_hashes'] > 0, a
assert b'/tmp/f7' in z.read('timeline.txt') and b'busybox' in z.read('report.txt')
for f in z.namelist():
    assert not any(other in z.read(f) for other in (b'third', b'neighbour') if f != 'README.txt'), f
PY
done
# replayed SOURCE OPTIONS...: what replay says of the seals beside its verdict.
replayed() {
	rc=0
	"$VARVE" replay "$1" --pod e2e/second --format summary --key "$work/log/sensor.pub" "${@:2}" >"$work/replayed" 2>&1 || rc=$?
}
replayed "$work/log" --verdict "$work/verdict.json"
grep -q '^AUTHENTIC: ' "$work/replayed" && pass "replay --key: AUTHENTIC" || fail "replay --key: $rc: $(tail -n 3 "$work/replayed" | tr '\n' '|')"
check "and --verdict says so, too" "$PYTHON" - "$work/verdict.json" $rc <<'PY'
import json, sys
v = json.load(open(sys.argv[1]))
assert v['seals']['verdict'] == 'AUTHENTIC' and v['exit_status'] == int(sys.argv[2]) and v['pod'] == 'e2e/second', v
assert any('watched on test-node by varve-sensor' in r['text'] for r in v['reasons']), v
PY
replayed "$work/from_log.zip"
grep -q '^AUTHENTIC: ' "$work/replayed" && pass "so it is of a bundle" || fail "replay --key of a bundle: $rc: $(tail -n 3 "$work/replayed" | tr '\n' '|')"

# tampered FILE: as from_log.zip, with a byte of that file changed, and the sums made anew or not.
tampered() {
	"$PYTHON" - "$work/from_log.zip" "$work/tampered.zip" "$@" <<'PY'
import hashlib, sys, zipfile
src, dst, name, anew = sys.argv[1:]
z = zipfile.ZipFile(src)
data = {n: bytearray(z.read(n)) for n in z.namelist()}
data[name][len(data[name]) // 2] ^= 1
if anew == 'anew':
    data['SHA256SUMS'] = b''.join(b'%s  %s\n' % (hashlib.sha256(d).hexdigest().encode(), n.encode()) for n, d in data.items() if n != 'SHA256SUMS')
with zipfile.ZipFile(dst, 'w') as out:
    for n, d in data.items():
        out.writestr(n, bytes(d))
PY
	rc=0
	"$VARVE" verify "$work/tampered.zip" --key "$work/log/sensor.pub" >"$work/verify.out" 2>&1 || rc=$?
}
tampered records.bin anew
[ $rc = 3 ] && pass "a bundle whose records were changed, with its sums: BROKEN" || fail "a changed bundle: $rc: $(tail -n 1 "$work/verify.out")"
replayed "$work/tampered.zip"
[ $rc = 3 ] && grep -q '^BROKEN: ' "$work/replayed" && pass "replay --key says it, too" || fail "replay --key of a changed bundle: $rc: $(tail -n 3 "$work/replayed" | tr '\n' '|')"
tampered report.txt old
[ $rc = 3 ] && grep -q '^DAMAGED' "$work/verify.out" && pass "a bundle whose report was changed: BROKEN DAMAGED" || fail "a changed report: $rc: $(tail -n 1 "$work/verify.out")"

# A record more, behind the last seal, and no sums.
"$PYTHON" - "$work/from_log.zip" "$work/longer.zip" <<'PY'
import sys, zipfile
def varint(b, i):
    n = shift = 0
    while True:
        n |= (b[i] & 127) << shift
        shift += 7
        i += 1
        if b[i - 1] < 128:
            return n, i
def put(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
def sequence(payload): # field 2: where it lies, and what it is
    i = 0
    while True:
        key, j = varint(payload, i)
        n, k = varint(payload, j)
        if key == 2 << 3:
            return i, k, n
        i = k + n if key & 7 == 2 else k
z = zipfile.ZipFile(sys.argv[1])
data = z.read('records.bin')
items, i = [], 0
while i < len(data):
    n = int.from_bytes(data[i + 1:i + 5], 'big')
    items.append((data[i:i + 1], data[i + 5:i + 5 + n]))
    i += 5 + n
assert items[-1][0] == b'R'
last = sequence(items[-1][1])[2]
forged = next(p for what, p in items[3:] if what == b'R' and b'/tmp/f7' in p)
a, b, _ = sequence(forged)
forged = forged[:a] + put(2 << 3) + put(last + 1) + forged[b:]
with zipfile.ZipFile(sys.argv[2], 'w') as out:
    out.writestr('records.bin', data + b'R' + len(forged).to_bytes(4, 'big') + forged)
    out.writestr('sensor.keys', z.read('sensor.keys'))
PY
rc=0
"$VARVE" verify "$work/longer.zip" --key "$work/log/sensor.pub" >"$work/verify.out" 2>&1 || rc=$?
[ $rc = 3 ] && grep -qE '^(TAIL|AGAIN|ORDER)' "$work/verify.out" && grep -q '^DAMAGED' "$work/verify.out" && pass "a bundle with a record more, and no sums: BROKEN DAMAGED" || fail "a longer bundle: $rc: $(tail -n 2 "$work/verify.out" | tr '\n' '|')"

# --- what only somebody who kept something elsewhere can see

with="--checkpoint $work/checkpoint"
judge "a checkpoint that was kept elsewhere is in it" "$work/log $with" 0 CRASHED
judge "cut_end, and a checkpoint was kept" "$work/cut_end $with" 3 CHECKPOINT
judge "remove_last_run, and a checkpoint was kept" "$work/remove_last_run $with" 3 CHECKPOINT

judge "cut_end, and what is behind is not asked for" "$work/cut_end --until 2020-01-01T00:00:00Z" 0 CRASHED

# --- and the rest

verify "$work/log --json"
check "--json: lines of findings, runs, pods and the verdict" "$PYTHON" - "$work/verify.out" <<'PY'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert [l['verdict'] for l in lines if 'run' in l and 'finding' not in l] == ['AUTHENTIC'] * 3, lines
assert {'finding': 'CRASHED'}.items() <= next(l for l in lines if 'finding' in l).items()
assert {l['pod'] for l in lines if 'pod' in l} >= {'e2e/first', 'e2e/second', 'e2e/third'}
assert lines[-1]['verdict'] == 'AUTHENTIC' and lines[-1]['authenticated'] is True and lines[-1]['runs'] == 3
PY

segment=$(ls "$work"/none/*.seg | tail -n 1)
at=$(($(stat -c %s "$segment") / 2))
byte=$(od -An -tu1 -j $at -N 1 "$segment")
# shellcheck disable=SC2059
printf "\\x$(printf %x $((byte ^ 255)))" | dd of="$segment" bs=1 seek=$at conv=notrunc status=none
judge "a byte of the file flipped" "$work/none" 3 DAMAGED MISSING
rc=0
"$VARVE" verify "$work/log" >"$work/verify.out" 2>&1 || rc=$?
[ $rc = 4 ] && grep -q '^UNAUTHENTICATED' "$work/verify.out" && pass "without a key: UNAUTHENTICATED" || fail "without a key: $rc, $(tail -n 1 "$work/verify.out")"
rc=0
"$VARVE" verify "$work/log" --key "$work/other/sensor.pub" >"$work/verify.out" 2>&1 || rc=$?
[ $rc = 3 ] && grep -q '^KEY_UNKNOWN' "$work/verify.out" && pass "with another node's key: BROKEN KEY_UNKNOWN" || fail "with another node's key: $rc, $(tail -n 1 "$work/verify.out")"
finish
