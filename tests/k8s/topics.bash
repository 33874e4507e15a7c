# SPDX-License-Identifier: Apache-2.0
# Topics and ACLs of deploy/k8s/kafka/topics.sh on a real broker that denies what nobody allowed; sourced by manifests.sh. The sensors are
# alice, by SCRAM over TLS, with the settings of overlays/kafka-scram; the responder is who has the client's certificate.
tools=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/kafka-tools-3.9.2
tools_fetch() { # kafka-topics' class is not among the broker's jars
	[ ! -d "$tools" ] || return 0
	mkdir -p "$tools.tmp" && mvn -q -ntp -B -Dstyle.color=never -f tests/kafka/pom.xml dependency:copy -Dartifact=org.apache.kafka:kafka-tools:3.9.2 \
		-DoutputDirectory="$tools.tmp" && mvn -q -ntp -B -Dstyle.color=never -f tests/kafka/pom.xml dependency:copy \
		-Dartifact=net.sf.jopt-simple:jopt-simple:5.0.4 -DoutputDirectory="$tools.tmp" && mv "$tools.tmp" "$tools"
}
broker() {
	tests/kafka/kafka.sh format "$work/broker" || return 1
	cat >>"$work/broker/server.properties" <<-P
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:ANONYMOUS
	P
	sed -i 's/^auto.create.topics.enable=true/auto.create.topics.enable=false/' "$work/broker/server.properties"
	on_exit+=('tests/kafka/kafka.sh down "$work/broker"')
	tests/kafka/kafka.sh start "$work/broker"
}
topics_sh() {
	local java="java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp ${PKI%/pki}/lib/*:$tools/*"
	(
		set -f # the * are java's
		BOOTSTRAP=$PLAIN SENSOR=User:$KAFKA_USER RESPONDER=User:CN=client REPLICAS=1 PARTITIONS=3 \
			KAFKA_TOPICS="$java org.apache.kafka.tools.TopicCommand" KAFKA_ACLS="$java kafka.admin.AclCommand" sh -f deploy/k8s/kafka/topics.sh
	)
}
as_sensor() { timeout 20 kcat -b "$SCRAM" -X security.protocol=SASL_SSL -X sasl.mechanism=SCRAM-SHA-512 -X sasl.username="$KAFKA_USER" \
	-X sasl.password="$KAFKA_PASSWORD" -X ssl.ca.location="$PKI/ca.pem" "$@"; }
as_responder() { timeout 20 kcat -b "$MTLS" -X security.protocol=SSL -X ssl.ca.location="$PKI/ca.pem" -X ssl.certificate.location="$PKI/client.crt" \
	-X ssl.key.location="$PKI/client.key" "$@"; }
denied() { # NAME COMMAND...: by the broker, of the topic or the cluster
	local name=$1
	shift
	"$@" >"$work/denied" 2>&1 </dev/null
	grep -qi 'authorization failed\|AUTHORIZATION_FAILED\|not authorized' "$work/denied" && pass "$name" || fail "$name: $(tail -n 1 "$work/denied")"
}

make --no-print-directory -s O="$O" "$O/tests/kafka/ship_log" >"$work/make.out" 2>&1 || fail "ship_log is made: $(tail -n 1 "$work/make.out")"
tools_fetch >"$work/fetch.out" 2>&1 && broker >"$work/broker.out" 2>&1 || { fail "a broker with ACLs: $(tail -n 1 "$work/fetch.out" "$work/broker.out")"; finish; }
. "$work/broker/env"
check "kafka/topics.sh makes topics and ACLs" topics_sh
settings() { # of the overlay, but for where things are
	grep -v '^VARVE_\(LOG_DIR\|HOST_ROOT\|KUBE_API\|PIN\|LOG_LIMIT\|KAFKA_BOOTSTRAP_SERVERS\|KAFKA_SSL_CA_LOCATION\|KAFKA_SASL_[UP].*\)=' "$work/kafka-scram.env"
	echo "VARVE_KAFKA_BOOTSTRAP_SERVERS='$SCRAM' VARVE_KAFKA_SSL_CA_LOCATION='$PKI/ca.pem' VARVE_KAFKA_SASL_USERNAME='$KAFKA_USER' VARVE_KAFKA_SASL_PASSWORD='$KAFKA_PASSWORD'"
}
ship() {
	(
		set -a
		eval "$(settings)"
		unset TEST_CACHE
		SHIP_LOG_APPEND=500 SHIP_LOG_TIME=$(date +%s) "$O/tests/kafka/ship_log" --config "$work/empty.conf" --log-dir "$work/shipped" --node-name node-1
	)
}
mkdir "$work/shipped" && : >"$work/empty.conf" && echo record >"$work/line"
check "the sensor's shipper, with the settings of overlays/kafka-scram, writes" ship
as_responder -C -t varve.events -q -e -f '%o\n' >"$work/read" 2>"$work/read.err"
[ "$(wc -l <"$work/read")" = 500 ] && pass "a responder reads all of it" || fail "a responder reads all of it: $(wc -l <"$work/read") $(tail -n 1 "$work/read.err")"
denied "a sensor may not read" as_sensor -C -t varve.events -e
denied "nor make a topic" as_sensor -P -t varve.other -X message.timeout.ms=5000 -l "$work/line"
denied "a responder may not write" as_responder -P -t varve.events -X message.timeout.ms=5000 -l "$work/line"
