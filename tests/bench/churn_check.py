#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""churn_check.py DIR TREE <RECORDS: holds what `varve cat` says (JSON lines) against DIR/manifest, what was run (churn_run.py). Prints a table of
figures, lines that begin with #, and ok or not ok for each promise. Containers of others on this machine are left alone. DIR/keys: keys that
the kernel's maps have afterwards (bpftool)."""
import collections, json, statistics, sys

CLASSES = ('process', 'container')
WHO = ('uid', 'name', 'namespace')


class Container:
    def __init__(self, told):
        self.pod, self.name = told['pod'], told['name']
        self.expected = collections.Counter(tuple(e) for e in told['execs'])
        self.first = tuple(told['execs'][0])
        self.execs, self.records, self.accounts = [], collections.Counter(), []
        self.start, self.stop, self.exit, self.cgroups = [], [], {}, set()
        self.makers, self.entries = {}, {}  # by pid: who made it (pid), how it came in


def whose(event, c):
    """'right', 'pending' (says that it does not know yet) or 'wrong'."""
    container, pod = event['container'], event.get('pod', {})
    if any(pod.get(k, c.pod[k]) != c.pod[k] for k in WHO) or container.get('name', c.name) != c.name:
        return 'wrong'
    if container['metadata_state'] == 'RESOLVED' and all(k in pod for k in WHO) and 'name' in container:
        return 'right'
    return 'pending'


def take(event, c, figures):
    kind, at = event['kind'], int(event['boot_time_nano'])
    answer = whose(event, c)
    figures['records ' + answer] += 1
    c.cgroups.add(int(event['container']['cgroup_id']))
    process = event.get('process', {})
    if 'kernel_number' in event:
        c.records[event['kernel_number']['event_class']] += 1
    if kind == 'EXEC':
        c.execs.append((tuple(event['exec'].get('args', ())), process, at, answer))
    elif kind == 'EXIT':
        c.exit[process['process_uid']] = at
    elif kind == 'FORK':
        c.makers[process['pid']] = event['fork']['parent_tid']
    elif kind in ('CONTAINER_START', 'CONTAINER_STOP'):
        (c.start if kind == 'CONTAINER_START' else c.stop).append(at)
    elif kind == 'ACCOUNT':
        c.accounts.append(event['account'])
    elif kind == 'BINDING':
        figures['bindings'] += 1
    # The runtime makes and removes the cgroup, and signals into it, from outside.
    if process and kind not in ('CONTAINER_START', 'CONTAINER_STOP', 'SIGNAL'):
        entry = process.get('entry', {})
        c.entries.setdefault(process['pid'], (process['process_uid'], set()))[1].add((entry.get('how'), entry.get('process_uid')))


def entry_is_right(c):
    """Whom one descends from, by who made whom, came in first, and the runtime lets one in only."""
    for pid, (_, entries) in c.entries.items():
        while pid in c.makers:
            pid = c.makers[pid]
        if pid not in c.entries or entries != {('entrypoint', c.entries[pid][0])}:
            return False
    return sum(pid not in c.makers for pid in c.entries) == 1


def judge(c, figures):
    """All of one container's records are here."""
    found = collections.Counter(args for args, *_ in c.execs)
    figures['execs expected'] += c.expected.total()
    figures['execs missing'] += (c.expected - found).total()
    begins = min((at for args, _, at, _ in c.execs if args == c.first), default=0)
    for args, _, at, answer in c.execs:
        # runc runs itself, and once more from a copy, while it is moved into the cgroup.
        if args == ('runc', 'init') and found[args] <= 2 and at < begins:
            figures['execs of the runtime'] += 1
            figures['execs of the runtime not ' * (answer != 'right') + answer] += answer != 'right'
        elif found[args] > c.expected[args]:
            figures['execs wrong'] += 1  # another's, or twice
        else:
            figures['execs ' + {'right': 'attributed'}.get(answer, answer)] += 1
    figures['entry wrong'] += not entry_is_right(c)
    figures['life not once'] += len(c.start) != 1 or len(c.stop) != 1
    figures['account wrong'] += not account_is_right(c, figures)


def account_is_right(c, figures):
    if len(c.accounts) != 1 or not c.accounts[0].get('closed'):
        return False
    right = True
    for count in c.accounts[0]['counts']:
        generated, recorded, lost, suppressed = (int(count[k]) for k in ('generated', 'recorded', 'lost', 'suppressed'))
        figures['suppressed'] += suppressed
        figures['lost by accounts'] += lost
        right &= recorded + lost + suppressed == generated and recorded == c.records[count['event_class']]
    return right


def lives(containers):
    """Milliseconds from the first exec to that process's exit, and from the cgroup's beginning to its end."""
    program, cgroup = [], []
    for c in containers:
        first = [(p['process_uid'], at) for args, p, at, _ in c.execs if args == c.first]
        if len(first) == 1 and first[0][0] in c.exit:
            program.append((c.exit[first[0][0]] - first[0][1]) / 1e6)
        if len(c.start) == len(c.stop) == 1:
            cgroup.append((c.stop[0] - c.start[0]) / 1e6)
    return program, cgroup


def tell_lives(what, ms):
    if len(ms) < 2:
        return
    q = statistics.quantiles(ms, n=100)
    print(f'# {what}: median {statistics.median(ms):.1f} ms, 95 % {q[94]:.1f} ms, most {max(ms):.1f} ms; '
          f'under 50 ms {sum(m < 50 for m in ms)} of {len(ms)}')


def promise(holds, name):
    print('ok' if holds else 'not ok', name)


def main():
    with open(sys.argv[1] + '/manifest') as f:
        told = [json.loads(line) for line in f]
    tree = f'/{sys.argv[2]}/'
    containers = {t['id']: Container(t) for t in told}
    words = {args: cid for cid, c in containers.items() for args in c.expected}
    figures, losses, strangers = collections.Counter(), collections.Counter(), 0
    for line in sys.stdin:
        event = json.loads(line)
        figures['records of the node'] += 1
        cid = event.get('container', {}).get('id')
        if event['kind'] == 'LOSS':
            loss = event['loss']
            losses[loss.get('event_class', 'any'), loss['cause'], 'ours' if cid in containers else 'node or others'] += int(loss['count'])
        if cid in containers:
            take(event, containers[cid], figures)
        elif event['kind'] == 'EXEC' and tuple(event['exec'].get('args', ())) in words:
            figures['execs wrong'] += 1  # ours, but in no container or in another's
        elif event['kind'] == 'CONTAINER_START' and event['container_start']['cgroup_path'].startswith(tree):
            strangers += 1
    for c in containers.values():
        judge(c, figures)

    for what in ('execs expected', 'execs attributed', 'execs wrong', 'execs missing', 'execs pending', 'execs of the runtime',
                 'records of the node', 'records right', 'records wrong', 'records pending', 'bindings', 'suppressed', 'lost by accounts'):
        print(f'# {what:24} {figures[what]:9}')
    for (event_class, cause, where), n in sorted(losses.items()):
        print(f'# LOSS {event_class} {cause} ({where}): {n}')
    program, cgroup = lives(containers.values())
    tell_lives('life of a container, first exec to exit', program)
    tell_lives('life of its cgroup, made to removed', cgroup)

    with open(sys.argv[1] + '/keys') as f:
        dumps = [json.loads(line) for line in f if line.strip()]
    keys = {int.from_bytes(bytes(int(b, 16) for b in e['key']), 'little') for dump in dumps for e in dump}
    left = sum(bool(c.cgroups & keys) for c in containers.values())

    n = figures['execs expected']
    promise(figures['execs attributed'] == n, f'{figures["execs attributed"]} of {n} EXECs carry their pod, namespace and container in the record')
    promise(not figures['execs wrong'] + figures['records wrong'], 'nothing is attributed to another')
    promise(not figures['execs missing'], 'no EXEC is missing')
    promise(not figures['execs pending'] + figures['execs of the runtime not pending'], 'no EXEC says its pod later')
    promise(not figures['life not once'] + strangers, 'each container starts and stops once, and no other does')
    promise(not figures['entry wrong'], f'all came in by the entrypoint, but for {figures["entry wrong"]} containers')
    promise(not figures['account wrong'], f'accounts add up and agree with the records, but for {figures["account wrong"]}')
    promise(len(dumps) == 2 and not left, f'{left} of these containers are left in the kernel\'s maps')
    lost = sum(n for (event_class, _, where), n in losses.items() if event_class in CLASSES or where == 'ours')
    promise(not lost, f'{lost} losses of processes, containers, or of these containers at all')
    ours = sum(n for (*_, where), n in losses.items() if where == 'ours')
    promise(ours == figures['lost by accounts'], 'what accounts call lost is declared')


main()
