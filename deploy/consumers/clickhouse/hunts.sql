-- SPDX-License-Identifier: Apache-2.0
-- Hunts. A hunt that finds nothing is worth what the records are worth: look at "what is missing" first.

-- what is missing: numbers of a run that did not come (first_sequence above 0: the topic no longer has its beginning, or never had it)
SELECT node_name, run_id, min(sequence) AS first_sequence, max(sequence) AS last_sequence, count() AS records,
       max(sequence) - min(sequence) + 1 - count() AS missing
FROM varve.events FINAL
GROUP BY node_name, run_id
HAVING missing > 0 OR first_sequence > 0;

-- what is missing: which numbers
SELECT node_name, run_id, previous + 1 AS missing_from, sequence - 1 AS missing_to
FROM
(
    SELECT node_name, run_id, sequence, lagInFrame(toNullable(sequence)) OVER (PARTITION BY node_name, run_id ORDER BY sequence
        ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous
    FROM varve.events FINAL
)
WHERE sequence > previous + 1;

-- what is missing: declared by the sensors, by pod, class and cause
SELECT node_name, pod_namespace, pod_name, container_id, kind, coalesce(loss_event_class, suppression_event_class) AS class,
       coalesce(loss_cause, suppression_reason) AS why, sum(coalesce(loss_count, suppression_count)) AS events,
       min(time) AS first, max(time) AS last
FROM varve.events FINAL
WHERE kind IN ('LOSS', 'SUPPRESSION')
GROUP BY node_name, pod_namespace, pod_name, container_id, kind, class, why
ORDER BY events DESC;

-- what is missing: time in which a node was not watched
SELECT node_name, fromUnixTimestamp64Nano(run_start_not_watched_since_unix_nano) AS since,
       fromUnixTimestamp64Nano(run_start_watched_since_unix_nano) AS until
FROM varve.events FINAL
WHERE kind = 'RUN_START' AND run_start_not_watched_since_unix_nano IS NOT NULL
ORDER BY since;

-- the account of each container that has gone: recorded + lost + suppressed = generated
SELECT container_id, any(pod_namespace) AS namespace, any(pod_name) AS pod, class, sum(generated) AS generated, sum(recorded) AS recorded,
       sum(lost) AS lost, sum(suppressed) AS suppressed
FROM varve.events FINAL
ARRAY JOIN account_classes AS class, account_generated AS generated, account_recorded AS recorded, account_lost AS lost,
           account_suppressed AS suppressed
WHERE kind = 'ACCOUNT'
GROUP BY container_id, class
HAVING generated > 0
ORDER BY lost DESC, generated DESC;

-- all that a pod did
SELECT time, kind, process_exe_path, process_cmd_line,
       coalesce(exec_cmd_line, open_file_path, unlink_file_path, rename_new_file_path, connect_destination_ip, dns_names[1]) AS what
FROM varve.events FINAL
WHERE pod_namespace = 'default' AND pod_name = 'web-7f9'
ORDER BY boot_time_nano, sequence;

-- programs that are not from the image: written in the container, deleted, or in memory only
SELECT time, pod_namespace, pod_name, exec_file_path, exec_cmd_line, exec_file_overlay_upper, exec_file_unlinked, exec_file_memfd
FROM varve.events FINAL
WHERE kind = 'EXEC' AND (exec_file_overlay_upper OR exec_file_unlinked OR exec_file_memfd)
ORDER BY time;

-- who came in from outside (kubectl exec and its like), and what they ran
SELECT time, pod_namespace, pod_name, exec_tty, exec_cmd_line, process_uid
FROM varve.events FINAL
WHERE kind = 'EXEC' AND process_entry_how = 'session'
ORDER BY time;

-- connections out of the private ranges, by program
SELECT pod_namespace, pod_workload_name, process_exe_path, connect_destination_ip AS ip, connect_destination_port AS port, count() AS times,
       min(time) AS first
FROM varve.events FINAL
WHERE kind = 'CONNECT' AND connect_protocol IN ('tcp', 'udp') AND isIPv4String(ifNull(ip, ''))
  AND NOT (isIPAddressInRange(ip, '10.0.0.0/8') OR isIPAddressInRange(ip, '172.16.0.0/12') OR isIPAddressInRange(ip, '192.168.0.0/16')
           OR isIPAddressInRange(ip, '127.0.0.0/8'))
GROUP BY pod_namespace, pod_workload_name, process_exe_path, ip, port
ORDER BY times;

-- names that only one workload ever looked up
SELECT name, any(pod_namespace) AS namespace, any(coalesce(pod_workload_name, pod_name)) AS workload, count() AS times, min(time) AS first
FROM varve.events FINAL
ARRAY JOIN dns_names AS name
WHERE kind = 'DNS'
GROUP BY name
HAVING uniqExact(ifNull(pod_namespace, ''), coalesce(pod_workload_name, pod_name, '')) = 1
ORDER BY first DESC;

-- where credentials are read
SELECT time, pod_namespace, pod_name, process_exe_path, process_uid, open_file_path, open_call_errno
FROM varve.events FINAL
WHERE kind = 'OPEN' AND match(ifNull(open_file_path, ''), '^/etc/shadow|/\\.ssh/|/serviceaccount/token$|/\\.aws/credentials$')
ORDER BY time;

-- modules loaded, processes traced
SELECT time, node_name, pod_namespace, pod_name, kind, process_exe_path, coalesce(module_name, ptrace_request_name) AS what
FROM varve.events FINAL
WHERE kind IN ('MODULE', 'PTRACE')
ORDER BY time;
