#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Kafka and the nodes' disks must hold, for so many nodes and so many records: computed from what was measured (docs/BENCH.md).

    tools/sizing.py                                    10, 100, 1,000 and 10,000 nodes
    tools/sizing.py --nodes 250 --rate 80              yours; --rate: records a second of a node, on average over a day
                    --days 90 --copies 3               retention, replicas
                    --outage 24                        hours that Kafka may be away
    tools/sizing.py --check docs/DEPLOY.md             ends with 1 if what it shows is not what this prints
    tools/sizing.py --write docs/DEPLOY.md             makes it so
"""
import argparse
import contextlib
import io
import math
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
# Assumptions, each to be known better of your own brokers and nodes.
RATES = (('quiet', 5), ('usual', 50), ('busy', 500))
WRITE_LIMIT = 5e6  # bytes a second into one partition: a tenth of what a broker's disk takes, so that replicas catch up
DAY_LIMIT = 600  # seconds in which a responder reads a day of a partition
SPARE = 0.8  # of a disk, to be filled


def table(title, text):
    """Rows of the first table below a heading of docs/BENCH.md."""
    below = text.split(f'\n## {title}\n')
    if len(below) != 2:
        sys.exit(f'sizing: docs/BENCH.md has no heading "{title}"')
    rows = re.findall(r'^\|(.*)\|$', below[1].split('\n## ')[0], re.M)
    return [[c.strip() for c in r.split('|')] for r in rows[2:]]


class Measured:
    """A record's bytes by rate, and how fast records are read again."""

    def __init__(self):
        with open(f'{TOP}/docs/BENCH.md') as f:
            text = f.read()
        rows = table('What a record takes', text)
        self.sizes = sorted((float(r[2]), float(r[3]), float(r[4])) for r in rows if 'linger' not in r[0])
        cat = [r for r in table('What a replay costs', text) if 'varve cat' in r[0]]
        self.read = float(cat[0][2].replace(',', ''))

    def of(self, rate):
        """(bytes in the log, bytes in Kafka) of a record: between two rates that were measured by their logarithms, outside by the nearest."""
        below = [s for s in self.sizes if s[0] <= rate] or self.sizes[:1]
        above = [s for s in self.sizes if s[0] > rate] or self.sizes[-1:]
        (r0, *low), (r1, *high) = below[-1], above[0]
        part = math.log(rate / r0) / math.log(r1 / r0) if r0 < rate < r1 else 0
        return tuple(a * (b / a) ** part for a, b in zip(low, high))


def amount(n):
    for unit, size in (('PB', 1e15), ('TB', 1e12), ('GB', 1e9), ('MB', 1e6), ('kB', 1e3)):
        if n >= size:
            return f'{n / size:.3g} {unit}' if n < 1000 * size else f'{n / size:,.0f} {unit}'
    return f'{n:.0f} B'


def partitions(records, written, read):
    """As many as throughput and reading ask for, in twelves, so that they divide well among brokers."""
    need = max(written / WRITE_LIMIT, records * 86400 / DAY_LIMIT / read)
    return 12 * max(1, math.ceil(need / 12))


def line(cells, widths):
    print('  '.join(str(c).rjust(w) for c, w in zip(cells, widths)))


def show(measured, nodes, rates, days, copies, outage):
    heads = ('nodes', 'records/s', 'records/s', 'records', 'into Kafka', 'a day,', f'{days} days,', 'partitions', 'disk for', 'log-limit,')
    under = ('', 'of a node', 'of all', 'a day', '', 'one copy', f'{copies} copies', '', 'brokers', f'{outage} h away')
    widths = (7, 10, 10, 9, 11, 9, 10, 10, 9, 10)
    line(heads, widths)
    line(under, widths)
    for count in nodes:
        for _, rate in rates:
            log, kafka = measured.of(rate)
            records = count * rate
            day = records * kafka * 86400
            line((f'{count:,}', rate, f'{records:,}', f'{records * 86400 / 1e6:,.0f} M', amount(records * kafka) + '/s', amount(day),
                  amount(day * days * copies), partitions(records, records * kafka, measured.read), amount(day * days * copies / SPARE),
                  f'{max(1, math.ceil(rate * log * outage * 3600 / 2**30))}G'), widths)


def report(args):
    measured = Measured()
    nodes = [args.nodes] if args.nodes else [10, 100, 1000, 10000]
    rates = [('yours', args.rate)] if args.rate else RATES
    print('measured (docs/BENCH.md): a record takes')
    for rate, log, kafka in measured.sizes:
        print(f'  at {rate:7,.1f}/s  {log:5,.0f} bytes in the log, {kafka:5,.0f} in Kafka')
    print(f'  varve reads {measured.read:,.0f} records/s on one core\n')
    show(measured, nodes, rates, args.days, args.copies, args.outage)
    print(f'\npartitions: at most {amount(WRITE_LIMIT)}/s into one, and a day of it read again within {DAY_LIMIT // 60} minutes; disk: filled to {SPARE:.0%}')


SHOWN = re.compile(r'(?<=^    \$ tools/sizing.py\n)(?:(?:    .*)?\n)*?(?=\S)', re.M)


def shown(path, write):
    """What `tools/sizing.py` prints, behind that command in a page."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        report(parser().parse_args([]))
    new = ''.join(f'    {line}'.rstrip() + '\n' for line in out.getvalue().splitlines()) + '\n'
    with open(path) as f:
        old = f.read()
    made = SHOWN.sub(lambda _: new, old, count=1)
    if write:
        with open(path, 'w') as f:
            f.write(made)
    elif made != old or new not in old:
        sys.exit(f'sizing: {path} does not show what this prints: tools/sizing.py --write {path}')


def parser():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--nodes', type=int)
    p.add_argument('--rate', type=float)
    p.add_argument('--days', type=int, default=30)
    p.add_argument('--copies', type=int, default=3)
    p.add_argument('--outage', type=float, default=24)
    p.add_argument('--check', metavar='FILE')
    p.add_argument('--write', metavar='FILE')
    return p


if __name__ == '__main__':
    arguments = parser().parse_args()
    if arguments.check or arguments.write:
        shown(arguments.check or arguments.write, bool(arguments.write))
    else:
        report(arguments)
