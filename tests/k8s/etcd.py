# SPDX-License-Identifier: Apache-2.0
"""Straight into etcd, by its JSON gateway on 127.0.0.1:2379. etcd.py pods COUNT NODES: that many pods in namespace `elsewhere`, on nodes
elsewhere-0 ...; a pod is as the API server stores one (it reads JSON as well). etcd.py compact: forgets all revisions but the last."""
import base64, http.client, json, sys, uuid

etcd = http.client.HTTPConnection('127.0.0.1', 2379)


def call(path, **body):
    etcd.request('POST', '/v3/kv/' + path, json.dumps(body))
    answer = etcd.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f'{path}: {answer.status} {text.decode()}')
    return json.loads(text)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def pod(i, nodes):
    return {'apiVersion': 'v1', 'kind': 'Pod',
            'metadata': {'name': f'pod-{i}', 'namespace': 'elsewhere', 'uid': str(uuid.uuid4()), 'creationTimestamp': '2026-01-01T00:00:00Z',
                         'labels': {'app': f'app-{i % 100}'}, 'annotations': {'example.test/note': 'x' * 300}},
            'spec': {'nodeName': f'elsewhere-{i % nodes}', 'serviceAccountName': 'default', 'restartPolicy': 'Always', 'dnsPolicy': 'ClusterFirst',
                     'schedulerName': 'default-scheduler', 'containers': [{'name': 'app', 'image': f'example.test/app:{i % 100}'}]},
            'status': {'phase': 'Running', 'podIP': f'10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}', 'containerStatuses': [
                {'name': 'app', 'ready': True, 'restartCount': 0, 'image': 'i', 'imageID': 'i', 'containerID': f'containerd://{i:064x}',
                 'state': {'running': {'startedAt': '2026-01-01T00:00:01Z'}}}]}}


if sys.argv[1] == 'pods':
    count, nodes = int(sys.argv[2]), int(sys.argv[3])
    for start in range(0, count, 100):  # etcd takes 128 operations at a time
        call('txn', success=[{'requestPut': {'key': b64(f'/registry/pods/elsewhere/pod-{i}'), 'value': b64(json.dumps(pod(i, nodes)))}}
                             for i in range(start, min(start + 100, count))])
else:
    revision = call('put', key=b64('/test/last'), value=b64('x'))['header']['revision']
    call('compaction', revision=revision, physical=True)
