#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods on a real CRI-O that sees cgroup v2 alone, made as kubelet makes them: each record has the pod; conmon is taken for no container's.
. "$(dirname "$0")/lib.sh"
V2_ONLY=1
for p in podman conmon runc; do command -v $p >/dev/null || { echo "skip crio: no $p here"; exit 0; }; done
crio=$(tests/crio/build.sh) || { echo "skip crio: it cannot be built"; exit 0; }
runtime=cri-o
# Where its namespaces can be kept without it, CRI-O makes no container of the sandbox, only a cgroup that stays empty, before it writes whose
# it is.
sandbox_says() { # OPTION of the pod...
	echo image=example.test/pause:1
	[[ " $* " == *" pid=pod "* ]] || echo late=start
}
. tests/e2e/cri.bash
export CRI_SOCKET=$node_root/run/crio/crio.sock

runc_like runc-like
runc_like runc-systemd systemd
handler() { # NAME BINARY
	echo "[crio.runtime.runtimes.$1]
runtime_path = \"$2\"
runtime_root = \"/run/runc\"
monitor_path = \"$(command -v conmon)\"
monitor_cgroup = \"pod\""
}
{ # Without systemd, and asking for no more than root may have where CAP_SYS_RESOURCE lacks.
	cat <<C
[crio]
root = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
storage_driver = "overlay"
version_file = "/run/crio/version"
version_file_persist = ""
clean_shutdown_file = "/run/crio/clean"
[crio.api]
listen = "/run/crio/crio.sock"
[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
pinns_path = "$crio/pinns"
seccomp_profile = ""
apparmor_profile = "unconfined"
default_ulimits = []
container_exits_dir = "/run/crio/exits"
container_attach_socket_dir = "/run/crio"
namespaces_dir = "/run/crio/ns"
enable_criu_support = false
[crio.image]
pause_image = "example.test/pause:1"
pause_command = ""
[crio.network]
network_dir = "/etc/cni"
plugin_dirs = ["/usr/lib/cni"]
[crio.nri]
enable_nri = false
C
	handler runc "$work/runc-like"
	handler systemd "$work/runc-systemd"
} >"$work/crio.conf"
echo '[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"' >"$work/containers.conf"
export CONTAINERS_CONF=$work/containers.conf
image_import() { node_ podman pull -q "oci-archive:$2" >"$work/pulled" && node_ podman tag "$(tail -n 1 "$work/pulled")" "$1"; }
images_make image_import
crio_start() {
	daemon crio "$crio/crio" --config "$work/crio.conf" --config-dir "$work/crio.d" --log-level info
	wait_for 30 "$cri" version
}
crio_start || { tail -n 5 "$work/crio.log"; fail "CRI-O starts"; finish; }

# conmon ID [.scope]: what looks after the container, in a cgroup of the pod's beside it; noted.
conmon() {
	local name=crio-conmon-$1${2:-}
	find /sys/fs/cgroup -path "*/$tree/*/$name/cgroup.procs" -exec cat {} + >"$work/conmon"
	grep -q . "$work/conmon" && pass "conmon is in crio-conmon-...${2:-}" || fail "nobody is in $name"
	cat "$work/conmon" >>"$work/conmons"
}

pod early early
container early early sidecar "${loop[@]}"
early=$id
watch "$early"
session "$early" exec-early
conmon "$early"

# One pod, an init container and two that live together.
pod web web-0
container web setup web /bin/true "$mark-first-web-setup"
expect title="the init container" id="$id" token="$mark-first-web-setup" entry=entrypoint times=1
[ "$("$cri" wait "$id")" = 0 ] || fail "init container ends well"
first web app web
app=$id
conmon "$app"
first web sidecar sidecar
session "$app" exec-app
session "$id" exec-sidecar
# One of them ends, and kubelet starts it again.
"$cri" stop "$id" || fail "sidecar stops"
first web sidecar:1 sidecar
session "$id" exec-restarted

# A sandbox with a process of its own.
pod shared shared-0 pid=pod
first shared app web
first shared other sidecar
session "$id" exec-other

pod hostnet hostnet-0 network=node
first hostnet app web
pod hostpid hostpid-0 pid=node
first hostpid app web
session "$id" exec-hostpid

# As the systemd driver names them.
pod systemd systemd-0 handler=systemd
first systemd app web
conmon "$id" .scope
session "$id" exec-systemd
pod slice slice-0 handler=systemd pid=pod
first slice app web
conmon "$id" .scope

# A pod whose author writes annotations as if it were another one: CRI-O passes them on.
for type in sandbox container; do
	# shellcheck disable=SC2046
	pod forger-$type forger-0 $(forged web $type)
	first forger-$type app web
done

# CRI-O restarts, the containers live on.
kill -TERM "$daemon_pid"
wait_for 20 test ! -e "/proc/$daemon_pid" || fail "CRI-O ends"
crio_start || fail "CRI-O starts again"
session "$app" exec-after-crio
container web later web /bin/true "$mark-first-web-later"
expect title="a container of the pod after CRI-O's restart" id="$id" token="$mark-first-web-later" entry=entrypoint times=1
[ "$("$cri" wait "$id")" = 0 ] || fail "the later container ends well"

# The sensor restarts.
watch_again
session "$app" exec-after-sensor
first web sidecar:2 sidecar

# Another pod of the same name.
"$cri" remove-pod "$work/web" || fail "pod is removed"
pod web2 web-0
first web2 app web
for p in early shared hostnet hostpid systemd slice forger-sandbox forger-container web2; do "$cri" remove-pod "$work/$p" || fail "pod $p is removed"; done
judge
# No record of a container is of a conmon.
"$PYTHON" - "$work/all" "$work/conmons" >"$work/taken" <<'PY'
import json, sys
conmons = set(map(int, open(sys.argv[2])))
for e in map(json.loads, open(sys.argv[1])):
    process = e.get('process', {})
    if 'container' in e and (process.get('pid') in conmons or process.get('exe_path', '').endswith('/conmon')):
        print(e['kind'], e['container'], process)
PY
[ -s "$work/taken" ] && fail "conmon is taken for the container's: $(head -n 1 "$work/taken")" || pass "no conmon is taken for a process of a container"
node_down
leftovers
finish
