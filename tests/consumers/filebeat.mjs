// SPDX-License-Identifier: Apache-2.0
// filebeat.mjs SCRIPT OURS: the script of deploy/consumers/filebeat on each line, with a stand-in for Filebeat's event.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';

const process_ = new Function(`${readFileSync(process.argv[2])}; return process;`)();
for (const line of readFileSync(process.argv[3], 'utf8').trim().split('\n')) {
  const fields = { varve: JSON.parse(line) };
  const tags = [];
  process_({
    Get: (name) => name.split('.').reduce((o, k) => o?.[k], fields),
    Put: (name, value) => (fields.varve[name.replace('varve.', '')] = value),
    Tag: (tag) => tags.push(tag),
  });
  const { varve } = fields;
  assert.equal(varve.time_ms, (BigInt(varve.time_unix_nano) / 1000000n).toString());
  assert.deepEqual(tags, ['LOSS', 'SUPPRESSION'].includes(varve.kind) ? ['varve_gap'] : []);
}
