#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vector.py CONFIG DESCRIPTOR OURS DIRECTORY...: the remap program of deploy/consumers/vector on each record, by VRL itself (Vector's language
and its protobuf decoder, as a library). OURS is what varve cat says of them; the directories hold one record a file, framed or not."""
import glob
import json
import os
import sys

import pyvrl
import yaml
from google.protobuf import descriptor_pb2

config, descriptor, ours, *directories = sys.argv[1:]
config = yaml.safe_load(open(config))
for name, part in {**config["transforms"], **config["sinks"]}.items():
    for source in part["inputs"]:
        base, _, output = source.partition(".")
        assert base in config["sources"] or base in config["transforms"], f"{name}: there is no {source}"
        assert not output or output == "dropped" or output in config["transforms"][base]["route"], f"{name}: there is no output {source}"
program = config["transforms"]["decode"]["source"]
program = program.replace("/etc/vector/varve.desc", os.path.abspath(descriptor))
ours = {int(e["sequence"]): e for e in map(json.loads, open(ours))}
decode = pyvrl.Transform(program + "\n.")  # remap() gives what the last line is


files = descriptor_pb2.FileDescriptorSet.FromString(open(descriptor, "rb").read())
BYTES = {f.name for m in files.file[0].message_type for f in m.field if f.type == f.TYPE_BYTES}


def compare(ours, theirs, where):
    if where.rpartition(".")[2] in BYTES:
        assert theirs is not None, where  # base64 there; here text, in which what is no UTF-8 is lost
    elif isinstance(ours, dict):
        assert isinstance(theirs, dict) and set(ours) == set(theirs), (where, set(ours) ^ set(theirs))
        for k in ours:
            compare(ours[k], theirs[k], f"{where}.{k}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, f"{where}[{i}]")
    else:
        assert str(ours) == str(theirs), (where, ours, theirs)


for directory in directories:
    seen, gaps = set(), 0
    for file in sorted(glob.glob(directory + "/*.bin")):
        event = decode.remap({"message": open(file, "rb").read(), "topic": "varve.events", "partition": 0, "offset": 7})
        want = ours[event["sequence"]]
        assert event.pop("id") == f"{want['run_id']}/{want['sequence']}"
        assert event.pop("kafka") == {"topic": "varve.events", "partition": 0, "offset": 7}
        assert event.pop("timestamp")
        gap = event.pop("is_gap")
        assert gap == (want["kind"] in ("LOSS", "SUPPRESSION")), want["kind"]
        gaps += gap
        compare(want, event, want["kind"])
        seen.add(event["sequence"])
    assert seen == set(ours), f"{directory}: {len(seen)} of {len(ours)}"
    print(f"# {len(seen)} records of {os.path.basename(directory)}, the same as ours; {gaps} that say what is missing")
for bad in (b"\xff\xff", b"\0\0\0\0\7\0\xff"):
    try:
        decode.remap({"message": bad, "topic": "t", "partition": 0, "offset": 0})
        sys.exit("what is no Event was decoded")
    except (ValueError, RuntimeError, Exception) as e:
        assert "protobuf" in str(e).lower() or "decod" in str(e).lower(), e
