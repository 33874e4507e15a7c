#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""judge.py DIR VARVE LOG [OPTION]...: holds a log against what the generators did, one by one, after a fault. DIR/load: load.c's, with TRACE=1;
DIR/tally: tally.c's, with TRACE=1. Of each event that an operation is, one of these: recorded; missing, in a time of which the log says that
it was not watched; missing, and declared lost. For each container and class, what is missing while it was watched must be what is declared.
  runs=N        runs of the sensor that there must be; each but the first names the one before it, and the time not watched (1)
  clean=0|1     whether those before the last must have ended as asked
  lost=0|some   whether something must be, or must not be, lost; default: either
  unwatched=0   it is watched from one run to the next: what is missing then is declared as well
  damage=N|some places that cannot be read (0)
  gap=some      records are missing of the log itself: what is in the gap is missing and declared nowhere but by the verdict
Prints figures as lines that begin with #, and ok or not ok for each promise."""
import array, collections, subprocess, sys
from truth import CLASS, EVENTS, Tally

SLACK = 1_000_000  # ns: the clock's offset is measured each second
EVENTS = dict(EVENTS, w=('CREATE', 'CLOSE_WRITE'))
CLASS = dict(CLASS, CREATE='file')
work, varve, log, *rest = sys.argv[1:]
options = {'runs': '1', 'damage': '0'} | dict(o.split('=') for o in rest)
with open(work + '/tally') as f:
    tally = Tally(work + '/load/truth', f)
failed = 0


def promise(holds, name):
    global failed
    failed += not holds
    print('ok' if holds else 'not ok', name)


def steps(c):
    """(number, letter, begin, end, child) of each of its operations."""
    a = array.array('Q')
    with open(f'{work}/load/trace.{c.token}', 'rb') as f:
        a.frombytes(f.read())
    for n in range(len(a) // 3):
        yield n, c.mix[n % len(c.mix)], *a[3 * n:3 * n + 3]


# --- what was not watched: between runs, and before the first
away = [] if options.get('unwatched') == '0' else [(r['since'] - SLACK, r['until'] + SLACK) for r in tally.runs if r['previous'] != '-']
away.append((0, tally.runs[0]['until'] + SLACK) if tally.runs else (0, 1 << 62))


def unwatched(begin, end):
    return any(begin < until and end > since for since, until in away)


# --- each operation
there = collections.defaultdict(list)  # times of records
for cid, kind, number, pid, time in tally.ops:
    there[cid, kind, pid if kind in ('FORK', 'EXIT') else number].append(time)


def taken(key, begin, end, most):
    """How many of its records are here; each is taken once. A name or pid can come again, much later."""
    left = there[key]
    mine = [t for t in left if begin - 1e10 < t < end + 1e10][:most]
    for t in mine:
        left.remove(t)
    return len(mine)


figures, examples = collections.Counter(), []
missing = collections.Counter()  # of (container, class), while it was watched
absent = collections.Counter()  # of a container, in all
life = {}
for c in tally.containers.values():
    file = 0
    for n, letter, begin, end, pid in steps(c):
        first, _ = life.get(c.id, (begin, end))
        life[c.id] = first, end
        file = n if letter == 'w' else file
        for kind, times in collections.Counter(EVENTS[letter]).items():
            name = pid if kind in ('FORK', 'EXIT') else file if letter in 'wru' else n & 0xffff if letter == 'c' else n
            got = taken((c.id, kind, name), begin, end, times)
            figures['generated'] += times
            figures['recorded'] += got
            absent[c.id] += times - got
            if got == times:
                continue
            if unwatched(begin, end):
                figures['not watched'] += times - got
            else:
                missing[c.id, CLASS[kind]] += times - got
                examples.append((c.token, kind, n, begin, end))
# The generator's own end is an EXIT that is no operation's; all else that is left over came twice.
extra = {k: t for k, t in there.items() if t and not (k[1] == 'EXIT' and len(t) == 1)}
figures['too many'] = sum(map(len, extra.values()))
figures['wrongly attributed'] = sum(c.wrong for c in tally.containers.values())
for c in tally.containers.values():
    for k in ('process', 'file', 'network'):
        figures['declared lost'] += c.lost[k]
        # Its end and its start can be lost as well.
        suppressed = c.accounts.get(k, (0, 0, 0, 0))[3]
        off = missing[c.id, k] - c.lost[k] - suppressed
        if k == 'process' and off == -1 and not any(x[:2] == (c.id, 'EXIT') for x in extra):
            off = 0
        figures['unaccounted'] += abs(off)
        figures['suppressed'] += suppressed
print('#', ', '.join(f'{k} {n}' for k, n in figures.items()))
for (k, cause), n in sorted(tally.causes.items()):
    print(f'# lost: {k} {cause}: {n}')
for (k, cause), n in sorted(tally.node_lost.items()):
    print(f'# of the node: {k} {cause}: {n}')

if options.get('gap') != 'some':
    promise(not figures['unaccounted'], f'unaccounted {figures["unaccounted"]} of {figures["generated"]} events')
    for e in examples[:5] if figures['unaccounted'] else ():
        print('# missing:', *e)
promise(not figures['too many'], 'nothing is there twice')
for e in list(extra.items())[:5]:
    print('# left over:', *e)
promise(not figures['wrongly attributed'], 'nothing is attributed to another container')
if 'lost' in options:
    declared = figures['declared lost'] + figures['suppressed']
    promise(bool(declared) == (options['lost'] == 'some'), f'declared lost or held back {declared}')

# --- the runs
runs = tally.runs
promise(len(runs) == int(options['runs']), f'{len(runs)} runs')
chain = all(b['previous'] == a['id'] and (b['since'] < b['until'] or options.get('unwatched') == '0') for a, b in zip(runs, runs[1:]))
promise(chain, 'each run names the one before it, and from when to when nothing was watched')
if 'clean' in options and len(runs) > 1:
    promise(all(r['clean'] == (options['clean'] == '1') for r in runs[1:]), f'runs before ended {"as asked" if options["clean"] == "1" else "otherwise, which is said"}')
gap = sum(r['missing'] for r in runs) + sum(r['first'] for r in runs)
promise(not any(r['twice'] for r in runs) and bool(gap) == (options.get('gap') == 'some'), f'numbers missing in the sequences of the runs: {gap}')
promise(tally.damage > 0 if options['damage'] == 'some' else tally.damage == int(options['damage']), f'{tally.damage} damaged places')
if options.get('gap') == 'some':
    promise(figures['unaccounted'] <= gap, f'no more events are missing than numbers: {figures["unaccounted"]} of {gap}')
# --- accounts, where one run saw all of it
if len(runs) == 1 and not gap and away[-1][1] < min(first for first, _ in life.values()):
    off = []
    for c in tally.containers.values():
        for k, n in c.events().items():
            have = c.accounts.get(k, ())
            if have[:3] != (n, c.recorded[k], c.lost[k]) or sum(have[1:]) != n:
                off.append((c.token, k, have, (n, c.recorded[k], c.lost[k])))
    promise(not off, f'accounts say what the generators say {off[:2] or ""}')

# --- the verdict: not COMPLETE if something is missing, not INCOMPLETE if all is there
untrue, said = [], collections.Counter()
for c in list(tally.containers.values())[:4]:
    first, last = life[c.id]
    lacks = absent[c.id] or sum(c.lost.values())
    may_lack = gap or unwatched(first, last)
    rc = subprocess.run([varve, 'replay', log, '--container', c.id, '--format', 'jsonl'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    word = {0: 'COMPLETE', 3: 'INCOMPLETE', 4: 'UNKNOWN'}.get(rc.returncode, f'exit {rc.returncode}')
    said[word] += 1
    if rc.returncode not in (0, 3, 4) or lacks and not rc.returncode or not lacks and not may_lack and rc.returncode == 3:
        untrue.append((c.token, word, f'lacks {lacks}', rc.stderr[-300:]))
promise(not untrue, f'the verdict is true: {dict(said)} {untrue[:1] or ""}')
sys.exit(failed > 0)
