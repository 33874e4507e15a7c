// SPDX-License-Identifier: Apache-2.0
// node read.mjs DESCRIPTOR TOPIC BROKER[,BROKER]...: the topic's records as lines of JSON, each record once; what is missing on stderr.
// Reads what is there when it starts, from the beginning. Ends with 0; 3: something is missing; 1: an error.
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { decompress } from 'fzstd';
import kafkajs from 'kafkajs';

const { Kafka, CompressionCodecs, CompressionTypes, logLevel } = kafkajs;
// Sensors compress with zstd, which kafkajs cannot do by itself.
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (buffer) => Buffer.from(decompress(buffer)) });

const HOLES_MAX = 10000; // kept of each run

const [file, topic, brokers] = process.argv.slice(2);
if (!brokers) {
  console.error('usage: node read.mjs DESCRIPTOR TOPIC BROKER[,BROKER]...');
  process.exit(1);
}
// By the descriptor: no code is generated.
const Event = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file))).getMessage('varve.v1.Event');

// Text in a record is what an attacker chose: as this, a terminal does not act on it.
const asciiJson = (value) =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

// Without Confluent's prefix. No Event begins with a zero byte, so that a mirror that drops headers does no harm.
function payload(message) {
  const value = message.value ?? Buffer.alloc(0);
  const framing = message.headers?.framing?.toString() ?? 'confluent';
  if (framing === 'confluent' && value[0] === 0) {
    if (value[5] === 0) return value.subarray(6);
    if (value[5] === 2 && value[6] === 0) return value.subarray(7);
  }
  return value;
}

// The sequence of one run of a sensor: what came twice, and what did not come. After a crash a sensor sends again from some record on, in
// order; so a number below the next one has been seen, unless it is in a hole. Sequences are BigInt: they go up to 2^63.
class Run {
  constructor(first) {
    this.first = this.next = first;
    this.holes = []; // [from, until], in order
  }

  isNew(sequence) {
    if (sequence >= this.next) {
      if (sequence > this.next && this.holes.push([this.next, sequence]) > HOLES_MAX) throw new Error('too many gaps to keep track of');
      this.next = sequence + 1n;
      return true;
    }
    if (sequence < this.first) {
      if (sequence + 1n < this.first) this.holes.unshift([sequence + 1n, this.first]);
      this.first = sequence;
      return true;
    }
    const i = this.holes.findIndex(([from, until]) => from <= sequence && sequence < until);
    if (i < 0) return false;
    const [from, until] = this.holes[i];
    this.holes.splice(i, 1, ...[[from, sequence], [sequence + 1n, until]].filter(([a, b]) => a < b));
    return true;
  }
}

const runs = new Map();
const missing = [];
const count = { records: 0, twice: 0, unreadable: 0 };

function judge(event) {
  const q = asciiJson;
  const where = event.container?.id ? q(event.container.id) : `the node ${q(event.node_name ?? '')}`;
  if (event.kind === 'LOSS' && event.loss)
    missing.push(`LOSS: ${event.loss.count} of class ${q(event.loss.event_class ?? '')}, ${q(event.loss.cause ?? '')}, in ${where}`);
  else if (event.kind === 'SUPPRESSION' && event.suppression)
    missing.push(`SUPPRESSION: ${event.suppression.count} of class ${q(event.suppression.event_class ?? '')}, ${q(event.suppression.reason ?? '')}, in ${where}`);
  else if (event.kind === 'RUN_START' && event.run_start?.not_watched_since_unix_nano !== undefined) {
    const ns = BigInt(event.run_start.watched_since_unix_nano ?? 0) - BigInt(event.run_start.not_watched_since_unix_nano);
    missing.push(`NOT WATCHED: ${(Number(ns) / 1e9).toFixed(3)} s on ${q(event.node_name ?? '')} before run ${q(event.run_id ?? '')}`);
  }
}

function take(message) {
  let event;
  try {
    // 64-bit numbers become strings there, bytes base64.
    event = toJson(Event, fromBinary(Event, payload(message)), { useProtoFieldName: true });
  } catch {
    count.unreadable++;
    return;
  }
  const name = JSON.stringify([event.node_name ?? '', event.run_id ?? '']);
  const sequence = BigInt(event.sequence ?? 0);
  if (!runs.has(name)) runs.set(name, new Run(sequence));
  if (!runs.get(name).isNew(sequence)) {
    count.twice++;
    return;
  }
  count.records++;
  judge(event);
  process.stdout.write(asciiJson(event) + '\n');
}

function tell() {
  for (const [name, run] of runs) {
    const [node, id] = JSON.parse(name);
    const of = `run ${asciiJson(id)} of ${asciiJson(node)}`;
    if (run.first) missing.push(`${of}: begins with ${run.first} here`);
    for (const [from, until] of run.holes) missing.push(`GAP: ${of}: ${from} to ${until - 1n} did not come`);
  }
  if (count.unreadable) missing.push(`${count.unreadable} records are no varve.v1.Event`);
  for (const line of missing) console.error(line);
  console.error(`${count.records} records of ${runs.size} runs, ${count.twice} came twice`);
  return missing.length ? 3 : 0;
}

const kafka = new Kafka({ clientId: 'varve-read', brokers: brokers.split(','), logLevel: logLevel.ERROR });
const admin = kafka.admin();
await admin.connect();
const ends = new Map();
for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) if (low !== high) ends.set(partition, BigInt(high));
await admin.disconnect();

// kafkajs reads in groups only: one of our own, with no offsets committed.
const consumer = kafka.consumer({ groupId: `varve-read-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
if (ends.size)
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error));
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          const end = ends.get(partition);
          if (end === undefined || BigInt(message.offset) >= end) return;
          take(message);
          if (BigInt(message.offset) + 1n === end) ends.delete(partition);
          if (!ends.size) resolve();
        },
      })
      .catch(reject);
  });
await consumer.disconnect();
process.exitCode = tell();
