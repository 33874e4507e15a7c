#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the configuration files in deploy/ anew from the sensor's table of options: what is set in them stays, each option is explained.
samples.py [--check] VARVE-SENSOR. --check: changes nothing; prints those that differ, and ends with 1 if one does. Overlays have a
sensor.conf with the lines that differ, and stay as they are."""
import pathlib, subprocess, sys

deploy = pathlib.Path(__file__).parent
FILES = [deploy / 'systemd' / 'sensor.conf', deploy / 'k8s' / 'base' / 'sensor.conf']


def made_anew(sensor, path):
    # Without the environment: what is set there is not the file's.
    run = subprocess.run([sensor, '--config', path, '--sample-config'], capture_output=True, text=True, env={})
    if run.returncode:
        sys.exit(run.stderr.strip())
    return run.stdout


def main():
    check = sys.argv[1] == '--check'
    different = 0
    for path in FILES:
        new = made_anew(sys.argv[-1], path)
        if new == path.read_text():
            continue
        different += 1
        if check:
            print(f'{path} is not what the table of options makes of it: make samples')
        else:
            path.write_text(new)
            print(f'{path} made anew')
    sys.exit(check and different > 0)


main()
