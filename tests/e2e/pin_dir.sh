#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The directory of pins (option pin-directory) as a sensor may find it: cut off in the middle, of another release, of somebody else. What
# fits is taken over, what never will is removed, and what is refused is told with a way out.
. "$(dirname "$0")/lib.sh"
bpffs=$work/bpf
mkdir "$bpffs" && mount -t bpf bpf "$bpffs" || { fail "a BPF file system is mounted"; finish; }
on_exit+=("umount $bpffs")
pins=$bpffs/varve
start() { sensor_start --pin on --pin-directory "$pins" --heartbeat 1s "$@" || { fail "sensor starts: $(cat "$work/sensor.err")"; finish; }; }
unpin() { "$SENSOR" --unpin --pin-directory "$pins" >"$work/unpinned" 2>&1; }
refused() { ! timeout 30 "$SENSOR" --log-dir "$work/other" --pin on --pin-directory "$pins" >"$work/refused" 2>&1; } # a start
map_ids() { # of what is pinned: NAME ID
	local map
	for map in "$pins"/maps/*; do
		[ "${map##*/}" = "${1:-${map##*/}}" ] && echo "${map##*/} $(bpftool -j map show pinned "$map" | grep -o '"id":[0-9]*')"
	done | sort
}
# Of a container that runs under this sensor nothing is missing.
is_complete() { container_run "$1" /bin/true && sleep 0.5 && sensor_stop && "$VARVE" replay "$work/log" --container "$id" | grep "^COMPLETE"; }

# A directory that others can change; a BPF file system lets everybody make one, as mounted here.
foreign() { # NAME: $pins is one
	check "$1 is refused" refused
	check "$1: with the way out" grep -q 'others can change .*: remove it' "$work/refused"
	unpin && fail "$1: not even --unpin looks into it"
	check "$1 is left as it is" [ -d "$pins" ]
}
mkdir -m 700 "$pins" && chown 65534 "$pins"
foreign "a directory of another user"
chown 0 "$pins" && chmod 730 "$pins"
foreign "a directory that a group can write to"
chmod 700 "$pins" && rmdir "$pins"
ln -s "$bpffs" "$pins"
check "a link to a directory is refused" refused
rm "$pins"

# Part of a set: `shared` says that the rest is there, and is the last to be pinned and the first to go.
start
map_ids >"$work/first"
sensor_kill
rm "$pins/maps/shared" "$pins/maps/accounts"
start
check "a set that was cut off is said to be removed" grep -q 'not whole' "$work/sensor.err"
map_ids >"$work/second"
[ "$(wc -l <"$work/first")" = "$(wc -l <"$work/second")" ] && [ -z "$(comm -12 "$work/first" "$work/second")" ] &&
	pass "none of its maps is taken for one of the new set" || fail "maps of the set that was cut off are used: $(comm -12 "$work/first" "$work/second" | tr '\n' ' ')"
sensor_kill
start
map_ids >"$work/third"
check "a whole set is taken over, each map of it" diff "$work/second" "$work/third"
check "of a container after that nothing is missing" is_complete after

# Programs that never took over: a start that came so far left them. They go before others are attached, also if that then fails.
pinned() { find "$pins" -mindepth 1 -maxdepth 1 | xargs -n 1 basename | sort | tr '\n' ' '; } # generations, then maps
links() { find "$pins" -path "*/$1/*" | wc -l; }
generation=$(pinned | cut -d" " -f1)
had=$(links "$generation")
mkdir "$pins/90" "$pins/91"
for link in $(find "$pins/$generation" -type f | head -n 3); do
	bpftool link pin id "$(bpftool -j link show pinned "$link" | sed 's/.*"id":\([0-9]*\).*/\1/')" "$pins/90/${link##*/}" 2>/dev/null
done
[ "$(links 90)" -gt 0 ] || fail "links are pinned a second time"
(ulimit -n 16; refused) || fail "a start without descriptors fails"
check "programs that never took over are removed before others come" [ ! -e "$pins/90" -a ! -e "$pins/91" ]
check "those that record stay" [ "$(links "$generation")" = "$had" ]
start
check "the next ones are the only ones then" [ "$(pinned)" = "$((generation + 1)) maps " ]
check "of a container after that nothing is missing either" is_complete later

# Cut off anywhere, a start leaves no maps that look like a set: the one that says that the rest is there is pinned behind them, and the
# programs behind that. Seen from outside.
unpin || fail "what is pinned is removed"
untraced=$SENSOR
traced() { # OPTIONS of strace: the sensor is started under it from now on
	printf '#!/bin/sh\nexec strace -D -qq -e trace=bpf -e signal=none -o %s/calls %s %s "$@"\n' "$work" "$*" "$PWD/$untraced" >"$work/traced"
	chmod +x "$work/traced"
	SENSOR=$work/traced
}
traced -f
start
sensor_stop
SENSOR=$untraced
grep -o 'BPF_OBJ_PIN.*pathname="[^"]*' "$work/calls" | sed "s,.*$pins/,," >"$work/order"
maps=$(grep -c ^maps/ "$work/order")
check "the map that says that all are there is pinned last of them" [ "$maps" -gt 5 -a "$(sed -n "${maps}p" "$work/order")" = maps/shared ]
check "and programs after that" [ "$(sed "1,${maps}d" "$work/order" | grep -c '^[0-9]*/')" -gt 20 ]

# A start that fails half way takes nothing over, and leaves nothing. Those that were there go on.
fails_half_way() { # NAME INJECTION PATTERN: what it says
	local generation had meanwhile
	generation=$(pinned | cut -d" " -f1)
	had=$(links "$generation")
	traced -e "inject=bpf:$2"
	check "$1: the start fails" refused
	check "$1: and says why" grep -q "$3" "$work/refused"
	SENSOR=$untraced
	check "$1: those that record are the only ones" [ "$(pinned)" = "$generation maps " ]
	check "$1: all of them" [ "$(links "$generation")" = "$had" ]
	container_run "meanwhile_$1" /bin/true || fail "a container runs"
	meanwhile=$id
	start
	check "$1: of a container after that nothing is missing" is_complete "after_$1"
	check "$1: nor of one that ran while no sensor did" eval '"$VARVE" replay "$work/log" --container "$meanwhile" | grep "^COMPLETE"'
}
traced
start
sensor_kill
nth=$(grep -n 'BPF_OBJ_PIN.*pathname="[^"]*/[0-9]*/[^/]*"' "$work/calls" | tail -n 5 | head -n 1 | cut -d: -f1)
fails_half_way pins error=ENOSPC:when="$nth" 'cannot pin.*No space left'
# The BTF of the programs is the largest that is loaded; libbpf tries it twice, for the kernel's words.
nth=$(grep -n 'BPF_BTF_LOAD' "$work/calls" | sed -E 's/^([0-9]+):.*btf_size=([0-9]+).*/\2 \1/' | sort -n | tail -n 1 | cut -d' ' -f2)
fails_half_way btf error=EINVAL:when="$nth..$((nth + 1))" 'refuses the BTF.*this build of them is broken'

# What the kernel left out while no sensor ran is declared by the next one, once. That it counts it itself takes a kernel that preempts
# tracepoints (tests/vm/pinned.sh); here the count of programs that are gone is set: `misses_left`, eight bytes before the last 16 of `shared`.
shared() { bpftool -j map dump pinned "$pins/maps/shared" | grep -o '"value":\[[^]]*' | grep -o '0x..'; }
bpftool map update pinned "$pins/maps/shared" key 0 0 0 0 value $(shared | head -n -24) 7 0 0 0 0 0 0 0 $(shared | tail -n 16) || fail "the count is set"
start
left() { shared | tail -n 24 | head -n 8 | grep -vc 0x00; }
wait_for 10 eval '[ "$(left)" = 0 ]'
sensor_kill
start
sensor_stop
"$VARVE" cat "$work/log" | grep '"cause":"not_run"' >"$work/not_run"
check "what was left out while no sensor ran is declared, once" [ "$(grep -c '"count":"\?7"\?' "$work/not_run")/$(wc -l <"$work/not_run")" = 1/1 ]

# No room for how far the log has come: told once, and the next start reads more of the log. Nothing is lost by it.
unpin || fail "what is pinned is removed"
start --container-limit 16
bytes=$(bpftool -j map show pinned "$pins/maps/books" | sed 's/.*"bytes_value":\([0-9]*\).*/\1/')
for ((n = 0; n < 33; n++)); do # twice the limit, and the node
	bpftool map update pinned "$pins/maps/books" key $n 255 255 255 255 255 255 127 value $(yes 0 | head -n "$bytes") 2>/dev/null
done
container_run crowded /bin/sleep 3 || fail "a container runs"
crowded=$id
check "books that cannot be kept are told" wait_for 10 grep -q 'cannot keep in the pinned maps' "$work/sensor.err"
sleep 2
check "once" [ "$(grep -c 'cannot keep in the pinned maps' "$work/sensor.err")" = 1 ]
sensor_kill
start
check "of a container after that nothing is missing" is_complete roomy
id=$crowded
check "nor of the one whose book there was no room for" sh -c '"$1" replay "$2" --container "$3" | grep "^COMPLETE"' - "$VARVE" "$work/log" "$crowded"
unpin || fail "what is pinned is removed"

# Such a book holds back what is behind it in the log, but not for ever: the log has a limit. From half of it on new records come first;
# the next start takes over all the same, declares what it cannot know of that container, and nothing of the others is touched.
start --container-limit 16 --log-limit 1M --log-segment-size 64K
for ((n = 0; n < 33; n++)); do
	bpftool map update pinned "$pins/maps/books" key $n 255 255 255 255 255 255 127 value $(yes 0 | head -n "$bytes") 2>/dev/null
done
container_run crowded_long /bin/sh -c 'i=0; while [ $i -lt 4000 ]; do : >/tmp/$i; i=$((i + 1)); done; sleep 2' || fail "a container runs"
crowded=$id
check "books that cannot be kept are told again" wait_for 10 grep -q 'cannot keep in the pinned maps' "$work/sensor.err"
booked() { shared | sed -n 17,24p | tr -d '\n'; } # `booked_index`, behind four numbers of four bytes
before=$(booked)
sleep 2
[ "$(booked)" != "$before" ] || fail "how far the log has come is kept again, from half of the log's limit on"
sensor_kill
start
check "of a container after that nothing is missing" is_complete afterwards
"$VARVE" cat "$work/log" 2>/dev/null | grep '"kind":"RUN_START"' | tail -n 1 >"$work/run_start"
check "the sensor that came took over" grep -q '"takes_over":true' "$work/run_start"
"$VARVE" replay "$work/log" --container "$crowded" >"$work/said" 2>&1
check "of the one whose book there was no room for it is said what went from the log" grep -q '^INCOMPLETE: .*log_limit' "$work/said"
unpin || fail "what is pinned is removed"

# Programs that do not run, because somebody has changed a map of theirs: the canary does not come, and the verdict knows.
start --heartbeat 500ms
for ((cpu = 0; cpu < $(nproc); cpu++)); do
	bpftool map update pinned "$pins/maps/current_set" key $(printf '%d 0 0 0' $cpu) value 0 0 0 0 || fail "the map is changed"
done
check "a canary that does not come is told" wait_for 10 grep -q 'no probe saw what the sensor did itself' "$work/sensor.err"
sensor_stop
"$VARVE" cat "$work/log" 2>/dev/null | grep '"kind":"HEARTBEAT"' >"$work/heartbeats"
check "and in HEARTBEAT" grep -q '"canary":false' "$work/heartbeats"
"$VARVE" coverage "$work/log" >"$work/coverage"
check "and in the coverage" grep -q '  no canary ' "$work/coverage"
unpin || fail "what is pinned is removed"

# What --unpin cannot do, it says.
start
find "$pins" | sort >"$work/before"
if unpin; then fail "nothing is removed under a sensor that runs"; else
	check "nothing is removed under a sensor that runs, with the way out" grep -q 'another sensor has what is pinned in .*: stop it' "$work/unpinned"
fi
check "and all is there still" diff "$work/before" <(find "$pins" | sort)
sensor_kill
mkdir -p "$pins/maps/foreign/foreign" # a directory among the files
if unpin; then fail "what cannot be removed is no success"; else
	check "what cannot be removed is told" grep -q 'cannot remove what is pinned' "$work/unpinned"
fi
check "then the rest is no set" [ ! -e "$pins/maps/shared" ]
check "and a start says that it cannot be removed" refused
check "with what it is" grep -q 'cannot remove what is pinned' "$work/refused"
rmdir "$pins/maps/foreign/foreign" "$pins/maps/foreign"
mkdir "$pins/foreign"
if unpin; then fail "a directory that is left is no success"; else
	check "a directory that is left is told" grep -q 'what was pinned in .* is removed, but the directory is not' "$work/unpinned"
fi
check "but all that is a sensor's is removed" [ "$(find "$pins" -mindepth 1)" = "$pins/foreign" ]
start
check "what is somebody else's is in nobody's way" is_complete foreign
rmdir "$pins/foreign"

# A start without: what is pinned is told, and left as it is.
find "$pins" | sort >"$work/before"
sensor_start --pin off --pin-directory "$pins" || fail "sensor starts: $(cat "$work/sensor.err")"
check "a start without tells what is pinned" grep -q 'hooks are pinned in .*remove them (varve-sensor --unpin)' "$work/sensor.err"
check "of a container beside pinned hooks nothing is missing" is_complete beside
check "and it leaves what is pinned" diff "$work/before" <(find "$pins" | sort)

# Of another release: `shared` is larger, or says another form, or is no such map at all.
another() { # NAME LAYOUT BPFTOOL-OPTIONS...
	local name=$1 layout=$2 zeros
	shift 2
	rm -f "$pins/maps/shared"
	bpftool map create "$pins/maps/shared" name shared "$@" || { fail "$name is made"; return; }
	zeros=$(bpftool -j map show pinned "$pins/maps/shared" | sed 's/.*"bytes_value":\([0-9]*\).*/\1/')
	bpftool map update pinned "$pins/maps/shared" key 0 0 0 0 value "$layout" $(yes 0 | head -n $((zeros - 1))) || { fail "$name is filled"; return; }
	check "$name is refused" refused
	check "$name: with a way out" grep -q 'has another form: remove it (varve-sensor --unpin)' "$work/refused"
}
size=$(bpftool -j map show pinned "$pins/maps/shared" | sed 's/.*"bytes_value":\([0-9]*\).*/\1/')
own=$((16#$(bpftool -j map dump pinned "$pins/maps/shared" | sed 's/.*"value":\["0x\(..\)".*/\1/')))
another "a larger map" "$own" type array key 4 value 4096 entries 1
another "a smaller map" "$own" type array key 4 value 4 entries 1
another "another form" $((own + 1)) type array key 4 value "$size" entries 1 flags 1024
another "no array" "$own" type hash key 4 value "$size" entries 1
check "the way out is one: it is removed" unpin
[ -e "$pins" ] && fail "nothing stays pinned"
sensor_start --pin off --pin-directory "$pins" || fail "sensor starts: $(cat "$work/sensor.err")"
check "where nothing is pinned nothing is told" [ -z "$(grep pinned "$work/sensor.err")" ]
sensor_stop
finish
