# SPDX-License-Identifier: Apache-2.0
"""For overhead.py: what is done in the container. Single operations by tests/bench/workload.c; a build by make and gcc; nginx, asked by ab from outside. Files
are in a tmpfs, so that no disk is measured."""
import json
import os
import re
import secrets
import shutil
import subprocess
import time

OPERATIONS = ['getppid', 'fork, exec, wait', 'open, read, close: first', 'open, read, close: again', 'create, write, close, unlink', 'rename',
              'create, close, rename, unlink', 'TCP connect, accept, close both', 'UDP send, receive']
BUILD, HTTP = 'build: a C file by make -j2', 'HTTP: a request to nginx, 8 at a time'
SOURCES, REQUESTS, PORT = 24, 10000, 8099
PAUSE_MS = 200
NGINX = '''daemon off; master_process off; user root; pid %(dir)s/pid; error_log %(dir)s/error; events { worker_connections 64; }
http { access_log %(dir)s/access; client_body_temp_path %(dir)s/1; proxy_temp_path %(dir)s/2; fastcgi_temp_path %(dir)s/3; uwsgi_temp_path %(dir)s/4;
scgi_temp_path %(dir)s/5; keepalive_timeout 0; server { listen 127.0.0.1:%(port)d; root %(dir)s/root; } }
'''


def usage_us(cgroup):
    return int(re.match(r'usage_usec (\d+)', open(cgroup + '/cpu.stat').read())[1])


class Loads:
    def __init__(self, o, work, root, sensor_cgroup, percent):
        self.o, self.percent, self.sensor = o, percent, sensor_cgroup
        self.dir = work + '/files'
        self.container = secrets.token_hex(32)
        self.cgroup = os.path.join(root, self.container)

    def __enter__(self):
        os.makedirs(self.dir, exist_ok=True)
        subprocess.check_call(['mount', '-t', 'tmpfs', 'varve-bench', self.dir])
        # Files that are there before: making them is no part of it.
        self.workload(['-d', '0'], 'open, read, close: first')
        self.make_sources()
        os.makedirs(self.dir + '/http/root')
        with open(self.dir + '/http/root/index.html', 'w') as f:
            f.write('x' * 1024)
        with open(self.dir + '/http/conf', 'w') as f:
            f.write(NGINX % {'dir': self.dir + '/http', 'port': PORT})
        os.mkdir(self.cgroup)
        return self

    def __exit__(self, *_):
        for pid in open(self.cgroup + '/cgroup.procs').read().split():
            os.kill(int(pid), 9)
        while open(self.cgroup + '/cgroup.procs').read():
            time.sleep(0.05)
        os.rmdir(self.cgroup)
        subprocess.check_call(['umount', self.dir])
        time.sleep(1.5)  # until a sensor has seen that it is gone

    def make_sources(self):
        path = self.dir + '/build'
        os.mkdir(path)
        for i in range(SOURCES):
            with open('%s/f%d.c' % (path, i), 'w') as f:
                f.write('#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n')
                f.writelines('int f%d_%d(int a) { char b[64]; snprintf(b, sizeof b, "%%d", a); return atoi(b) + (int)strlen(b) * %d; }\n' % (i, k, k)
                             for k in range(20))
        with open(path + '/Makefile', 'w') as f:
            f.write('all: %s\n%%.o: %%.c\n\tgcc -O1 -c $< -o $@\n' % ' '.join('f%d.o' % i for i in range(SOURCES)))

    def workload(self, options, operation):
        command = [os.path.abspath(self.o + '/tests/bench/workload'), '-w', self.dir, '-x', os.path.abspath(self.o + '/tests/bench/nop'), '-p', str(self.percent)]
        return json.loads(subprocess.check_output(command + options + [operation]))

    def enter(self):
        with open(self.cgroup + '/cgroup.procs', 'w') as f:
            f.write('0')

    def measure(self, times, do):
        """What workload.c says of an operation, of something else that was done once before."""
        do()
        time.sleep(PAUSE_MS / 1000)
        sensor, cpu, ns = usage_us(self.sensor), usage_us(self.cgroup), time.monotonic_ns()
        do()
        ns, cpu = time.monotonic_ns() - ns, usage_us(self.cgroup) - cpu
        time.sleep(PAUSE_MS / 1000)
        return {'times': times, 'wall_ns': ns, 'cpu_us': cpu, 'sensor_us': usage_us(self.sensor) - sensor, 'done': 2 * times}

    def build(self):
        for name in os.listdir(self.dir + '/build'):
            if name.endswith('.o'):
                os.unlink('%s/build/%s' % (self.dir, name))
        subprocess.run(['make', '-s', '-j2', '-C', self.dir + '/build'], preexec_fn=self.enter, check=True)

    def ask(self):
        said = subprocess.check_output(['ab', '-q', '-n', str(self.requests()), '-c', '8', 'http://127.0.0.1:%d/index.html' % PORT], text=True)
        if not re.search(r'^Failed requests: +0$', said, re.M):
            raise SystemExit('overhead: ab: ' + said)

    def requests(self):
        return max(REQUESTS * self.percent // 100, 8)

    def http(self):
        server = subprocess.Popen(['nginx', '-c', self.dir + '/http/conf', '-e', self.dir + '/http/error'], preexec_fn=self.enter)
        try:
            end = time.monotonic() + 10
            while not os.path.exists(self.dir + '/http/access') or not self.answers():
                if server.poll() is not None or time.monotonic() > end:
                    raise SystemExit('overhead: nginx: ' + open(self.dir + '/http/error').read())
                time.sleep(0.05)
            return self.measure(self.requests(), self.ask)
        finally:
            server.terminate()
            server.wait()

    def answers(self):
        return not subprocess.run(['curl', '-sf', '-o', '/dev/null', 'http://127.0.0.1:%d/' % PORT]).returncode

    def operation(self, name):
        if name == BUILD:
            return self.measure(SOURCES, self.build)
        if name == HTTP:
            return self.http()
        sample = self.workload(['-c', self.cgroup, '-s', self.sensor, '-d', str(PAUSE_MS)], name)
        sample['done'] = sample['times'] + (sample['times'] // 10 & ~1)
        return sample

    def run(self, pattern, watcher):
        """{operation: sample}; with the kernel's statistics on, what each of the watcher's programs took, too."""
        samples = {}
        for name in OPERATIONS + [BUILD, HTTP]:
            if not re.search(pattern, name):
                continue
            before = watcher.programs() if watcher.counting else {}
            sample = samples[name] = self.operation(name)
            if watcher.counting:
                sample['programs'] = [{'name': n, 'runs': (runs - before[i][1]) / sample['done'], 'ns': (ns - before[i][2]) / sample['done']}
                                      for i, (n, runs, ns) in watcher.programs().items() if runs > before[i][1]]
        return samples
