#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the matrix in docs/EVENTS.md of the results of tests/vm/matrix.sh ($O/matrix/*.tap).

Without arguments: writes it. --check: prints "ok" and "not ok" lines instead; the document must not say other than the results: a
kind that it says is had has no failing test, one that it says is not had no passing one. Counts and reasons may differ, so that a new
test, or a quick run, which has some of the tests only, does not break it. --no-results: checks only that each kind has its row, and
each kernel and set one column.

A test belongs to the kind whose name, in lower case, begins its own; the longest such. It shows that the kind is had if it passes.
"""
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
DOC = 'docs/EVENTS.md'
BEGIN, END = '<!-- matrix: made by tests/vm/table.py -->', '<!-- matrix: end -->'
RESULTS = os.path.join(os.environ.get('O', 'build'), 'matrix')

# The sensor's own records: tests that would fail without them.
OTHERS = {'RUN_START': 'run_', 'RUN_END': 'run_', 'COVERAGE': 'run_', 'HEARTBEAT': 'run_', 'LOSS': 'flood_',
          'SUPPRESSION': 'open_reads_', 'ACCOUNT': 'container_stop_closes_account'}


def kinds():
    return re.findall(r'^EV(?:_SENSOR)?\(\d+, *(\w+),', open('bpf/events.def').read(), re.M)


def kernel_order(series):
    return [int(n) for n in series.split('.')] if series[0].isdigit() else [1 << 30]


class Column:
    """One kernel with one set of hooks."""

    def __init__(self, series, release, hooks):
        self.series, self.release, self.hooks = series, release, hooks
        self.tests = {}  # name: (ok, not ok or skip; why)
        self.quick = False  # not all tests were asked for

    def title(self):
        short = '.'.join(self.release.split('.')[:2])
        return '%s %s' % (self.series if self.series == short else '%s (%s)' % (self.series, short), self.hooks)

    def key(self):
        return '%s %s' % (self.series, self.hooks)


def read_column(path):
    series, release, columns, quick = os.path.basename(path)[:-len('.tap')], '', [], False
    for line in open(path, errors='replace'):
        if line.startswith('# quick'):
            quick = True
        elif line.startswith('# kernel '):
            if release:
                sys.exit('not ok the matrix: %s is of two runs: run tests/vm/matrix.sh again' % path)
            release = line.split()[2]
        elif line.startswith('# hooks '):
            columns.append(Column(series, release, line.split()[2]))
        m = re.match(r'(ok|not ok|skip) ([^:(]*[^:( ])(?:: *| *\(|$)(.*)', line)
        if m:
            if not columns:
                columns.append(Column(series, release or series, 'tracepoint'))
            columns[-1].tests[m[2]] = (m[1], m[3].strip())
    for c in columns:
        c.quick = quick
    return columns


def read_results():
    columns = []
    for name in sorted(os.listdir(RESULTS) if os.path.isdir(RESULTS) else []):
        if name.endswith('.tap'):
            columns += read_column(os.path.join(RESULTS, name))
    return sorted(columns, key=lambda c: (kernel_order(c.series), c.hooks))


def tests_of(kind, columns):
    """Whatever ran anywhere: what a kernel's run did not come to is not had there."""
    names = [k.lower() + '_' for k in kinds()]
    own = OTHERS.get(kind, kind.lower() + '_')
    found = set()
    for test in {t for c in columns for t in c.tests}:
        longest = max((n for n in names + [own] if test.startswith(n)), key=len, default='')
        if longest == own:
            found.add(test)
    return sorted(found)


def cell(column, tests):
    passed = [t for t in tests if column.tests.get(t, ('', ''))[0] == 'ok']
    if not tests:
        return '–'
    if len(passed) == len(tests):
        return 'yes'
    return 'partly (%d of %d)' % (len(passed), len(tests)) if passed else 'no'


def reasons(column, tests):
    """{why: [tests]} of what did not pass."""
    found = {}
    for t in tests:
        verdict, why = column.tests.get(t, ('missing', ''))
        if verdict != 'ok':
            words = {'skip': why.removesuffix(' (EVENTS.md)'), 'not ok': 'failed', 'missing': 'did not run'}
            found.setdefault(words[verdict], []).append('`%s`' % t)
    return found


def make_table(columns):
    rows = ['| kind | %s |' % ' | '.join(c.title() for c in columns), '|---' * (len(columns) + 1) + '|']
    notes = []
    for kind in kinds():
        tests = tests_of(kind, columns)
        cells = [cell(c, tests) for c in columns]
        rows.append('| %s | %s |' % (kind, ' | '.join(cells)))
    for c in columns:
        tests = dict.fromkeys(t for k in kinds() for t in tests_of(k, columns))
        said = ['%s (%s)' % (why, ', '.join(names)) for why, names in reasons(c, tests).items()]
        if not any(v[0] == 'ok' for v in c.tests.values()):
            said = ['no test ran: %s' % re.sub(r'.*?error: ', '', next((v[1] for v in c.tests.values()), ''))]
        if said:
            notes.append('- %s: %s.' % (c.title(), '; '.join(said)))
    releases = sorted({(tuple(kernel_order(c.series)), c.release) for c in columns})
    head = 'Tested on Debian\'s %s, by %d tests.' % (', '.join(r for _, r in releases), len({t for c in columns for t in c.tests}))
    if any(c.quick for c in columns):
        head += '\nA quick run, of some tests of each kind only: "yes" is said by those.'
    return '\n'.join([head, ''] + rows + ([''] + notes if notes else []))


def table_in_doc(text):
    """The columns' keys, and {kind: {key: word}}."""
    between = text[text.index(BEGIN):text.index(END)]
    rows = [[c.strip() for c in line.strip('|\n ').split('|')] for line in between.splitlines() if line.startswith('| ')]
    keys = [re.sub(r' \([^)]*\)', '', title) for title in rows[0][1:]] if rows else []
    return keys, {r[0]: dict(zip(keys, (c.split(' ')[0] for c in r[1:]))) for r in rows[1:]}


def write(columns):
    text = open(DOC).read()
    if not columns:
        sys.exit('table: no results in %s: run tests/vm/matrix.sh' % RESULTS)
    text = '%s%s\n\n%s\n\n%s' % (text[:text.index(BEGIN)], BEGIN, make_table(columns), text[text.index(END):])
    open(DOC, 'w').write(text)


# What the document says, what the results say. A run of few tests may have only the passing ones of a kind that is partly had.
CONTRADICTIONS = {('yes', 'partly'), ('yes', 'no'), ('no', 'yes'), ('no', 'partly'), ('–', 'yes'), ('–', 'partly'),
                  (None, 'yes'), (None, 'partly'), (None, 'no')}


def check(columns):
    keys, doc = table_in_doc(open(DOC).read())
    twice = sorted({k for k in keys if keys.count(k) > 1})
    bad = bool(twice)
    if twice:
        print('not ok the matrix has two columns for %s: make check-vm' % ', '.join(twice))
    missing = [k for k in kinds() if k not in doc]
    print('not ok the matrix has no row for %s: make check-vm' % ', '.join(missing) if missing else 'ok the matrix names every kind')
    bad += bool(missing)
    for c in columns:
        wrong = []
        for kind in set(kinds()) & set(doc):
            said, got = doc[kind].get(c.key()), cell(c, tests_of(kind, columns)).split(' ')[0]
            if (said, got) in CONTRADICTIONS:
                wrong.append('%s is "%s", not "%s"' % (kind, got, said))
        print('not ok the matrix and %s: %s' % (c.key(), ', '.join(wrong)) if wrong else 'ok the matrix agrees with %s' % c.key())
        bad += bool(wrong)
    return bad


if '--check' in sys.argv:
    sys.exit(1 if check([] if '--no-results' in sys.argv else read_results()) else 0)
write(read_results())
