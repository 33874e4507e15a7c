#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The image (make image): the same bytes when it is made again, what is in it, its SBOM by others' code; and under a real containerd: the sensor
# with the capabilities of deploy/k8s records a container, varve reads that as a user without any.
. "$(dirname "$0")/lib.sh"
image=$O/image
again() { # as another machine would: other times and names of directories, another umask and zone
	local dir=$work/elsewhere
	make --no-print-directory -s O="$O" install DESTDIR="$dir" PREFIX=/usr/local || return 1
	find "$dir" -exec touch -h -d 2001-01-01 {} +
	(umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 deploy/image/build.py "$dir" "$work/again" docker.io/library/varve-sensor)
}
make --no-print-directory -s O="$O" all >"$work/all" 2>&1 || { fail "build: $(tail -n 3 "$work/all")"; finish; }
make --no-print-directory -s O="$O" image >"$work/made" 2>&1 || { fail "make image: $(tail -n 3 "$work/made" | tr '\n' ' ')"; finish; }
again >"$work/made.again" 2>&1 || fail "made again: $(tail -n 3 "$work/made.again" | tr '\n' ' ')"
check "made again it has the same digest" cmp "$work/made" "$work/made.again"
check "and is the same, to the byte" cmp "$image.tar" "$work/again.tar"
no_source() { (cd "$work" && env -u SOURCE_DATE_EPOCH GIT_DIR=/nonexistent "$OLDPWD/deploy/image/build.py" elsewhere none varve) 2>&1 | grep -q 'SOURCE_DATE_EPOCH'; }
check "without git it asks for the time" no_source
tools=$(tests/image/get.sh) || { fail "what reads the SBOM"; finish; }
PYTHONPATH=$tools PYTHONDONTWRITEBYTECODE=1 "$PYTHON" tests/image/check.py "$image" "$image.spdx.json" "$work/root" >"$work/look" 2>&1
looked=$?
cat "$work/look"
[ $looked = 0 ] || failures=$((failures + 1))

on_exit+=('{ ctr_ task kill -s KILL sensor && sleep 0.3; } 2>/dev/null')
. tests/e2e/containerd_alone.bash
ref=$(cut -d' ' -f2 "$work/made" | sed 's/:$//')
check "containerd imports it" ctr_ images import "$image.tar"
imported() { ctr_ images ls | awk -v n="$ref" '$1 == n { print $3 }' | grep -qx "$(cut -d' ' -f1 "$work/made")"; }
check "by its name and digest" imported
run() { # ID OPTIONS... -- COMMAND...: in a container of the image that can write nothing
	local id=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	ctr_ run --read-only --cgroup "/$tree/$id" "${options[@]}" "$ref" "$id" "$@"
}
bind() { echo "type=bind,src=$1,dst=$2,options=rbind:$3"; }

# Of the capabilities of deploy/k8s those that this machine's root has itself; of runc's own, none that is not there.
bound=$((16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status))) add=() drop=()
wanted=$(sed -n '/^ *add:$/,/^ *seccompProfile:/s/^ *- \([A-Z_]*\) .*/\1/p' deploy/k8s/base/daemonset.yaml)
[ -n "$wanted" ] || fail 'the capabilities of deploy/k8s'
for cap in $wanted; do
	bit=$((1 << $(sed -n "s/^#define CAP_$cap[[:space:]]*\([0-9]*\)\$/\1/p" /usr/include/linux/capability.h)))
	if ((bound & bit)); then add+=(--cap-add "CAP_$cap"); else echo "skip the sensor with $cap: this machine's root has it not"; fi
done
for cap in CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE; do
	[[ " ${wanted//$'\n'/ } " == *" $cap "* ]] || drop+=(--cap-drop "CAP_$cap")
done
mkdir -m 700 "$work/log"
run sensor "${add[@]}" "${drop[@]}" --with-ns pid:/proc/$$/ns/pid --with-ns cgroup:/proc/$$/ns/cgroup --mount "$(bind "$work/log" /var/lib/varve rw)" \
	--mount "$(bind / /host ro)" --mount "$(bind /sys/fs/cgroup /sys/fs/cgroup ro)" \
	-- /usr/local/sbin/varve-sensor --host-root /host --node-name image-node >"$work/sensor.out" 2>"$work/sensor.err" &
sensor=$!
wait_for 60 grep -q 'recording' "$work/sensor.err" || { fail "the sensor records: $(tail -n 3 "$work/sensor.err" "$work/sensor.out" | tr '\n' ' ')"; finish; }
pass "the sensor records from the image"
container_run shop /bin/sh -c 'cp /bin/busybox /tmp/true; /tmp/true' || fail "container"
sleep 0.5
ctr_ task kill -s TERM sensor || fail "sensor is asked to end"
wait $sensor && pass "and ends as asked" || fail "and ends as asked: $(tail -n 2 "$work/sensor.err" | tr '\n' ' ')"

# What it wrote is root's; a copy is the responder's, who runs varve from the same image with no capability, nothing to write to but /tmp.
mkdir "$work/bundle"
cp -r "$work/log" "$work/evidence" && chown -R 65532:65532 "$work/evidence"
(cd "$work/bundle" && runc spec) || fail "runc spec"
as_responder() { # ARGUMENTS...: of varve
	"$PYTHON" - "$work" "/$tree/responder" /usr/local/bin/varve "$@" <<'PY' && runc_ run --bundle "$work/bundle" "responder-$RANDOM"
import json, sys
work, cgroup, *args = sys.argv[1:]
path = work + '/bundle/config.json'
config = json.load(open(path))
config['process'] |= {'terminal': False, 'args': args, 'user': {'uid': 65532, 'gid': 65532}, 'capabilities': {}, 'env': []}
config['root'] = {'path': work + '/root', 'readonly': True}
config['linux']['cgroupsPath'] = cgroup
config['mounts'] = [m for m in config['mounts'] if m['destination'] not in ('/var/lib/varve', '/tmp')] + [
    {'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'nodev', 'mode=1777']}]
config['mounts'].append({'destination': '/var/lib/varve', 'type': 'bind', 'source': work + '/evidence', 'options': ['rbind', 'ro']})
json.dump(config, open(path, 'w'))
PY
}
replayed() { as_responder replay /var/lib/varve --pod e2e/shop --format jsonl >"$work/replayed"; }
check "varve, as nobody in particular, says COMPLETE" replayed
check "of what ran" grep -q '"kind":"EXEC".*"path":"/tmp/true"' "$work/replayed"
check "and verifies it" as_responder verify /var/lib/varve --key /var/lib/varve/sensor.pub
finish
