#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""spark-submit --packages org.apache.spark:spark-protobuf_2.13:VERSION,org.apache.spark:spark-sql-kafka-0-10_2.13:VERSION varve.py BROKERS
TOPIC DESCRIPTOR OUTPUT: the topic's records as a Parquet table, each once; and what is missing. VERSION is Spark's."""
import sys

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.protobuf.functions import from_protobuf


def read_topic(spark, brokers, topic):
    return (spark.read.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", topic)
            .option("startingOffsets", "earliest").option("endingOffsets", "latest").load())


def records(values, descriptor):
    """Of a column `value`: a row per record, a column per field of varve.v1.Event. A record that cannot be decoded is an error, not a row of
    NULLs: mode FAILFAST is the default."""
    # Confluent's prefix (kafka-framing confluent): no Event begins with a zero byte.
    value = F.when(F.hex(F.substring("value", 1, 1)) == "00", F.expr("substring(value, 7)")).otherwise(F.col("value"))
    # Absent and zero are two things: absent is NULL, since the schema is proto2.
    event = from_protobuf(value, "varve.v1.Event", descFilePath=descriptor)
    # After a crash a sensor may send some records again.
    return values.select(event.alias("e")).select("e.*").dropDuplicates(["run_id", "sequence"])


def lines(spark, path):
    """The same of files of JSON lines (varve cat, varve follow). Only the fields that are in them are columns; 64-bit numbers are strings there."""
    events = spark.read.json(path)
    return events.withColumn("sequence", F.col("sequence").cast("long")).dropDuplicates(["run_id", "sequence"])


def gaps(events):
    """Numbers of a run that did not come."""
    previous = F.lag("sequence").over(Window.partitionBy("node_name", "run_id").orderBy("sequence"))
    return (events.select("node_name", "run_id", "sequence", previous.alias("previous"))
            .where("sequence > previous + 1 OR (previous IS NULL AND sequence > 0)")
            .selectExpr("node_name", "run_id", "coalesce(previous + 1, 0) AS first_missing", "sequence - 1 AS last_missing"))


def declared(events):
    """What the sensors say themselves that they lost or left out."""
    lost = events.where("kind = 'LOSS'").selectExpr("node_name", "container.id AS container_id", "kind", "loss.event_class", "loss.cause AS why",
                                                    "CAST(loss.count AS BIGINT) AS count")
    left_out = events.where("kind = 'SUPPRESSION'").selectExpr("node_name", "container.id AS container_id", "kind", "suppression.event_class",
                                                               "suppression.reason AS why", "CAST(suppression.count AS BIGINT) AS count")
    return lost.union(left_out)


def main():
    brokers, topic, descriptor, output = sys.argv[1:]
    spark = SparkSession.builder.appName("varve").getOrCreate()
    events = records(read_topic(spark, brokers, topic), descriptor).cache()
    events.write.mode("overwrite").partitionBy("kind").parquet(output)
    gaps(events).show(1000, truncate=False)
    declared(events).show(1000, truncate=False)
    spark.stop()


if __name__ == "__main__":
    main()
