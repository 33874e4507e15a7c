-- SPDX-License-Identifier: Apache-2.0
-- Varve's records in Flink SQL. The protobuf format wants a compiled class: protoc --java_out=. varve.proto, javac, and the jar on the class path,
-- with flink-sql-protobuf and flink-sql-connector-kafka. Columns are the fields that are wanted, by name and in any order; nested ones are ROWs.
-- Sensors must leave kafka-framing at none: the format knows no prefix.
CREATE TABLE varve_raw (
    kind STRING,
    `sequence` BIGINT,
    time_unix_nano BIGINT,
    run_id STRING,
    node_name STRING,
    container ROW<id STRING, name STRING>,
    pod ROW<uid STRING, name STRING, namespace STRING>,
    process ROW<process_uid STRING, pid INT, exe_path STRING, cmd_line STRING, uid INT>,
    `exec` ROW<file ROW<path STRING, overlay_upper BOOLEAN, memfd BOOLEAN>, cmd_line STRING>,
    `connect` ROW<protocol STRING, destination ROW<ip STRING, port INT>, outcome STRING>,
    loss ROW<event_class STRING, cause STRING, `count` BIGINT>,
    suppression ROW<event_class STRING, reason STRING, `count` BIGINT>
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = 'kafka:9092',
    'properties.group.id' = 'flink-varve',
    'topic' = 'varve.events',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'protobuf',
    'protobuf.message-class-name' = 'io.varve.v1.Event',
    -- A record that cannot be decoded stops the job: it is a record that nobody would see otherwise.
    'protobuf.ignore-parse-errors' = 'false',
    -- Else an absent uid is 0, and 0 is root.
    'protobuf.read-default-values' = 'false'
);

-- Each record once: after a crash a sensor may send some again.
CREATE VIEW varve_events AS
SELECT kind, `sequence`, time_unix_nano, run_id, node_name, container, pod, process, `exec`, `connect`, loss, suppression
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY run_id, `sequence` ORDER BY PROCTIME()) AS copy
    FROM varve_raw
)
WHERE copy = 1;

-- Numbers of a run that did not come, as of now: not 0 for a moment is no alarm, not 0 for a minute is one.
CREATE VIEW varve_missing AS
SELECT node_name, run_id, MIN(`sequence`) AS first_sequence, MAX(`sequence`) AS last_sequence,
       MAX(`sequence`) + 1 - COUNT(*) AS missing
FROM varve_events
GROUP BY node_name, run_id;

-- What the sensors say themselves that they lost or left out.
CREATE VIEW varve_declared AS
SELECT node_name, container.id AS container_id, kind, COALESCE(loss.event_class, suppression.event_class) AS event_class,
       COALESCE(loss.cause, suppression.reason) AS why, COALESCE(loss.`count`, suppression.`count`) AS events
FROM varve_events
WHERE kind IN ('LOSS', 'SUPPRESSION');
