# SPDX-License-Identifier: Apache-2.0
"""workloads.py: pods of each kind of owner and container, as a List for kubectl. Each container first executes `/bin/true WHO`, where WHO is
what Kubernetes itself says to it (downward API): namespace/pod/UID/container. Then it sleeps or ends. workloads.py static: a pod for kubelet's
own directory."""
import json, sys

NAMESPACE = 'shop'
WHO = '$(MY_NAMESPACE)/$(MY_POD)/$(MY_UID)/'


def container(name, then='exec /bin/sleep 100000', **more):
    def field(path):
        return {'fieldRef': {'fieldPath': 'metadata.' + path}}
    env = [{'name': n, 'valueFrom': field(p)} for n, p in (('MY_NAMESPACE', 'namespace'), ('MY_POD', 'name'), ('MY_UID', 'uid'))]
    return {'name': name, 'image': 'registry.test/busybox:1', 'imagePullPolicy': 'Never', 'env': env,
            'command': ['/bin/sh', '-c', '/bin/true "$0"; ' + then, WHO + name], **more}


def pod(*containers, **more):
    return {'terminationGracePeriodSeconds': 1, 'automountServiceAccountToken': False, 'containers': list(containers), **more}


def template(app, spec):
    return {'metadata': {'labels': {'app': app}}, 'spec': spec}


def make(api, kind, name, **spec):
    return {'apiVersion': api, 'kind': kind, 'metadata': {'name': name, 'namespace': NAMESPACE}, 'spec': spec}


def replicated(kind, name, spec, **more):
    return make('apps/v1', kind, name, selector={'matchLabels': {'app': name}}, template=template(name, spec), **more)


ends = {'restartPolicy': 'Never'}
job = {'backoffLimit': 0, 'template': template('nightly', pod(container('work', 'exit 0'), **ends))}
marker = {'volumeMounts': [{'name': 'marker', 'mountPath': '/marker'}]}
objects = [
    {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NAMESPACE}},
    replicated('Deployment', 'web', pod(container('app'), container('sidecar'), initContainers=[container('prepare', 'exit 0')]), replicas=2),
    # A name that looks like one with a hash already.
    replicated('Deployment', 'api-7c9d4', pod(container('app')), replicas=1),
    replicated('StatefulSet', 'db', pod(container('app')), replicas=1, serviceName='db'),
    replicated('DaemonSet', 'agent', pod(container('app'), hostNetwork=True, hostPID=True)),
    make('batch/v1', 'Job', 'once', **{**job, 'template': template('once', pod(container('work', 'exit 0'), **ends))}),
    make('batch/v1', 'CronJob', 'nightly', schedule='0 0 31 2 *', jobTemplate={'spec': job}),
    make('batch/v1', 'CronJob', 'minutely', schedule='* * * * *', jobTemplate={'spec': job}),
    {**make('v1', 'Pod', 'solo', **pod(container('one'), container('two'))), 'metadata': {'name': 'solo', 'namespace': NAMESPACE}},
    # Ends badly once.
    make('v1', 'Pod', 'crashing', **pod(container('app', '[ -e /marker/crashed ] && exec /bin/sleep 100000; : >/marker/crashed; exit 1', **marker),
                                        volumes=[{'name': 'marker', 'emptyDir': {}}])),
]
if sys.argv[1:] == ['static']:
    print(json.dumps(make('v1', 'Pod', 'static', **pod(container('app')))))
else:
    print(json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': objects}))
