#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""instructions.py [--write | --check] PATH/SERIES...: makes a table of what the guests of instructions.sh said (PATH/SERIES.out).

Inline: all instructions per operation, those of the sensor's cgroup left out, more than without a sensor. Sensor: those of its cgroup, until it has
nothing more to do. --write puts the tables into docs/PERFORMANCE.md; --check holds them against the ones there: at most 3 % (and 25 instructions,
which is how much a timer's tick more or less makes) more or less, where the kernel is the same, else 10 %."""
import json
import os
import re
import sys

DOCUMENT = 'docs/PERFORMANCE.md'
BEGIN, END = '<!-- instructions.sh --write: from here -->\n', '<!-- to here -->\n'
COLUMNS = ['trampoline', 'all', 'tracepoint', 'floor-trampoline', 'floor-tracepoint']
TITLES = {'trampoline': 'trampoline', 'all': 'trampoline, `all`', 'tracepoint': 'tracepoint',
          'floor-trampoline': 'empty, trampoline', 'floor-tracepoint': 'empty, tracepoint'}
TOLERANCE, SLACK = 0.03, 25
# Of the project: inline and sensor per operation, by set; None: there is none.
BARS = {'getppid': {'trampoline': (0, 0), 'tracepoint': (150, 0)},
        'open, read, close: again': {'trampoline': (350, 20), 'all': (1500, 4000)},
        'create, close, rename, unlink': {'trampoline': (5000, 12000)},
        'fork, exec, wait': {'trampoline': (12000, 12000)},
        'TCP connect, accept, close both': {'trampoline': (5000, 14000)}}


def read(path):
    """(kernel release, {configuration: {operation: (all but the sensor's, the sensor's)}}, messages). Of a configuration programs-SET:
    {operation: {program: (its instructions, its runs)}}, all per operation."""
    kernel, configurations, wrong = None, {}, []
    for line in open(path, errors='replace'):
        word, _, rest = line.strip().partition(' ')
        if word == 'kernel':
            kernel = rest.split('-cloud')[0]
        elif word == 'configuration':
            name, at, before = rest, configurations.setdefault(rest, {}), {}
        elif word == 'programs':
            now = programs(rest)
            # Those that follow an operation; a tenth more than it says was for warming up.
            if before:
                at[s['operation']] = {p: tuple((b - a) / (1.1 * s['times']) for a, b in zip(before.get(p, (0, 0)), now[p])) for p in now}
            before = {} if before else now
        elif line.startswith('{"operation"'):
            s = json.loads(line)
            n = s['times']
            if name.startswith('programs'):
                continue
            at[s['operation']] = ((s['tsc'] - 1000 * s['sensor_during_us']) / n, 1000 * s['sensor_us'] / n)
        elif line.startswith('{') and '"ACCOUNT"' in line:
            wrong += check_account(name, json.loads(line))
        elif line.strip():
            wrong.append(line.strip())
    for name, operations in configurations.items():
        if name not in ('none',) and not name.startswith('floor') and not operations:
            wrong.append('%s: nothing was measured' % name)
    return kernel, configurations, wrong


def programs(text):
    """{name: (instructions, runs)} so far; names that the kernel has cut may be those of several."""
    words, out = text.split(), {}
    for name, ns, runs in zip(words[::3], words[1::3], words[2::3]):
        was = out.get(name, (0, 0))
        out[name] = was[0] + int(ns), was[1] + int(runs)
    return out


def check_account(name, event):
    """Everything is to be recorded, but for opens that `first` leaves out: else the table would praise what is not done."""
    account = event['account']
    wrong = [c for c in account['counts'] if int(c['lost']) or int(c['suppressed']) and (c['event_class'] != 'file' or name == 'all')]
    if wrong or not account['closed'] or not sum(int(c['recorded']) for c in account['counts']):
        return ['%s: not everything was recorded: %s' % (name, json.dumps(account))]
    return []


def costs(configurations):
    """{operation: {configuration: (inline, sensor)}}"""
    out = {}
    for name in COLUMNS:
        for operation, (inline, sensor) in configurations.get(name, {}).items():
            out.setdefault(operation, {})[name] = (inline - configurations['none'][operation][0], sensor)
    return out


def table(series, kernel, configurations):
    names = [c for c in COLUMNS if c in configurations]
    rows = ['#### Linux %s (%s)' % (series, kernel), '',
            '| operation | without | ' + ' | '.join(TITLES[n] for n in names) + ' |', '|---' * (len(names) + 2) + '|']
    for operation, by_name in costs(configurations).items():
        cells = []
        for n in names:
            inline, sensor = by_name[n]
            cells.append('%d' % round(inline) + ('' if n.startswith('floor') else ' + %d' % round(sensor)))
        rows.append('| %s | %.0f | %s |' % (operation, configurations['none'][operation][0], ' | '.join(cells)))
    return rows + ['']


def program_table(series, kernel, configurations):
    rows = []
    for name in configurations:
        if not name.startswith('programs-'):
            continue
        rows += ['#### Programs on Linux %s (%s), %s' % (series, kernel, name.split('-')[1]), '', '| operation | program | instructions | runs |', '|---|---|---|---|']
        for operation, by_program in configurations[name].items():
            for program, (ns, runs) in sorted(by_program.items(), key=lambda p: -p[1][0]):
                if ns >= 100:
                    rows.append('| %s | %s | %.0f | %.2f |' % (operation, program, ns, runs))
        rows.append('')
    return rows


def written():
    """{series: (kernel, {operation: {configuration: (inline, sensor)}})} of the document"""
    text = open(DOCUMENT).read()
    out, titles = {}, {v: k for k, v in TITLES.items()}
    for line in text[text.index(BEGIN):text.index(END)].splitlines():
        heading = re.match(r'#### Linux (\S+) \((\S+)\)$', line)
        if heading:
            out[heading[1]] = heading[2], {}
            rows = out[heading[1]][1]
        cells = [c.strip() for c in line.strip('|').split('|')]
        if line.startswith('| operation'):
            names = [titles[c] for c in cells[2:]]
        elif line.startswith('| '):
            rows[cells[0]] = {n: tuple(map(float, c.split(' + '))) for n, c in zip(names, cells[2:])}
    return out


def compare(series, kernel, configurations, there):
    if series not in there:
        print('not ok instructions: %s has no table in %s' % (series, DOCUMENT))
        return False
    ok, tolerance = True, TOLERANCE if there[series][0] == kernel else 0.10
    for operation, by_name in costs(configurations).items():
        for name, now in by_name.items():
            was = there[series][1][operation].get(name)
            if not was:
                continue
            what = 'instructions %s %s, %s: ' % (series, operation, name) + ', '.join(
                '%s %.0f (%.0f)' % (w, n, o) for w, n, o in zip(('inline', 'sensor'), now, was))
            off = any(abs(n - o) > tolerance * abs(o) + SLACK for n, o in zip(now, was))
            ok = ok and not off
            print(('not ok ' if off else 'ok ') + what + (': more than %g %% off' % (100 * tolerance) if off else ''))
    return ok


def bars(series, configurations):
    for operation, by_name in costs(configurations).items():
        for name, bar in BARS.get(operation, {}).items():
            over = ['%s %.0f, bar %d' % (w, n, b) for w, n, b in zip(('inline', 'sensor'), by_name.get(name, bar), bar) if n > b + SLACK]
            if over:
                print('above the bar: %s, %s, %s: %s' % (series, operation, name, '; '.join(over)))


def main(arguments):
    mode = arguments.pop(0) if arguments[0].startswith('--') else None
    rows, ok = [], True
    for path in arguments:
        series = os.path.basename(path)
        kernel, configurations, wrong = read(path + '.out')
        for w in wrong:
            print('not ok instructions: %s: %s' % (series, w))
        ok = ok and not wrong
        if mode == '--check':
            ok = compare(series, kernel, configurations, written()) and ok
            continue
        more = table(series, kernel, configurations) + program_table(series, kernel, configurations)
        rows += more
        print('\n'.join(more))
        bars(series, configurations)
    if mode == '--write' and ok:
        text = open(DOCUMENT).read()
        text = text[:text.index(BEGIN)] + BEGIN + '\n' + '\n'.join(rows) + '\n' + text[text.index(END):]
        open(DOCUMENT, 'w').write(text)
    return not ok


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
