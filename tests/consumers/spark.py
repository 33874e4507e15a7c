#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""spark.py MODULE-DIRECTORY OURS: deploy/consumers/spark on JSON lines, each twice. (spark-protobuf is on no registry that the tests reach:
from_protobuf() is not run.)"""
import sys
import tempfile

module, ours = sys.argv[1:]
sys.path.insert(0, module)
from pyspark.sql import SparkSession  # noqa: E402
import varve  # noqa: E402

spark = (SparkSession.builder.master("local[1]").appName("varve-test").config("spark.ui.enabled", "false")
         .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "1")
         .config("spark.driver.memory", "700m").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
text = open(ours).read()
with tempfile.NamedTemporaryFile("w", suffix=".jsonl", dir=ours.rpartition("/")[0] or ".") as twice:
    twice.write(text + text)
    twice.flush()
    events = varve.lines(spark, twice.name).cache()
    assert events.count() == text.count("\n"), events.count()
assert varve.gaps(events).count() == 0
missing = varve.gaps(events.where("sequence NOT IN (5, 6)")).collect()
assert [(r["first_missing"], r["last_missing"]) for r in missing] == [(5, 6)], missing
declared = sorted((r["kind"], r["event_class"], r["why"], r["count"]) for r in varve.declared(events).collect())
assert declared == [("LOSS", "file", "ring_full", 7), ("SUPPRESSION", "file", "read_open_repeated", 3)], declared
print(f"# {events.count()} records by Spark {spark.version}")
spark.stop()
