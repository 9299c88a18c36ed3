import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReplay, type Replay } from '../../../lib/policy/record/replay.ts'
import { allow } from '../support.ts'
import { recordLine, type Told } from './record.ts'

const replayOf = (rules: readonly object[], more: object = {}): Promise<Replay> =>
  createReplay([{ file: 'p.json', document: { policy: 'p', ...more, rules } }])

const SCHEMA = {
  properties: { ttl: { type: 'string', maxLength: 4 }, n: { type: 'integer', maximum: 5 }, kind: { enum: ['a', 'b'] } },
  additionalProperties: false,
}

const CASES: readonly (readonly [what: string, told: Told, effect: string | undefined])[] = [
  ['a number decides, for it', { data: { n: 3 } }, undefined],
  ['a number decides, against it', { data: { n: 9 } }, 'deny'],
  ['a name decides', { data: { other: 'x' } }, 'deny'],
  ['a type decides', { data: { ttl: 7 } }, 'deny'],
  ['a hashed text may be too long', { data: { ttl: '1h' } }, 'undecidable'],
  ['a shape tells that it is not', { data: { ttl: '1h' }, shape: true }, undefined],
  ['a shape tells that it is', { data: { ttl: '100 hours' }, shape: true }, 'deny'],
  ['a hashed text may be one of a list', { data: { kind: 'a' } }, 'undecidable'],
  ['a text in clear is judged', { data: { kind: 'c' }, clear: true }, 'deny'],
  ['what another name decides needs no guess', { data: { ttl: '1h', other: 1 } }, 'deny'],
]

for (const [what, told, effect] of CASES) {
  test(`${what}: ${effect ?? 'as before'}`, async () => {
    const replay = await replayOf([allow('kv/a', ['write'], { request: SCHEMA })])
    assert.equal(replay.line(recordLine('write', 'kv/a', told))?.effect, effect)
  })
}

test('another rule that accepts makes what one rule hides of no matter', async () => {
  const replay = await replayOf([allow('kv/a', ['write'], { request: SCHEMA }), allow('kv/a', ['write'])])
  assert.equal(replay.line(recordLine('write', 'kv/a', { data: { ttl: '1h' } })), undefined)
})

test('a refusal that would pass now is told, with the rule', async () => {
  const replay = await replayOf([allow('kv/*', ['read'], { id: 'all' })])
  const replayed = replay.line(recordLine('read', 'kv/a', { effect: 'deny', reason: 'no-rule' }))
  assert.deepEqual([replayed?.effect, replayed?.policy, replayed?.rule], ['allow', 'p', 'all'])
})

test('an exchange of two entries counts once; gaps, torn lines and own calls are told apart', async () => {
  const replay = await replayOf([allow('kv/*', ['read'])])
  const line = recordLine('read', 'kv/a')
  const own = recordLine('read', 'auth/token/lookup-self', { reason: 'own' })
  const gap = JSON.stringify({
    type: 'gap',
    time: '',
    instance: 'i',
    gap: { count: 7, from_sequence: 1, to_sequence: 7 },
  })
  const limited = recordLine('read', 'kv/a', { effect: 'deny', reason: 'rate' })
  for (const each of [line, line.replace('"request"', '"response"'), own, gap, '{"torn', '', limited]) replay.line(each)
  assert.deepEqual(replay.counts(), {
    ...{ requests: 2, same: 1, allowed: 0, denied: 0, undecidable: 0 },
    ...{ passedOver: 1, unreadable: 1, missing: 7 },
  })
})

test('the time of the request is what windows are judged by', async () => {
  const replay = await replayOf([allow('kv/a', ['read'], { when: [{ days: ['mon'], from: '09:00', to: '17:00' }] })])
  assert.equal(replay.line(recordLine('read', 'kv/a', { time: '2026-03-02T10:00:00.000Z' })), undefined)
  assert.equal(replay.line(recordLine('read', 'kv/a', { time: '2026-03-02T18:00:00.000Z' }))?.effect, 'deny')
})

test('every caller of a chain has to be allowed, as far as the record tells who added what', async () => {
  const subject = { properties: { user: { const: 'u' } }, required: ['user'] }
  const replay = await replayOf([allow('kv/a', ['read'])], { subject })
  const caller = { service: 'orders', user: 'u' }
  assert.equal(replay.line(recordLine('read', 'kv/a', { caller })), undefined)
  const below = { caller, added: [['service'], ['user']] }
  assert.equal(replay.line(recordLine('read', 'kv/a', below))?.effect, 'deny')
})

test('wrapping is judged by its lifetime', async () => {
  const replay = await replayOf([allow('kv/a', ['read'], { limits: { maxWrapTtl: '60s' } })])
  assert.equal(replay.line(recordLine('read', 'kv/a', { wrapTtl: 60 })), undefined)
  assert.equal(replay.line(recordLine('read', 'kv/a', { wrapTtl: 61 }))?.effect, 'deny')
})

test('long texts in clear are judged one by one, however many there are', async () => {
  const request = { properties: { text: { type: 'string', pattern: '^[a-z]+$' } }, additionalProperties: false }
  const replay = await replayOf([allow('kv/a', ['write'], { request })])
  const data = { text: 'a'.repeat(200_000) }
  for (let at = 0; at < 100; at += 1) {
    assert.equal(replay.line(recordLine('write', 'kv/a', { data, clear: true })), undefined)
  }
})

test('a bad policy is refused as the gateway refuses it', async () => {
  await assert.rejects(replayOf([{ path: '/a' }]), { code: 'ERR_PORTCULLIS_POLICY_INVALID' })
})
