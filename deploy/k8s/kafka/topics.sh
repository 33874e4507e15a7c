#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Topics and ACLs by Kafka's own commands, the same as in strimzi/: to be run once, by who administers the brokers; again, it changes nothing.
#
#   BOOTSTRAP=kafka:9093 CONFIG=admin.properties deploy/k8s/kafka/topics.sh
#
# CONFIG: properties of the admin's client (TLS, SASL). SENSOR, RESPONDER: principals, as the brokers name them. PARTITIONS, REPLICAS,
# RETENTION_MS: docs/DEPLOY.md, Sizing. KAFKA_TOPICS, KAFKA_ACLS: the commands, if they are called otherwise.
set -eu
: "${BOOTSTRAP:?where a broker is, host:port}"
config=${CONFIG:+--command-config $CONFIG}
sensor=${SENSOR:-User:varve-sensor}
responder=${RESPONDER:-User:varve-responder}
copies=${REPLICAS:-3}
keep=${RETENTION_MS:-2592000000}
in_sync=$((copies > 1 ? copies - 1 : 1))

# shellcheck disable=SC2086
topics() { ${KAFKA_TOPICS:-kafka-topics.sh} --bootstrap-server "$BOOTSTRAP" $config "$@"; }
# shellcheck disable=SC2086
acls() { ${KAFKA_ACLS:-kafka-acls.sh} --bootstrap-server "$BOOTSTRAP" $config --add "$@"; }
create() { # NAME CONFIG...
	name=$1
	shift
	topics --create --if-not-exists --topic "$name" --partitions "${PARTITIONS:-12}" --replication-factor "$copies" \
		--config min.insync.replicas=$in_sync --config unclean.leader.election.enable=false --config compression.type=producer \
		--config max.message.bytes=2097152 "$@"
}

create varve.events --config cleanup.policy=delete --config "retention.ms=$keep" --config message.timestamp.type=CreateTime \
	--config segment.ms=3600000
create varve.pods --config cleanup.policy=compact --config segment.ms=86400000
acls --allow-principal "$sensor" --operation Write --operation Describe --topic varve.events --topic varve.pods
acls --allow-principal "$responder" --operation Read --operation Describe --topic varve.events --topic varve.pods
acls --allow-principal "$responder" --operation Read --group varve- --resource-pattern-type prefixed
