#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the API server adds, and one that is late, slow, lying, broken or gone: records lack what it would have said, and nothing else.
. "$(dirname "$0")/lib.sh"

api=$work/api
mkdir "$api"
q() { openssl "$@" 2>/dev/null; }
for ca in ca other; do q req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$ca" -keyout "$api/$ca.key" -out "$api/$ca.crt"; done
q req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=api -keyout "$api/server.key" -out "$api/server.csr"
q x509 -req -in "$api/server.csr" -CA "$api/ca.crt" -CAkey "$api/ca.key" -CAcreateserial -days 2 -extfile <(echo subjectAltName=IP:127.0.0.1,DNS:localhost) -out "$api/server.crt"
mode() { echo "$1" >"$api/mode.tmp"; mv "$api/mode.tmp" "$api/mode"; : >"$api/requests"; }
pods() { # OWNER RESTARTS: the pod of container `web`
	cat >"$api/pods.tmp" <<J
[{"metadata":{"uid":"$uid","name":"web","namespace":"e2e","resourceVersion":"7","labels":{"app":"shop","pod-template-hash":"7c9d","secret":"s3cr3t"},
"ownerReferences":[{"kind":"ReplicaSet","name":"$1-7c9d","controller":true}]},"spec":{"nodeName":"test-node","serviceAccountName":"shopkeeper",
"containers":[{"name":"app","image":"i"}]},"status":{"phase":"Running","containerStatuses":[{"name":"app","containerID":"containerd://$id","restartCount":$2,
"imageID":"example.test/i@sha256:feed"}]}},
{"metadata":{"uid":"0c0c0c0c-0000-4000-8000-000000000000","name":"elsewhere","namespace":"e2e"},"spec":{"nodeName":"another"}}]
J
	mv "$api/pods.tmp" "$api/pods.json"
}
requests() { [ "$(grep -c "^$1" "$api/requests")" -ge "$2" ]; }
said() { grep -q "$1" "$work/sensor.err"; }
watcher() { pgrep -P "$sensor_pid" -x varve-kubewatch; }
in_log() { "$VARVE" cat "$work/log" 2>/dev/null | grep -q "$1"; }

bundle_make web /bin/sleep 1000
uid=$(grep -o 'pod[0-9a-f-]\{36\}' "$work/web/config.json" | head -n 1 | cut -c4-)
pods shop 0
mode silent
echo first >"$api/token"
cp "$api/ca.crt" "$api/trusted.crt"
echo wrong >"$api/given"
setsid "$PYTHON" tests/e2e/kube_server.py "$api" "$api/port" >"$work/server.log" 2>&1 &
server=$!
on_exit+=('[ -n "$server" ] && kill $server && wait $server 2>/dev/null')
wait_for 20 test -s "$api/port" || { cat "$work/server.log"; fail "server starts"; finish; }
port=$(cat "$api/port")
sensor_start --kube-api "https://127.0.0.1:$port" --kube-token-file "$api/given" --kube-ca-file "$api/trusted.crt" --heartbeat 1s || { fail "sensor starts"; finish; }

runc_ run --detach --bundle "$work/web" "$id" >/dev/null 2>&1 || fail "container starts"
wait_for 10 in_log '"kind":"EXEC".*"api_state":"PENDING"' && pass "before the answer records say PENDING" || fail "before the answer records say PENDING"
in_log '"api_state":"UNRESOLVED"' && fail "and do not give up at once" || pass "and do not give up at once"
sleep 28 # rather than to read the log all the time
wait_for 30 in_log '"kind":"BINDING".*"api_state":"UNRESOLVED"' && pass "a server without a word is given up" || fail "a server without a word is given up"
requests list 1 || fail "it was asked"
wait_for 10 in_log '"kind":"POD_STATE".*"api_state":"UNRESOLVED"' && pass "of the pod, too" || fail "of the pod, too"
runc_ exec "$id" /bin/true
wait_for 10 in_log '"kind":"EXEC".*"api_state":"UNRESOLVED".*"args":\["/bin/true"\]' && pass "later records say so" || fail "later records say so"
"$VARVE" replay "$work/log" --pod e2e/web --format jsonl >"$work/replay"
! grep '"kind":"EXEC"' "$work/replay" | grep -v '"api_state":"UNRESOLVED"' && grep -q '"kind":"EXEC"' "$work/replay" && pass "and the earlier ones for the reader" || fail "and the earlier ones for the reader"
mode watch
wait_for 20 said 'does not accept the token' && pass "a refused token is told" || fail "a refused token is told"
echo first >"$api/given" # as kubelet writes a new one
wait_for 20 in_log '"kind":"BINDING".*"workload":{"kind":"Deployment","name":"shop","concluded":true},"api_state":"KNOWN"' && pass "a late answer amends" || fail "a late answer amends"
runc_ exec "$id" /bin/true
wait_for 10 in_log '"kind":"EXEC".*"owner":{"kind":"ReplicaSet","name":"shop-7c9d"}.*"args":\["/bin/true"\]' && pass "later records have the owner" || fail "later records have the owner"
in_log '"kind":"POD_STATE".*"service_account":"shopkeeper".*"labels":\[{"key":"app","value":"shop"}\].*"image_digest":"sha256:feed"' && pass "POD_STATE says the rest" || fail "POD_STATE says the rest"
! in_log 's3cr3t' && pass "a label that is not allowed stays out" || fail "a label that is not allowed stays out"
! in_log '0c0c0c0c-0000-4000-8000-000000000000' && pass "another node's pod stays out" || fail "another node's pod stays out"

for m in slow torn garbage gone; do
	pods "$m" 0
	mode "$m"
	wait_for 30 requests . 1 || fail "$m: it asks"
	[ "$m" = slow ] || { sleep 0.2; mode watch; }
	wait_for 40 in_log "\"kind\":\"BINDING\".*\"name\":\"$m-7c9d\"" && pass "$m: and then right again" || fail "$m: and then right again"
done

mode forbidden
wait_for 30 said 'grant list and watch on pods' && pass "a refusal says what to grant" || fail "a refusal says what to grant"
cp "$api/other.crt" "$api/trusted.crt"
mode watch
wait_for 40 said 'certificate' && pass "a server that the CA does not vouch for is not trusted" || fail "a server that the CA does not vouch for is not trusted"
requests . 1 && fail "and is not asked" || pass "and is not asked"
cp "$api/ca.crt" "$api/trusted.crt"

check "it runs without privileges" bash -c "grep -q '^Uid:.65534.65534.65534.65534' /proc/$(watcher)/status && grep -q '^CapPrm:.0*$' /proc/$(watcher)/status &&
	grep -q '^CapEff:.0*$' /proc/$(watcher)/status && grep -q '^NoNewPrivs:.1' /proc/$(watcher)/status && [ \$(ls /proc/$(watcher)/fd | wc -l) -le 8 ]"
root=/proc/$(watcher)/root
check "with a filter of system calls" grep -q '^Seccomp:.2' "/proc/$(watcher)/status"
[[ $(readlink "$root") == *' (deleted)' && -d $root/ && -z $(ls -A "$root/") ]] && ! touch "$root/new" 2>/dev/null &&
	pass "in a root where nothing is and nothing can be made" || fail "in a root where nothing is and nothing can be made: $(readlink "$root") $(ls -A "$root/")"
[ ! -e "$work/log/kubewatch" ] && pass "and which is nowhere else" || fail "and which is nowhere else"
check "with limits" bash -c "grep -q '^Max open files *64 *64' /proc/$(watcher)/limits && grep -q '^Max address space *536870912 *536870912' /proc/$(watcher)/limits &&
	grep -q '^Max core file size *0 *0' /proc/$(watcher)/limits"
before=$(watcher)
kill -SYS "$before" # as the filter does
pods reborn 1
wait_for 40 in_log '"kind":"BINDING".*"name":"reborn-7c9d"' && pass "killed, it comes back and lists" || fail "killed, it comes back and lists"
said 'varve-kubewatch was killed by its system-call filter (SIGSYS)' && pass "it is told what killed it" || fail "it is told what killed it"
wait_for 10 in_log '"kind":"HEARTBEAT".*"api_restarts":"1"' && pass "HEARTBEAT counts it" || fail "HEARTBEAT counts it"
echo '[]' >"$api/pods.json"
kill -KILL "$(watcher)"
wait_for 40 in_log '"kind":"POD_STATE".*"deleted":true' && pass "what a new list lacks is deleted" || fail "what a new list lacks is deleted"
runc_ kill "$id" KILL
wait_for 10 runc_ delete "$id" || fail "the container ends"
wait_for 10 in_log '"kind":"POD_STATE".*"ended":true' && pass "the pod's end is told" || fail "the pod's end is told"
last=$(watcher)
sensor_stop || fail "sensor stops cleanly: $(cat "$work/sensor.err")"
[ ! -e "/proc/$last" ] && pass "it ends with the sensor" || fail "it ends with the sensor"
check "COMPLETE all the same" "$VARVE" replay "$work/log" --pod e2e/web --format jsonl

# By name: resolved before it has an empty root, and by another process when nobody is there.
sensor_start --kube-api "https://localhost:$port" --kube-token-file "$api/given" --kube-ca-file "$api/trusted.crt" || { fail "sensor starts"; finish; }
wait_for 20 said 'at https://localhost.* answers' && pass "a server by its name answers" || fail "a server by its name answers: $(cat "$work/sensor.err")"
kill $server && wait $server 2>/dev/null
server=
wait_for 40 said 'varve-kubewatch ended' && pass "its name is resolved anew when nobody is there" || fail "its name is resolved anew when nobody is there"
ended_again() { [ "$(grep -c 'trying on' "$work/sensor.err")" -ge 3 ]; } # each child says so once
wait_for 90 ended_again || fail "again and again"
[ "$(grep -c 'varve-kubewatch ended' "$work/sensor.err")" = 1 ] && pass "which is told once" || fail "which is told once: $(cat "$work/sensor.err")"
sensor_stop || fail "sensor stops cleanly"
finish
