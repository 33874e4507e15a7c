# SPDX-License-Identifier: Apache-2.0
# Does the sensor's manual page have each option, with its default, and no others? sensor_manual.py VARVE-SENSOR PAGE
import re, subprocess, sys

sensor, page = sys.argv[1:]
text = open(page).read()
options = text[text.index('.Sh OPTIONS'):text.index('.Ss Sources')]
shown = subprocess.run([sensor, '--help'], capture_output=True, text=True, check=True).stdout
known = dict(re.findall(r'^  --([a-z0-9-]+).*\n.*?\((?:.*\()?(.*)\)$', shown, re.M))
words = set(re.findall(r'^  --([a-z0-9-]+)', shown, re.M)) | set(re.findall(r', --([a-z0-9-]+)', shown))
bad = []

items = {}
for block in re.split(r'^\.It ', options, flags=re.M)[1:]:
    head = block.splitlines()[0]
    for name in re.findall(r'Fl -([a-z0-9-]+)', head):
        items[name] = block
for name in sorted(words - set(items)):
    bad.append(f'{name}: not in the manual')
for name in sorted(set(items) - words):
    bad.append(f'{name}: there is no such option')
for name, default in sorted(known.items()):
    said = re.sub(r'^\.\w\w ', '', items.get(name, default), flags=re.M)
    if ' ' not in default and default not in ('none', '0') and not re.search(r'(?<![\w.])' + re.escape(default) + r'(?![\w])', said):
        bad.append(f'{name}: its default {default} is not in the manual')
for name, choices in re.findall(r'^  --([a-z0-9-]+) ([a-z0-9-]+(?:\|[a-z0-9-]+)+)$', shown, re.M):
    head = items.get(name, '').splitlines()[0] if name in items else ''
    for choice in choices.split('|'):
        if not re.search(r'(?<![\w-])' + re.escape(choice) + r'(?![\w-])', head):
            bad.append(f'{name}: its value {choice} is not in the manual')
if len(known) < 30:
    bad.append(f'only {len(known)} options are in --help')
print('\n'.join(bad))
sys.exit(bool(bad))
