# SPDX-License-Identifier: Apache-2.0
# Containers of an engine with a command line like Docker's. The suite sets engine, its name in the records, defines a function of that name
# with _ behind it that calls it, and run_options, what each container is run with.
. tests/e2e/node.bash
run_options=()

# run NAME IMAGE OPTION... -- COMMAND...: sets id; what is expected of it. starts: how often it is going to start, if not once.
run() {
	local name=$1 image=example.test/$2:1 options=()
	shift 2
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	id=$("${engine}_" run --detach --name "$name" "${run_options[@]}" "${options[@]}" "$image" "$@" 2>"$work/run.err") ||
		{ fail "$engine run $name: $(tail -n 1 "$work/run.err")"; return; }
	expect title="$name" id="$id" name="$name" image="$image" runtime="$engine" ${starts:+starts="$starts"}
}
first() { first_of "$1, of image $2" "$1-$2" run "$@" --; } # NAME IMAGE OPTION...
id_of() { "${engine}_" inspect --format '{{.Id}}' "$1"; }
session() { session_of "$(id_of "$1")" "$2" "${engine}_" exec "$1"; } # NAME TOKEN

# nested DIRECTORY OPTION...: a container with its own engine, which makes cgroups as this one does.
nested() {
	local dir=$1
	shift
	run nested web "$@" -- /bin/sh -c 'mkdir /tmp/cg && mount '"$cgroup_mount"' cgroup /tmp/cg || exit 1
		own=/tmp/cg$(sed -n "s/^'"$cgroup_line"'//p" /proc/self/cgroup)/'"$dir"'
		mkdir -p "$own" && (echo 0 >"$own/cgroup.procs" && /bin/true '"$mark"'-nested) || exit 1
		exec /bin/sleep 100000'
	expect title="in a cgroup of a $engine in $engine it stays the container's" id="$id" token="$mark-nested" entry=entrypoint times=1
	wait_for 30 sleeps "$id" || fail "nested comes up"
}
