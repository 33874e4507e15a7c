# SPDX-License-Identifier: Apache-2.0
"""ocsf.py LINES: each line of `varve replay --format ocsf` against OCSF 1.8.0: the JSON schema that ocsf-json-schema makes of the schema's own
definition, and what a JSON schema cannot say: that ids and captions belong together."""
import json, sys
from collections import Counter
import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = '1.8.0'
raw = get_ocsf_schema(version=VERSION)
schema = OcsfJsonSchemaEmbedded(raw)
captions = {c['uid']: c['caption'] for c in raw['classes'].values()}
names = {c['uid']: n for n, c in raw['classes'].items()}
categories = {c['uid']: c['caption'] for c in raw['categories']['attributes'].values()}
validators, classes, activities, count = {}, Counter(), set(), 0


def check(event):
    uid = event['class_uid']
    profiles = event['metadata']['profiles']
    assert event['metadata']['version'] == VERSION
    if uid not in validators:
        known = {p.split('/')[-1] for p in raw['profiles']} | set(raw['profiles'])
        assert all(p in known for p in profiles), profiles
        validators[uid] = jsonschema_rs.validator_for(schema.get_class_schema(names[uid], profiles))
    error = next(validators[uid].iter_errors(event), None)
    assert error is None, error
    assert event['type_uid'] == uid * 100 + event['activity_id']
    assert event['class_name'] == captions[uid], (event['class_name'], captions[uid])
    assert event['category_uid'] == uid // 1000 and event.get('category_name') == categories.get(uid // 1000, 'Uncategorized')
    attributes = raw['classes'][names[uid]]['attributes']
    for key in ('severity', 'status'):
        assert event[key] == attributes[key + '_id']['enum'][str(event[key + '_id'])]['caption'], key
    assert ('activity_name' in event) == (event['activity_id'] == 99)
    classes[captions[uid]] += 1
    activities.add((uid, event['activity_id']))


def refuses(line, spoil):
    """The check itself works."""
    event = json.loads(line)
    spoil(event)
    try:
        check(event)
    except Exception:
        return
    sys.exit('not ok ocsf: what is wrong passes')


for line in open(sys.argv[1], newline='\n'):
    event = json.loads(line)
    try:
        check(event)
    except Exception as e:
        sys.exit(f'not ok ocsf: {type(e).__name__} {e}\n{line}')
    count += 1
refuses(line, lambda e: e.pop('metadata'))
refuses(line, lambda e: e.update(made_up=1))
refuses(line, lambda e: e.update(time='now'))
refuses(line, lambda e: e.update(type_uid=1))
print(f'ok ocsf: {count} lines are OCSF {VERSION}: {len(classes)} classes, {len(activities)} activities')
