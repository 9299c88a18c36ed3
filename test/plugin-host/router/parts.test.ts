import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PluginHostOptions, resolvePluginHost } from '../../../lib/plugin-host/options.ts'
import { Gate } from '../../../lib/plugin-host/router/gate.ts'
import { createLimiter } from '../../../lib/plugin-host/router/limiter.ts'
import { randomName, saltedToken } from '../../../lib/plugin-host/router/names.ts'
import { pathRules } from '../../../lib/plugin-host/router/path-rules.ts'
import { canonicalVersion, compareVersions } from '../../../lib/plugin-host/router/version.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { settle } from '../../../lib/testing/fake-clock.ts'

test('special paths: exact, a prefix at a *, and + for one whole segment', () => {
  const rules = pathRules(['login', 'oidc/*', 'a/+/b', 'x/+/y*', 'bad*mid', 'a+b/c', '+*'], true)
  const yes = ['login', 'oidc/', 'oidc/cb/x', 'a/1/b', 'x/1/y', 'x/1/yz', 'x/1/y/deeper']
  const no = ['login/', 'logins', 'oidc', 'a/b', 'a//b', 'a/1/2/b', 'x/1/z', 'bad1mid', 'bad*mid', 'a+b/c', '', 'zz']
  for (const path of yes) assert.equal(rules.has(path), true, path)
  for (const path of no) assert.equal(rules.has(path), false, path)
  // In root paths a plus is a plus.
  assert.deepEqual([pathRules(['a/+/b'], false).has('a/1/b'), pathRules(['a/+/b'], false).has('a/+/b')], [false, true])
})

test('versions are ordered by the rules of semantic versioning', () => {
  const ordered = [
    'junk',
    'v0.9.0',
    'v1.0.0-alpha',
    'v1.0.0-alpha.1',
    'v1.0.0-alpha.beta',
    'v1.0.0-beta.2',
    'v1.0.0-beta.11',
    'v1.0.0-rc.1',
    'v1.0.0',
    'v1.0.0+ent',
    'v1.2.0',
    'v1.10.0',
  ]
  for (const [at, lower] of ordered.entries())
    for (const higher of ordered.slice(at + 1))
      assert.ok(compareVersions(lower, higher) < 0 && compareVersions(higher, lower) > 0, `${lower} ${higher}`)
  assert.deepEqual(['1.2.3', 'v1.2.3+mock', '1.x', 'v1', ''].map(canonicalVersion), [
    'v1.2.3',
    'v1.2.3+mock',
    undefined,
    undefined,
    undefined,
  ])
})

test('a salted token is the one that the servers compute', () => {
  // SHA-1 of the two texts, one after the other.
  assert.equal(saltedToken('uuid', 'token'), '425c59bde97aeab151b5324ad7be760f39ee02ee')
  assert.notEqual(saltedToken('a', 't'), saltedToken('b', 't'))
})

test('names are letters and digits, none favoured', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at)
  const name = randomName({ fraction: () => 0, uuid: () => '', bytes: () => bytes }, 248)
  const counts = new Map<string, number>()
  for (const letter of name) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  assert.deepEqual([counts.size, new Set(counts.values()).size], [62, 1])
})

test('a gate lets many pass, and one alone once they are through', async () => {
  const gate = new Gate()
  const log: string[] = []
  gate.enter()
  const alone = gate.alone(async () => void log.push('alone'), new Promise(() => undefined))
  await settle()
  const after = gate.opened().then(() => log.push('after'))
  assert.deepEqual([log.length, gate.isOpen], [0, false])
  gate.leave()
  await Promise.all([alone, after])
  assert.deepEqual(log, ['alone', 'after'])
  await assert.rejects(gate.alone(() => Promise.reject(new Error('x')), Promise.resolve()))
  assert.equal(gate.isOpen, true)
})

test('a limiter runs so much at once for each key, in order, and a failure takes no place', async () => {
  const limiter = createLimiter(2)
  const running = new Map<string, number>()
  let most = 0
  const work = (key: string, at: number) => (): Promise<number> => {
    running.set(key, (running.get(key) ?? 0) + 1)
    most = Math.max(most, running.get(key) ?? 0)
    return settle().then(() => {
      running.set(key, (running.get(key) ?? 0) - 1)
      if (at % 3 === 0) throw new Error('fails')
      return at
    })
  }
  const all = ['a', 'b'].flatMap((key) => Array.from({ length: 9 }, (_, at) => limiter(key, work(key, at))))
  const outcomes = await Promise.allSettled(all)
  assert.equal(most, 2)
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 12)
})

const GOOD: PluginHostOptions = { storage: memory() }

test('options are completed, and what is none is refused by name', () => {
  const config = resolvePluginHost(GOOD)
  assert.deepEqual([config.isolation, config.periodic, config.maxLeaseTtlMs], ['crash', true, 2_764_800_000])
  assert.equal(resolvePluginHost({ ...GOOD, maxLeaseTtlMs: 60_000 }).defaultLeaseTtlMs, 60_000)
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ stroage: 1 }, /stroage/],
    [{ storage: {} }, /storage/],
    [{ isolation: 'none' }, /isolation/],
    [{ plugins: {} }, /plugins/],
    [{ plugins: [{ name: 'a' }] }, /plugins\[0\]/],
    [{ plugins: [{ name: 'a', type: 'secret', command: '/a', sha256: '', sha: '' }] }, /sha/],
    [{ mounts: { kv: {} } }, /mounts\["kv"\]\.type/],
    [{ mounts: { kv: { type: 'kv', ttl: 1 } } }, /ttl/],
    [{ auths: [] }, /auths/],
    [{ defaultLeaseTtlMs: 500 }, /defaultLeaseTtlMs/],
    [{ maxLeaseTtlMs: 60_000, defaultLeaseTtlMs: 61_000 }, /defaultLeaseTtlMs/],
    [{ maxStorageBytes: 1 }, /maxStorageBytes/],
    [{ periodic: 'yes' }, /periodic/],
    [{ onEvent: 1 }, /onEvent/],
  ]
  for (const [options, named] of wrong)
    assert.throws(
      () => resolvePluginHost({ ...GOOD, ...options } as PluginHostOptions),
      (error: Error) => /Type|Range/.test(error.name) && named.test(error.message),
      JSON.stringify(options),
    )
})
