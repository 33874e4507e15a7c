#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""same.py OURS THEIRS: two files of JSON lines say the same, record by record."""
import json
import sys

ours, theirs = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
if len(ours) != len(theirs):
    sys.exit(f"{len(theirs)} records, want {len(ours)}")
for a, b in zip(ours, theirs):
    if a != b:
        sys.exit(f"{a['kind']} {a['sequence']}: {b}, want {a}")
