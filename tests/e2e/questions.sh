#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a responder asks: where was this seen, what did this pod do that its sister did not, only this process, only what failed; and how
# the program behaves on a terminal and in a shell.
. "$(dirname "$0")/lib.sh"
export TERM=xterm
unset NO_COLOR PAGER LESS

sensor_start || { fail "sensor starts"; finish; }
work_of_all='echo 1 >/tmp/out; /bin/busybox timeout 1 /bin/busybox nslookup www.shop.example 127.0.0.1; cat /no/such'
container_run web-a /bin/sh -c "$work_of_all; true" >/dev/null 2>&1
container_run web-b /bin/sh -c "$work_of_all; cp /bin/busybox /tmp/nc; /tmp/nc -w 1 127.0.0.9 9; cat /var/run/secrets/kubernetes.io/serviceaccount/token; (sleep 0.1; /bin/busybox ls /tmp; true); true" >/dev/null 2>&1
sleep 0.5
sensor_stop || fail "sensor stops cleanly: $(tail -n 2 "$work/sensor.err")"
log=$work/log

# --- find
# Other suites' containers are in the log, too: all sensors record all.
# find_in NAME PODS OPTIONS...: found in exactly these pods.
find_in() {
	local name=$1 pods=$2 rc got
	shift 2
	"$VARVE" find "$log" "$@" >"$work/found" 2>"$work/found.err"
	rc=$?
	got=$(sed -n 's|^e2e/\(web-[ab]\) .*|\1|p' "$work/found" | sort -u | tr '\n' ' ')
	[ $rc = 0 ] && [ "$got" = "$pods " ] && pass "find $name: $pods" || fail "find $name: exit $rc, in: $got; $(head -n 3 "$work/found.err")"
}
sha256=$(sha256sum "$work/web-a/image/bin/busybox" | cut -d' ' -f1)
find_in "by path" web-b --path '/tmp/nc'
find_in "by pattern" "web-a web-b" --path '/tmp/o*'
find_in "by address" web-b --ip 127.0.0.9
find_in "by network" "web-a web-b" --ip 127.0.0.0/8
find_in "by domain" "web-a web-b" --domain shop.example
find_in "by program" web-b --exec nc
find_in "by command line" web-b --exec '*127.0.0.9 9*'
find_in "by SHA-256" "web-a web-b" --sha256 "$sha256"
find_in "by name of the process" web-b --comm 'n?'
find_in "by user" "web-a web-b" --user root
printf '# of the feed\n127[.]0.0.9\n%s\ndomain nowhere.example  # not here\n' "$sha256" >"$work/list"
find_in "by a list" "web-a web-b" --indicators "$work/list"
grep -q "^not found: domain nowhere.example$" "$work/found" && pass "and what of it was not found" || fail "what was not found: $(grep 'not found' "$work/found")"
echo 'sha256 123' >>"$work/list"
"$VARVE" find "$log" --indicators "$work/list" >"$work/out" 2>"$work/err"
[ $? = 2 ] && grep -q "$work/list:5: \"123\"" "$work/err" && pass "a list's error names line and word" || fail "a list's error: $(cat "$work/err")"
"$VARVE" find "$log" --ip 127.0.0.9 --json >"$work/found.json"
check "find as JSON" "$PYTHON" - "$work/found.json" <<'PY'
import json, sys
*found, last = [json.loads(l) for l in open(sys.argv[1])]
found = [f for f in found if f['pod'] in ('web-a', 'web-b')]
assert [(f['pod'], f['namespace'], f['container'], f['node']) for f in found] == [('web-b', 'e2e', 'app', 'test-node')], found
assert found[0]['records'] == sum(found[0]['kinds'].values()) and 'CONNECT' in found[0]['kinds'], found
assert found[0]['first'] <= found[0]['last'] and '/' in found[0]['first_event'], found
assert last['summary'] and last['found'] and last['not_found'] == [], last
PY
"$VARVE" find "$log" --path /never/there >"$work/out" 2>&1
rc=$?
[ $rc = 5 ] && ! grep -q UNKNOWN "$work/out" && pass "not found, and nothing is missing: 5" || fail "not found: exit $rc: $(tail -n 5 "$work/out")"
cp -r "$log" "$work/hurt"
seg=$(ls "$work"/hurt/*.seg | head -n 1)
printf '\xff\xff\xff' | dd of="$seg" bs=1 seek=$(($(stat -c %s "$seg") / 2)) conv=notrunc 2>/dev/null
"$VARVE" find "$work/hurt" --path /never/there >"$work/out" 2>&1
rc=$?
[ $rc = 4 ] && grep -q '^UNKNOWN: not found, but it may have been among' "$work/out" && pass "not found, and there is a hole: 4" ||
	fail "not found in a damaged log: exit $rc: $(tail -n 5 "$work/out")"

# --- diff
"$VARVE" diff "$log" --pod e2e/web-a --pod e2e/web-b >"$work/diff" 2>"$work/err"
rc=$?
sed -n '/^Only A/,/^Only B/p' "$work/diff" >"$work/only.a"
sed -n '/^Only B/,/things are the same/p' "$work/diff" >"$work/only.b"
# Others' losses on a busy machine make it UNKNOWN, and then it must say that.
[ $rc = 0 ] && want='^COMPLETE: ' || want='^UNKNOWN: .* of the node '
[ $rc = 0 ] || [ $rc = 4 ] && [ "$(grep -c "$want" "$work/diff")" -ge 4 ] && pass "diff shows both verdicts, first and last" || fail "diff: exit $rc: $(cat "$work/err" "$work/diff")"
[ "$(grep -c '^  ' "$work/only.a")" = 1 ] && grep -q '^  nothing$' "$work/only.a" && pass "the sister did nothing else" || fail "only A: $(cat "$work/only.a")"
for what in '  /tmp/nc$' 'tcp 127.0.0.9 port 9' '/serviceaccount/token$'; do
	grep -q -- "$what" "$work/only.b" && pass "diff: only the other: $what" || fail "diff: only B lacks $what: $(cat "$work/only.b")"
done
grep -q 'shop.example\|/tmp/out' "$work/only.b" && fail "diff: what both did is told: $(cat "$work/only.b")" || pass "diff: what both did is not told"

# --- filters
"$VARVE" replay "$log" --pod e2e/web-b --format jsonl >"$work/all" 2>/dev/null
for kind in EXEC OPEN CONNECT DNS; do
	n=$("$VARVE" replay "$log" --pod e2e/web-b --format jsonl --kind $kind 2>/dev/null | wc -l)
	[ "$n" -gt 0 ] && [ "$n" = "$(grep -c "\"kind\":\"$kind\"" "$work/all")" ] && pass "--kind $kind: $n" || fail "--kind $kind: $n"
done
"$VARVE" replay "$log" --pod e2e/web-b --format jsonl --result failed >"$work/failed" 2>/dev/null
grep -q '/no/such' "$work/failed" && ! grep -qv 'call_errno\|EXEC_FAILED\|"failed"\|error_errno' "$work/failed" && pass "--result failed: $(wc -l <"$work/failed")" ||
	fail "--result failed: $(cut -c1-300 "$work/failed" | head -n 3)"
check "--process: a shell and what it began" "$PYTHON" - "$VARVE" "$log" "$work/all" <<'PY'
import json, subprocess, sys
varve, log, path = sys.argv[1:]
events = [json.loads(l) for l in open(path)]
ls = [e for e in events if e['kind'] == 'EXEC' and e['exec']['args'] == ['/bin/busybox', 'ls', '/tmp']][0]['process']
shell = ls['parent']['process_uid']
run = subprocess.run([varve, 'replay', log, '--pod', 'e2e/web-b', '--format', 'jsonl', '--process', shell], capture_output=True, text=True)
got = [json.loads(l) for l in run.stdout.splitlines()]
family, changed = {shell}, True
while changed:
    more = {e['process']['process_uid'] for e in events if e.get('process', {}).get('parent', {}).get('process_uid') in family}
    changed = not more <= family
    family |= more
want = [e['sequence'] for e in events if e.get('process', {}).get('process_uid') in family]
assert [e['sequence'] for e in got] == want, (len(got), len(want), len(events))
assert 0 < len(want) < len(events)
assert 'a filter was applied' in run.stderr and 'COMPLETE' in run.stderr, run.stderr
PY
n=$("$VARVE" replay "$log" --pod e2e/web-b --format timeline --kind EXEC --limit 2 2>/dev/null | grep -c '  EXEC  ')
[ "$n" = 2 ] && pass "--limit" || fail "--limit 2: $n"
"$VARVE" replay "$log" --pod e2e/web-b --kind EXCE >"$work/out" 2>"$work/err"
[ $? = 2 ] && grep -q 'nearest: EXEC' "$work/err" && pass "a kind that is none: $(cat "$work/err")" || fail "a kind that is none: $(cat "$work/err")"
"$VARVE" cat "$log" --class network --since "1h ago" >"$work/out" 2>"$work/err"
grep -q '"kind":"CONNECT"' "$work/out" && ! grep -q '"kind":"EXEC"' "$work/out" && pass "cat --class network" || fail "cat --class: $(cat "$work/err")"

# --- names and times
"$VARVE" replay "$log" --pod e2e/web-c >"$work/out" 2>"$work/err"
[ $? = 2 ] && grep -q 'nearest: e2e/web-[ab].*from 20.* to 20' "$work/err" && pass "an unknown pod: $(cut -c1-140 "$work/err")" || fail "an unknown pod: $(cat "$work/err")"
"$VARVE" replay "$log" --pod e2e/web-a --since 'yesterday 25:00' >"$work/out" 2>"$work/err"
[ $? = 2 ] && grep -q '"25:00" is no time of day' "$work/err" && pass "the error points at the word" || fail "a wrong time: $(cat "$work/err")"
for t in yesterday today '1h30m ago' "$(date -u -d '-1 hour' +'%Y-%m-%d %H:%M')" "@$(($(date +%s) - 3600))"; do
	n=$("$VARVE" replay "$log" --pod e2e/web-b --format jsonl --since "$t" 2>"$work/err" | wc -l)
	# Just after midnight, today is not yet all of it.
	[ "$n" = "$(wc -l <"$work/all")" ] || [ "$t$(date -u +%H:%M)" \< today00:10 ] && pass "since $t" || fail "since $t: $n; $(cat "$work/err")"
done

# --- terminal
escape=$(printf '\033')
in_terminal() { timeout 60 "$PYTHON" tests/e2e/in_terminal.py "$@"; }
for command in "replay $log --pod e2e/web-b --format timeline" "replay $log --pod e2e/web-b" "pods $log" "find $log --path /tmp/*" "coverage $log"; do
	# shellcheck disable=SC2086
	(set -f; "$VARVE" $command) >"$work/pipe" 2>"$work/pipe.err"
	grep -q "$escape" "$work/pipe" "$work/pipe.err" && fail "escapes in a pipe: ${command%% *}" || pass "no escapes in a pipe: ${command%% *}"
done
PAGER='sed s/^/paged:/' in_terminal "$VARVE" replay "$log" --pod e2e/web-b --format timeline >"$work/tty"
[ "$(grep -c '^paged:' "$work/tty")" = "$(wc -l <"$work/tty")" ] && grep -q "${escape}\[1;32mCOMPLETE${escape}\[0m" "$work/tty" &&
	pass "on a terminal: pager and colours" || fail "on a terminal: $(head -n 3 "$work/tty" | cat -v)"
"$VARVE" replay "$log" --pod e2e/web-b --format timeline >"$work/pipe"
sed "s/${escape}\[[0-9;]*m//g; s/^paged://; s/\r$//" "$work/tty" | cmp -s - "$work/pipe" && pass "without the colours it is what a pipe gets" ||
	fail "a terminal gets something else: $(sed "s/${escape}\[[0-9;]*m//g; s/^paged://; s/\r$//" "$work/tty" | diff - "$work/pipe" | head -n 5)"
NO_COLOR=1 PAGER=cat in_terminal "$VARVE" replay "$log" --pod e2e/web-b >"$work/tty"
grep -q "$escape" "$work/tty" && fail "NO_COLOR: $(cat -v "$work/tty" | head -n 3)" || pass "NO_COLOR and no pager: no escapes"
in_terminal --type q "$VARVE" replay "$log" --pod e2e/web-b --format timeline >"$work/tty" 2>&1
rc=$?
[ $rc -lt 126 ] && ! grep -q 'cannot write' "$work/tty" && grep -q "${escape}" "$work/tty" && pass "less is left without a word" || fail "less is left: exit $rc: $(tail -n 2 "$work/tty" | cat -v)"
PAGER=/no/such/pager in_terminal "$VARVE" pods "$log" >"$work/tty"
[ $? = 1 ] && grep -q 'pager cannot be run' "$work/tty" && pass "a pager that is not there is told" || fail "a pager that is not there: $(cat -v "$work/tty")"

# --- shells
for shell in bash zsh fish; do "$VARVE" --completion $shell >"$work/completion.$shell" || fail "--completion $shell"; done
complete_bash() { bash --norc -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _varve; echo "${COMPREPLY[@]}"' - "$work/completion.bash" "$@"; }
is() { [ "$2" = "$3" ] && pass "$1: $3" || fail "$1: want \"$3\", got \"$2\""; }
is "bash: command" "$(complete_bash varve rep)" replay
is "bash: option" "$(complete_bash varve replay "$log" --proc)" --process
is "bash: not another's option" "$(complete_bash varve pods "$log" --format)" ""
is "bash: value" "$(complete_bash varve replay --format time | tr ' ' '\n' | grep -x timeline)" timeline
is "bash: value behind =" "$(complete_bash varve replay --result = fa)" failed
is "bash: list" "$(complete_bash varve replay --kind EXEC,CONNE)" EXEC,CONNECT
is "bash: file" "$(complete_bash varve find "$log" --indicators "$work/lis")" "$work/list"
in_terminal --type "source $work/completion.bash\n" --type 'varve repl\t' --type='--form\t' --type 'timel\t' --type '\x15exit\n' bash --norc --noprofile -i >"$work/tty" 2>&1
sed "s/${escape}\[[0-9;?]*[a-zA-Z]//g" "$work/tty" | grep -q 'varve replay --format timeline' && pass "bash: typed" || fail "bash: typed: $(cat -v "$work/tty")"
if command -v fish >/dev/null; then
	complete_fish() { HOME=$work fish --no-config -c "source $work/completion.fish; complete -C \"$1\"" | cut -f1 | tr '\n' ' '; }
	is "fish: command" "$(complete_fish 'varve rep')" "replay "
	is "fish: option" "$(complete_fish "varve replay $log --proc")" "--process "
	is "fish: value" "$(complete_fish 'varve replay --result fai')" "failed "
	is "fish: list" "$(complete_fish 'varve replay --kind EXEC,CONNE')" "EXEC,CONNECT "
else
	echo "skip fish: not installed"
fi
if command -v zsh >/dev/null; then
	check "zsh: syntax" zsh -n "$work/completion.zsh"
	HOME=$work in_terminal --type "autoload -U compinit; compinit -D -u; source $work/completion.zsh\n" --type 'varve repl\t' --type='--form\t' \
		--type 'timel\t' --type='--kind EXEC,CONNE\t' --type '\x15exit\n' zsh -f >"$work/tty" 2>&1
	sed "s/${escape}\[[0-9;?]*[a-zA-Z]//g" "$work/tty" | tr -d '\b\r' | grep -q 'varve replay.*--format=.*timeline.*--kind EXEC,CONNECT' && pass "zsh: typed" || fail "zsh: typed: $(cat -v "$work/tty")"
else
	echo "skip zsh: not installed"
fi

check "the manual has each option" "$PYTHON" tests/e2e/manual.py "$VARVE" docs/varve.1
make -s install O="$O" DESTDIR="$work/root" PREFIX=/usr >"$work/out" 2>&1 || fail "make install: $(tail -n 3 "$work/out")"
for f in share/bash-completion/completions/varve share/zsh/site-functions/_varve share/fish/vendor_completions.d/varve.fish; do
	[ -s "$work/root/usr/$f" ] && pass "make install: $f" || fail "make install: $f is not there"
done
finish
