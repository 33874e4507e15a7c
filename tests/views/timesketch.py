# SPDX-License-Identifier: Apache-2.0
"""timesketch.py LINES.jsonl: Timesketch's import client takes the file of `varve replay --format timesketch`: what it would send to a server
has each line, changed in nothing, with its time."""
import json, sys
from datetime import datetime, timezone
from timesketch_import_client import importer


class Server:
    """Takes uploads and answers as Timesketch does."""
    api_root = 'http://127.0.0.1/api/v1'
    status_code = 200
    id = 1

    def __init__(self):
        self.api, self.session, self.events = self, self, []

    def post(self, url, data, files):
        self.events += [json.loads(line) for line in files['events'][1].split('\n')]
        return self

    def json(self):
        return {'objects': [{'id': 1, 'searchindex': {'index_name': 'x'}}], 'meta': {}}


server = Server()
with importer.ImportStreamer() as streamer:
    streamer.set_sketch(server)
    streamer.set_timeline_name('test')
    streamer.add_file(sys.argv[1])
lines = [json.loads(line) for line in open(sys.argv[1], newline='\n')]
assert len(lines) == len(server.events), f'{len(lines)} lines, {len(server.events)} came'
for line, event in zip(lines, server.events):
    # As the server's own check of JSON lines has it.
    assert all(line.get(key) for key in ('message', 'datetime', 'timestamp_desc')), line
    when = datetime.fromisoformat(event.pop('datetime'))
    assert when == datetime.fromisoformat(line.pop('datetime').replace('Z', '+00:00')) and when.tzinfo
    us = (when - datetime(1970, 1, 1, tzinfo=timezone.utc)) // (datetime.resolution)
    assert line['timestamp'] == us, line
    assert event == line, (event, line)
    assert not any('.' in key or key.startswith('_') or isinstance(line[key], (dict, list)) for key in line), line
print(f'ok timesketch: its import client takes {len(lines)} lines as they are')
