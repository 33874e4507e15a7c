#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/k8s must say: manifests.py DIR OVERLAY..., with DIR/OVERLAY.json as the API server would store it (and DIR/strimzi.json).

Prints "ok NAME" and "not ok NAME". Writes DIR/OVERLAY.env and .conf, what the sensor's container gets of it, and DIR/rules.json and
dashboard.json for promtool.
"""
import glob
import json
import os
import re
import shlex
import sys

DIR, OVERLAYS = sys.argv[1], sys.argv[2:]
# What hooks, hashing and so on need; a capability more is a decision, to be made here as well.
CAPABILITIES = set('BPF PERFMON NET_ADMIN SYS_RESOURCE DAC_READ_SEARCH SYS_PTRACE SYS_ADMIN SYS_NICE SETUID SETGID SYS_CHROOT KILL'.split())


def check(name, good, why=''):
    print(f'{"ok" if good else "not ok"} {name}' + ('' if good or not why else f': {why}'))


def load(name):
    with open(f'{DIR}/{name}.json') as f:
        got = json.load(f)
    return got['items'] if got['kind'] == 'List' else [got]


def of_kind(items, kind):
    return [i for i in items if i['kind'] == kind]


def one(items, kind, prefix=''):
    found = [i for i in of_kind(items, kind) if i['metadata']['name'].startswith(prefix)]
    if len(found) != 1:
        sys.exit(f'not ok {len(found)} objects {kind} {prefix}')
    return found[0]


def daemonset(o, ds, settings):
    spec, pod = ds['spec'], ds['spec']['template']['spec']
    sensor, = pod['containers']
    context, rolling = sensor['securityContext'], spec['updateStrategy'].get('rollingUpdate', {})
    check(f'{o}: not privileged, a read-only root, no capability but those known to be needed',
          not context['privileged'] and context['readOnlyRootFilesystem'] and context['capabilities']['drop'] == ['ALL'] and
          set(context['capabilities']['add']) <= CAPABILITIES and context['seccompProfile']['type'] == 'RuntimeDefault' and
          not pod.get('hostNetwork') and not pod.get('hostIPC'), context)
    check(f'{o}: on every node, and the last to be evicted',
          {'operator': 'Exists'} in pod['tolerations'] and pod['priorityClassName'] == 'system-node-critical' and
          sensor['resources']['limits']['memory'] and sensor['resources']['requests']['cpu'])
    check(f'{o}: one writer of a log at a time, with time to seal and ship',
          spec['updateStrategy']['type'] == 'RollingUpdate' and rolling['maxSurge'] in (0, '0') and pod['terminationGracePeriodSeconds'] >= 30)
    volumes = {v['name']: v for v in pod['volumes']}
    mounts = {m['mountPath']: m for m in sensor['volumeMounts']}
    host = {p: volumes[m['name']]['hostPath']['path'] for p, m in mounts.items() if 'hostPath' in volumes[m['name']]}
    check(f'{o}: log and pinned hooks outlive the pod', settings['VARVE_PIN'] == 'on' and
          all(host.get(p) == p and not mounts[p].get('readOnly') for p in (settings['VARVE_LOG_DIR'], '/sys/fs/bpf')))
    check(f'{o}: the rest of the node is there to be read only', all(mounts[p].get('readOnly') for p in host if p not in (settings['VARVE_LOG_DIR'], '/sys/fs/bpf')))
    check(f'{o}: each volume is mounted, each mount a volume', {m['name'] for m in mounts.values()} == set(volumes))
    return pod, sensor, volumes, mounts


def token(o, items, pod, volumes, settings):
    asks = settings.get('VARVE_KUBE_API', 'off') != 'off'
    has = [s for v in volumes.values() for s in v.get('projected', {}).get('sources', []) if 'serviceAccountToken' in s]
    rules = [r for c in of_kind(items, 'ClusterRole') for r in c['rules']]
    check(f'{o}: a token and rights if the API is asked, else none',
          pod['automountServiceAccountToken'] is False and one(items, 'ServiceAccount')['automountServiceAccountToken'] is False and
          (len(has), len(rules)) == ((1, 1) if asks else (0, 0)))
    check(f'{o}: rights to see pods, no others',
          all(r['apiGroups'] == [''] and r['resources'] == ['pods'] and set(r['verbs']) <= {'get', 'list', 'watch'} for r in rules) and
          all(r['resources'] == ['securitycontextconstraints'] and r['verbs'] == ['use'] for c in of_kind(items, 'Role') for r in c['rules']), rules)


def secrets(o, items, sensor, volumes, mounts, settings):
    text = {**settings, **one(items, 'ConfigMap', 'varve-sensor-')['data']}
    bad = [k for k, v in text.items() if re.search('PASSWORD|SECRET|KEY_PEM|JAAS|TOKEN', k) or re.search(r'^\s*kafka\.\S*(password|secret|jaas)', v, re.M)]
    check(f'{o}: secrets by reference only', not bad and not of_kind(items, 'Secret'), bad)
    for key, path in settings.items():
        if not key.endswith('_LOCATION'):
            continue
        where, name = os.path.split(path)
        files = [i['path'] for i in volumes[mounts[where]['name']]['secret']['items']] if where in mounts else []
        check(f'{o}: {key} is where a Secret is mounted', name in files, path)
    for e in sensor['env']:
        if 'PASSWORD' in e['name']:
            check(f'{o}: {e["name"]} is of a Secret', 'secretKeyRef' in e.get('valueFrom', {}))


def network(o, items, settings):
    policies = of_kind(items, 'NetworkPolicy')
    check(f'{o}: nothing in or out but what is named', any(p['spec']['podSelector'] == {} and len(p['spec']) == 2 and
          set(p['spec']['policyTypes']) == {'Ingress', 'Egress'} for p in policies))
    names = {p['metadata']['name'] for p in policies}
    for name, key in (('kafka', 'VARVE_KAFKA_BOOTSTRAP_SERVERS'), ('kube-api', 'VARVE_KUBE_API'), ('metrics', 'VARVE_LISTEN')):
        check(f'{o}: a way for {name} if it is used', (f'varve-sensor-{name}' in names) == (key in settings))


def openshift(items, pod, sensor):
    scc = one(items, 'SecurityContextConstraints')
    kinds = {k for v in pod['volumes'] for k in v if k != 'name'}
    check('openshift: the constraints allow what the DaemonSet asks for, and no more',
          set(scc['allowedCapabilities']) == set(sensor['securityContext']['capabilities']['add']) and
          kinds <= set(scc['volumes']) <= kinds | {'secret'} and scc['allowHostPID'] and scc['readOnlyRootFilesystem'] and
          not any(scc[k] for k in ('allowPrivilegedContainer', 'allowHostNetwork', 'allowHostIPC', 'allowHostPorts')))


def metrics(items, sensor):
    """Names that rules and dashboard go by are the sensor's, and the ports agree."""
    rules = one(items, 'PrometheusRule')['spec']
    board = json.loads(one(items, 'ConfigMap', 'varve-dashboard')['data']['varve.json'])
    asked = [t['expr'].replace('$node', '.*') for p in board['panels'] for t in p.get('targets', [])]
    with open(f'{DIR}/rules.json', 'w') as f:
        json.dump(rules, f)
    with open(f'{DIR}/dashboard.json', 'w') as f:
        json.dump({'groups': [{'name': 'dashboard', 'rules': [{'record': f'panel:{n}', 'expr': e} for n, e in enumerate(asked)]}]}, f)
    port, = [p['name'] for p in sensor['ports']]
    check('example: one port for scraper, probes and policy',
          {e['port'] for e in one(items, 'PodMonitor')['spec']['podMetricsEndpoints']} | {port} |
          {sensor[p]['httpGet']['port'] for p in ('startupProbe', 'livenessProbe', 'readinessProbe')} == {port})
    used = set(re.findall(r'\bvarve_sensor_\w+', ' '.join(asked + [r['expr'] for g in rules['groups'] for r in g['rules']])))
    with open('sensor/metrics.def') as f:
        known = set(re.findall(r'\bvarve_sensor_\w+', f.read()))
    check(f'example: the {len(used)} metrics of alerts and dashboard are ones of the sensor', used and used <= known, used - known)
    with open('docs/DEPLOY.md') as f:
        told = f.read()
    untold = [r['alert'] for g in rules['groups'] for r in g['rules'] if r['alert'] not in told]
    check('example: docs/DEPLOY.md says what to do on each alert', not untold, untold)


def acls(items):
    rights = {u['metadata']['name']: {(a['resource']['type'], a['resource']['name']): set(a['operations']) for a in u['spec']['authorization']['acls']}
              for u in of_kind(items, 'KafkaUser')}
    topics = {t['metadata']['name'] for t in of_kind(items, 'KafkaTopic')}
    check('strimzi: the sensor may write and describe its topics, nothing else',
          rights['varve-sensor'] == {('topic', t): {'Write', 'Describe'} for t in topics}, rights)
    check('strimzi: a responder may read', rights['varve-responder'] == {('group', 'varve-'): {'Read'}, **{('topic', t): {'Read', 'Describe'} for t in topics}})
    with open('deploy/k8s/kafka/topics.sh') as f:
        said = f.read()
    for t in of_kind(items, 'KafkaTopic'):
        missing = [k for k in t['spec']['config'] if k not in said and k != 'retention.bytes']
        check(f'kafka/topics.sh makes {t["metadata"]["name"]} as strimzi/ does', t['metadata']['name'] in said and not missing, missing)


def files():
    bad = []
    for path in glob.glob('deploy/k8s/**/*.yaml', recursive=True):
        with open(path) as f:
            text = f.read()
        if not text.startswith('# SPDX-License-Identifier: Apache-2.0\n') or len(re.findall('^kind:', text, re.M)) != 1 or re.search('^---', text, re.M):
            bad.append(path)
    check('one object per file, with its licence', not bad, bad)


def overlay(o):
    items = load(o)
    settings = one(items, 'ConfigMap', 'varve-settings-')['data']
    conf = one(items, 'ConfigMap', 'varve-sensor-')
    pod, sensor, volumes, mounts = daemonset(o, one(items, 'DaemonSet'), settings)
    check(f'{o}: pod-security labels', one(items, 'Namespace')['metadata']['labels']['pod-security.kubernetes.io/enforce'] == 'privileged')
    check(f'{o}: the configuration is that of this overlay', volumes['config']['configMap']['name'] == conf['metadata']['name'] and
          sensor['envFrom'][0]['configMapRef']['name'] == one(items, 'ConfigMap', 'varve-settings-')['metadata']['name'])
    token(o, items, pod, volumes, settings)
    secrets(o, items, sensor, volumes, mounts, settings)
    network(o, items, settings)
    if o == 'openshift':
        openshift(items, pod, sensor)
    if o == 'example':
        metrics(items, sensor)
    env = {**settings, **{e['name']: e.get('value', 'something') for e in sensor['env']}}
    with open(f'{DIR}/{o}.env', 'w') as f:
        f.writelines(f'{k}={shlex.quote(v)}\n' for k, v in env.items())
    with open(f'{DIR}/{o}.conf', 'w') as f:
        f.write(conf['data']['sensor.conf'])


for each in OVERLAYS:
    overlay(each)
acls(load('strimzi'))
files()
print('# manifests: all was looked at')
