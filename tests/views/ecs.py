# SPDX-License-Identifier: Apache-2.0
"""ecs.py FIELDS LINES: each line of `varve replay --format ecs`: every field is one of ECS (FIELDS: {name: {type, normalize, allowed_values}}, out
of @elastic/ecs), of its type, a list where ECS wants one, one of the allowed values, and event.type one that goes with event.category."""
import ipaddress, json, sys
from collections import Counter
from datetime import datetime

VERSION = '9.4.0'
fields = json.load(open(sys.argv[1]))
used, actions, count = Counter(), Counter(), 0


def is_date(v):
    return isinstance(v, str) and v.endswith('Z') and datetime.fromisoformat(v[:-1])


def is_long(v):
    return type(v) is int and -2**63 <= v < 2**63


TYPES = {'keyword': lambda v: isinstance(v, str), 'wildcard': lambda v: isinstance(v, str), 'match_only_text': lambda v: isinstance(v, str),
         'constant_keyword': lambda v: isinstance(v, str), 'long': is_long, 'date': is_date, 'ip': lambda v: bool(ipaddress.ip_address(v)),
         'boolean': lambda v: isinstance(v, bool)}


def leaf(name, value):
    field = fields[name]
    used[name] += 1
    many = 'array' in field['normalize']
    assert many == isinstance(value, list), f'{name}: a list or not'
    for v in value if many else [value]:
        assert TYPES[field['type']](v), f'{name}: {v!r} is no {field["type"]}'
        allowed = [a['name'] for a in field.get('allowed_values') or []]
        assert not allowed or v in allowed, f'{name}: {v} is none of {allowed}'


def walk(value, path=''):
    for key, v in value.items():
        name = path + key
        assert key and '.' not in key and not key.startswith('_'), name
        if name == 'labels':
            assert all(isinstance(x, str) for x in v.values()), v
            used[name] += 1
        elif name == 'dns.answers':
            for answer in v:
                walk(answer, name + '.')
        elif isinstance(v, dict):
            walk(v, name + '.')
        else:
            assert name in fields, f'{name} is no field of ECS'
            leaf(name, v)


def check(doc):
    walk(doc)
    assert doc['ecs']['version'] == VERSION and '@timestamp' in doc
    expected = {a['name']: a.get('expected_event_types', []) for a in fields['event.category']['allowed_values']}
    for t in doc['event']['type']:
        assert any(t in expected[c] for c in doc['event']['category']), f'{doc["event"]["category"]} with {t}'
    actions[doc['event']['action']] += 1


def refuses(line, spoil):
    """The check itself works."""
    doc = json.loads(line)
    spoil(doc)
    try:
        check(doc)
    except Exception:
        return
    sys.exit('not ok ecs: what is wrong passes')


for line in open(sys.argv[2], newline='\n'):
    try:
        check(json.loads(line))
    except Exception as e:
        sys.exit(f'not ok ecs: {type(e).__name__} {e}\n{line}')
    count += 1
refuses(line, lambda d: d.update(made_up=1))
refuses(line, lambda d: d['event'].update(sequence='1'))
refuses(line, lambda d: d['event'].update(category=['containers']))
refuses(line, lambda d: d['event'].update(type=['deletion']))
print(f'ok ecs: {count} documents, {len(actions)} actions, {len(used)} fields, all of ECS {VERSION}')
