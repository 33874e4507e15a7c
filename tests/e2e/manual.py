# SPDX-License-Identifier: Apache-2.0
# Does the manual page have each option of each command, and no others? manual.py VARVE PAGE
import re, subprocess, sys

varve, page = sys.argv[1:]
text = open(page).read()
synopsis = text[text.index('.Sh SYNOPSIS'):text.index('.Sh DESCRIPTION')]
rest = text[text.index('.Sh DESCRIPTION'):]
bad = []


def help_of(*words):
    return subprocess.run([varve, *words, '--help'], capture_output=True, text=True, check=True).stdout


documented = {}
for block in re.split(r'^\.Nm$', synopsis, flags=re.M)[1:]:
    command = re.search(r'^\.Cm (\S+)$', block, re.M)
    if command:
        found = re.findall(r'Fl -([a-z0-9-]+)', block)
        documented.setdefault(command[1], set()).update('--' + name for name in found)
        if re.search(r'Fl X\b', block):
            documented[command[1]].add('-X')
commands = re.findall(r'^  varve (\S+) ', help_of(), re.M)
if sorted(documented) != sorted(commands):
    bad.append(f'commands: {sorted(documented)} in the manual, {sorted(commands)} in the program')
for command in commands:
    options = set(re.findall(r'^  (-X|--[a-z0-9-]+)', help_of(command), re.M))
    for name in sorted(options - documented.get(command, set())):
        bad.append(f'{command} {name}: not in the synopsis')
    for name in sorted(documented.get(command, set()) - options):
        bad.append(f'{command} {name}: there is no such option')
    for name in sorted(options):
        if not re.search(r'Fl ' + re.escape(name[1:]) + r'\b', rest):
            bad.append(f'{command} {name}: not explained')
print('\n'.join(bad))
sys.exit(bool(bad))
