#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""churn_run.py DIR TREE COUNT WIDTH SENSOR_PID MARK...: runs COUNT containers of pods by runc, WIDTH at a time, from the image DIR/image.

Writes DIR/manifest, a JSON line for each container before the runtime is called: what is going to run in it, and of which pod it is. That is
the account which churn_check.py holds the evidence against. Bundles are made as containerd's CRI plugin makes them: config.json just before
the runtime is called, gone when it has returned. Prints "mark COUNT RSS_KIB SECONDS" as that many have ended, and last "failed COUNT".
"""
import glob, json, os, secrets, shutil, sys, threading, time, uuid

work, tree, count, width, sensor = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
marks = {int(m) for m in sys.argv[6:]}
CRI = 'io.kubernetes.cri.'
CAPABILITIES = ['CAP_' + c for c in ('CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP',
                                     'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE')]  # containerd's
NAMESPACES = ('shop', 'billing', 'kube-system', 'ci', 'e2e')


def command(kind, token):
    """What a container runs, and the arguments of each exec in it. Each has a word that no other exec of the run has."""
    first, second, third, fourth = (f'{token}.{i}' for i in range(4))
    if kind == 0:  # children, one by its own shell in the background, and an exec in the place of the first program
        script = f'/bin/true {second} & /bin/true {third}; wait; exec /bin/true {fourth}'
        return [['/bin/sh', '-c', script, first], ['/bin/true', second], ['/bin/true', third], ['/bin/true', fourth]]
    if kind == 1:
        return [['/bin/sh', '-c', f'true; /bin/true {second}; :', first], ['/bin/true', second]]
    return [['/bin/true', first]]


class Pod:
    """A pod of one container, each fourth of two. Names are used again in other namespaces, and after 500 pods in the same one, as
    a StatefulSet's are; the UID never."""
    def __init__(self, n):
        self.uid, self.name, self.namespace = str(uuid.uuid4()), f'job-{n // 2 % 250}', NAMESPACES[n % len(NAMESPACES)]
        self.sandbox = secrets.token_hex(32)
        self.cgroup = f'{tree}/kubepods/burstable/pod{self.uid}'
        self.left = len(self.names(n))

    @staticmethod
    def names(n):
        return ('app', 'sidecar') if n % 4 == 3 else (('app', 'worker', 'migrate')[n % 3],)


def plan():
    """(pod, container name) for each container, one pod after the other."""
    n = started = 0
    while started < count:
        pod = Pod(n)
        for name in Pod.names(n)[:count - started]:
            started += 1
            yield pod, name
        n += 1


def config(pod, name, args, cgroup):
    return {
        'ociVersion': '1.0.2',
        'process': {'terminal': False, 'user': {'uid': 0, 'gid': 0}, 'args': args, 'cwd': '/', 'env': ['PATH=/bin'], 
                    'capabilities': {k: CAPABILITIES for k in ('bounding', 'effective', 'permitted')}},
        'root': {'path': f'{work}/image', 'readonly': True},
        'hostname': pod.name,
        'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
                   {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755']}],
        'annotations': {CRI + 'container-type': 'container', CRI + 'container-name': name,
                        CRI + 'image-name': 'docker.io/library/busybox:1.35', CRI + 'sandbox-id': pod.sandbox,
                        CRI + 'sandbox-name': pod.name, CRI + 'sandbox-namespace': pod.namespace, CRI + 'sandbox-uid': pod.uid},
        'linux': {'cgroupsPath': cgroup, 'namespaces': [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount')]},
    }


def rss_kib():
    with open(f'/proc/{sensor}/status') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))


def remove_cgroups(path):
    """As kubelet does, when the last container of the pod has gone."""
    for hierarchy in hierarchies:
        try:
            os.rmdir(f'{hierarchy}/{path}')
        except FileNotFoundError:
            pass


lock = threading.Lock()
tasks = enumerate(plan())
manifest = open(f'{work}/manifest', 'w')
hierarchies = [h for h in glob.glob('/sys/fs/cgroup/*/') + ['/sys/fs/cgroup'] if not os.path.islink(h.rstrip('/'))]
ended = failed = 0
begun = time.monotonic()


def run(cid, bundle):
    null = [(os.POSIX_SPAWN_OPEN, fd, '/dev/null', os.O_RDWR, 0) for fd in (0, 1)]
    messages = [(os.POSIX_SPAWN_OPEN, 2, f'{work}/runc.err', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
    pid = os.posix_spawnp('runc', ['runc', '--root', f'{work}/runc', 'run', '--bundle', bundle, cid], os.environ, file_actions=null + messages)
    return os.waitpid(pid, 0)[1]


def one(n, pod, name):
    cid = secrets.token_hex(32)
    execs = command(n % 4, f'{n}-{secrets.token_hex(4)}')
    bundle = f'{work}/bundles/{cid}'
    with lock:
        manifest.write(json.dumps({'id': cid, 'pod': {'uid': pod.uid, 'name': pod.name, 'namespace': pod.namespace}, 'name': name,
                                   'execs': execs}) + '\n')
        manifest.flush()
    os.makedirs(bundle)
    with open(f'{bundle}/config.json', 'w') as f:
        json.dump(config(pod, name, execs[0], f'/{pod.cgroup}/{cid}'), f)
    status = run(cid, bundle)
    shutil.rmtree(bundle)
    return status


def worker():
    global ended, failed
    while True:
        with lock:
            n, (pod, name) = next(tasks, (None, (None, None)))
        if pod is None:
            return
        status = -1
        try:
            status = one(n, pod, name)
        finally:
            with lock:
                failed += status != 0
                ended += 1
                pod.left -= 1
                last = not pod.left
                if ended in marks:
                    print('mark', ended, rss_kib(), f'{time.monotonic() - begun:.1f}', flush=True)
        if last:
            remove_cgroups(pod.cgroup)


threads = [threading.Thread(target=worker) for _ in range(width)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print('failed', failed + count - ended)
