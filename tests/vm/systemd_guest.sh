#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# In the guest of systemd.sh, as a unit of its systemd: containers in scopes that this systemd makes, some before the sensor (a unit, too),
# some after; and units that are no containers. Leaves in /var/lib/test what was asked for: expected (for whose.py) and cgroups (where
# systemd says that each is: id, path). Prints "ok" and "not ok" lines.
export PATH=/usr/bin:/usr/sbin CRI_SOCKET=/run/containerd/containerd.sock
test=/var/lib/test
failures=0
tab=$(printf '\t')
say() { echo "# $(cut -d ' ' -f 1 /proc/uptime) s: $*"; }
fail() { echo "not ok $*"; failures=$((failures + 1)); }
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >/tmp/check 2>&1; then echo "ok $name"; else fail "$name: $(tail -n 2 /tmp/check | tr '\n' ' ')"; fi
}
# By count, not by the clock: of a busy machine this one is a small part.
wait_for() { # TIMES COMMAND...
	local n=$1
	shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.3
	done
}
# The whole machine is recorded, who asks for a program too: it has the token as well.
program() { expect program=/bin/true "$@"; }
expect() { printf '%s\t' "$@" >>$test/expected; echo >>$test/expected; }
uuid() { cat /proc/sys/kernel/random/uuid; }
slice() { echo "kubepods-${2:+$2-}pod$(echo "$1" | tr - _).slice"; } # UID [CLASS]

# --- pods, as kubelet asks containerd for them
pod() { # NAME [CLASS]: sets uid
	local sandbox
	uid=$(uuid)
	sandbox=$(cri pod $test/$1 name=$1 namespace=shop uid=$uid network=node parent=$(slice $uid $2)) || { fail "pod $1 is made"; return; }
	expect title="the sandbox of $1" id=$sandbox namespace=shop pod=$1 uid=$uid runtime=containerd sandbox=true
	where $sandbox cri-containerd-$sandbox.scope /kubepods.slice/${2:+kubepods-$2.slice/}$(slice $uid $2)
}
container() { # POD NAME COMMAND...: of the pod made last; sets id
	local name=$2 pod=$1
	shift 2
	id=$(cri container $test/$pod $name example.test/pause:1 /bin/sh -c "$*") || { fail "container $name of $pod is made"; return; }
	expect title="$name of $pod" id=$id name=$name image=example.test/pause:1 namespace=shop pod=$pod uid=$uid runtime=containerd
	where $id cri-containerd-$id.scope
}
# What systemd itself says of a scope, and that it is below its slice's.
where() { # ID SCOPE [SLICE'S PATH]
	local path
	path=$(systemctl show --property ControlGroup --value "$2")
	case $path in
	"${3:-/kubepods.slice}"/*) ;;
	*) fail "$2 is a scope of systemd: it says \"$path\"" ;;
	esac
	printf '%s\t%s\n' "$1" "$path" >>$test/cgroups
}
first() { # POD NAME
	container $1 $2 "/bin/true first-$1-$2; exec /bin/sleep 100000"
	program title="first program of $2 of $1" id=$id token=first-$1-$2 entry=entrypoint times=1
}
session() { # ID TOKEN
	cri exec $1 /bin/true $2 || fail "exec $2"
	program title="exec $2 is a session of its container" id=$1 token=$2 entry=session times=1
}

# --- runc alone with the systemd driver: bundles that the host has made
bundle_expect() { # BUNDLE ID RUNTIME [KEY=VALUE...]
	local bundle=$1 id=$2 runtime=$3
	shift 3
	. $test/$bundle.env
	expect title="runc's $bundle" id=$id name=app image=docker.io/library/busybox:1.35 namespace=e2e pod=$bundle uid=$POD_UID runtime=$runtime "$@"
}

# --- units that are no containers
stranger() { # UNIT TOKEN OPTION...
	local unit=$1 token=$2
	shift 2
	systemd-run --quiet --wait --unit=$unit "$@" /bin/true $token || fail "unit $unit runs"
	program title="a program of $unit is no container's" token=$token times=1
}

sensors=0
sensor_up() { # ACTION
	sensors=$((sensors + 1))
	systemctl $1 varve-sensor || fail "systemctl $1 varve-sensor"
	wait_for 1000 sh -c "[ \$(grep -c recording /run/varve.err) -ge $sensors ]" || fail "sensor records: $(tail -n 2 /run/varve.err)"
	say "$1 of the sensor"
}

mkdir -p $test
cat /proc/1/comm | grep -qx systemd || fail "the first process is systemd"
taken=v2
case $1 in
hybrid) check "hybrid hierarchy" grep -q ' /sys/fs/cgroup/unified .* cgroup2 ' /proc/self/mountinfo ;;
legacy)
	taken=pids
	check "v1 hierarchies alone" sh -c '! grep " - cgroup2 " /proc/self/mountinfo'
	;;
*) check "unified hierarchy" grep -q ' /sys/fs/cgroup .* cgroup2 ' /proc/self/mountinfo ;;
esac
wait_for 1000 cri version || fail "containerd starts: $(systemctl status --no-pager containerd)"
say "containerd is up"
ctr --namespace k8s.io images import /pause.tar >/dev/null || fail "image is imported"

pod early burstable
container early early 'while :; do /bin/true loop-early; /bin/sleep 1; done'
early=$id
program title="what ran before the sensor is its container's" id=$early token=loop-early
runc --systemd-cgroup run --detach --bundle /named named </dev/null >/dev/null 2>&1 || fail "runc runs a container"
where named runc-named.scope
bundle_expect named named runc
say "containers before the sensor"

sensor_up start
check "the sensor takes the hierarchy $taken" grep -q "by the cgroup hierarchy $taken" /run/varve.err
session $early exec-early
runc exec named /bin/true exec-named || fail "runc exec"
program title="runc exec is a session of its container" id=named token=exec-named entry=session times=1
pod web burstable
first web app
web=$id
first web sidecar
session $web exec-web
systemctl daemon-reload || fail "daemon-reload"
session $web exec-web-after-reload
pod guaranteed
first guaranteed app
say "containers after the sensor"
alone=$(sed -n 's/^ID=//p' $test/alone.env)
runc --systemd-cgroup run --bundle /alone $alone </dev/null || fail "runc runs a container"
# The cgroup is systemd's work: where runc's bundle is, runc's own state says, when the container is there.
bundle_expect alone $alone containerd late=any
program title="first program of runc's alone" id=$alone token=alone-first entry=entrypoint times=1
stranger plain.service no-container-1
stranger runc-housekeeping.service no-container-2
stranger kubepods-helper.service no-container-3 --slice=kubepods.slice
systemd-run --quiet --scope --unit=session-7 /bin/true no-container-4 || fail "a scope runs"
program title="a program of session-7.scope is no container's" token=no-container-4 times=1
say "units"

# Everything starts anew, but the containers.
sensor_up restart
session $early exec-early-2
session $web exec-web-2
systemctl daemon-reexec || fail "daemon-reexec"
systemctl restart containerd || fail "systemctl restart containerd"
wait_for 1000 cri version || fail "containerd starts again"
say "containerd is up again"
session $web exec-web-3
pod late besteffort
first late app
session $id exec-late
stranger late.service no-container-5
for p in early web guaranteed late; do cri remove-pod $test/$p || fail "pod $p is removed"; done
runc kill named KILL
sleep 2
runc delete --force named
check "the scopes have gone" sh -c '! systemctl list-units --no-legend "*.scope" | grep -E "cri-containerd|runc-"'
sleep 2
systemctl stop varve-sensor
check "the sensor's unit ends well" sh -c 'systemctl show --property Result --property ExecMainStatus varve-sensor | tr "\n" " " | tee /dev/stderr | grep -q "Result=success ExecMainStatus=0"'
check "varve-sensor --unpin removes what outlives it" sh -c 'varve-sensor --unpin && [ ! -e /sys/fs/bpf/varve ]'
check "no unit has failed" sh -c 'f=$(systemctl list-units --failed --no-legend --plain); echo "$f"; [ -z "$f" ]'
say "end"
cp /run/varve.err $test/
sync
[ $failures = 0 ]
