import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../../lib/model/json.ts'
import { createReplay } from '../../../lib/policy/record/replay.ts'
import { createSuggester, type Suggestion, type SuggestOptions } from '../../../lib/policy/record/suggest.ts'
import { engineOf } from '../support.ts'
import { recordLine, type Told } from './record.ts'

async function suggested(lines: readonly string[], options: SuggestOptions = {}): Promise<Suggestion> {
  const suggester = createSuggester(options)
  for (const line of lines) suggester.line(line)
  const suggestion = await suggester.suggest()
  await engineOf(...suggestion.policies)
  return suggestion
}

const pathsOf = ({ policies }: Suggestion): readonly string[] =>
  policies.flatMap(({ rules }) =>
    (rules as readonly { path: string; operations: string[] }[]).map(
      ({ path, operations }) => `${operations.join()} ${path}`,
    ),
  )

const requestOf = ([policy]: Suggestion['policies']): unknown =>
  (policy?.rules as readonly JsonObject[] | undefined)?.[0]?.request

test('each caller has a policy of its own, with what it did and no more', async () => {
  const told = { caller: { service: 'billing' } }
  const { policies, covered, uncovered } = await suggested([
    recordLine('read', 'database/creds/orders'),
    recordLine('list', 'kv/metadata/orders'),
    recordLine('read', 'pki/ca', told),
    recordLine('read', 'kv/data/x', { effect: 'deny', reason: 'no-rule' }),
  ])
  const subject = (service: string): object => ({ properties: { service: { const: service } }, required: ['service'] })
  assert.deepEqual(policies, [
    {
      policy: 'suggested-1',
      subject: subject('orders'),
      rules: [
        { id: 'database-creds-orders', path: 'database/creds/orders', operations: ['read'], effect: 'allow' },
        { id: 'kv-metadata-orders', path: 'kv/metadata/orders/', operations: ['list'], effect: 'allow' },
      ],
    },
    {
      policy: 'suggested-2',
      subject: subject('billing'),
      rules: [{ id: 'pki-ca', path: 'pki/ca', operations: ['read'], effect: 'allow' }],
    },
  ])
  assert.deepEqual([covered, uncovered], [3, []])
})

test('ids in paths become one segment, names of few do not', async () => {
  const many = Array.from({ length: 8 }, (_, at) => recordLine('read', `kv/data/users/u${at}/card`))
  const uuids = ['0190c7a1-0000-7000-8000-000000000001', '0190c7a1-0000-7000-8000-000000000002']
  const lines = [
    ...many,
    ...uuids.map((id) => recordLine('read', `kv/data/${id}`)),
    ...['1', '22'].map((id) => recordLine('read', `secret/${id}`)),
    recordLine('read', 'kv/data/flags'),
    ...['encrypt', 'decrypt', 'sign'].map((verb) => recordLine('write', `transit/${verb}/cards`)),
  ]
  assert.deepEqual(pathsOf(await suggested(lines)), [
    'read kv/data/users/+/card',
    'read kv/data/flags',
    'read kv/data/+',
    'read secret/+',
    'write transit/encrypt/cards',
    'write transit/decrypt/cards',
    'write transit/sign/cards',
  ])
})

test('schemas are made of the forms seen; values stand in them only where the record has them in clear', async () => {
  const write = (data: JsonObject, told: Told = {}): string =>
    recordLine('write', 'transit/encrypt/cards', { data, shape: true, ...told })
  const { policies } = await suggested([
    write({ plaintext: 'AAAA', context: 'x', n: 1, tags: ['a', 'bcd'] }),
    write({ plaintext: 'AAAAAAAA', n: 2, flag: true }),
    write({ plaintext: '', kind: 'hmac', n: 3 }, { clear: true }),
  ])
  assert.deepEqual(requestOf(policies), {
    properties: {
      context: { type: 'string', maxLength: 1 },
      flag: { type: 'boolean' },
      kind: { type: 'string', enum: ['hmac'] },
      n: { type: 'integer' },
      plaintext: { type: 'string', maxLength: 8 },
      tags: { type: 'array', items: { type: 'string', maxLength: 4 } },
    },
    required: ['n', 'plaintext'],
    additionalProperties: false,
  })
})

test('names of the caller’s own choosing become one schema', async () => {
  const data = (at: number): JsonObject => ({
    data: Object.fromEntries(Array.from({ length: 20 }, (_, each) => [`k${at * 20 + each}`, 'v'])),
  })
  const { policies } = await suggested(
    [0, 1, 2].map((at) => recordLine('write', 'kv/data/a', { data: data(at), shape: true })),
  )
  assert.deepEqual(requestOf(policies), {
    properties: { data: { type: 'object', additionalProperties: { type: 'string', maxLength: 1 } } },
    required: ['data'],
    additionalProperties: false,
  })
})

test('a caller without the attribute that tells others apart is not bound by nothing', async () => {
  const { policies } = await suggested([recordLine('read', 'kv/a', { caller: { user: 'u' } })], { by: ['service'] })
  assert.deepEqual(policies[0]?.subject, { allOf: [{ not: { required: ['service'] } }] })
})

test('a path that a policy cannot name is told', async () => {
  const { covered, uncovered } = await suggested([
    recordLine('read', 'kv/data/a*'),
    recordLine('read', 'kv/data/+/b'),
    recordLine('write', 'kv/a', { data: JSON.parse('{"__proto__":1}') }),
  ])
  assert.equal(covered, 0)
  assert.deepEqual(
    uncovered.map(({ path, why }) => [path, why.startsWith('a policy cannot name it')]),
    [
      ['kv/data/a*', true],
      ['kv/data/+/b', true],
      ['kv/a', true],
    ],
  )
})

const segment = fc.constantFrom('a', 'b', 'creds', '17', '42', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7')
const path = fc
  .tuple(
    fc.constantFrom('kv/data', 'kv/metadata', 'transit/encrypt', 'kv'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
  )
  .map(([mount, rest]) => [mount, ...rest].join('/'))
const value = fc.oneof(
  fc.constantFrom('', 'a', 'long text', '2026-01-01T00:00:00Z'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
/** A policy cannot name the other. */
const name = fc.string({ maxLength: 6 })
const data = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'constructor'),
  fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.dictionary(name, value)),
)
const line = fc
  .record({
    operation: fc.constantFrom('read', 'list', 'scan', 'write', 'patch', 'delete'),
    path,
    data,
    shape: fc.boolean(),
    clear: fc.boolean(),
    service: fc.constantFrom('o', 'p'),
    query: fc.option(fc.dictionary(fc.constantFrom('version', 'x'), fc.string()), { nil: undefined }),
  })
  .map(({ operation, path: at, data: sent, service, query, ...rest }) =>
    recordLine(operation, at, {
      ...rest,
      caller: { service },
      ...(operation === 'write' || operation === 'patch' ? { data: sent as JsonObject } : {}),
      ...(query === undefined ? {} : { query: query as JsonObject }),
    }),
  )

test('whatever was recorded: what is suggested loads, and its replay over the same record shows no denial', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), async (lines) => {
      const { policies, uncovered } = await suggested(lines)
      assert.deepEqual(uncovered, [])
      const replay = await createReplay(policies.map((document, at) => ({ file: `s${at}`, document })))
      for (const each of lines) assert.equal(replay.line(each), undefined)
    }),
    { numRuns: 60 },
  )
})
