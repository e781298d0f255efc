// SPDX-License-Identifier: Apache-2.0
// The fake DynamoDB as the official SDK for JavaScript sees it: that it speaks the API, and that its faults are what
// the SDK takes them for. GUIDON_FAKE_DYNAMO is the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, test } from 'node:test';

import {
  BatchGetItemCommand, BatchWriteItemCommand, ConditionalCheckFailedException, DeleteItemCommand, DescribeTableCommand,
  DynamoDBClient, GetItemCommand, ProvisionedThroughputExceededException, PutItemCommand, QueryCommand,
  ResourceNotFoundException, TransactWriteItemsCommand, TransactionCanceledException, UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

const TableName = 'fake';
let program;
let endpoint;
let client;

const clientOf = (maxAttempts) => new DynamoDBClient({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts,
});

before(async () => {
  program = spawn(process.env.GUIDON_FAKE_DYNAMO, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(program.stdout, 'data');
  endpoint = `http://127.0.0.1:${line.toString().trim()}`;
  client = clientOf(1);
});

after(async () => {
  client.destroy();
  program.stdin.end();
  await once(program, 'exit');
});

const post = async (path, body = '') => (await fetch(endpoint + path, { method: 'POST', body })).text();
const script = (...faults) => post('/script', faults.join("\n"));
const commits = async () => Number(await post('/commits'));
const key = (pk, sk = 'METADATA') => ({ PK: { S: pk }, SK: { S: sk } });
const put = (item, more = {}) => client.send(new PutItemCommand({ TableName, Item: item, ...more }));
const get = async (pk) => (await client.send(new GetItemCommand({ TableName, Key: key(pk) }))).Item;

beforeEach(() => script());

test('items keep every type', async () => {
  const item = {
    ...key('types'), text: { S: "grüß \u3042' }, number: { N: '12345678901234567890" }, bytes: { B: new Uint8Array([0, 255]) },
    yes: { BOOL: true }, nothing: { NULL: true }, list: { L: [{ S: 'a' }, { N: '1' }] }, map: { M: { a: { BOOL: false } } },
    set: { SS: ['a', 'b'] },
  };
  await put(item);
  assert.deepEqual(await get('types'), item);
  assert.equal(await get('nobody'), undefined);
});

test('a failed condition gives the item that is there', async () => {
  await put({ ...key('c'), version: { N: '1' } });
  await assert.rejects(
    put({ ...key('c'), version: { N: '9' } }, {
      ConditionExpression: 'attribute_not_exists(PK) OR #v > :v', ExpressionAttributeNames: { '#v': 'version' },
      ExpressionAttributeValues: { ':v': { N: '5' } }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }),
    (error) => error instanceof ConditionalCheckFailedException && error.Item.version.N === '1');
  await put({ ...key('c'), version: { N: '2' } }, {
    ConditionExpression: 'attribute_exists(PK) AND NOT (#v > :v) AND #v BETWEEN :l AND :v AND #v IN (:x, :l)',
    ExpressionAttributeNames: { '#v': 'version' },
    ExpressionAttributeValues: { ':v': { N: '5' }, ':l': { N: '1' }, ':x': { S: 'no' } },
  });
  assert.equal((await get('c')).version.N, '2');
});

test('updates set and remove, deletes delete', async () => {
  await put({ ...key('u'), a: { S: '1' }, b: { S: '2' } });
  await client.send(new UpdateItemCommand({
    TableName, Key: key('u'), UpdateExpression: 'SET #a = :x, c = b REMOVE b', ExpressionAttributeNames: { '#a': 'a' },
    ExpressionAttributeValues: { ':x': { S: 'new' } },
  }));
  assert.deepEqual(await get('u'), { ...key('u'), a: { S: 'new' }, c: { S: '2' } });
  await client.send(new DeleteItemCommand({ TableName, Key: key('u') }));
  assert.equal(await get('u'), undefined);
});

test('an index is read in pages, both ways', async () => {
  const flag = (i) => ({ ...key(`FLAG#dev#${i}`), GSI1PK: { S: 'FLAGS#dev' }, GSI1SK: { S: `METADATA#${i}` } });
  for (let i = 0; i < 5; ++i) await put(flag(i));
  const all = async (ScanIndexForward) => {
    const keys = [];
    let ExclusiveStartKey;
    do {
      const page = await client.send(new QueryCommand({
        TableName, IndexName: 'GSI1-FLAGS-INDEX', KeyConditionExpression: 'GSI1PK = :p AND begins_with(GSI1SK, :s)',
        ExpressionAttributeValues: { ':p': { S: 'FLAGS#dev' }, ':s': { S: 'METADATA#' } }, Limit: 2, ScanIndexForward,
        ExclusiveStartKey,
      }));
      keys.push(...page.Items.map((item) => item.PK.S));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return keys;
  };
  const expected = [0, 1, 2, 3, 4].map((i) => `FLAG#dev#${i}`);
  assert.deepEqual(await all(true), expected);
  assert.deepEqual(await all(false), expected.toReversed?.() ?? [...expected].reverse());
});

test('batches say what they left', async () => {
  const requests = [1, 2, 3, 4].map((i) => ({ PutRequest: { Item: key(`b${i}`) } }));
  await script('unprocessed');
  const written = await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  assert.deepEqual(written.UnprocessedItems[TableName].map((left) => left.PutRequest.Item.PK.S), ['b2', 'b4']);
  await client.send(new BatchWriteItemCommand({ RequestItems: written.UnprocessedItems }));
  await script('unprocessed');
  const read = await client.send(new BatchGetItemCommand({
    RequestItems: { [TableName]: { Keys: [1, 2, 3].map((i) => key(`b${i}`)) } } }));
  assert.deepEqual(read.Responses[TableName].map((item) => item.PK.S), ['b1', 'b3']);
  assert.deepEqual(read.UnprocessedKeys[TableName].Keys, [key('b2')]);
});

test('transactions are whole, say why not, and know their token', async () => {
  const items = (ConditionExpression) => [
    { Put: { TableName, Item: { ...key('t1'), n: { N: '1' } }, ConditionExpression, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
    { Update: { TableName, Key: key('t2'), UpdateExpression: 'SET n = :n', ExpressionAttributeValues: { ':n': { N: '2' } } } },
  ];
  const absent = 'attribute_not_exists(PK)';
  const send = (more) => client.send(new TransactWriteItemsCommand(more));
  const count = await commits();
  await send({ TransactItems: items(absent), ClientRequestToken: 'token' });
  await send({ TransactItems: items(absent), ClientRequestToken: 'token' });
  assert.equal(await commits(), count + 2);
  await assert.rejects(send({ TransactItems: items(absent) }), (error) =>
    error instanceof TransactionCanceledException &&
    error.CancellationReasons[0].Code === 'ConditionalCheckFailed' && error.CancellationReasons[0].Item.n.N === '1' &&
    error.CancellationReasons[1].Code === 'None');
  await assert.rejects(send({ TransactItems: items(undefined), ClientRequestToken: 'token' }),
    { name: 'IdempotentParameterMismatchException' });
  await script('conflict');
  await assert.rejects(send({ TransactItems: items(undefined) }), (error) =>
    error instanceof TransactionCanceledException && error.CancellationReasons[0].Code === 'TransactionConflict');
});

test('faults are what the SDK takes them for', async () => {
  await script('hot key');
  await assert.rejects(get('x'), (error) =>
    error instanceof ProvisionedThroughputExceededException && error.$retryable?.throttling !== false &&
    error.ThrottlingReasons[0].reason === 'TableWriteKeyRangeThroughputExceeded');
  await script('table gone');
  await assert.rejects(get('x'), (error) => error instanceof ResourceNotFoundException);
  await script('expired credentials');
  await assert.rejects(get('x'), { name: 'ExpiredTokenException' });
  await script('500 before');
  await assert.rejects(get('x'), { name: 'InternalServerError' });
  await script('reset before');
  await assert.rejects(get('x'), /socket hang up|ECONNRESET/);
});

test("the SDK repeats a write whose answer was lost, and takes its own write for somebody else's", async () => {
  const patient = clientOf(3);
  const count = await commits();
  await script('500 after');
  // What guidon's adapter is built to avoid (docs/adr/0013).
  await assert.rejects(
    patient.send(new PutItemCommand({ TableName, Item: key('lost'), ConditionExpression: 'attribute_not_exists(PK)' })),
    (error) => error instanceof ConditionalCheckFailedException);
  assert.equal(await commits(), count + 1);
  await script('500 after');
  await patient.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item: key('token') } }] }));
  assert.equal(await commits(), count + 2);
  patient.destroy();
});

test('the table is described with its indexes', async () => {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  assert.equal(Table.TableStatus, 'ACTIVE');
  assert.deepEqual(Table.GlobalSecondaryIndexes.map((index) => index.IndexName),
    ['GSI1-FLAGS-INDEX', 'GSI2-OWNER-INDEX', 'GSI3-TENANT-INDEX']);
});
