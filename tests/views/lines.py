# SPDX-License-Identifier: Apache-2.0
"""lines.py DIRECTORY [all]: what `varve replay` printed of the same evidence (FORMAT.out): each line is a record, in order, and can be found again
by its run and number; nothing in a record is more than text; the cells of CSV say what JSON says. all: every kind is there."""
import csv, io, json, re, sys
from collections import Counter

where = sys.argv[1]
CONTROL = re.compile('[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]')
FORMULA = re.compile('^[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]')


def lines(name):
    data = open(f'{where}/{name}.out', newline='').read()
    assert data.endswith('\n')
    return data[:-1].split('\n')


records = [json.loads(line) for line in lines('jsonl')]
ids = [f'{r["run_id"]}/{r["sequence"]}' for r in records]
kinds = Counter(r['kind'] for r in records)
assert len(set(ids)) == len(ids)
IDS = {
    'ocsf': lambda e: e['metadata']['uid'],
    'ecs': lambda e: e['event']['id'],
    'sysmon': lambda e: e['RecordId'],
    'timesketch': lambda e: f'{e["run_id"]}/{e["sequence"]}',
}
for name, id_of in IDS.items():
    text = lines(name)
    for line in text:
        assert not CONTROL.search(line), repr(line)
    assert [id_of(json.loads(line)) for line in text] == ids
    print(f'ok {name}: {len(text)} lines, one of each record, in order')


def plain(cell):
    """As docs/PROJECTIONS.md says."""
    cell = cell[1:] if cell.startswith("'") else cell
    raw = re.sub(r'\\(n|t|\\|x[0-9a-f]{2}|u\{[0-9a-f]+\})', lambda m: {'n': '\n', 't': '\t', '\\': '\\'}.get(m[1]) or
                 chr(int(m[1].strip('xu{}'), 16)), cell)
    return raw


def at(record, *keys):
    for key in keys:
        record = record.get(key, {}) if isinstance(record, dict) else {}
    return record if record != {} else ''


raw = open(f'{where}/csv.out', newline='').read()
assert raw.endswith('\r\n') and not re.search('(?<!\r)\n|\r(?!\n)', raw)
rows = list(csv.DictReader(io.StringIO(raw, newline=''), strict=True))
assert [f'{r["run_id"]}/{r["sequence"]}' for r in rows] == ids
SAME = {'node': ('node_name',), 'pod_name': ('pod', 'name'), 'container_id': ('container', 'id'), 'process_name': ('process', 'name'),
        'process_uid': ('process', 'process_uid'), 'parent_name': ('process', 'parent', 'name'), 'pid': ('process', 'pid'),
        'uid': ('process', 'uid')}
BODY = {'sha256': ('sha256',), 'protocol': ('protocol',), 'source_ip': ('source', 'ip'), 'unix_path': ('unix_path',)}
FILES = {'path': ('file', 'path'), 'target_path': ('target',)}
compared = 0
for row, record in zip(rows, records):
    kind, body = record['kind'], record.get(record['kind'].lower(), {})
    assert row['kind'] == kind and len(row) == 42 and None not in row.values()
    for name, cell in row.items():
        assert not FORMULA.search(cell) and not CONTROL.search(cell), (name, cell)
    want = {n: at(record, *p) for n, p in SAME.items()}
    if kind not in ('MOUNT', 'LINK'):
        want |= {n: at(body, *p) for n, p in BODY.items() if n in body or p[0] in body}
    if kind in ('OPEN', 'UNLINK', 'SYMLINK', 'MEMFD', 'FILE_HASH'):
        want['path'] = at(body, 'file', 'path')
    if kind == 'SYMLINK':
        want['target_path'] = at(body, 'target')
    for name, value in want.items():
        if isinstance(value, str) or name in ('pid', 'uid'):
            compared += 1
            assert plain(row[name]) == str(value), (kind, name, row[name], value)
# A spreadsheet that separates by semicolons, or tabs, sees no formula either.
for line in raw.split('\r\n'):
    for piece in re.split('[;\t]', line):
        assert not FORMULA.search(piece.lstrip('" ')) or piece == line, line
print(f'ok csv: {len(rows)} rows of {len(rows[0])} columns, {compared} cells are what JSON says, none is a formula')
if sys.argv[2:] != ['all']:
    sys.exit()
wanted = set(re.findall(r'^EV(?:_SENSOR)?\(\d+, (\w+),', open('bpf/events.def').read(), re.M))
assert set(kinds) == wanted, wanted - set(kinds)
print(f'ok jsonl: {len(records)} lines of {len(kinds)} kinds, all that there are')
