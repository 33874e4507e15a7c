# SPDX-License-Identifier: Apache-2.0
"""account.py RECORDS CGROUP OBJECTS...: holds the sensor's records (varve cat) of the containers below CGROUP against what Kubernetes says exists
(kubectl get -A -o json, of pods, replicasets and jobs, taken at several times)."""
import collections, json, re, sys, time

records_file, cgroup, *object_files = sys.argv[1:]


def controller(obj):
    for ref in obj['metadata'].get('ownerReferences', ()):
        if ref.get('controller'):
            return ref['kind'], ref['name']
    return None


objects = collections.defaultdict(dict)  # kind -> UID -> object, the last one seen
containers = {}  # id -> (pod, name)
ended = {}  # id -> when, as text
for file in object_files:
    for obj in json.load(open(file))['items']:
        objects[obj['kind']][obj['metadata']['uid']] = obj
        for key in ('initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'):
            for status in obj.get('status', {}).get(key, ()):
                for state in (status.get('state', {}), status.get('lastState', {})):
                    last = state.get('terminated', {})
                    cid = last.get('containerID') or (state is status.get('state') and status.get('containerID'))
                    if cid:
                        containers[cid.split('://')[1]] = obj['metadata']['uid'], status['name']
                        ended[cid.split('://')[1]] = last.get('finishedAt')
pods = objects['Pod']


def named(kind, namespace, name):
    return next(o for o in objects[kind].values() if (o['metadata']['namespace'], o['metadata']['name']) == (namespace, name))


def owners(pod):
    """(owner, workload), by references alone, not by names."""
    owner = controller(pod)
    if owner and owner[0] in ('ReplicaSet', 'Job'):
        above = controller(named(owner[0], pod['metadata']['namespace'], owner[1]))
        # Of a CronJob's Job made by hand the name says nothing, and a sensor that sees pods only cannot know.
        if above and (above[0] != 'CronJob' or re.search(r'-\d{8}$', owner[1])):
            return owner, above
    return owner, owner


def uid_on_node(pod):
    return pod['metadata'].get('annotations', {}).get('kubernetes.io/config.hash', pod['metadata']['uid'])


wrong = collections.defaultdict(list)
right = collections.Counter()


def expect(what, is_so, record, want):
    if is_so:
        right[what] += 1
    else:
        wrong[what].append(f'want {want}: {json.dumps(record)[:900]}')


def pair(record, key):
    o = record.get('pod', {}).get(key)
    return o and (o.get('kind'), o.get('name'))


by_node_uid = {uid_on_node(p): p for p in pods.values()}
records = [json.loads(line) for line in open(records_file)]
bound = {}  # container id -> the last BINDING's place
for i, r in enumerate(records):
    if r['kind'] == 'BINDING':
        bound[r['container']['id']] = i
ours = {r['container']['id'] for r in records if r['kind'] == 'CONTAINER_START' and r['container_start']['cgroup_path'].startswith(cgroup + '/')}
sessions = {r['process']['process_uid'] for r in records if r.get('exec', {}).get('args', [])[2:] == ['session']}
found_running = {r['container']['id'] for r in records if r.get('container_start', {}).get('from_snapshot')}
executed = collections.Counter()  # (container id, WHO, how)
for i, r in enumerate(records):
    c = r.get('container')
    if not c or c['id'] not in ours:
        continue
    p = r.get('pod', {})
    pod = by_node_uid.get(p.get('uid'))
    expect('pod UID', pod is not None, r, 'a pod that exists')
    if not pod:
        continue
    meta = pod['metadata']
    expect('pod name and namespace', (p.get('namespace'), p.get('name')) == (meta['namespace'], meta['name']), r, (meta['namespace'], meta['name']))
    if c.get('is_sandbox'):
        expect('sandbox without a name', 'name' not in c and c['id'] not in containers, r, 'no container name')
    else:
        uid, name = containers.get(c['id'], (None, None))
        expect('container of that pod', uid == meta['uid'], r, f'container {c["id"]} of {uid}')
        expect('container name', c.get('name') == name, r, name)
    state = p.get('api_state')
    # A pod of the sensor that was deleted before the next one asked: the API server does not know it any more, an earlier run's POD_STATE does.
    asked_late = meta['namespace'] == 'varve' and state in ('PENDING', 'UNRESOLVED')
    expect('api_state', state == 'KNOWN' or asked_late or (state == 'PENDING' and bound.get(c['id'], -1) > i), r, 'KNOWN, or a BINDING later')
    if state == 'KNOWN':
        owner, workload = owners(pod)
        expect('owner', pair(r, 'owner') == owner, r, owner)
        expect('workload', pair(r, 'workload') == workload, r, workload)
    args = r.get('exec', {}).get('args', [])
    if r['kind'] == 'EXEC' and args[:1] == ['/bin/true'] and not c.get('is_sandbox'):
        who, how = args[1], args[2] if len(args) > 2 else 'entrypoint'
        executed[c['id'], who, how] += 1
        expect('who a container says it is', who == f'{meta["namespace"]}/{meta["name"]}/{meta["uid"]}/{c.get("name")}', r, who)
        expect('entry', r['process'].get('entry', {}).get('how') == how, r, how)
    # A sensor's own children have no FORK; and what ran when one took over has said before it how it came in.
    elif ('process' in r and not r['process'].get('runtime_setup') and c['id'] not in found_running
          and r['process'].get('name') != 'varve-kubewatch' and r['kind'] != 'PROCESS_SNAPSHOT'):
        entry = r['process'].get('entry', {})
        expect('entry of every other record', entry.get('how') == ('session' if entry.get('process_uid') in sessions else 'entrypoint'), r, 'how it came in')

# Nothing is missing: what each container executed.
start = next(int(r['time_unix_nano']) for r in records if r['kind'] == 'RUN_START') // 10**9
start = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(start))
for cid, (uid, name) in containers.items():
    meta = pods[uid]['metadata']
    if cid in found_running or (ended[cid] or start) < start or meta['namespace'] == 'varve':
        continue  # older than the sensor, or the sensor
    key = cid, f'{meta["namespace"]}/{meta["name"]}/{uid}/{name}', 'entrypoint'
    expect('each container executed its program, once', executed[key] == 1, {'container': cid, 'pod': meta['name'], 'times': executed[key]}, 1)

# POD_STATE: the last of each pod.
states = {r['pod']['uid']: r for r in records if r['kind'] == 'POD_STATE' and (r['pod'].get('namespace') != 'varve' or r['pod']['api_state'] == 'KNOWN')}
for uid, pod in pods.items():
    r = states.get(uid_on_node(pod))
    expect('POD_STATE of each pod', r is not None, {'pod': pod['metadata']['name'], 'uid': uid}, 'one')
    if not r:
        continue
    s, meta, spec, status = r['pod_state'], pod['metadata'], pod['spec'], pod['status']
    if r['pod'].get('api_state') != 'KNOWN':
        expect('POD_STATE knows what the API server says', False, r, 'KNOWN')
        continue
    expect('POD_STATE: node', s.get('node_name') == spec['nodeName'], r, spec['nodeName'])
    expect('POD_STATE: service account', s.get('service_account') == spec.get('serviceAccountName'), r, spec.get('serviceAccountName'))
    if not s.get('deleted'):
        ips = [i['ip'] for i in status.get('podIPs', ())]
        expect('POD_STATE: IPs', s.get('pod_ips', []) == ips, r, ips)
        expect('POD_STATE: phase', s.get('phase') == status['phase'], r, status['phase'])
    labels = {k: v for k, v in meta.get('labels', {}).items() if k in ('app', 'k8s-app') or k.startswith('app.kubernetes.io/')}
    expect('POD_STATE: labels', {l['key']: l['value'] for l in s.get('labels', ())} == labels, r, labels)
    have = {c['name']: c for c in s.get('containers', ())}
    for key, kind in (('initContainerStatuses', 'init'), ('containerStatuses', 'container'), ('ephemeralContainerStatuses', 'ephemeral')):
        for want in status.get(key, ()):
            c = have.get(want['name'], {})
            expect('POD_STATE: kind of container', c.get('type') == kind, r, kind)
            if not s.get('deleted'):
                expect('POD_STATE: container id', c.get('id') == want.get('containerID', '://').split('://')[1], r, want.get('containerID'))
                expect('POD_STATE: restarts', c.get('restart_count') == want['restartCount'], r, want['restartCount'])
            expect('POD_STATE: image', c.get('image') and c['image'] == next(
                x['image'] for k in ('initContainers', 'containers', 'ephemeralContainers') for x in spec.get(k, ()) if x['name'] == want['name']), r, 'as in spec')
            digest = re.search(r'sha256:[0-9a-f]{64}', want.get('imageID', ''))
            if digest:
                expect('POD_STATE: image digest', c.get('image_digest') == digest.group(), r, digest.group())

for what in sorted({*right, *wrong}):
    if wrong[what]:
        print(f'not ok {what}: {len(wrong[what])} wrong, {right[what]} right')
        for line in wrong[what][:2]:
            print('#', line)
    else:
        print(f'ok {what} ({right[what]})')
how = collections.Counter(k[2] for k in executed.elements())
kinds = collections.Counter(owners(p)[1][0] if owners(p)[1] else 'none' for p in pods.values())
print(f'# {len(records)} records, {len(ours)} containers of ours in them, {len(pods)} pods, {len(containers)} containers; entry {dict(how)}; workloads {dict(kinds)}')
