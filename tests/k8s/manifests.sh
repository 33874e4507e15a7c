#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is in deploy/k8s: a real API server takes all of it, unknown fields refused (and kinds that are not its own by their makers'
# definitions); what it must say, it says (manifests.py); the sensor takes its configuration; promtool its alerts, which fire when they should
# (alerts.yaml); a real broker its topics and ACLs, with which the sensor's settings can write and not read, and a responder's read only.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/k8s/cluster.sh

overlays="log kafka-scram kafka-mtls openshift example"
rendered() { kubectl kustomize "$1" >"$work/$2.yaml" 2>"$work/$2.err"; }

control_start || finish
crds=$(tests/k8s/crds.sh) && kubectl apply --server-side -f "$crds" >"$work/crds" 2>&1 || fail "definitions of others' kinds: $(tail -n 1 "$work/crds")"
check "others' kinds are known" kubectl wait --for=condition=Established --timeout=30s crd/kafkatopics.kafka.strimzi.io crd/kafkausers.kafka.strimzi.io \
	crd/podmonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com crd/securitycontextconstraints.security.openshift.io
kubectl apply -f deploy/k8s/base/namespace.yaml >/dev/null && kubectl create namespace kafka >/dev/null || fail "namespaces"
for o in $overlays; do
	rendered "deploy/k8s/overlays/$o" "$o" || fail "overlays/$o is rendered: $(tail -n 1 "$work/$o.err")"
done
# The components that no overlay has.
mkdir "$work/gke" && cat >"$work/gke/kustomization.yaml" <<-C
	resources: [$(realpath --relative-to "$work/gke" deploy/k8s/overlays/log)]
	components: [$(realpath --relative-to "$work/gke" deploy/k8s/components/gke)]
C
rendered "$work/gke" gke || fail "components/gke is rendered: $(tail -n 1 "$work/gke.err")"
rendered deploy/k8s/kafka/strimzi strimzi || fail "kafka/strimzi is rendered: $(tail -n 1 "$work/strimzi.err")"
rendered deploy/k8s all && cmp -s "$work/all.yaml" "$work/log.yaml" && pass "deploy/k8s is overlays/log" || fail "deploy/k8s is overlays/log"
for o in $overlays gke strimzi; do
	kubectl apply --dry-run=server --validate=strict -o json -f "$work/$o.yaml" >"$work/$o.json" 2>"$work/$o.err" && [ ! -s "$work/$o.err" ] &&
		pass "the API server takes $o" || fail "the API server takes $o: $(tail -n 2 "$work/$o.err" | tr '\n' ' ')"
done
# That it would refuse what is wrong, by each sort of definition.
for wrong in 's/hostPID: true/hostPId: true/ log' 's/partitions: 12/partitons: 12/ strimzi' \
	's/podMetricsEndpoints/podMetricsEndpoint/ example' 's/allowHostPID/allowHostPid/ openshift'; do
	o=${wrong##* }
	sed "${wrong% *}" "$work/$o.yaml" >"$work/wrong.yaml"
	! cmp -s "$work/$o.yaml" "$work/wrong.yaml" && ! kubectl apply --dry-run=server --validate=strict -f "$work/wrong.yaml" >/dev/null 2>&1 &&
		pass "and refuses $o with a mistake in it" || fail "and refuses $o with a mistake in it"
done
cluster_down

"$PYTHON" tests/k8s/manifests.py "$work" $overlays | tee "$work/manifests.out"
failures=$((failures + $(grep -c '^not ok' "$work/manifests.out")))
grep -q '^# manifests: all was looked at' "$work/manifests.out" || fail "manifests.py ends"

# --- the sensor's configuration
check "base/sensor.conf is what the table of options makes of it" deploy/samples.py --check "$SENSOR"
sed -n 's/^#\([a-z][a-z-]* = .\)/\1/p' deploy/k8s/base/sensor.conf >"$work/every.conf"
check "each option in it is one, with a value that is taken" "$SENSOR" --config "$work/every.conf" --print-config
for o in $overlays; do
	# manifests.py wrote them: what the container's environment and /etc/varve would be.
	check "the sensor takes the configuration of $o" env -i "PATH=$PATH" bash -c 'set -a; . "$1.env"; exec "$2" --config "$1.conf" --print-config' - "$work/$o" "$SENSOR"
done

check "docs/DEPLOY.md shows what tools/sizing.py computes" tools/sizing.py --check docs/DEPLOY.md

# --- alerts
check "promtool takes the alerts" promtool check rules "$work/rules.json"
check "and each expression of the dashboard" promtool check rules "$work/dashboard.json"
cp tests/k8s/alerts.yaml "$work"
check "alerts fire when they should" promtool test rules "$work/alerts.yaml"

. tests/k8s/topics.bash
finish
