# SPDX-License-Identifier: Apache-2.0
# For metrics.sh: a service manager that listens, clients of the HTTP server, and the judge of what it said.
import ctypes, json, os, re, socket, sys, time, urllib.error, urllib.request


def notify(path, out):
    """Writes each datagram as a JSON line with its time, until it is killed."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    with open(out, 'w', buffering=1) as f:
        while True:
            print(json.dumps([time.monotonic(), s.recv(4096).decode()]), file=f)


def get(url):
    """Prints the status and the body; a server that refuses is no error of ours."""
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            print(r.status)
            sys.stdout.write(r.read().decode())
    except urllib.error.HTTPError as e:
        print(e.code)
        sys.stdout.write(e.read().decode())


def slow(port, count, seconds):
    """Requests that never end, a byte each half second. The last line: how many were cut off."""
    conns = []
    for _ in range(int(count)):
        s = socket.create_connection(('127.0.0.1', int(port)))
        s.send(b'GET /metrics HTTP/1.1\r\nX: ')
        conns.append(s)
    end, cut = time.monotonic() + float(seconds), set()
    while time.monotonic() < end:
        time.sleep(0.5)
        for i, s in enumerate(conns):
            try:
                s.send(b'a')
            except OSError:
                cut.add(i)
    print(len(cut))


def hang(pid, seconds, url):
    """Stops the loop's thread alone, and scrapes meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach = 0x4206, 0x4207, 17
    pid = int(pid)
    for request in seize, interrupt:
        if libc.ptrace(request, pid, None, None):
            sys.exit(f'ptrace: {os.strerror(ctypes.get_errno())}')
    os.waitpid(pid, 0x40000000)  # __WALL
    time.sleep(float(seconds))
    try:
        get(url)
    finally:
        libc.ptrace(detach, pid, None, None)


def parse(text):
    values = {}
    for line in text.splitlines():
        if line and not line.startswith('#'):
            name, value = line.rsplit(' ', 1)
            values[name] = float(value)
    return values


def label(name, **labels):
    return name + '{' + ','.join(f'{k}="{v}"' for k, v in labels.items()) + '}'


def judge(scrape, events):
    """What was scraped against the records that were in the log then."""
    m = parse(open(scrape).read())
    events = [json.loads(l) for l in open(events)]
    events = [e for e in events if int(e['sequence']) < m['varve_sensor_records_total']]
    kinds = {}
    for e in events:
        kinds.setdefault(e['kind'], []).append(e)
    wrong, held = [], 0

    def same(name, value):
        nonlocal held
        held += 1
        if m.get(name) != float(value):
            wrong.append(f'{name} is {m.get(name)}, not {value}')

    same('varve_sensor_records_total', len(events))
    same('varve_sensor_heartbeats_total', len(kinds['HEARTBEAT']))
    same('varve_sensor_seals_total', len(kinds['SEAL']))
    for c in kinds['HEARTBEAT'][-1]['heartbeat']['counts']:
        for what in 'generated', 'recorded', 'lost', 'suppressed':
            same(label(f'varve_sensor_events_{what}_total', **{'class': c['event_class']}), c[what])
        if int(c['recorded']) + int(c['lost']) + int(c['suppressed']) != int(c['generated']):
            wrong.append(f"{c['event_class']} does not add up")
    for kind, body, name, key in (('LOSS', 'loss', 'losses', 'cause'), ('SUPPRESSION', 'suppression', 'suppressions', 'reason')):
        sums = {}
        for e in kinds.get(kind, []):
            b = e[body]
            if b.get('event_class'):
                at = (b['event_class'], b[key])
                sums[at] = sums.get(at, 0) + int(b['count'])
        for full, value in m.items():
            found = re.fullmatch(rf'varve_sensor_{name}_declared_total{{class="(\w+)",{key}="(\w+)"}}', full)
            if found:
                same(full, sums.pop(found.groups(), 0))
        wrong += [f'{at} is not among the metrics' for at in sums]
    coverage = kinds['COVERAGE'][-1]['coverage']
    same('varve_sensor_hooks_attached', sum(bool(h.get('attached')) for h in coverage['hooks']))
    same('varve_sensor_hooks_missing', sum(not h.get('attached') and not h.get('served_by') for h in coverage['hooks']))
    same('varve_sensor_kinds_not_seen', len(coverage.get('not_seen', [])))
    same('varve_sensor_kinds_partly_seen', len(coverage.get('partly_seen', [])))
    same(label('varve_sensor_ring_size_bytes', ring='events'), coverage['ring_bytes'])
    same(label('varve_sensor_ring_size_bytes', ring='decisive'), coverage['decisive_ring_bytes'])
    # Accounts of containers that have ended are a part of the node's.
    for e in kinds.get('ACCOUNT', []):
        for c in e['account']['counts']:
            if int(c['generated']) > m[label('varve_sensor_events_generated_total', **{'class': c['event_class']})]:
                wrong.append(f"an account of {c['event_class']} is more than the node's")
    print(f'# {held} values compared with the log, {len(wrong)} differ')
    sys.exit('; '.join(wrong[:5]) if wrong else 0)


def heard(path):
    """The order of what was said, and that the watchdog heard of the loop each second but while it hung."""
    said = [json.loads(l) for l in open(path)]
    words = [line for _, text in said for line in text.splitlines() if not re.match('STATUS=|WATCHDOG=|MONOTONIC_USEC=', line)]
    dogs = [t for t, text in said if text == 'WATCHDOG=1']
    gaps = [b - a for a, b in zip(dogs, dogs[1:])]
    print('# ' + ' '.join(words) + f', {len(dogs)} times WATCHDOG=1, longest pause {max(gaps):.1f} s')
    if words != ['READY=1'] + ['RELOADING=1', 'READY=1'] * 2 + ['STOPPING=1']:
        sys.exit('said: ' + ' '.join(words))
    if sum(g > 3.5 for g in gaps) != 1:
        sys.exit(f'pauses of the watchdog: {[round(g, 1) for g in gaps if g > 2]}')


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
