# SPDX-License-Identifier: Apache-2.0
"""decode.py DESC LOGDIR OURS.jsonl: reads the log's frames by the documented format, decodes each payload with Python's protobuf and with
protoc, and compares with our JSON lines, field by field."""
import glob, json, struct, subprocess, sys
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, text_format

desc, logdir, ours = sys.argv[1:]
fds = descriptor_pb2.FileDescriptorSet.FromString(open(desc, 'rb').read())
pool = descriptor_pool.DescriptorPool()
for f in fds.file:
    pool.Add(f)
Event = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName('varve.v1.Event'))

table = []
for i in range(256):
    for _ in range(8):
        i = (i >> 1) ^ (0x82f63b78 if i & 1 else 0)
    table.append(i)


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for b in data:
        crc = table[(crc ^ b) & 255] ^ (crc >> 8)
    return crc ^ 0xffffffff


def frames():
    for path in sorted(glob.glob(logdir + '/*.seg')):
        data = open(path, 'rb').read()
        first = struct.unpack_from('<Q', data, 16)[0]
        assert data[:8] == b'VARVESEG' and struct.unpack_from('<I', data, 28)[0] == crc32c(data[:28]), path
        at = 32
        while at < len(data):
            magic, length, crc = struct.unpack_from('<4sII', data, at)
            payload = data[at + 12:at + 12 + length]
            assert magic == b'\xf5\x56\x46\xff', (path, at)
            assert crc == crc32c(struct.pack('<QQI', first, at, length) + payload), (path, at)
            yield payload
            at += 12 + length


def protoc(payload):
    text = subprocess.run(['protoc', '--descriptor_set_in=' + desc, '--decode=varve.v1.Event'], input=payload, stdout=subprocess.PIPE,
                          check=True).stdout
    return text_format.Parse(text, Event(), descriptor_pool=pool)


count = 0
kinds = set()
lines = open(ours)
for payload in frames():
    ev = Event.FromString(payload)
    theirs = json.loads(json_format.MessageToJson(ev, preserving_proto_field_name=True))
    mine = json.loads(next(lines))
    assert mine == theirs, f'record {count}: ours\n{mine}\nPython\n{theirs}'
    # protoc costs a process each: one of each kind and every 20th.
    if ev.kind not in kinds or count % 20 == 0:
        assert protoc(payload) == ev, f'record {count}: protoc differs'
    body = ev.WhichOneof('body')
    assert body and body.upper() == ev.kind, f'record {count}: kind {ev.kind}, body {body}'
    kinds.add(ev.kind)
    count += 1
assert next(lines, None) is None, 'ours has more lines'
assert count > 300, count
assert {'EXEC', 'FORK', 'EXIT', 'OPEN', 'RENAME', 'UNLINK', 'CONTAINER_START', 'CONTAINER_STOP', 'ACCOUNT', 'HEARTBEAT'} <= kinds, kinds
print(f'# {count} records of {len(kinds)} kinds: {" ".join(sorted(kinds))}')
