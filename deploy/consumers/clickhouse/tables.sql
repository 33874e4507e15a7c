-- SPDX-License-Identifier: Apache-2.0
-- Varve's records in ClickHouse: the table, and what each of its columns is made of. Then kafka.sql: where they come from.
--
-- One row per record. ReplacingMergeTree: a record that Kafka has twice (the sensor may send some again after a crash) has the same key, and
-- becomes one row when parts are merged; FINAL does it at once, so all hunts here say FINAL.
-- Columns of nested messages are named as ClickHouse's Protobuf format names them: process.exe_path is process_exe_path. What may be absent is
-- Nullable: uid 0 is root, NULL is not known. UUIDs are String: a value that is none must not make its record unreadable.
CREATE DATABASE IF NOT EXISTS varve;

CREATE TABLE IF NOT EXISTS varve.events
(
    -- the envelope
    kind LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    node_name LowCardinality(String),
    run_id String,
    sequence UInt64 CODEC(Delta, ZSTD),
    stream String,
    stream_sequence UInt64 CODEC(Delta, ZSTD),
    boot_time_nano UInt64 CODEC(Delta, ZSTD),
    container_id Nullable(String),
    container_name LowCardinality(Nullable(String)),
    container_image LowCardinality(Nullable(String)),
    container_metadata_state LowCardinality(Nullable(String)),
    pod_uid Nullable(String),
    pod_name Nullable(String),
    pod_namespace LowCardinality(Nullable(String)),
    pod_workload_kind LowCardinality(Nullable(String)),
    pod_workload_name LowCardinality(Nullable(String)),
    -- who did it
    process_process_uid Nullable(String),
    process_pid Nullable(UInt32),
    process_ns_pid Nullable(UInt32),
    process_name LowCardinality(Nullable(String)),
    process_exe_path LowCardinality(Nullable(String)),
    process_cmd_line Nullable(String),
    process_uid Nullable(UInt32),
    process_euid Nullable(UInt32),
    process_cap_effective Nullable(UInt64),
    process_parent_process_uid Nullable(String),
    process_parent_exe_path LowCardinality(Nullable(String)),
    process_parent_cmd_line Nullable(String),
    process_entry_how LowCardinality(Nullable(String)),
    -- processes
    exec_file_path Nullable(String),
    exec_file_memfd Nullable(Bool),
    exec_file_unlinked Nullable(Bool),
    exec_file_overlay_upper Nullable(Bool),
    exec_interpreter Nullable(String),
    exec_args Array(String),
    exec_args_truncated Nullable(Bool),
    exec_cwd_path Nullable(String),
    exec_tty LowCardinality(Nullable(String)),
    exec_cmd_line Nullable(String),
    exit_code Nullable(UInt32),
    exit_signal Nullable(UInt32),
    exec_session_by_name LowCardinality(Nullable(String)),
    exec_session_by_cmd_line Nullable(String),
    ptrace_request_name LowCardinality(Nullable(String)),
    -- files
    open_file_path Nullable(String),
    open_flags Nullable(UInt32),
    open_created Nullable(Bool),
    open_written Nullable(Bool),
    open_call_errno Nullable(UInt32),
    close_write_file_path Nullable(String),
    close_write_bytes_written Nullable(UInt64),
    rename_old_file_path Nullable(String),
    rename_new_file_path Nullable(String),
    unlink_file_path Nullable(String),
    file_hash_file_path Nullable(String),
    file_hash_sha256 Nullable(String),
    file_hash_reason LowCardinality(Nullable(String)),
    -- network
    connect_protocol LowCardinality(Nullable(String)),
    connect_destination_ip Nullable(String),
    connect_destination_port Nullable(UInt32),
    connect_outcome LowCardinality(Nullable(String)),
    connect_call_errno Nullable(UInt32),
    accept_source_ip Nullable(String),
    accept_source_port Nullable(UInt32),
    close_destination_ip Nullable(String),
    close_bytes_sent Nullable(UInt64),
    close_bytes_received Nullable(UInt64),
    udp_flow_destination_ip Nullable(String),
    udp_flow_destination_port Nullable(UInt32),
    udp_flow_bytes_sent Nullable(UInt64),
    udp_flow_bytes_received Nullable(UInt64),
    dns_direction LowCardinality(Nullable(String)),
    dns_names Array(String),
    dns_answers Array(String),
    -- kernel
    module_operation LowCardinality(Nullable(String)),
    module_name Nullable(String),
    -- what is missing
    loss_event_class LowCardinality(Nullable(String)),
    loss_cause LowCardinality(Nullable(String)),
    loss_count Nullable(UInt64),
    suppression_event_class LowCardinality(Nullable(String)),
    suppression_reason LowCardinality(Nullable(String)),
    suppression_count Nullable(UInt64),
    account_classes Array(LowCardinality(String)),
    account_generated Array(UInt64),
    account_recorded Array(UInt64),
    account_lost Array(UInt64),
    account_suppressed Array(UInt64),
    run_start_not_watched_since_unix_nano Nullable(Int64),
    run_start_watched_since_unix_nano Nullable(Int64),
    seal_note Nullable(String),
    INDEX pod_index pod_name TYPE bloom_filter GRANULARITY 4,
    INDEX container_index container_id TYPE bloom_filter GRANULARITY 4,
    INDEX destination_index connect_destination_ip TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(time)
ORDER BY (node_name, run_id, sequence)
TTL toDateTime(time) + INTERVAL 365 DAY;
