#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""configs.py DIRECTORY SCHEMA: what is not run in deploy/consumers, as far as it can be looked at: YAML, JSON and properties parse, and every
field of a record that a configuration names is one of the schema."""
import json
import re
import sys

import yaml
from google.protobuf import descriptor_pb2

directory, descriptor = sys.argv[1:]
files = descriptor_pb2.FileDescriptorSet.FromString(open(descriptor, "rb").read())
messages = {m.name: {f.name: f.type_name.rpartition(".")[2] for f in m.field} for m in files.file[0].message_type}


def is_field(path):
    kind = "Event"
    for name in path.split("."):
        if name not in messages.get(kind, {}):
            return False
        kind = messages[kind][name]
    return True


def read(name):
    with open(f"{directory}/{name}") as f:
        return f.read()


def want(names, where):
    assert names, f"{where}: no field found"
    for name in names:
        assert is_field(name), f"{where}: there is no field {name}"
    return len(names)


def properties(name):
    return dict(line.split("=", 1) for line in read(name).splitlines() if line and not line.startswith("#"))


count = 0
filebeat = yaml.safe_load(read("filebeat/filebeat.yml"))
assert filebeat["filebeat.inputs"][0]["parsers"][0]["ndjson"]["target"] == "varve"
count += want([f for f in re.findall(r"varve\.(\w+)", read("filebeat/filebeat.yml")) if f != "time_ms"], "filebeat")
fluent = yaml.safe_load(read("fluent-bit/fluent-bit.yaml"))
assert {p["name"] for p in fluent["parsers"]} == {i["parser"] for i in fluent["pipeline"]["inputs"]}
tags = {i["tag"] for i in fluent["pipeline"]["inputs"]}
assert all(p["match"] in tags for part in ("filters", "outputs") for p in fluent["pipeline"][part])
for name in ("json", "protobuf"):
    config = json.loads(read(f"splunk-connect/{name}.json"))["config"]
    assert ("Protobuf" in config["value.converter"]) == (name == "protobuf")
assert re.search(r'TIME_PREFIX = "(\w+)"', read("splunk-connect/props.conf")).group(1) == "time_unix_nano"
assert properties("kafka-connect/protobuf.properties")["value.converter"].endswith("ProtobufConverter")
logstash = read("logstash/varve.conf")
assert logstash.count("{") == logstash.count("}") and logstash.count("ByteArrayDeserializer") == 2
count += want(re.findall(r'event\.get\("(\w+)"\)', logstash), "logstash")
# Flink: the columns are fields, nested as they are; and the types are those that the format wants.
TYPES = {"STRING": "string", "BIGINT": "64", "INT": "32", "BOOLEAN": "bool"}
table = re.search(r"CREATE TABLE varve_raw \((.*?)\n\) WITH", read("flink/varve.sql"), re.S).group(1)


def columns(text, kind, where):
    n, at, depth, start = 0, 0, 0, 0
    parts = []
    for at, c in enumerate(text + ","):
        depth += (c == "<") - (c == ">")
        if c == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    for part in parts:
        name, type_ = part.replace("`", "").split(None, 1)
        assert name in messages[kind], f"flink: {where}.{name}"
        row = re.fullmatch(r"ROW<(.*)>", type_, re.S)
        assert bool(row) == bool(messages[kind][name]) and (row or type_ in TYPES), f"flink: {where}.{name} {type_}"
        n += columns(row.group(1), messages[kind][name], f"{where}.{name}") if row else 1
    return n


count += columns(table, "Event", "Event")
print(f"# {count} names of fields in configurations are fields of the schema")
