# SPDX-License-Identifier: Apache-2.0
"""For overhead.py: who watches. Each is started in a cgroup, by which its CPU time is known and by which it is ended."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

STATS = '/proc/sys/kernel/bpf_stats_enabled'


def sensor_command(o, work, *options):
    """Not as this machine's /etc/varve says."""
    open(work + '/sensor.conf', 'w').close()
    return [o + '/varve-sensor', '--config', work + '/sensor.conf', *options]


def trial(o, work, hooks):
    """What the sensor would attach; none: the kernel allows no such set, and it was said why."""
    done = subprocess.run(sensor_command(o, work, '--probe=json', '--hooks', hooks), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print('overhead: without the %s set: %s' % (hooks, done.stderr.strip().splitlines()[-1]), file=sys.stderr)
        return []
    return [h for h in json.loads(done.stdout)['hooks'] if h['attached']]


def bpf_programs():
    """{id: program} of the machine"""
    return {p['id']: p for p in json.loads(subprocess.check_output(['bpftool', '-j', 'prog', 'show']))}


class Watcher:
    name = ''
    verified = {}
    process = None
    mine = ()  # ids of its BPF programs
    counting = False  # the kernel's statistics are on

    def spawn(self, cgroup, command, **kwargs):
        def enter():
            with open(cgroup + '/cgroup.procs', 'w') as f:
                f.write('0')
        self.process = subprocess.Popen(command, preexec_fn=enter, start_new_session=True, **kwargs)

    def wait(self, is_ready, seconds, what):
        end = time.monotonic() + seconds
        while not is_ready():
            if self.process.poll() is not None:
                raise SystemExit('overhead: %s ended with %d %s' % (self.name, self.process.returncode, what()))
            if time.monotonic() > end:
                raise SystemExit('overhead: %s is not ready after %d s %s' % (self.name, seconds, what()))
            time.sleep(0.1)

    def start(self, cgroup):
        before = set(bpf_programs())
        self.launch(cgroup)
        self.mine = self.own(before, cgroup)
        time.sleep(1)  # what a start has left to do

    @staticmethod
    def own(before, cgroup):
        """Of the programs that are new, those that processes of the cgroup hold, where the kernel tells who does."""
        pids = set(map(int, open(cgroup + '/cgroup.procs').read().split()))
        new = {i: p.get('pids') for i, p in bpf_programs().items() if i not in before}
        return {i for i, held in new.items() if held is None or pids & {h['pid'] for h in held}}

    def stop(self, cgroup):
        """The process, and whatever else it has left in the cgroup."""
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        for pid in open(cgroup + '/cgroup.procs').read().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        self.process.wait()
        self.process = None
        while open(cgroup + '/cgroup.procs').read():
            time.sleep(0.05)

    def check(self, container):
        pass

    @contextlib.contextmanager
    def statistics(self):
        """The kernel counts runs and time of BPF programs meanwhile."""
        was = open(STATS).read()
        try:
            with open(STATS, 'w') as f:
                f.write('1')
            self.counting = True
            yield
        finally:
            self.counting = False
            with open(STATS, 'w') as f:
                f.write(was)

    def programs(self):
        """{id: (name, runs, ns)} as of now"""
        return {i: (p.get('name', '?'), p.get('run_cnt', 0), p.get('run_time_ns', 0)) for i, p in bpf_programs().items() if i in self.mine}


class Nothing(Watcher):
    name = 'nothing'

    def launch(self, cgroup):
        pass


class Empty(Watcher):
    """At each hook a program that does nothing. Those of system calls are reached from one program by a tail call: one."""

    def __init__(self, o, hooks, found, root):
        self.name = 'empty programs, ' + hooks
        self.command = [o + '/tests/bench/floor', root]
        self.targets = [h['target'] for h in found if not h['target'].startswith(('iter', 'raw_tp')) and
                        (h['name'].startswith('core_') or not h['target'].endswith(('sys_exit', 'io_uring_complete')))]

    def launch(self, cgroup):
        self.spawn(cgroup, self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write('\n'.join(self.targets))
        self.process.stdin.close()
        said = self.process.stdout.readline()
        if said.split() != ['attached', str(len(self.targets))]:
            raise SystemExit('overhead: %s: %s' % (self.name, said))


class Sensor(Watcher):
    def __init__(self, o, hooks, found, work):
        self.name = 'varve, ' + hooks
        self.o, self.hooks, self.work = o, hooks, work
        self.verified = {h['name']: h.get('verified_insns', 0) for h in found}
        self.sums = [0, 0, 0]

    def launch(self, cgroup):
        self.log, self.err = self.work + '/log', self.work + '/sensor.err'
        shutil.rmtree(self.log, ignore_errors=True)
        with open(self.err, 'w') as err:
            self.spawn(cgroup, sensor_command(self.o, self.work, '--log-dir', self.log, '--hooks', self.hooks), stderr=err)
        self.wait(lambda: 'recording' in open(self.err).read(), 60, lambda: open(self.err).read())

    def check(self, container):
        """What became of the container's events: a sensor that loses them is cheap."""
        lines = subprocess.run([self.o + '/varve', 'cat', '--kind', 'ACCOUNT', self.log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        accounts = [e for e in map(json.loads, lines.splitlines()) if e['container']['id'] == container]
        if not accounts:
            raise SystemExit('overhead: %s has no account of the container: it did not see it' % self.name)
        for c in accounts[-1]['account']['counts']:
            for i, what in enumerate(('recorded', 'lost', 'suppressed')):
                self.sums[i] += int(c[what])

    def counts(self):
        return self.sums


class Peer(Watcher):
    """Attached when PEER_READY succeeds; without one, when it has loaded BPF programs and no more have come for 3 s."""

    def __init__(self, command, ready):
        self.name = os.path.basename(command.split()[0])
        self.command, self.ready = command, ready

    def launch(self, cgroup):
        self.before, self.seen, self.since = set(bpf_programs()), set(), time.monotonic()
        self.spawn(cgroup, ['sh', '-c', 'exec ' + self.command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(self.is_ready, 120, lambda: '(PEER_READY: a command that succeeds once it is attached)')

    def is_ready(self):
        if self.ready:
            return not subprocess.run(self.ready, shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        new = set(bpf_programs()) - self.before
        if new != self.seen:
            self.seen, self.since = new, time.monotonic()
        return new and time.monotonic() - self.since > 3
