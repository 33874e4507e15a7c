#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real API server and what the sensor asks of it: with the rights of deploy/k8s, through restarts, 410 Gone, tokens that end, answers that
# are slow and broken, and 50,000 pods of other nodes. Its audit log says what was asked. Pods are objects there; their containers are runc's.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/k8s/cluster.sh

elsewhere=50000
who=system:serviceaccount:varve:varve-sensor
can() { kubectl auth can-i "$@" --as=$who --quiet; }
said() { grep -q "$1" "$work/sensor.err"; }
# Other people's containers may be on this machine: their file and network events are left out, and the log is not read for nothing.
in_log() { grep -aqs "${uid:-}" "$work"/log/*.seg && "$VARVE" cat "$work/log" 2>/dev/null | grep -q "$1"; }
sensor() { # OPTIONS...
	sensor_start --node-name $NODE --kube-token-file "$work/token" --kube-ca-file "$pki/ca.crt" --heartbeat 1s --events all,-file,-network "$@" ||
		{ fail "sensor starts"; finish; }
}
asked() { grep "\"username\":\"$who\"" "$cluster/audit.log" 2>/dev/null | grep -v 'impersonatedUser\|"userAgent":"test"'; } # not what this test asks in its name
asked_count() { asked | grep -c "\"stage\":\"$2\".*\"verb\":\"$1\""; } # VERB STAGE
watches() { [ "$(asked_count watch ResponseStarted)" -gt "$1" ]; }

# pod_make NAME: a pod of this node, which the ReplicaSet NAME-5d9f7c owns, and its container, which executes a program each now and then.
pod_make() {
	cat >"$work/$1.json" <<-C
		{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1", "namespace": "default", "labels": {"app": "$1", "pod-template-hash": "5d9f7c"},
		 "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "$1-5d9f7c", "uid": "$(cat /proc/sys/kernel/random/uuid)", "controller": true}]},
		 "spec": {"nodeName": "$NODE", "containers": [{"name": "app", "image": "example.test/busybox:1"}]}}
	C
	kubectl apply -f "$work/$1.json" >/dev/null || return 1
	uid=$(kubectl get pod "$1" -o jsonpath='{.metadata.uid}')
}
# known NAME: the records of a container of that pod say its workload.
known() {
	pod_make "$1" || { fail "$2: pod is made"; return; }
	wait_for 60 in_log "\"kind\":\"POD_STATE\".*\"uid\":\"$uid\",\"name\":\"$1\".*\"workload\":{\"kind\":\"Deployment\",\"name\":\"$1\",\"concluded\":true},\"api_state\":\"KNOWN\"" || {
		fail "$2: $(tail -n 1 "$work/sensor.err")"
		return
	}
	bundle_pod "$1" "$uid" /bin/true "$1" && runc_ run --bundle "$work/$1" "$id" >/dev/null || fail "$2: container runs"
	wait_for 10 in_log "\"kind\":\"EXEC\".*\"id\":\"$id\".*\"uid\":\"$uid\",\"name\":\"$1\".*\"name\":\"$1\",\"concluded\":true},\"api_state\":\"KNOWN\"" &&
		pass "$2" || fail "$2: the record of the exec"
}
bundle_pod() { # NAME UID COMMAND...
	local name=$1 uid=$2
	shift 2
	id=$(new_id)
	POD=$name NAMESPACE=default POD_UID=$uid CONTAINER=app ROOTFS=$work/$name/image \
		tests/demo/bundle.sh "$work/$name" "$id" "/$tree/kubepods/burstable/pod$uid/$id" "$@"
}
restart() { # OPTIONS...
	end kube-apiserver
	apiserver_start "$@"
	wait_for 120 apiserver_ready || { still_runs kube-apiserver; fail "API server is back"; finish; }
}
own_token() { # SECONDS
	"$PYTHON" tests/k8s/token.py "$pki/tokens.key" varve varve-sensor "$(kubectl -n varve get serviceaccount varve-sensor -o jsonpath='{.metadata.uid}')" "$1"
}
accepts() { # TOKEN: by the status of an answer
	[ "$(in_cluster curl -s -A test -o /dev/null -w '%{http_code}' --cacert "$pki/ca.crt" -H "Authorization: Bearer $1" "$api/api/v1/pods?limit=1")" = 200 ]
}

control_start || finish
pass "an API server is ready"
sensor_in_cluster
kubectl create serviceaccount default >/dev/null
for f in base/namespace base/serviceaccount components/kube-api/clusterrole components/kube-api/clusterrolebinding base/daemonset; do
	kubectl apply -f deploy/k8s/$f.yaml >"$work/apply" 2>&1 || fail "the API server takes deploy/k8s/$f.yaml: $(cat "$work/apply")"
done
check "and all of it by the kustomization" kubectl apply -k deploy/k8s

# --- rights
wait_for 20 can list pods
rights() { kubectl auth can-i --list --as="system:serviceaccount:varve:$1" | tr -s ' ' | sort; }
rights varve-sensor >"$work/rights"
rights another >"$work/rights.another"
[ "$(comm -23 "$work/rights" "$work/rights.another")" = 'pods [] [] [list watch]' ] && [ -z "$(comm -13 "$work/rights" "$work/rights.another")" ] &&
	pass "the sensor may list and watch pods, and nothing else beyond what any account may" ||
	fail "the sensor may list and watch pods, and nothing else beyond what any account may: $(comm -3 "$work/rights" "$work/rights.another")"
check "the sensor may watch pods" can watch pods --all-namespaces
for what in "get secrets" "list nodes" "delete pods" "create pods/exec" "create serviceaccounts/token"; do
	# shellcheck disable=SC2086
	can $what --all-namespaces && fail "the sensor may not $what" || pass "the sensor may not $what"
done

# --- a watch, with a token that ends in the middle
own_token 25 >"$work/token"
first_token=$(cat "$work/token")
pod_make before || fail "pod is made"
sensor --kube-api "$api"
wait_for 30 in_log "\"kind\":\"POD_STATE\".*\"name\":\"before\"" && pass "a pod that was there before is listed" || fail "a pod that was there before is listed"
wait_for 30 watches 0 || fail "the sensor watches"
known first "with these rights alone a new pod is known"

# --- 50,000 pods of other nodes
start=$SECONDS
in_cluster "$PYTHON" tests/k8s/etcd.py pods $elsewhere 100 || fail "pods of other nodes are made"
echo "# $elsewhere pods in etcd after $((SECONDS - start)) s"
known crowded "$elsewhere pods of other nodes later a new pod is known"

# --- restart, with the token at its end
wait_for 60 eval '! accepts "$first_token"' || fail "the first token ends"
restart
wait_for 60 said 'does not accept the token' && pass "a token at its end is told" || fail "a token at its end is told"
seen=$(asked_count watch ResponseStarted)
own_token 3600 >"$work/token.new"
mv "$work/token.new" "$work/token"
wait_for 90 watches "$seen" && pass "a new one in its file is taken up, and the watch goes on after a restart" || fail "a new one in its file is taken up, and the watch goes on after a restart"
known restarted "after it a new pod is known"

# --- 410: while it is away, revisions pass and are forgotten
last=$(asked | grep '"verb":"watch"' | tail -n 1 | grep -o 'resourceVersion=[0-9]*')
end kube-apiserver
in_cluster "$PYTHON" tests/k8s/etcd.py pods 200 100 && in_cluster "$PYTHON" tests/k8s/etcd.py compact || fail "etcd is compacted"
lists=$(asked_count list ResponseComplete)
apiserver_start
wait_for 120 apiserver_ready || { fail "API server is back"; finish; }
admin_curl --max-time 10 "$api/api/v1/pods?watch=1&$last" >"$work/gone"
grep -q '"code":410' "$work/gone" && pass "the API server answers 410 to where the watch was" || fail "the API server answers 410 to where the watch was: $(head -c 300 "$work/gone")"
wait_for 90 eval '[ "$(asked_count list ResponseComplete)" -gt "$lists" ]' && pass "the sensor lists anew" || fail "the sensor lists anew"
known expired "after it a new pod is known"

# --- what it asked, in all of this, and what came
asked >"$work/asked"
check "it asked for lists and watches of pods only" bash -c "[ -s '$work/asked' ] && ! grep -v '\"verb\":\"\(list\|watch\)\"' '$work/asked' && ! grep -v '\"resource\":\"pods\"' '$work/asked'"
check "and for its own node's only" bash -c "! grep -vE 'fieldSelector=spec.nodeName%3D$NODE(&|\\\\u0026)' '$work/asked'"
"$VARVE" cat "$work/log" >"$work/all"
grep '"kind":"POD_STATE"' "$work/all" | grep -q '"namespace":"elsewhere"' && fail "no pod of another node is in the records" || pass "no pod of another node is in the records"
sent=$(admin_curl "$api/metrics" | awk '/^apiserver_response_sizes_sum.*resource="pods".*verb="LIST"/ { n += $2 } END { printf "%d", n }')
[ "$sent" -gt 0 ] && [ "$sent" -lt 1000000 ] && pass "and none came over: lists of $sent bytes since the last restart" || fail "and none came over: lists of $sent bytes since the last restart"

# --- answers spoilt on the way
sensor_stop || fail "sensor stops cleanly"
echo pass >"$work/mode"
run proxy "$PYTHON" tests/k8s/proxy.py "$pki" "$api" "$work"
wait_for 20 in_cluster curl -s --cacert "$pki/ca.crt" https://127.0.0.1:6444/version || { still_runs proxy; fail "proxy starts"; finish; }
sensor --kube-api https://127.0.0.1:6444
known proxied "through a proxy a new pod is known"
spoil() { echo "$1" >"$work/mode.new" && mv "$work/mode.new" "$work/mode" && : >"$work/spoilt"; }
spoil slow
known slow "answers of 16 bytes at a time: a new pod is known"
for how in cut garble endless; do
	spoil $how
	pod_make "during-$how" # something to spoil
	wait_for 60 grep -q "^$how 200" "$work/spoilt" || fail "$how: answers are spoilt"
	sleep 2
	spoil pass
	known "after-$how" "$how: then a new pod is known"
	wait_for 60 in_log "\"kind\":\"POD_STATE\".*\"name\":\"during-$how\"" && pass "$how: and the one that was spoilt" || fail "$how: and the one that was spoilt"
done
"$VARVE" cat "$work/log" >"$work/all"
! grep '"kind":"POD_STATE".*"api_state":"KNOWN"' "$work/all" | grep -v "\"name\":\"\(before\|first\|crowded\|restarted\|expired\|proxied\|slow\|\(during\|after\)-\(cut\|garble\|endless\)\)\"" &&
	pass "no pod that there is not" || fail "no pod that there is not"
sensor_stop || fail "sensor stops cleanly"
"$VARVE" cat "$work/log" >"$work/all"
grep -q '"kind":"HEARTBEAT".*"api_listed":true' "$work/all" && ! grep '"kind":"HEARTBEAT"' "$work/all" | grep -q '"api_\(restarts\|invalid\)":"[1-9]' && pass "the watching process never ended" || fail "the watching process never ended"
cluster_down
finish
