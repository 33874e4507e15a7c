# SPDX-License-Identifier: Apache-2.0
"""rules.py PIPELINE RULES JSONL LINES: Sigma rules, compiled by pySigma with our pipeline for SQLite and run over the lines of
`varve replay --format sysmon`, find the records that they should find, and no others; which these are is looked up in the same evidence as
JSON lines."""
import glob, json, os, sqlite3, sys
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline


def done(r, kind):
    return r['kind'] == kind and 'call_errno' not in r.get(kind.lower(), {})


def path(r, *names):
    body = r.get(r['kind'].lower(), {})
    return next((body[n].get('path', '') for n in names if n in body), '')


WANTED = {
    'process_creation': lambda r: r['kind'] == 'EXEC' and path(r, 'file').endswith('/curl') and ' -o ' in r['exec'].get('cmd_line', ''),
    'file_event': lambda r: done(r, 'OPEN') and r['open'].get('written') and path(r, 'file').startswith('/etc/cron.d/'),
    'network_connection': lambda r: r['kind'] == 'CONNECT' and r['connect'].get('outcome') != 'in_progress' and
    r['connect'].get('destination', {}).get('port') == 4444,
    'dns_query': lambda r: r['kind'] == 'DNS' and 'miner.' in json.dumps(r),
    'file_delete': lambda r: done(r, 'UNLINK') and path(r, 'file').startswith('/var/log/') and r['process']['euid'] == 0,
    'process_access': lambda r: (done(r, 'PTRACE') or done(r, 'PROCESS_MEMORY')) and
    r[r['kind'].lower()].get('target', {}).get('pid') == 6031 and r.get('process', {}).get('exe_path', '').endswith('/sh'),
}
pipeline, rules, jsonl, lines = sys.argv[1:]
backend = sqliteBackend(ProcessingPipeline.from_yaml(open(pipeline).read()))
records = [json.loads(line) for line in open(jsonl, newline='\n')]
events = [json.loads(line) for line in open(lines, newline='\n')]
columns = sorted({key for e in events for key in e})
db = sqlite3.connect(':memory:')
db.execute('CREATE TABLE logs (%s)' % ', '.join(f'"{c}"' for c in columns))
db.executemany('INSERT INTO logs VALUES (%s)' % ', '.join('?' * len(columns)), [[e.get(c) for c in columns] for e in events])
failed = len(events) != len(records)
assert {os.path.basename(p)[:-4] for p in glob.glob(rules + '/*.yml')} == set(WANTED)
for name, wanted in WANTED.items():
    query, = backend.convert(SigmaCollection.from_yaml(open(f'{rules}/{name}.yml').read()))
    query = query.replace('<TABLE_NAME>', 'logs')
    found = {row[0] for row in db.execute(query.replace('SELECT *', 'SELECT RecordId', 1))}
    expected = {f'{r["run_id"]}/{r["sequence"]}' for r in records if wanted(r)}
    ok = found == expected and 0 < len(found) < len(events)
    failed |= not ok
    print(('ok' if ok else 'not ok') + f' sigma: the rule for {name} finds {len(found)} of {len(events)} lines, all that it should' +
          ('' if ok else f': {query}; wanted {sorted(expected)[:5]}, found {sorted(found)[:5]}'))
sys.exit(failed)
