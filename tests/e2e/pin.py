# SPDX-License-Identifier: Apache-2.0
"""pin.py WORK RESTARTS NAME...: whether the records of WORK/events are what the containers did, whoever of several sensors took them."""
import collections, json, sys

work, restarts, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
events = [json.loads(line) for line in open(f'{work}/events')]
starts = [e['run_start'] for e in events if e['kind'] == 'RUN_START']
assert len(starts) == restarts + 1, f'{len(starts)} runs'
for s in starts[1:]:
    assert s.get('takes_over') and 'not_watched_since_unix_nano' not in s, s

# By cgroup, CPU and class each number once; what is not there is declared.
numbers, lost = collections.defaultdict(list), collections.Counter()
for e in events:
    n = e.get('kernel_number')
    if n:
        numbers[n['cgroup_id'], n.get('cpu', 0), n['event_class']].append(int(n['number']))
    if e['kind'] == 'LOSS' and 'cgroup_id' in e['loss']:
        lost[e['loss']['cgroup_id'], e['loss']['event_class']] += int(e['loss']['count'])
missing = collections.Counter()
for (cgroup, cpu, name), have in numbers.items():
    assert len(have) == len(set(have)), f'cgroup {cgroup}, CPU {cpu}, {name}: {len(have) - len(set(have))} numbers twice'
    missing[cgroup, name] += max(have) + 1 - len(have)
for key in missing:
    assert missing[key] == lost[key], f'{key}: {missing[key]} missing, {lost[key]} declared lost'
print(f'ok {sum(map(len, numbers.values()))} records of {len(starts)} runs, {sum(missing.values())} lost: each number once, or declared')

# What a sensor finds running comes behind what was buffered before it, which is older.
buffered, found = collections.Counter(), {}
began = {e['run_id']: int(e['boot_time_nano']) for e in events if e['kind'] == 'RUN_START'}
for e in events:
    run, sequence = e['run_id'], int(e.get('sequence', 0))
    if e['kind'] == 'PROCESS_SNAPSHOT':
        found.setdefault(run, sequence)
    elif e.get('kernel_number') and int(e['boot_time_nano']) < began[run]:
        buffered[run] = max(buffered[run], sequence)
assert sum(1 for run in buffered if run in found) > restarts / 2, 'nothing was buffered'
for run, sequence in found.items():
    assert sequence > buffered[run], f'run {run}: snapshot {sequence} before {buffered[run]}'
print(f'ok what runs is told behind what was buffered, in {len(buffered)} runs')

of = collections.defaultdict(list)
for e in events:
    if 'container' in e:
        of[e['container'].get('id')].append(e)


def held_back(records):
    """Process events that the ring had no room for while no sensor read it: on a machine that is too busy for a start to come in time."""
    return sum(int(e['suppression']['count']) for e in records if e['kind'] == 'SUPPRESSION'
               and e['suppression']['event_class'] == 'process' and e['suppression']['reason'] == 'fair_share')


for name in names:
    here, count = of[open(f'{work}/{name}.id').read().strip()], int(open(f'{work}/{name}/image/load/{name}.count').read())
    trues = [e for e in here if e['kind'] == 'EXEC' and e['exec']['args'][0] == '/bin/true']
    writes = [e for e in here if e['kind'] == 'OPEN' and e['open']['file']['path'] == f'/load/{name}.file']
    closes = [e for e in here if e['kind'] == 'CLOSE_WRITE' and e['close_write']['file']['path'] == f'/load/{name}.file']
    exits = [e for e in here if e['kind'] == 'EXIT']
    forks = [e for e in here if e['kind'] == 'FORK']
    was, held = {'true': len(trues), 'writes': len(writes), 'closes': len(closes)}, held_back(here)
    missing = [3 * count - len(trues) - len(forks) - len(exits), 2 * count - len(writes) - len(closes)]
    # Its own fork, exec and exits are no round's.
    right = missing[1] == 0 and (missing[0] <= held if held else set(was.values()) == {count})
    print(('ok' if right else 'not ok'), f'{name}: {count} rounds, recorded {was}, {len(forks)} forks, {len(exits)} exits; declared held back: {held}')
    assert right, (name, count, was, held)
    assert len({e['container']['cgroup_id'] for e in here}) == 1
    account = [e['account'] for e in here if e['kind'] == 'ACCOUNT']
    assert account[-1].get('closed'), account[-1]
    for a in account:
        for c in a['counts']:
            g, r, l, s = (int(c.get(k, 0)) for k in ('generated', 'recorded', 'lost', 'suppressed'))
            assert g == r + l + s, (name, c)
for cid in open(f'{work}/short.ids').read().split():
    kinds = collections.Counter(e['kind'] for e in of[cid])
    trues = [e for e in of[cid] if e['kind'] == 'EXEC' and e['exec']['args'][0] == '/bin/true']
    assert (len(trues) == 1 or held_back(of[cid])) and kinds['CONTAINER_STOP'] == 1 and kinds['CONTAINER_START'], (cid, kinds)
    assert kinds['ACCOUNT'] and [e for e in of[cid] if e['kind'] == 'ACCOUNT'][-1]['account'].get('closed'), (cid, kinds)
