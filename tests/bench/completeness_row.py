#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""completeness_row.py TRUTH CPU_SECONDS <TALLY: one row of the completeness bench: the generators' own count against the log, per container and
class. Ends non-zero unless nothing is unaccounted, nothing is attributed to another container, and each account agrees with both."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../faults'))
from truth import CLASSES, Tally

tally = Tally(sys.argv[1], sys.stdin)
sums = dict.fromkeys(('generated', 'recorded', 'lost', 'suppressed', 'unaccounted'), 0)
wrong, complaints = 0, []
for c in tally.containers.values():
    events = c.events()
    wrong += c.wrong
    # One whose stop was lost too is closed when the sensor has found that it is gone, some seconds later.
    if not c.closed and not c.lost['container']:
        complaints.append(f'{c.token}: no closed account')
    for k in CLASSES:
        generated, recorded, lost = events[k], c.recorded[k], c.lost[k]
        account = c.accounts.get(k, (0, 0, 0, 0))
        suppressed = account[3]
        off = abs(generated - recorded - lost - suppressed)
        if account[:3] != (generated, recorded, lost):
            complaints.append(f'{c.token}: {k}: account says generated, recorded, lost {account[:3]}; counted {(generated, recorded, lost)}')
        for name, n in zip(sums, (generated, recorded, lost, suppressed, off)):
            sums[name] += n
wanted = sums['generated'] - sums['suppressed']
seconds = max(c.seconds for c in tally.containers.values())
rate = sum(c.operations() for c in tally.containers.values()) / seconds
share = 100 * sums['recorded'] / wanted if wanted else 100
print(f'{rate:9.0f} {sums["generated"] / seconds:9.0f} ' + ' '.join(f'{sums[k]:10}' for k in sums) + f' {wrong:6} {share:8.2f} {1e6 * float(sys.argv[2]) / max(sums["recorded"], 1):7.1f}')
for (k, cause), n in sorted(tally.causes.items()):
    print(f'# lost: {k} {cause}: {n}')
for (k, cause), n in sorted(tally.node_lost.items()):
    print(f'# of the node: {k} {cause}: {n}')
if any(r['missing'] or r['twice'] for r in tally.runs) or len(tally.runs) != 1 or tally.damage:
    complaints.append(f'sequences: {tally.runs}, damaged places {tally.damage}')
for line in complaints[:10]:
    print('#', line)
sys.exit(bool(sums['unaccounted'] or wrong or complaints))
