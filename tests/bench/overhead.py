#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""overhead.py: what being watched costs a container's operations on this machine (root). See `make bench` in docs/PERFORMANCE.md.

In each round each configuration gets its turn, beginning with another one each time: nothing; empty programs at the sensor's hooks; the sensor, by each
set of hooks that the kernel allows; another sensor, if PEER has a command for it. What a round says of a configuration is held against what the same round
says without; the table has the medians of that over the rounds, and half the distance between the quartiles.

Environment: O, ROUNDS (7), PERCENT of the usual times (100), PEER, PEER_READY, OPERATIONS (a regular expression)."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from overhead_load import Loads
from overhead_watch import Empty, Nothing, Peer, Sensor, trial

O = os.environ.get('O', 'build')
ROUNDS = int(os.environ.get('ROUNDS', 7))


def cgroup_root():
    for line in open('/proc/self/mounts'):
        _, where, kind = line.split()[:3]
        if kind == 'cgroup2':
            return where
    sys.exit('overhead: cgroup v2 is not mounted')


def watchers(work, root):
    out = [Nothing()]
    for hooks in 'tracepoint', 'trampoline':
        found = trial(O, work, hooks)
        if not found:
            continue
        out += [Empty(O, hooks, found, root), Sensor(O, hooks, found, work)]
    if os.environ.get('PEER'):
        out.append(Peer(os.environ['PEER'], os.environ.get('PEER_READY')))
    return out


def per_operation(sample):
    n = sample['times']
    return {'cpu': 1000 * sample['cpu_us'] / n, 'wall': sample['wall_ns'] / n, 'sensor': 1000 * sample['sensor_us'] / n}


def run(watcher, work, root, percent):
    """The samples of all operations in a new container, by operation."""
    cgroup = os.path.join(root, 'varve-bench-sensor')
    os.mkdir(cgroup)
    try:
        watcher.start(cgroup)
        try:
            with Loads(O, work, root, cgroup, percent) as loads:
                samples = loads.run(os.environ.get('OPERATIONS', ''), watcher)
        finally:
            watcher.stop(cgroup)
        watcher.check(loads.container)
        return samples
    finally:
        os.rmdir(cgroup)


def spread(values):
    if len(values) < 4:
        return (max(values) - min(values)) / 2
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def amount(ns):
    """Nanoseconds in three figures."""
    for unit, size in ('ms', 1e6), ('us', 1e3):
        if abs(ns) >= 10 * size:
            return '%.3g %s' % (ns / size, unit) if abs(ns) < 1000 * size else '%.0f %s' % (ns / size, unit)
    return '%.0f ns' % ns


def cell(values):
    return '%s ±%s' % (amount(statistics.median(values)), amount(spread(values)))


def table(results, names, what):
    """results: {operation: {watcher: [sample of round]}}"""
    head = ['operation', 'nothing'] + [('+ ' if what != 'sensor' else '') + n for n in names[1:]]
    rows = [head, ['---'] * len(head)]
    for operation, by_name in results.items():
        base = [s[what] for s in by_name[names[0]]]
        row = [operation, cell(base)]
        for n in names[1:]:
            own = [s[what] for s in by_name[n]]
            row.append(cell(own if what == 'sensor' else [a - b for a, b in zip(own, base)]))
        rows.append(row[:1] + row[2:] if what == 'sensor' else row)
    if what == 'sensor':
        rows[0], rows[1] = head[:1] + head[2:], ['---'] * (len(head) - 1)
    return '\n'.join('| ' + ' | '.join(r) + ' |' for r in rows)


def print_programs(watcher, operations):
    """Where the time goes: per operation, how often each program ran and how long, with the kernel's statistics on."""
    print('\n### Programs of %s: runs per operation, ns per run\n\n| operation | program | runs | ns | ns per operation |\n|---|---|---|---|---|' % watcher.name)
    for operation, programs in operations.items():
        for p in sorted(programs, key=lambda p: -p['ns'])[:8]:
            if p['runs'] >= 0.05:
                print('| %s | %s | %.2f | %.0f | %.0f |' % (operation, p['name'], p['runs'], p['ns'] / p['runs'], p['ns']))


def main():
    if os.geteuid():
        sys.exit('overhead: needs root')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root = cgroup_root()
    work = tempfile.mkdtemp(prefix='varve-bench.')
    try:
        all_ = watchers(work, root)
        percent = int(os.environ.get('PERCENT', 100))
        results, programs = {}, {}
        for i in range(ROUNDS):
            for w in all_[i % len(all_):] + all_[:i % len(all_)]:
                print('round %d of %d: %s' % (i + 1, ROUNDS, w.name), file=sys.stderr)
                for operation, sample in run(w, work, root, percent).items():
                    results.setdefault(operation, {}).setdefault(w.name, []).append(per_operation(sample))
        # Not in the rounds: keeping these statistics costs something itself.
        for w in all_:
            if isinstance(w, (Sensor, Peer)):
                with w.statistics():
                    programs[w.name] = {op: s['programs'] for op, s in run(w, work, root, percent).items()}
    finally:
        shutil.rmtree(work, ignore_errors=True)
    names = [w.name for w in all_]
    titles = {'cpu': 'CPU time of the container, per operation', 'wall': 'Time, per operation', 'sensor': "CPU time of the sensor's processes, per operation"}
    for what, title in titles.items():
        print('\n### %s\n\n%s' % (title, table(results, names, what)))
    for w in all_:
        if w.name in programs:
            print_programs(w, programs[w.name])
    for w in all_:
        if isinstance(w, Sensor):
            print('\n%s: %d programs, %d instructions verified; recorded %d, lost %d, suppressed %d events in all rounds' % (
                w.name, len(w.verified), sum(w.verified.values()), *w.counts()))
    out = os.path.join(O, 'bench', 'overhead.json')
    os.makedirs(os.path.dirname(out), exist_ok=True)
    json.dump({'kernel': os.uname().release, 'cpus': os.cpu_count(), 'rounds': ROUNDS, 'unit': 'ns per operation', 'order': names, 'operations': results,
               'programs': programs, 'verified_insns': {w.name: w.verified for w in all_ if isinstance(w, Sensor)},
               'events': {w.name: dict(zip(('recorded', 'lost', 'suppressed'), w.counts())) for w in all_ if isinstance(w, Sensor)}}, open(out, 'w'), indent=1)
    print('\nAll of it: %s' % out)


if __name__ == '__main__':
    main()
