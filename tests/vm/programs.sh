#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# programs.sh: makes docs/PROGRAMS.md of what `varve-sensor --probe=json` says: natively, and on Debian's kernels in virtual machines.
# Environment: O, VM_KERNELS ("6.12 sid": those before 5.16 do not count). Load times under emulation are as slow as the emulation is.
set -euo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
work=$(mktemp -d /tmp/varve-programs.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/overlay/usr/bin"
cp "$O/varve-sensor" "$work/overlay/usr/bin/"
. tests/vm/libraries.bash
copy_libraries "$work/overlay" "$O/varve-sensor"
"$O/varve-sensor" --probe=json --hooks tracepoint >"$work/native tracepoint.json"
for kernel in ${VM_KERNELS:-6.12 sid}; do
	for set in tracepoint trampoline; do
		VM_TIMEOUT=900 tests/vm/run.sh "$kernel" "$work/overlay" "varve-sensor --probe=json --hooks $set 2>/dev/null" >"$work/$kernel $set.json"
	done
done
/usr/bin/python3 - "$work" <<'PY'
import glob, json, os, sys
columns = []
for path in sorted(glob.glob(sys.argv[1] + '/*.json'), key=lambda p: ('native' not in p, p)):
    text = open(path).read()
    columns.append((os.path.basename(path)[:-5], json.loads(text[text.index('{'):])))
rows = {}
for i, (_, j) in enumerate(columns):
    for h in j['hooks']:
        if h.get('verified_insns'):
            rows.setdefault(h['name'], {})[i] = h['verified_insns']
out = ['# Programs', '', 'Instructions that the verifier looked at for each program, by `varve-sensor --probe=json`; made by',
       '`tests/vm/programs.sh`. (A program of several branches is looked at along each.) Times under emulation are no measure but for each',
       'other. Kernels before 5.16 do not count; that every program loads on 5.10, in both sets, is shown by `make check-vm`.', '']
out.append('| | ' + ' | '.join('%s (%s)' % (name, j['kernel_release'].split('-')[0]) for name, j in columns) + ' |')
out.append('|---' * (len(columns) + 1) + '|')
out.append('| programs | ' + ' | '.join(str(sum(1 for r in rows.values() if i in r)) for i in range(len(columns))) + ' |')
out.append('| instructions | ' + ' | '.join('{:,}'.format(sum(r.get(i, 0) for r in rows.values())) for i in range(len(columns))) + ' |')
out.append('| load time, s | ' + ' | '.join('%.1f' % (j['load_nano'] / 1e9) for _, j in columns) + ' |')
for name in sorted(rows):
    out.append('| %s | ' % name + ' | '.join('{:,}'.format(rows[name][i]) if i in rows[name] else '' for i in range(len(columns))) + ' |')
open('docs/PROGRAMS.md', 'w').write('\n'.join(out) + '\n')
PY
