#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the configuration files in deploy/ anew from the sensor's table of options: what is set in them stays, each option is explained.
samples.py [--check] VARVE-SENSOR. --check: changes nothing; prints those that differ, and ends with 1 if one does.
They are: deploy/systemd/sensor.conf, and the block `sensor.conf: |` of each file below deploy/k8s."""
import pathlib, re, subprocess, sys, tempfile

BLOCK = re.compile(r'^( *)sensor\.conf: \|\n((?:\1 +.*\n|\n)+)', re.M)
deploy = pathlib.Path(__file__).parent


def made_anew(sensor, text):
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
        f.write(text)
        f.flush()
        # Without the environment: what is set there is not the file's.
        run = subprocess.run([sensor, '--config', f.name, '--sample-config'], capture_output=True, text=True, env={})
        if run.returncode:
            sys.exit(run.stderr.replace(f.name, 'its configuration').strip())
        return run.stdout


def block_made_anew(sensor, match):
    outer = match[1]
    inner = re.match(r' *', match[2])[0]
    lines = [line.removeprefix(inner) for line in match[2].splitlines()]
    new = made_anew(sensor, '\n'.join(lines) + '\n').splitlines()
    return f'{outer}sensor.conf: |\n' + ''.join(f'{inner}{line}\n' if line else '\n' for line in new)


def main():
    check = sys.argv[1] == '--check'
    sensor = sys.argv[-1]
    different = 0
    for path in [deploy / 'systemd' / 'sensor.conf', *sorted((deploy / 'k8s').rglob('*.yaml'))]:
        old = path.read_text()
        new = made_anew(sensor, old) if path.suffix == '.conf' else BLOCK.sub(lambda m: block_made_anew(sensor, m), old)
        if new == old:
            continue
        different += 1
        if check:
            print(f'{path} is not what the table of options makes of it: make samples')
        else:
            path.write_text(new)
            print(f'{path} made anew')
    sys.exit(check and different > 0)


main()
