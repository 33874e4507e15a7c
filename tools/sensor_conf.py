#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/k8s/base/sensor.conf out of what `varve-sensor --help` says, so that its comments are the option table's.

    tools/sensor_conf.py build/varve-sensor             prints it
    tools/sensor_conf.py build/varve-sensor --write     into deploy/k8s/base/sensor.conf
    tools/sensor_conf.py build/varve-sensor --check     ends with 1 if it is not that
"""
import os
import re
import subprocess
import sys
import textwrap

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../deploy/k8s/base/sensor.conf')
HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
# All options of varve-sensor with their defaults; varve-sensor(8) says more of each. Made by tools/sensor_conf.py: an overlay of your own has
# a sensor.conf with the lines that differ (configMapGenerator, behavior: replace), and this one stays as it is.
# What the environment says rules over it: log-dir, host-root and pin, which belong to the DaemonSet, and what overlays set.
'''
TAIL = '''
# Any property of librdkafka; kafka.bootstrap.servers turns shipping on. Passwords do not belong here: overlays/kafka-scram has them from a
# Secret.
#kafka.bootstrap.servers =
'''
OPTION = re.compile(r'^  --([a-z-]+) (\S+)\n        (.*) \((.*)\)$', re.M)


def wrapped(text):
    return textwrap.fill(text, 140, initial_indent='# ', subsequent_indent='# ', break_long_words=False, break_on_hyphens=False)


def sensor_conf(sensor):
    said = subprocess.run([sensor, '--help'], check=True, capture_output=True, text=True).stdout
    options = [o for o in OPTION.findall(said) if o[0] != 'config']
    if len(options) < 30:
        sys.exit(f'sensor_conf: {sensor} --help has {len(options)} options that can be read')
    out = HEAD
    for name, values, text, initial in options:
        choices = f' ({values.replace("|", ", ")})' if '|' in values else ''
        out += f'\n{wrapped(text[0].upper() + text[1:] + choices + ".")}\n'
        out += f'#{name} = {"" if initial in ("none", "the host name") else initial}'.rstrip() + '\n'
    return out + TAIL


def main():
    text = sensor_conf(sys.argv[1])
    what = sys.argv[2] if len(sys.argv) > 2 else ''
    if what == '--write':
        with open(FILE, 'w') as f:
            f.write(text)
    elif what == '--check':
        with open(FILE) as f:
            if f.read() != text:
                sys.exit('deploy/k8s/base/sensor.conf is not what --help says: tools/sensor_conf.py build/varve-sensor --write')
    else:
        print(text, end='')


main()
