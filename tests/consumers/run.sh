#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deploy/consumers, by those who would use it: a log with a record of every kind in it is shipped to a real broker, twice, and once more framed; each
# consumer that can be had from a registry reads it, and must say what `varve cat` says. What cannot be had is looked at only (configs.py).
# Spark (434 MB) and Flink (135 MB, a minute and a half on a busy machine) only with CONSUMERS=all, or CONSUMERS="spark flink".
. "$(dirname "$0")/../e2e/lib.sh"
HERE=tests/consumers
KAFKA=tests/kafka/kafka.sh
EXAMPLES=deploy/consumers
CACHE=${TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/varve}/consumers
mkdir -p "$CACHE" "$work/"{bin,framed}
skip() { echo "skip $*"; }
wanted() { [[ " ${CONSUMERS:-} " == *" $1 "* || " ${CONSUMERS:-} " == *" all "* ]]; }
stamp() { cat "$@" | sha256sum | cut -c1-16; }
last() { tail -n 2 "$1" | tr '\n' ' ' | cut -c1-300; }

# get NAME STAMP COMMAND...: runs it in a new directory, which becomes $CACHE/NAME-STAMP if it went well.
get() {
	local dir=$CACHE/$1-$2
	shift 2
	(
		flock 9
		[ ! -d "$dir" ] || exit 0
		rm -rf "$dir.new"
		mkdir -p "$dir.new"
		(cd "$dir.new" && "$@") || { rm -rf "$dir.new"; exit 1; }
		mv "$dir.new" "$dir"
	) 9>"$CACHE/lock" >"$work/get.log" 2>&1 || return 1
	echo "$dir"
}
get_maven() { # NAME: the jars of $HERE/NAME/pom.xml
	get "$1" "$(stamp "$HERE/$1/pom.xml")" sh -c 'mvn -q -ntp -B -Dstyle.color=never -f "$1" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$PWD/lib"' sh "$PWD/$HERE/$1/pom.xml"
}
get_python() {
	local requirements=$PWD/$HERE/requirements.txt
	get python "$(stamp "$requirements")" sh -c "$PYTHON -m venv venv && venv/bin/pip install -q --no-deps --require-hashes --only-binary :all: -r '$requirements'"
}
get_npm() {
	local from=$PWD/$EXAMPLES/javascript
	get npm "$(stamp "$from/package.json" "$from/package-lock.json")" sh -c "cp '$from'/package*.json . && npm ci --no-audit --no-fund"
}

# --- records, and a broker that has them
make --no-print-directory -s O="$O" "$O/tests/consumers/records" "$O/tests/kafka/ship_log" "$O/varve" "$O/varve.desc" || { fail "build"; finish; }
: >"$work/empty.conf"
export VARVE_CONFIG=$work/empty.conf
"$O/tests/consumers/records" --log-dir "$work/records" --node-name test-node >"$work/count" || { fail "a log with every kind"; finish; }
"$VARVE" cat "$work/records" >"$work/ours.jsonl" || { fail "varve cat"; finish; }
grep -oE '^ *EV(_SENSOR)?\([0-9]+, [A-Z_]+' bpf/events.def | sed 's/.*, //' | sort -u >"$work/kinds.all"
grep -o '^{"kind":"[A-Z_]*' "$work/ours.jsonl" | sed 's/.*"//' | sort -u >"$work/kinds"
cmp -s "$work/kinds.all" "$work/kinds" && pass "a log with every kind: $(wc -l <"$work/kinds") kinds, $(wc -l <"$work/ours.jsonl") records" ||
	fail "kinds: $(comm -3 "$work/kinds.all" "$work/kinds" | tr '\n' ' ')"
"$KAFKA" up "$work/kafka" >"$work/kafka.out" 2>&1 || { skip "all consumers: no broker: $(last "$work/kafka.out")"; finish; }
on_exit+=('"$KAFKA" down "$work/kafka" >/dev/null 2>&1')
. "$work/kafka/env"
ship() { # TOPIC OPTION...: all of the log
	local topic=$1
	shift
	rm -f "$work/records/cursor"
	"$O/tests/kafka/ship_log" --log-dir "$work/records" --node-name test-node --kafka.bootstrap.servers="$PLAIN" --kafka-pods-topic= \
		--kafka-topic "$topic" "$@" >>"$work/ship.out" 2>&1
}
split() { kcat -q -C -b "$PLAIN" -t "$1" -e -f '%R%s' | $HERE/split.py "$work/$2" >/dev/null; }
ship events && ship events && ship framed --kafka-framing confluent --kafka-schema-id 7 && split events bin && split framed framed ||
	{ fail "shipping: $(last "$work/ship.out")"; finish; }
records=$(wc -l <"$work/ours.jsonl")
[ "$(find "$work/bin" -type f | wc -l)" = $((2 * records)) ] && pass "kcat: each record twice" || fail "kcat: $(find "$work/bin" -type f | wc -l)"
kcat -q -C -b "$PLAIN" -t framed -e -f '%h\n' | grep -vq 'framing=confluent' && fail "kcat: a framed record does not say so" ||
	pass "kcat: framed records say so"
[ "$(cat "$work"/framed/*.bin | wc -c)" = $(($(cat "$work"/bin/*.bin | wc -c) / 2 + 6 * records)) ] &&
	[ "$(head -c 6 "$work/framed/00000.bin" | od -An -tx1 | tr -d ' ')" = 000000000700 ] && pass "six bytes stand before each" || fail "the prefix"
# A topic in which both are, and a record is missing: what a sensor leaves that was told to frame from now on.
cp "$work/bin/00000.bin" "$work/one.bin"
ls "$work"/bin/*.bin | head -n "$records" | sed -e 5,6d >"$work/files"
{ head -n 20 "$work/files"; ls "$work"/framed/*.bin | tail -n +23; } | xargs kcat -q -P -b "$PLAIN" -t gap -p 0 -X enable.idempotence=true
"$VARVE" cat kafka://"$PLAIN" --topic framed 2>&1 | cmp -s - "$work/ours.jsonl" && pass "varve cat of framed records" || fail "varve cat of framed records"
kcat -q -C -b "$PLAIN" -t framed -e -f '%R%s' | "$VARVE" cat - 2>&1 | cmp -s - "$work/ours.jsonl" && pass "varve cat of them from kcat" ||
	fail "varve cat of framed records from kcat"
# As json-lines/varve-json.service does.
"$VARVE" follow kafka://"$PLAIN" --topic framed --since 2000-01-01 --format jsonl >"$work/follow.jsonl" 2>"$work/follow.err" &
follow_pid=$!
on_exit+=("kill -KILL $follow_pid 2>/dev/null")
wait_for 20 $HERE/same.py "$work/ours.jsonl" "$work/follow.jsonl" && pass "varve follow of them, as lines of JSON" ||
	fail "varve follow: $(wc -l <"$work/follow.jsonl") lines, $(last "$work/follow.err")"
kill -TERM $follow_pid
wait $follow_pid 2>/dev/null
"$VARVE" verify kafka://"$PLAIN" --topic framed >"$work/verify" 2>&1
grep -q ': AUTHENTIC$' "$work/verify" && pass "seals are over what is framed" || fail "varve verify of framed records: $(cat "$work/verify")"

# --- readers: NAME COMMAND..., which is given the topic at the end of its words before --
reader() {
	local name=$1 topic
	shift
	for topic in events framed; do
		"${@//TOPIC/$topic}" >"$work/theirs.jsonl" 2>"$work/err"
		rc=$?
		if [ $rc = 3 ] && $HERE/same.py "$work/ours.jsonl" "$work/theirs.jsonl" >"$work/same.err" 2>&1 && grep -q '^LOSS: 7 of class "file", "ring_full", in ' "$work/err" &&
			$PYTHON tests/e2e/terminal.py "$work/theirs.jsonl" "$work/err" >"$work/same.err" 2>&1 &&
			grep -q "^$records records of 1 runs, $([ $topic = events ] && echo "$records" || echo 0) came twice" "$work/err"; then
			pass "$name: $topic: each record once, as varve has it; LOSS is told"
		else
			fail "$name: $topic: $rc: $(last "$work/same.err") $(last "$work/err")"
		fi
	done
	"${@//TOPIC/gap}" 2>"$work/err" >/dev/null
	rc=$?
	[ $rc = 3 ] && grep -q '^GAP: .*: 4 to 5 did not come' "$work/err" && ! grep -q 'are no varve' "$work/err" &&
		pass "$name: a gap is told, and both framings are read" || fail "$name: gap: $rc: $(cat "$work/err")"
}
if python=$(get_python); then
	py=$python/venv/bin/python
	reader python "$py" $EXAMPLES/python/read.py "$O/varve.desc" TOPIC -X bootstrap.servers="$PLAIN"
	diff <(grep -o '^[a-z-]*==[0-9.]*' $EXAMPLES/python/requirements.txt) <(grep -oE '^(confluent-kafka|protobuf)==[0-9.]*' $HERE/requirements.txt) >/dev/null ||
		fail "the versions in $EXAMPLES/python are not those that are tested"
	cp proto/varve.proto "$work/varve.proto"
	check "clickhouse: tables, views and hunts, by chdb" "$py" $HERE/clickhouse.py $EXAMPLES/clickhouse "$work/varve" "$work/ours.jsonl" "$work/bin"
	grep '^#' "$work/check.out"
	check "vector: the remap program, by VRL" "$py" $HERE/vector.py $EXAMPLES/vector/vector.yaml "$O/varve.desc" "$work/ours.jsonl" "$work/bin" "$work/framed"
	grep '^#' "$work/check.out"
	check "fluent-bit: the filter's Lua" "$py" $HERE/fluent_bit.py $EXAMPLES/fluent-bit/fluent-bit.yaml "$work/ours.jsonl"
	"$py" -c 'import sys, yaml
print(next(p["script"]["source"] for p in yaml.safe_load(open(sys.argv[1]))["processors"] if "script" in p))' \
		$EXAMPLES/filebeat/filebeat.yml >"$work/filebeat.js"
	if command -v node >/dev/null; then
		check "filebeat: the processor's JavaScript" node $HERE/filebeat.mjs "$work/filebeat.js" "$work/ours.jsonl"
	else
		skip "filebeat: no node here"
	fi
	check "configurations that are not run: names of fields" "$py" $HERE/configs.py $EXAMPLES "$O/varve.desc"
	grep '^#' "$work/check.out"
else
	skip "python, clickhouse, vector: PyPI: $(last "$work/get.log")"
fi
npm=
if ! command -v npm >/dev/null; then
	skip "javascript: no npm here"
elif npm=$(get_npm); then
	cp $EXAMPLES/javascript/read.mjs "$npm/"
	reader javascript node "$npm/read.mjs" "$O/varve.desc" TOPIC "$PLAIN"
else
	skip "javascript: npm: $(last "$work/get.log")"
fi
if go=$(tests/go_program.sh consumers-read $EXAMPLES/go 2>"$work/go.log"); then
	reader go "$go" "$O/varve.desc" TOPIC "$PLAIN"
else
	skip "go: $(last "$work/go.log")"
fi

# --- a real sensor, framed
sensor_start --kafka.bootstrap.servers="$PLAIN" --kafka-topic live --kafka-pods-topic live.pods --kafka-framing confluent --kafka-schema-id 7 || {
	fail "sensor starts: $(last "$work/sensor.err")"
	finish
}
container_run story /bin/sh -c 'h=$(printf "/tmp/\377\n\"b\033[31m"); echo x >"$h"; mv "$h" /tmp/plain; cat /tmp/plain; rm /tmp/plain; /bin/true "$h"' >/dev/null ||
	fail "runc runs the container"
sensor_stop || fail "sensor stops: $(last "$work/sensor.err")"
check "a sensor that frames: COMPLETE from Kafka" "$VARVE" replay kafka://"$PLAIN" --topic live --pods-topic live.pods --pod e2e/story --format jsonl
"$VARVE" cat kafka://"$PLAIN" --topic live >"$work/live.jsonl" || fail "varve cat of its topic"
live() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$work/theirs.jsonl" 2>"$work/err"
	rc=$?
	[ $rc = 0 ] || [ $rc = 3 ] && ! grep -q GAP "$work/err" && $HERE/same.py "$work/live.jsonl" "$work/theirs.jsonl" >"$work/same.err" 2>&1 &&
		pass "$name: $(wc -l <"$work/live.jsonl") records of a sensor, as varve has them" || fail "$name: $rc: $(last "$work/same.err") $(last "$work/err")"
}
[ -z "$python" ] || live python "$py" $EXAMPLES/python/read.py "$O/varve.desc" live -X bootstrap.servers="$PLAIN"
if [ -n "$python" ]; then
	mkdir "$work/"{live,live.framed}
	split live live.framed
	kcat -q -C -b "$PLAIN" -t live -e -f '%R%s' | $HERE/split.py "$work/live" 6 >/dev/null
	check "clickhouse: records of a sensor" "$py" $HERE/clickhouse.py $EXAMPLES/clickhouse "$work/varve" "$work/live.jsonl" "$work/live"
	grep '^#' "$work/check.out"
	check "vector: records of a sensor" "$py" $HERE/vector.py $EXAMPLES/vector/vector.yaml "$O/varve.desc" "$work/live.jsonl" "$work/live.framed"
fi
[ -z "$npm" ] || live javascript node "$npm/read.mjs" "$O/varve.desc" live "$PLAIN"
[ -z "$go" ] || live go "$go" "$O/varve.desc" live "$PLAIN"

# --- Logstash's codec: the class that it uses
if ruby -e 'require "google/protobuf"' 2>/dev/null; then
	mkdir "$work/rb" && protoc --ruby_out="$work/rb" -Iproto varve.proto
	check "logstash: the codec's class, and the filter's code" ruby $HERE/logstash.rb "$work/rb" "$work/ours.jsonl" "$work/bin" $EXAMPLES/logstash/varve.conf
	grep '^#' "$work/check.out"
else
	skip "logstash: no ruby-google-protobuf here"
fi

# --- Kafka Connect: JSON lines by way of a topic into a file
connect() { # JARS
	cat >"$work/worker.properties" <<-P
		bootstrap.servers=$PLAIN
		key.converter=org.apache.kafka.connect.storage.StringConverter
		value.converter=org.apache.kafka.connect.storage.StringConverter
		offset.storage.file.filename=$work/connect.offsets
		offset.flush.interval.ms=1000
		listeners=http://127.0.0.1:0
	P
	sed "s|^file=.*|file=$work/connect.jsonl|" $EXAMPLES/kafka-connect/json-file.properties >"$work/sink.properties"
	: >"$work/connect.jsonl"
	java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$1/*" \
		org.apache.kafka.connect.cli.ConnectStandalone "$work/worker.properties" "$work/sink.properties" >"$work/connect.log" 2>&1 &
	connect_pid=$!
	on_exit+=("kill -KILL $connect_pid 2>/dev/null")
	wait_for 60 cmp -s "$work/connect.jsonl" "$work/ours.jsonl"
	rc=$?
	kill -KILL $connect_pid 2>/dev/null
	wait $connect_pid 2>/dev/null
	return $rc
}
if jars=$(get_maven connect); then
	kcat -q -P -b "$PLAIN" -t varve.json -p 0 <"$work/ours.jsonl"
	connect "$jars/lib" && pass "kafka-connect: JSON lines into a file" || fail "kafka-connect: $(last "$work/connect.log")"
else
	skip "kafka-connect: Maven Central: $(last "$work/get.log")"
fi

# --- large ones
flink() { # JARS
	local d=$work/flink
	mkdir -p "$d"
	protoc --java_out="$d" -Iproto varve.proto 2>/dev/null && find "$d" -name '*.java' >"$d/files" || return 1
	javac -nowarn -proc:none -cp "$1/*" -d "$d/classes" @"$d/files" $HERE/flink/Run.java || return 1
	sed "s|kafka:9092|$PLAIN|; s|'varve.events'|'events'|; s|'scan.startup.mode' = 'earliest-offset',|& 'scan.bounded.mode' = 'latest-offset',|" \
		$EXAMPLES/flink/varve.sql >"$d/run.sql"
	java -Xmx700m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$d/classes:$1/*" Run "$d/run.sql" varve_events varve_missing varve_declared \
		>"$d/out" || return 1
	[ "$(grep -ac '^varve_events ' "$d/out")" = "$records" ] && grep -qa "^varve_missing .*, 0, $((records - 1)), 0\]$" "$d/out" &&
		grep -qa '^varve_declared .*LOSS, file, ring_full, 7\]$' "$d/out" || { grep -av '^varve_events' "$d/out"; return 1; }
}
if ! wanted flink; then
	skip "flink: 135 MB and a minute: CONSUMERS=flink"
elif ! command -v javac >/dev/null; then
	skip "flink: no javac here"
elif jars=$(get_maven flink); then
	check "flink: each record once, what is missing, what is declared" flink "$jars/lib"
else
	skip "flink: Maven Central: $(last "$work/get.log")"
fi
if ! wanted spark; then
	skip "spark: 434 MB: CONSUMERS=spark"
elif spark=$(get spark 4.0.1 sh -c "$PYTHON -m venv venv && venv/bin/pip install -q pyspark==4.0.1"); then
	check "spark: JSON lines: each once, gaps, what is declared" "$spark/venv/bin/python" $HERE/spark.py $EXAMPLES/spark "$work/ours.jsonl"
	grep '^#' "$work/check.out"
else
	skip "spark: PyPI: $(last "$work/get.log")"
fi
finish
