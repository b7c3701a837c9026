// The kafkajs client of the interop tests: node kafkajs_client.js NODE_MODULES BOOTSTRAP
// lz4 is left out: the package for it wants a compiler, and lz4js makes frames that Kafka refuses.
'use strict';

const path = require('path');
const readline = require('readline');
const zlib = require('zlib');

const [modules, bootstrap] = process.argv.slice(2);
const load = (name) => require(path.join(modules, name));
const { Kafka, logLevel, CompressionCodecs, CompressionTypes, ConfigResourceTypes } = load('kafkajs');
CompressionCodecs[CompressionTypes.Snappy] = load('kafkajs-snappy');
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => zlib.zstdCompressSync(encoder.buffer),
  decompress: async (buffer) => zlib.zstdDecompressSync(buffer),
});

const COUNT = 200;
const kafka = new Kafka({
  clientId: 'kafkajs',
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 },
});
const admin = kafka.admin();
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function check(name, step) {
  if (!name.includes(process.env.MOLDAU_INTEROP_ONLY || '')) return;
  try {
    await step();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`fail ${name}: ${String(error.stack).replace(/\n/g, ' ').slice(0, 500)}`);
  }
}

async function broker(how) {
  console.log(`broker ${how}`);
  const { value } = await lines.next();
  if (value !== 'done') throw new Error(`no broker: ${value}`);
}

function same(what, wanted, got) {
  const [a, b] = [JSON.stringify(wanted), JSON.stringify(got)];
  if (a !== b) throw new Error(`${what}: wanted ${a}, got ${b}`);
}

function sameBytes(what, wanted, got) {
  if (wanted === null ? got !== null : got === null || !wanted.equals(got)) throw new Error(`${what} differs`);
}

async function waitFor(what, condition, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(10);
  }
}

async function refused(type, step) {
  try {
    await step();
  } catch (error) {
    const types = [error.type, error.cause && error.cause.type, ...(error.errors || []).map((one) => one.type)];
    if (!types.includes(type)) throw new Error(`wanted ${type}, got ${types} ${error.message}`);
    return;
  }
  throw new Error(`wanted ${type}, but it succeeded`);
}

const key = (i) => (i % 7 === 6 && i % 11 !== 10 ? null : Buffer.from(`key-${i}`));
const timestamp = (i) => String(1700000000000 + i * 1000);

function value(i) {
  if (i % 11 === 10) return null;
  const bytes = Buffer.alloc(i === 50 ? 60000 : (i * i * 37) % 2000);
  for (let j = 0; j < bytes.length; ++j) bytes[j] = (i * 31 + j * 7 + Math.floor(j / 251)) & 0xff;
  return bytes;
}

// kafkajs groups headers by name, and sends no missing values.
function headers(i) {
  const number = Buffer.from(String(i));
  const result = { number: i % 3 === 0 ? [number, Buffer.alloc(0)] : number };
  if (i % 5 === 0) result.nothing = Buffer.alloc(0);
  return result;
}

const create = (topic, numPartitions, configEntries = []) =>
  admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }], waitForLeaders: true });

async function readAll(topic, count, from = null) {
  const consumer = kafka.consumer({ groupId: `${topic}-reader-${from}`, maxWaitTimeInMs: 200 });
  const messages = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => void messages.push(message) });
  if (from !== null) consumer.seek({ topic, partition: 0, offset: from });
  await waitFor(`${count} records`, () => messages.length >= count);
  await consumer.disconnect();
  return messages;
}

function verify(message, i) {
  same('offset', String(i), message.offset);
  same(`timestamp of ${i}`, timestamp(i), message.timestamp);
  sameBytes(`key of ${i}`, key(i), message.key);
  sameBytes(`value of ${i}`, value(i), message.value);
  same(`headers of ${i}`, headers(i), message.headers);
}

async function codec(name, compression) {
  const topic = `kafkajs-${name}`;
  await create(topic, 1);
  const producer = kafka.producer();
  await producer.connect();
  const messages = [];
  for (let i = 0; i < COUNT; ++i)
    messages.push({ partition: 0, key: key(i), value: value(i), headers: headers(i), timestamp: timestamp(i) });
  await producer.send({ topic, compression, acks: -1, messages: messages.slice(0, 60) });
  await producer.send({ topic, compression, acks: -1, messages: messages.slice(60) });
  await producer.disconnect();
  const got = await readAll(topic, COUNT);
  same('count', COUNT, got.length);
  got.forEach(verify);
}

async function seekByTime() {
  const [found] = await admin.fetchTopicOffsetsByTimestamp('kafkajs-gzip', Number(timestamp(120)) - 500);
  same('offset for time', '120', found.offset);
  const [first] = await readAll('kafkajs-gzip', 1, found.offset);
  verify(first, 120);
}

async function idempotent() {
  const topic = 'kafkajs-idempotent';
  await create(topic, 1);
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  let stopping = false;
  let sent = 0;
  const sender = (async () => {
    while (!stopping) {
      const messages = [0, 1, 2].map((more) => ({ partition: 0, value: String(sent + more) }));
      await producer.send({ topic, acks: -1, messages });
      sent += 3;
    }
  })();
  await sleep(300);
  await broker('kill');
  await sleep(300);
  stopping = true;
  await sender;
  await producer.disconnect();
  const [{ high }] = await admin.fetchTopicOffsets(topic);
  same('records in the log', String(sent), high);
  const got = await readAll(topic, sent);
  got.forEach((message, i) => same('value', String(i), message.value.toString()));
}

let next = 0;
async function produce(topic, partitions, count) {
  const producer = kafka.producer();
  await producer.connect();
  const messages = [];
  for (let i = 0; i < count; ++i, ++next) messages.push({ partition: next % partitions, value: String(next) });
  await producer.send({ topic, messages });
  await producer.disconnect();
}

// A group member; `seen` is shared, `owned` is its present number of partitions.
async function join(groupId, topic, seen) {
  const consumer = kafka.consumer({
    groupId, heartbeatInterval: 200, sessionTimeout: 10000, rebalanceTimeout: 10000, maxWaitTimeInMs: 100,
  });
  const member = { consumer, owned: 0, leave: () => consumer.disconnect() };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.owned = (payload.memberAssignment[topic] || []).length;
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      // Counted only once committed, so that a restart of the broker comes after the commit.
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
      const number = message.value.toString();
      seen.set(number, (seen.get(number) || 0) + 1);
    },
  });
  return member;
}

function once(seen) {
  for (const [number, times] of seen) if (times !== 1) throw new Error(`value ${number} was read ${times} times`);
}

async function group() {
  const name = 'kafkajs-group';
  const seen = new Map();
  await create(name, 6);
  await produce(name, 6, 60);
  const first = await join(name, name, seen);
  await waitFor('the first member reads all', () => seen.size === 60 && first.owned === 6);
  const second = await join(name, name, seen);
  await waitFor('both own three', () => first.owned === 3 && second.owned === 3);
  await produce(name, 6, 60);
  await waitFor('they read all', () => seen.size === 120);
  await first.leave();
  await waitFor('the last owns all', () => second.owned === 6);
  await produce(name, 6, 60);
  await waitFor('it reads the rest', () => seen.size === 180);
  await second.leave();
  once(seen);
  const [{ partitions }] = await admin.fetchOffsets({ groupId: name, topics: [name] });
  same('committed', 180, partitions.reduce((sum, { offset }) => sum + Number(offset), 0));
  await produce(name, 6, 6);
  const fresh = new Map();
  const again = await join(name, name, fresh);
  await waitFor('a new member reads the rest', () => fresh.size === 6);
  await again.leave();
  same('read again', [], [...fresh.keys()].filter((number) => seen.has(number)));
}

async function restartGroup() {
  next = 0;
  const name = 'kafkajs-restart';
  const seen = new Map();
  await create(name, 3);
  await produce(name, 3, 30);
  const reader = await join(name, name, seen);
  await waitFor('reads all', () => seen.size === 30);
  await broker('stop');
  await produce(name, 3, 30);
  await waitFor('reads on', () => seen.size === 60);
  await reader.leave();
  once(seen);
}

async function admins() {
  const name = 'kafkajs-admin';
  const resource = { type: ConfigResourceTypes.TOPIC, name };
  same('created', true, await create(name, 2, [{ name: 'retention.bytes', value: '4321' }]));
  same('created again', false, await create(name, 2));
  await refused('INVALID_TOPIC_EXCEPTION', () => create('bad name', 1));
  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] });
  await waitFor('three partitions', async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    return topics[0].partitions.length === 3;
  });
  const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ ...resource, configNames: ['retention.bytes'] }] });
  same('config', '4321', resources[0].configEntries[0].configValue);
  await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'retention.bytes', value: '1234' }] }] });
  await waitFor('config is changed', async () => {
    const found = await admin.describeConfigs({ resources: [{ ...resource, configNames: ['retention.bytes'] }] });
    return found.resources[0].configEntries[0].configValue === '1234';
  });
  await admin.deleteTopicRecords({ topic: 'kafkajs-gzip', partitions: [{ partition: 0, offset: '30' }] });
  same('low', '30', (await admin.fetchTopicOffsets('kafkajs-gzip'))[0].low);
  same('brokers', 1, (await admin.describeCluster()).brokers.length);
  const { groups } = await admin.listGroups();
  same('group is listed', true, groups.some(({ groupId }) => groupId === 'kafkajs-group'));
  const described = await admin.describeGroups(['kafkajs-group']);
  same('state', 'Empty', described.groups[0].state);
  await admin.deleteGroups(['kafkajs-group']);
  const after = await admin.describeGroups(['kafkajs-group']);
  same('state of a deleted group', 'Dead', after.groups[0].state);
}

async function remove() {
  await admin.deleteTopics({ topics: ['kafkajs-snappy'] });
  same('still listed', false, (await admin.listTopics()).includes('kafkajs-snappy'));
  const once = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  await once.connect();
  await refused('UNKNOWN_TOPIC_OR_PARTITION', () => once.deleteTopics({ topics: ['kafkajs-snappy'] }));
  await once.disconnect();
}

async function main() {
  await admin.connect();
  await check('create topic', () => create('kafkajs-create', 3));
  await check('codec none', () => codec('none', CompressionTypes.None));
  await check('codec gzip', () => codec('gzip', CompressionTypes.GZIP));
  await check('codec snappy', () => codec('snappy', CompressionTypes.Snappy));
  await check('codec zstd', () => codec('zstd', CompressionTypes.ZSTD));
  await check('seek by time', seekByTime);
  await check('idempotent producer over kill -9', idempotent);
  await check('group rebalances', group);
  await check('admin', admins);
  await check('group goes on over a restart', restartGroup);
  await check('delete topic', remove);
  await admin.disconnect();
  console.log('end');
  process.exit(0);
}

main();
