# SPDX-License-Identifier: Apache-2.0
"""What load.c and tally.c say, read; shared by judge.py and the bench."""
import collections

CLASSES = ('process', 'file', 'network', 'container')
# What one operation is to the kernel: events by kind. Of the second open for reading none is recorded by default.
EVENTS = {'x': ('FORK', 'EXEC', 'EXIT'), 'w': ('OPEN', 'CLOSE_WRITE'), 'r': ('OPEN', 'OPEN'), 'u': ('UNLINK',), 'c': ('CONNECT',)}
CLASS = {'FORK': 'process', 'EXEC': 'process', 'EXIT': 'process', 'OPEN': 'file', 'CLOSE_WRITE': 'file', 'UNLINK': 'file', 'CONNECT': 'network'}


class Container:
    """A line of the generator's account, and what the log says of the same container."""
    def __init__(self, line):
        self.number, self.id, self.token, self.mix, seconds, *counts = line.split()
        self.seconds = float(seconds)
        self.done = {k: int(n) for k, n in (c.split('=') for c in counts)}
        self.recorded, self.kinds, self.wrong = collections.Counter(), collections.Counter(), 0
        self.lost, self.accounts, self.closed = collections.Counter(), {}, False

    def operations(self):
        return sum(self.done.values())

    def events(self):
        """Its events by class: of the operations, its process's end, and the container's start and stop."""
        n = collections.Counter({'process': 1, 'container': 2})
        for letter, kinds in EVENTS.items():
            for kind in kinds:
                n[CLASS[kind]] += self.done[letter]
        return n


class Tally:
    def __init__(self, truth, lines):
        with open(truth) as f:
            self.containers = {c.id: c for c in map(Container, f)}
        self.runs, self.ops, self.damage = [], [], 0
        self.node_lost = collections.Counter()  # by (class, cause)
        self.causes = collections.Counter()
        for line in lines:
            word, *rest = line.split()
            getattr(self, 'take_' + word)(*rest)

    def take_records(self, cid, ev_class, n):
        self.containers[cid].recorded[ev_class] = int(n)

    def take_kind(self, cid, kind, n):
        self.containers[cid].kinds[kind] = int(n)

    def take_wrong(self, cid, n):
        self.containers[cid].wrong = int(n)

    def take_damage(self, n):
        self.damage = int(n)

    def take_account(self, cid, ev_class, generated, recorded, lost, suppressed, closed):
        """One of each run; sums. The last says whether it is closed."""
        c = self.containers[cid]
        old = c.accounts.get(ev_class, (0, 0, 0, 0))
        c.accounts[ev_class] = tuple(a + int(b) for a, b in zip(old, (generated, recorded, lost, suppressed)))
        c.closed = closed == '1'

    def take_loss(self, cid, ev_class, cause, n):
        if cid in self.containers:
            self.containers[cid].lost[ev_class] += int(n)
            self.causes[ev_class, cause] += int(n)
        elif cid == '-':
            self.node_lost[ev_class, cause] += int(n)

    def take_run(self, run, first, count, missing, twice, clean, previous, since, until):
        self.runs.append({'id': run, 'first': int(first), 'count': int(count), 'missing': int(missing), 'twice': int(twice),
                          'clean': clean == '1', 'previous': previous, 'since': int(since), 'until': int(until)})

    def take_op(self, cid, kind, number, pid, time):
        self.ops.append((cid, kind, int(number), int(pid), int(time)))
