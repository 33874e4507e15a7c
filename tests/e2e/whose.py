# SPDX-License-Identifier: Apache-2.0
"""whose.py EVENTS EXPECTED TREE: whether each record says whose it is, against what the test asked the runtime for.

EVENTS: lines of `varve cat`. EXPECTED: lines of key=value with tabs between: id (of the container) with name, image, namespace, pod, uid,
runtime, sandbox, starts (in one run of the sensor, if not 1), late (the runtime tells the sensor when the container is there: `start`,
its CONTAINER_START may be PENDING; `any`, all records up to the BINDING); and of a program that ran in it token (an argument nobody else has, or with program only others than
it, its first), entry (entrypoint, session), times; no id: it ran in no container. Of a container that is expected, each record says all
this: what is not given, the record must not have. TREE is in the cgroup paths of the test. Prints ok and not ok."""
import collections, json, sys

events = [json.loads(line) for line in open(sys.argv[1])]
expected = [dict(f.split('=', 1) for f in line.rstrip('\n').split('\t') if f) for line in open(sys.argv[2])]
containers = {e['id']: e for e in expected if 'token' not in e}
tree = sys.argv[3]
bad = 0


def result(name, wrong):
    global bad
    print(f'{"not ok" if wrong else "ok"} {name}' + (f': {wrong}' if wrong else ''))
    bad += bool(wrong)


def said(event):
    c, p = event['container'], event.get('pod', {})
    got = {'id': c['id'], 'name': c.get('name'), 'image': c.get('image'), 'namespace': p.get('namespace'), 'pod': p.get('name'), 'uid': p.get('uid'),
           'runtime': c.get('runtime'), 'sandbox': 'true' if c.get('is_sandbox') else None, 'state': c.get('metadata_state')}
    return {k: v for k, v in got.items() if v is not None}


def pending(got, full):
    """It says that it does not know yet, and says nothing wrong."""
    return got.pop('state') == 'PENDING' and got.items() <= full.items()


by_container = collections.defaultdict(list)
for e in events:
    if 'container' in e:
        by_container[e['container'].get('id')].append(e)
for cid, want in containers.items():
    title = want.pop('title')
    starts_wanted = int(want.pop('starts', 1))
    here = by_container[cid]
    late = want.pop('late', None)
    full = {**want, 'state': 'RESOLVED'}
    odd = [e for e in here if said(e) != full]
    wrong = [(e['kind'], said(e)) for e in odd
             if not (late == 'any' or late == 'start' and e['kind'] == 'CONTAINER_START') or not pending(said(e), full)]
    if odd and not wrong and not any(e['kind'] == 'BINDING' for e in here):
        wrong = ['no BINDING']
    result(f'{title}: each of its records says whose it is',
           'no record of it' if not here else f'{len(wrong)} of {len(here)} do not, as {wrong[0]}, not {want}' if wrong else None)
    starts = collections.Counter(e['run_id'] for e in here if e['kind'] == 'CONTAINER_START' and not e['container_start'].get('nested_cgroup'))
    wrong = {run: starts[run] for run in {e['run_id'] for e in here} if not 1 <= starts[run] <= starts_wanted} or (max(starts.values(), default=0) < starts_wanted and starts)
    result(f'{title}: its starts in each run of the sensor', f'{dict(starts)}; other records: {dict(collections.Counter((e["run_id"], e["kind"]) for e in here if starts[e["run_id"]] != starts_wanted))}' if wrong else None)
strangers = [e.get('container') and said(e) or e['container_start'] for e in events if e['kind'] == 'CONTAINER_START' and tree in e['container_start']['cgroup_path'] and e.get('container', {}).get('id') not in containers]
result('no container that nobody asked for', f'{len(strangers)}, as {strangers[0]}' if strangers else None)

for want in (e for e in expected if 'token' in e):
    execs = [e for e in events if e['kind'] == 'EXEC' and want['token'] in e['exec'].get('args', [])
             and want.get('program') in (None, e['exec']['args'][0])]
    wrong = None
    if not execs or 'times' in want and len(execs) != int(want['times']):
        wrong = f'{len(execs)} EXECs'
    for e in execs:
        entry = e['process'].get('entry', {})
        if e.get('container', {}).get('id') != want.get('id'):
            wrong = f'an EXEC in {e.get("container")}'
        if entry.get('how', 'unknown') != want.get('entry', entry.get('how', 'unknown')):
            wrong = f'entry {entry}'
        if want.get('entry') == 'session':
            sessions = [s for s in by_container[want['id']] if s['kind'] == 'EXEC_SESSION'
                        and s['process']['process_uid'] == entry.get('process_uid')]
            if len(sessions) != 1:
                wrong = f'{len(sessions)} EXEC_SESSIONs of {entry}'
    result(f'{want["title"]}', wrong)
# Why something may be missing.
for e in events:
    if bad and e['kind'] == 'LOSS':
        print('#', e.get('container', {}).get('id', 'of the node'), json.dumps(e['loss']))
sys.exit(bad != 0)
