import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { POLICY_LOOK_MS } from '../../lib/policies.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { gate, type Handler, minting, type Opened, type OpenOptions, open, policy, readable } from './support.ts'

const DB = 'database/creds/app'
const READ = policy('p', [readable('kv/a'), readable(DB)])
const NARROW = policy('p', [readable('kv/a')])
const DENIED = { code: 'ERR_PORTCULLIS_POLICY_DENIED' }

const handlers = (): Record<string, Handler | ServerAnswer> => ({
  'read kv/a': answerWith({ data: { a: 1 } }),
  [`read ${DB}`]: minting(600_000),
  'write sys/leases/revoke': answerWith({ status: 204 }),
})

const opened = (t: TestContext, options: OpenOptions = {}): Promise<Opened> =>
  open(t, { policies: [READ], handlers: handlers(), ...options })

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'policies-'))
  t.after(() => rm(made, { recursive: true }))
  return made
}

/** Lets a look at the folder, which takes real files, come to its end. */
async function looked(clock: Opened['clock'], isDone: () => boolean): Promise<void> {
  for (let at = 0; at < 200 && !isDone(); at += 1) {
    await clock.advance(POLICY_LOOK_MS)
    await sleep(10)
  }
  assert.ok(isDone())
}

test('another set is in force at once, is recorded before it is, and says what changed', async (t) => {
  const { gateway, entries } = await opened(t)
  await gateway.read('kv/a')
  const told: object[] = []
  gateway.on('policiesReloaded', (event) => void told.push(event))
  const changes = await gateway.reloadPolicies([policy('q', [readable('kv/b')])])
  assert.deepEqual([changes.added, changes.removed, changes.changed], [['q'], ['p'], []])
  assert.deepEqual(told, [changes])
  await assert.rejects(gateway.read('kv/a'), DENIED)
  const event = entries.find(({ type }) => type === 'event')
  assertEntry(event as never)
  assert.deepEqual(event?.event, { name: 'policies.reloaded', detail: { ...changes } })
  assert.deepEqual(event?.caller, { service: 'portcullis' })
})

test('a bad set changes nothing, and says where it is bad', async (t) => {
  const { gateway, entries } = await opened(t)
  const told: object[] = []
  gateway.on('policiesRefused', (event) => void told.push(event))
  const bad = { policy: 'p', rules: [{ path: '/kv/a', operations: ['read'], effect: 'allow' }] }
  await assert.rejects(gateway.reloadPolicies([bad]), {
    code: 'ERR_PORTCULLIS_POLICY_INVALID',
    pointer: '/rules/0/path',
  })
  await gateway.read('kv/a')
  assert.equal(told.length, 1)
  const event = entries.find(({ type }) => type === 'event')
  assertEntry(event as never)
  assert.equal(event?.event?.name, 'policies.refused')
  assert.match(event?.error ?? '', /^ERR_PORTCULLIS_POLICY_INVALID: policies\[0\] at \/rules\/0\/path: /)
})

test('a set whose reload cannot be recorded does not come into force', async (t) => {
  const { gateway } = await opened(t, {
    onEntry({ type }): void {
      if (type === 'event') throw new Error('no')
    },
  })
  await assert.rejects(gateway.reloadPolicies([NARROW]), { code: 'ERR_PORTCULLIS_AUDIT_FAILED' })
  await gateway.read(DB)
})

test('what is held and no longer allowed is taken from its holder alone, and its lease is released', async (t) => {
  const { gateway, server, entries } = await opened(t)
  const other = gateway.as({ user: 'u' })
  const lost = await other.lease(DB)
  const kept = await gateway.lease(DB)
  const ended = new Promise((resolve) => lost.on('ended', resolve))
  const forbid = { id: 'no', path: DB, operations: ['*'], effect: 'forbid' }
  const forOther = policy('q', [forbid], { properties: { user: { const: 'u' } }, required: ['user'] })
  await gateway.reloadPolicies([READ, forOther])
  assert.deepEqual(await ended, { how: 'revoked' })
  assert.throws(() => lost.current(), { code: 'ERR_PORTCULLIS_LEASE_REVOKED' })
  assert.equal(kept.current().data.username, 'user-1')
  assert.equal(server.count('write sys/leases/revoke'), 0)
  const denied = entries.findLast(({ decision }) => decision.effect === 'deny')
  assert.partialDeepStrictEqual(denied, { decision: { reason: 'forbid', policy: 'q' }, request: { path: DB } })
  await gateway.reloadPolicies([NARROW])
  await kept.close()
  assert.equal(server.count('write sys/leases/revoke'), 1)
})

test('what is under way while policies change is not held under the old ones', async (t) => {
  const { opened: minted, open: mint } = gate()
  const mints = minting(600_000)
  const { gateway, server } = await opened(t, {
    handlers: { ...handlers(), [`read ${DB}`]: (...args) => minted.then(() => mints(...args)) },
  })
  const lease = gateway.lease(DB)
  while (server.count(`read ${DB}`) === 0) await sleep(1)
  await gateway.reloadPolicies([NARROW])
  mint()
  await assert.rejects(lease, DENIED)
  while (server.count('write sys/leases/revoke') === 0) await sleep(1)
})

test('reloads asked for at once are done one after the other: the last one wins', async (t) => {
  const { gateway } = await opened(t)
  const digests = await Promise.all(
    Array.from({ length: 20 }, (_, at) => gateway.reloadPolicies([policy(`p${at}`, [readable('kv/a')])])),
  )
  assert.deepEqual(digests.at(-1)?.removed, ['p18'])
  assert.equal(gateway.explain({ operation: 'read', path: 'kv/a' }).decision.policy, 'p19')
})

test('a caller from as() cannot replace the policies that bind it', async (t) => {
  const { gateway } = await opened(t)
  await assert.rejects(gateway.as({ user: 'u' }).reloadPolicies([]), TypeError)
})

test('a folder is read anew; one that is gone or torn changes nothing', async (t) => {
  const at = await folder(t)
  await writeFile(join(at, 'p.json'), JSON.stringify(READ))
  const { gateway } = await opened(t, { policies: at })
  await writeFile(join(at, 'p.json'), '{ "policy": "p", "ru')
  await assert.rejects(gateway.reloadPolicies(), { code: 'ERR_PORTCULLIS_POLICY_INVALID' })
  await gateway.read(DB)
  await rename(at, `${at}-gone`)
  await assert.rejects(gateway.reloadPolicies(), { code: 'ENOENT' })
  await gateway.read(DB)
  await rename(`${at}-gone`, at)
  await writeFile(join(at, 'p.json'), JSON.stringify(NARROW))
  assert.deepEqual((await gateway.reloadPolicies()).rules, ['-p/database/creds/app'])
  await assert.rejects(gateway.read(DB), DENIED)
})

test('tests of policies that stand beside them are passed over', async (t) => {
  const at = await folder(t)
  await writeFile(join(at, 'p.json'), JSON.stringify(READ))
  await writeFile(join(at, 'p.policy-test.json'), '{}')
  const { gateway } = await opened(t, { policies: at })
  assert.equal((await gateway.reloadPolicies()).changed.length, 0)
})

test('a watched folder is followed, also when it is swapped as a ConfigMap is', async (t) => {
  const at = await folder(t)
  for (const [version, document] of [
    ['1', READ],
    ['2', NARROW],
  ] as const) {
    await mkdir(join(at, `..${version}`))
    await writeFile(join(at, `..${version}`, 'p.json'), JSON.stringify(document))
  }
  await symlink('..1', join(at, '..data'))
  await symlink(join('..data', 'p.json'), join(at, 'p.json'))
  const { gateway, clock } = await opened(t, { policies: at, watchPolicies: true })
  const told: (readonly string[])[] = []
  gateway.on('policiesReloaded', ({ rules }) => void told.push(rules))
  await symlink('..2', join(at, '..next'))
  await rename(join(at, '..next'), join(at, '..data'))
  await looked(clock, () => told.length > 0)
  assert.deepEqual(told, [['-p/database/creds/app']])
  await assert.rejects(gateway.read(DB), DENIED)
})

test('a watched folder with a bad file is refused once, and taken when it is mended', async (t) => {
  const at = await folder(t)
  const file = join(at, 'p.json')
  await writeFile(file, JSON.stringify(READ))
  const { gateway, clock } = await opened(t, { policies: at, watchPolicies: true })
  const told: string[] = []
  gateway.on('policiesRefused', ({ code }) => void told.push(code))
  gateway.on('policiesReloaded', ({ changed }) => void told.push(...changed))
  await writeFile(file, '{')
  await looked(clock, () => told.length > 0)
  for (let look = 0; look < 5; look += 1) {
    await clock.advance(POLICY_LOOK_MS)
    await sleep(10)
  }
  assert.deepEqual(told, ['ERR_PORTCULLIS_POLICY_INVALID'])
  await gateway.read(DB)
  await writeFile(file, JSON.stringify(NARROW))
  await looked(clock, () => told.length > 1)
  assert.deepEqual(told, ['ERR_PORTCULLIS_POLICY_INVALID', 'p'])
})

test('decisions made while sets change are each made by one whole set', async (t) => {
  const { gateway } = await opened(t, {
    handlers: { 'read kv/a': answerWith({ data: { a: 1 } }), 'read kv/b': answerWith({}) },
  })
  const sets = ['a', 'b'].map((name) => policy(name, [readable(`kv/${name}`)]))
  let isOver = false
  const changing = (async (): Promise<void> => {
    for (let at = 0; at < 50; at += 1) await gateway.reloadPolicies([sets[at % 2] as object])
    isOver = true
  })()
  while (!isOver) {
    const [a, b] = ['kv/a', 'kv/b'].map((path) => gateway.explain({ operation: 'read', path }).decision.effect)
    if (gateway.explain({ operation: 'read', path: 'kv/a' }).policies[0] !== 'p') assert.notEqual(a, b)
    await new Promise(setImmediate)
  }
  await changing
})

test('watchPolicies without a folder is refused', async (t) => {
  await assert.rejects(opened(t, { watchPolicies: true }), {
    name: 'TypeError',
    message: 'watchPolicies needs policies: the path of a folder',
  })
})
