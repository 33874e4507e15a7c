#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real one-node Kubernetes, with the sensor on its node: pods of each kind of owner and container, sessions, restarts, a pod made again
# under its name. What Kubernetes says exists (kubectl get) is held against each record. Then the sensor as deploy/k8s runs it, in a pod.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/k8s/cluster.sh

in_shop() { kubectl -n shop "$@"; }
wait_shop() { # WHAT CONDITION: of one that there is
	in_shop wait "$1" --for="$2" --timeout=90s >/dev/null || fail "$1: $2"
}
rolled_out() { in_shop rollout status "$1" --timeout=90s >/dev/null && pass "$1 runs" || fail "$1 runs"; }
accounts=()
account() {
	local file=$work/objects.${#accounts[@]}
	kubectl get pods,replicasets,jobs -A -o json >"$file" || fail "kubectl get"
	accounts+=("$file")
}
hold() { # RECORDS NAME: against the accounts; what is shown is told with the name before it
	"$PYTHON" tests/k8s/account.py "$1" "/$tree/kubepods" "${accounts[@]}" | sed "s/^\(ok\|not ok\) /&$2/" | tee "$work/account.out"
	failures=$((failures + $(grep -c '^not ok' "$work/account.out")))
	grep -q '^# .* records' "$work/account.out" || fail "$2account ends"
}
session() { # POD CONTAINER: executes /bin/true WHO session
	local uid
	uid=$(in_shop get pod "$1" -o jsonpath='{.metadata.uid}')
	in_shop exec "$1" -c "$2" -- /bin/true "shop/$1/$uid/$2" session || fail "kubectl exec $1 $2"
}

control_start && node_start || finish
pass "a node is ready"
sensor_in_cluster
# A static pod, older than the sensor.
kubectl create namespace shop >/dev/null
wait_for 30 in_shop get serviceaccount default
"$PYTHON" tests/k8s/workloads.py static >"$work/static.json"
in_cluster cp "$work/static.json" /var/lib/kubelet/static/static.json
wait_for 60 in_shop get pod "static-$NODE" || fail "static pod is seen"
wait_shop "pod/static-$NODE" condition=Ready

# What the sensor asks the API server with is what deploy/k8s gives it.
for f in base/namespace base/serviceaccount components/kube-api/clusterrole components/kube-api/clusterrolebinding; do kubectl apply -f deploy/k8s/$f.yaml >/dev/null || fail "apply $f"; done
kubectl -n varve create token varve-sensor >"$work/token" || fail "token"
sensor_start --host-root "/proc/$ns/root" --kube-api "$api" --kube-token-file "$work/token" --kube-ca-file "$pki/ca.crt" || { fail "sensor starts"; finish; }
"$PYTHON" tests/k8s/workloads.py >"$work/workloads.json"
kubectl apply -f "$work/workloads.json" >"$work/apply.out" 2>&1 || fail "workloads are made: $(tail -n 1 "$work/apply.out")"
in_shop create job --from=cronjob/nightly nightly-now >/dev/null || fail "CronJob is triggered"
for w in deployment/web deployment/api-7c9d4 statefulset/db daemonset/agent; do rolled_out $w; done
wait_shop pod/crashing 'jsonpath={.status.containerStatuses[0].restartCount}=1'
wait_shop pod/crashing condition=Ready
wait_shop pod/solo condition=Ready
for j in once nightly-now; do wait_shop job/$j condition=complete; done
# At the next minute, by the controller; and none after it, so that no job is made between the accounts.
by_schedule() { in_shop get jobs -o 'jsonpath={.items[?(@.metadata.ownerReferences[0].name=="minutely")].metadata.name}' | cut -d' ' -f1; }
scheduled() { [ -n "$(by_schedule)" ]; }
wait_for 90 scheduled && pass "the controller makes a job by the schedule" || fail "the controller makes a job by the schedule"
in_shop patch cronjob minutely --patch '{"spec": {"suspend": true}}' >/dev/null || fail "CronJob is suspended"
for j in $(by_schedule); do wait_shop "job/$j" condition=complete; done
web=$(in_shop get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
session "$web" app
session "$web" sidecar
session solo two
session crashing app
uid=$(in_shop get pod solo -o jsonpath='{.metadata.uid}')
in_shop debug solo --image=registry.test/busybox:1 --image-pull-policy=Never --container=debugger --profile=general -- \
	/bin/sh -c "/bin/true shop/solo/$uid/debugger; exec /bin/sleep 100000" >/dev/null || fail "kubectl debug"
wait_shop pod/solo 'jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt}'
account
# The same name again, another pod.
first=$(in_shop get pod db-0 -o jsonpath='{.metadata.uid}')
in_shop delete pod db-0 >/dev/null || fail "pod is deleted"
rolled_out statefulset/db
[ "$(in_shop get pod db-0 -o 'jsonpath={.metadata.uid}')" != "$first" ] && pass "db-0 is another pod now" || fail "db-0 is another pod now"
session db-0 app
account
state_is_there() { # of the last pod, as the API server says it
	"$VARVE" cat "$work/log" | grep '"kind":"POD_STATE"' | grep '"name":"db-0"' | tail -n 1 | grep -q '"phase":"Running"'
}
wait_for 20 state_is_there || fail "POD_STATE of the last pod"
sleep 1
sensor_stop || fail "sensor stops cleanly: $(tail -n 3 "$work/sensor.err")"
"$VARVE" cat "$work/log" >"$work/records" || fail "the log is read"
hold "$work/records" ''
# By its name alone, as the controller forms it.
grep '"kind":"EXEC"' "$work/records" | grep '"args":\["/bin/true","shop/minutely-' | grep -q '"workload":{"kind":"CronJob","name":"minutely","concluded":true}' &&
	pass "what a schedule made is the CronJob's" || fail "what a schedule made is the CronJob's"

# --- the sensor as deploy/k8s has it
make --no-print-directory -s O="$O" image IMAGE=docker.io/library/varve-sensor >"$work/image.out" 2>&1 && cp "$O/image.tar" "$work/sensor.tar" &&
	image_import "$work/sensor.tar" >"$work/import.out" 2>&1 || fail "image of the sensor: $(tail -n 1 "$work/image.out" "$work/import.out")"
# A capability that this machine's root has not itself it cannot give a pod.
cp -r deploy/k8s "$work/deploy" || fail "copy of deploy/k8s"
bound=$((16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status))) given=0
for cap in $(sed -n '/^ *add:$/,/^ *seccompProfile:/s/^ *- \([A-Z_]*\) .*/\1/p' deploy/k8s/base/daemonset.yaml); do
	bit=$((1 << $(sed -n "s/^#define CAP_$cap[[:space:]]*\([0-9]*\)\$/\1/p" /usr/include/linux/capability.h)))
	if ((bound & bit)); then
		given=$((given | bit))
	else
		sed -i "/^ *- $cap /d" "$work/deploy/base/daemonset.yaml"
		echo "skip the sensor in a pod with $cap: this machine's root has it not"
	fi
done
kubectl apply -k "$work/deploy" >"$work/apply.out" 2>&1 || fail "apply -k: $(tail -n 1 "$work/apply.out")"
sensor_pod_says() { kubectl -n varve logs daemonset/varve-sensor 2>/dev/null | grep -q "$1"; }
if kubectl -n varve rollout status daemonset/varve-sensor --timeout=90s >/dev/null && wait_for 60 sensor_pod_says 'recording containers'; then
	pass "the sensor records in a pod"
else
	fail "the sensor records in a pod: $(kubectl -n varve logs daemonset/varve-sensor --tail=3) $(kubectl -n varve get events | tail -n 2)"
fi
wait_for 30 sensor_pod_says 'answers' && pass "and asks the API server" || fail "and asks the API server: $(kubectl -n varve logs daemonset/varve-sensor --tail=1)"
in_pod=$(pgrep -f '^/usr/local/sbin/varve-sensor --config /etc/varve/sensor.conf$')
check "with those capabilities and no others" grep -qx "CapBnd:.$(printf %016x $given)" "/proc/$in_pod/status"
effective=$((16#$(sed -n 's/^CapEff:\t//p' "/proc/$in_pod/status")))
check "of which it gives up those that it needs no more" [ $((effective & ~given)) = 0 -a $effective != 0 -a $effective != $given ]
check "under the runtime's filter of system calls" grep -q '^Seccomp:.2' "/proc/$in_pod/status"
accounts=()
in_shop create job --from=cronjob/nightly nightly-29440801 >/dev/null
wait_shop job/nightly-29440801 condition=complete
session solo one
# Restarted as an upgrade does it: pin is on.
account
kubectl -n varve rollout restart daemonset/varve-sensor >/dev/null || fail "rollout restart"
rolled() { kubectl -n varve rollout status daemonset/varve-sensor --watch=false 2>/dev/null | grep -q 'successfully rolled out'; }
for ((sessions = 0; sessions < 200; sessions++)); do
	rolled && ! kill -0 "$in_pod" 2>/dev/null && wait_for 30 sensor_pod_says 'recording containers' && break
	session solo one
done
account
kubectl delete -k deploy/k8s --wait=false >/dev/null || fail "delete -k"
kubectl -n varve wait --for=delete pod --all --timeout=60s >/dev/null || fail "the sensor's pod ends"
"$VARVE" cat "/proc/$ns/root/var/lib/varve" >"$work/records.pod" || fail "its log is read"
grep -q '"kind":"RUN_END"' "$work/records.pod" && pass "and ends as asked when its pod is deleted" || fail "and ends as asked when its pod is deleted"
hold "$work/records.pod" 'in a pod: '
takes_over() { grep '"kind":"RUN_START"' "$work/records.pod" | tail -n 1 | grep -q '"takes_over":true'; }
check "restarted with its pod it takes over" takes_over
lost=$(grep '"kind":"LOSS"' "$work/records.pod" | head -n 2)
[ -z "$lost" ] && pass "without a loss" || fail "without a loss: $lost"
all_there() { [ "$(grep '"kind":"EXEC"' "$work/records.pod" | grep -c '"args":\["/bin/true","shop/solo/.*/one","session"\]')" = $((sessions + 1)) ]; }
check "and each of $((sessions + 1)) sessions meanwhile is there" all_there
check "varve-sensor --unpin removes what outlives it" in_cluster "$SENSOR" --unpin
check "nothing is left pinned" in_cluster test ! -e /sys/fs/bpf/varve
# And sees what it sees as the machine's root.
covers() { # RECORDS: what COVERAGE says of hooks and kinds
	"$PYTHON" -c 'import json, sys
c = next(r["coverage"] for r in map(json.loads, sys.stdin) if r["kind"] == "COVERAGE")
print(json.dumps([c[k] for k in ("hooks", "not_seen", "partly_seen") if k in c]))' <"$1"
}
covers "$work/records" >"$work/covers" && covers "$work/records.pod" >"$work/covers.pod" || fail "COVERAGE is there"
check "in a pod: COVERAGE is that of root" cmp "$work/covers" "$work/covers.pod"
hashes() { grep '"kind":"FILE_HASH"' "$1" | grep -q '"sha256":"'; }
check "in a pod: what runs is hashed" hashes "$work/records.pod"
cluster_down
finish
