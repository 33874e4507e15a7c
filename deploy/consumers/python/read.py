#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read.py DESCRIPTOR TOPIC [-X PROPERTY=VALUE]...: the topic's records as lines of JSON, each record once; what is missing on stderr.

DESCRIPTOR is varve.desc, of the release that the sensors run. PROPERTY is any of librdkafka's (bootstrap.servers, security.protocol ...).
Reads what is there when it starts, from the beginning, without a consumer group. Ends with 0; 3: something is missing; 1: an error.
"""
import argparse
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

HOLES_MAX = 10000  # kept of each run


def event_class(descriptor_file):
    """The message class by the descriptor: no code is generated."""
    files = descriptor_pb2.FileDescriptorSet()
    with open(descriptor_file, "rb") as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("varve.v1.Event"))


def payload(message):
    """Without Confluent's prefix. No Event begins with a zero byte, so that a mirror that drops headers does no harm."""
    value = message.value() or b""
    framing = dict(message.headers() or []).get("framing", b"confluent")
    if framing == b"confluent" and value[:1] == b"\0":
        if value[5:6] == b"\0":
            return value[6:]
        if value[5:7] == b"\x02\x00":
            return value[7:]
    return value


def ascii_json(value):
    """Text in a record is what an attacker chose: as this, a terminal does not act on it."""
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


class Run:
    """The sequence of one run of a sensor: what came twice, and what did not come. After a crash a sensor sends again from some
    record on, in order; so a number below the next one has been seen, unless it is in a hole."""

    def __init__(self, first):
        self.first = self.next = first
        self.holes = []  # (from, until), in order

    def is_new(self, sequence):
        if sequence >= self.next:
            if sequence > self.next:
                if len(self.holes) == HOLES_MAX:
                    raise SystemExit("too many gaps to keep track of: is this topic one of Varve's?")
                self.holes.append((self.next, sequence))
            self.next = sequence + 1
            return True
        if sequence < self.first:
            # Read from the middle: what was before the first one seen.
            self.holes.insert(0, (sequence + 1, self.first))
            self.first = sequence
            self.holes = [h for h in self.holes if h[0] < h[1]]
            return True
        for i, (begin, end) in enumerate(self.holes):
            if begin <= sequence < end:
                self.holes[i:i + 1] = [h for h in ((begin, sequence), (sequence + 1, end)) if h[0] < h[1]]
                return True
        return False


class Reader:
    def __init__(self, event_type):
        self.event_type = event_type
        self.runs = {}
        self.records = self.twice = self.unreadable = 0
        self.missing = []

    def take(self, message):
        event = self.event_type()
        try:
            event.ParseFromString(payload(message))
        except DecodeError:
            self.unreadable += 1
            return
        run = self.runs.setdefault((event.node_name, event.run_id), Run(event.sequence))
        if not run.is_new(event.sequence):
            self.twice += 1
            return
        self.records += 1
        self.judge(event)
        # 64-bit numbers are strings there, bytes are base64.
        print(ascii_json(json_format.MessageToDict(event, preserving_proto_field_name=True)))

    def judge(self, event):
        q = ascii_json
        where = q(event.container.id) if event.container.id else "the node " + q(event.node_name)
        if event.kind == "LOSS":
            e = event.loss
            self.missing.append(f"LOSS: {e.count} of class {q(e.event_class)}, {q(e.cause)}, in {where}")
        elif event.kind == "SUPPRESSION":
            e = event.suppression
            self.missing.append(f"SUPPRESSION: {e.count} of class {q(e.event_class)}, {q(e.reason)}, in {where}")
        elif event.kind == "RUN_START" and event.run_start.HasField("not_watched_since_unix_nano"):
            e = event.run_start
            span = (e.watched_since_unix_nano - e.not_watched_since_unix_nano) / 1e9
            self.missing.append(f"NOT WATCHED: {span:.3f} s on {q(event.node_name)} before run {q(event.run_id)}")

    def tell(self):
        for (node, run_id), run in self.runs.items():
            name = f"run {ascii_json(run_id)} of {ascii_json(node)}"
            if run.first:
                self.missing.append(f"{name}: begins with {run.first} here")
            for begin, end in run.holes:
                self.missing.append(f"GAP: {name}: {begin} to {end - 1} did not come")
        if self.unreadable:
            self.missing.append(f"{self.unreadable} records are no varve.v1.Event")
        for line in self.missing:
            print(line, file=sys.stderr)
        print(f"{self.records} records of {len(self.runs)} runs, {self.twice} came twice", file=sys.stderr)
        return 3 if self.missing else 0


def partitions(consumer, topic):
    found = consumer.list_topics(topic, timeout=10).topics[topic]
    if found.error:
        raise KafkaException(found.error)
    for number in found.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
        if low < high:
            yield number, high


def read(consumer, topic, reader):
    ends = dict(partitions(consumer, topic))
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends])
    while ends:
        message = consumer.poll(10)
        if message is None:
            raise SystemExit("no answer from the broker")
        number = message.partition()
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
            ends.pop(number, None)
            continue
        if number in ends and message.offset() < ends[number]:
            reader.take(message)
            if message.offset() + 1 == ends[number]:
                del ends[number]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("descriptor")
    parser.add_argument("topic")
    parser.add_argument("-X", action="append", default=[], metavar="PROPERTY=VALUE", help="any property of librdkafka")
    args = parser.parse_args()
    properties = {"group.id": "unused", "enable.auto.commit": False, "enable.partition.eof": True, "check.crcs": True}
    properties.update(p.split("=", 1) for p in args.X)
    reader = Reader(event_class(args.descriptor))
    consumer = Consumer(properties)
    try:
        read(consumer, args.topic, reader)
    except KafkaException as e:
        raise SystemExit(str(e))
    finally:
        consumer.close()
    return reader.tell()


if __name__ == "__main__":
    sys.exit(main())
