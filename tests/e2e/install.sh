#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make install, as a package uses it: where things are, and a program of somebody else's, in C and C++, that finds the library for readers by
# pkg-config and reads a log of every kind with it, also a damaged one.
. "$(dirname "$0")/lib.sh"
make --no-print-directory -s O="$O" all "$O/tests/consumers/records" || exit 1
export prefix=$work/usr
install_() { make --no-print-directory -s O="$O" install "$@"; }
check "make install" install_ PREFIX="$prefix" SYSCONFDIR="$prefix/etc"
check "below DESTDIR" install_ DESTDIR="$work/root" PREFIX=/opt/varve LIBDIR=/opt/varve/lib64 SYSCONFDIR=/opt/varve/etc
files() { (cd "$1" && find . -type f | sed 's,^\./lib64/,./lib/,' | sort); }
check "the same there" diff <(files "$prefix") <(files "$work/root/opt/varve")
check "the unit says where the program is" grep -qx 'ExecStart=/opt/varve/sbin/varve-sensor' "$work/root/opt/varve/lib/systemd/system/varve-sensor.service"
check "nothing names where it was put meanwhile" bash -c '! grep -rIl "$1" "$1/root"' - "$work"
for program in sbin/varve-sensor sbin/varve-kubewatch bin/varve; do check "$program is there" test -x "$prefix/$program"; done
check "manual pages" mandoc -T lint -W error "$prefix/share/man/man8/varve-sensor.8" "$prefix/share/man/man1/varve.1"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
check "pkg-config" pkg-config --print-errors --exists varve-evidence
[ "$(pkg-config --modversion varve-evidence)" = "$("$VARVE" --version | cut -d' ' -f2)" ] && pass "its version is ours" || fail "its version is ours"
check "its schema" cmp "$(pkg-config --variable=schemadir varve-evidence)/varve.desc" "$O/varve.desc"
# shellcheck disable=SC2046
compile() { "$@" -Wall -Wextra -Werror tests/package/reader.c -o "$work/reader.$1" $(pkg-config --cflags --libs varve-evidence); }
check "a reader in C" compile gcc -std=c99
check "and in C++" compile g++ -x c++
names() { nm -g --defined-only "$prefix/lib/libvarve-evidence.a" | awk 'NF == 3 { print $3 }' | grep -vE '^varve_log_(open|next|damage|close)$|^varve__v1__'; }
check "the library has no names but its own" bash -c '! grep .' < <(names)

"$O/tests/consumers/records" --log-dir "$work/log" --node-name test-node >"$work/records.out" 2>&1 || fail "a log: $(tail -n 1 "$work/records.out")"
"$VARVE" cat "$work/log" | "$PYTHON" -c 'import json, sys
for i, r in enumerate(map(json.loads, sys.stdin)): print(i, r["sequence"], r["kind"])' >"$work/expected"
[ "$(wc -l <"$work/expected")" -gt 50 ] || fail "the log has every kind"
for c in gcc g++; do
	[ -x "$work/reader.$c" ] || continue
	"$work/reader.$c" "$work/log" >"$work/read" 2>&1
	check "reads a log as varve cat does ($c)" cmp "$work/read" "$work/expected"
done
segment=$(find "$work/log" -name '*.seg' | sort | head -n 1)
printf '\377' | dd of="$segment" bs=1 seek=$(($(stat -c %s "$segment") / 2)) conv=notrunc status=none
"$work/reader.gcc" "$work/log" >"$work/read" 2>&1 || fail "reads a damaged log"
check "says where it is damaged" grep -q "^damage $(basename "$segment") [0-9]" "$work/read"
tail -n 1 "$work/expected" | cut -d' ' -f2- >"$work/last"
check "and goes on to the end" bash -c 'tail -n 1 "$1" | cut -d" " -f2- | cmp - "$2"' - "$work/read" "$work/last"
"$work/reader.gcc" "$work/nowhere" >"$work/none" 2>&1
[ "$(cat "$work/none")" = "No such file or directory" ] && pass "no log: says so, and prints nothing itself" || fail "no log: $(cat "$work/none")"
finish
