#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""split.py DIR [SKIP]: what kcat -f '%R%s' prints (length, value, over and over) as files DIR/00000.bin ..., one for each record, without so many
bytes at its beginning."""
import struct
import sys

data, at, number = sys.stdin.buffer.read(), 0, 0
skip = int(sys.argv[2]) if len(sys.argv) > 2 else 0
while at < len(data):
    size, = struct.unpack_from(">i", data, at)
    with open(f"{sys.argv[1]}/{number:05}.bin", "wb") as f:
        f.write(data[at + 4 + skip:at + 4 + size])
    at += 4 + size
    number += 1
print(number)
