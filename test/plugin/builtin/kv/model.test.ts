import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../../../lib/model/json.ts'
import { type MountedKv, mountKv } from './mounted.ts'

/** A secret as a user thinks of it. */
interface Model {
  current: number
  max: number
  readonly versions: Map<number, { data: JsonObject; state: 'here' | 'deleted' | 'destroyed' }>
}

type Command =
  | { readonly kind: 'write'; readonly name: string; readonly data: JsonObject; readonly cas: number | undefined }
  | { readonly kind: 'patch'; readonly name: string; readonly data: JsonObject }
  | { readonly kind: 'remove' | 'delete-newest'; readonly name: string }
  | { readonly kind: 'delete' | 'undelete' | 'destroy'; readonly name: string; readonly versions: readonly number[] }
  | { readonly kind: 'limit'; readonly name: string; readonly max: number }

const name = fc.constantFrom('a', 'a/b', 'c')
const data = fc.dictionary(fc.constantFrom('x', 'y', '__proto__'), fc.oneof(fc.integer(), fc.constant('text')), {
  maxKeys: 3,
})
const versions = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), name, data, cas: fc.option(fc.nat(6), { nil: undefined }) }),
  fc.record({ kind: fc.constant('write' as const), name, data, cas: fc.constant(undefined) }),
  fc.record({ kind: fc.constant('patch' as const), name, data }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'delete-newest' as const), name }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'undelete' as const, 'destroy' as const), name, versions }),
  fc.record({ kind: fc.constant('limit' as const), name, max: fc.integer({ min: 1, max: 4 }) }),
)

test('any sequence of changes leaves what a plain model of versions says, and no data that nobody can reach', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), fc.boolean(), async (commands, hasTransactions) => {
      const kv = await mountKv('2', { hasTransactions })
      const secrets = new Map<string, Model>()
      for (const one of commands) {
        assert.equal(await send(kv, one), apply(secrets, one), JSON.stringify(one))
        await compare(kv, secrets)
      }
    }),
    { numRuns: 150 },
  )
})

async function send(kv: MountedKv, one: Command): Promise<number> {
  switch (one.kind) {
    case 'write':
      return (
        await kv.request('write', `data/${one.name}`, {
          data: one.data,
          ...(one.cas === undefined ? {} : { options: { cas: one.cas } }),
        })
      ).status
    case 'patch':
      return (await kv.request('patch', `data/${one.name}`, { data: one.data })).status
    case 'remove':
      return (await kv.request('delete', `metadata/${one.name}`)).status
    case 'delete-newest':
      return (await kv.request('delete', `data/${one.name}`)).status
    case 'limit':
      return (await kv.request('write', `metadata/${one.name}`, { max_versions: one.max })).status
    default:
      return (await kv.request('write', `${one.kind}/${one.name}`, { versions: one.versions })).status
  }
}

/** Changes the model; gives the status that is due. */
function apply(secrets: Map<string, Model>, one: Command): number {
  const secret = secrets.get(one.name)
  switch (one.kind) {
    case 'write':
      if (one.cas !== undefined && one.cas !== (secret?.current ?? 0)) return 400
      return append(secrets, one.name, one.data)
    case 'patch': {
      const newest = secret?.versions.get(secret.current)
      if (newest?.state !== 'here') return 404
      return append(
        secrets,
        one.name,
        Object.fromEntries([...Object.entries(newest.data), ...Object.entries(one.data)]),
      )
    }
    case 'remove':
      secrets.delete(one.name)
      return 204
    case 'limit':
      secrets.set(one.name, { ...(secret ?? { current: 0, versions: new Map() }), max: one.max })
      return 204
    default:
      mark(secret, one)
      return 204
  }
}

function append(secrets: Map<string, Model>, at: string, written: JsonObject): number {
  const secret = secrets.get(at) ?? { current: 0, max: 10, versions: new Map() }
  secret.current += 1
  secret.versions.set(secret.current, { data: written, state: 'here' })
  for (const number of secret.versions.keys()) if (number <= secret.current - secret.max) secret.versions.delete(number)
  secrets.set(at, secret)
  return 200
}

function mark(secret: Model | undefined, one: Command): void {
  const numbers = 'versions' in one ? one.versions : [secret?.current ?? 0]
  for (const number of numbers) {
    const version = secret?.versions.get(number)
    if (version === undefined || version.state === 'destroyed') continue
    version.state = one.kind === 'destroy' ? 'destroyed' : one.kind === 'undelete' ? 'here' : 'deleted'
  }
}

async function compare(kv: MountedKv, secrets: ReadonlyMap<string, Model>): Promise<void> {
  let stored = 0
  for (const at of ['a', 'a/b', 'c']) {
    const secret = secrets.get(at)
    const { data: told } = await kv.request('read', `metadata/${at}`)
    assert.equal(told?.current_version, secret?.current)
    assert.deepEqual(Object.keys(told?.versions ?? {}).map(Number), [...(secret?.versions.keys() ?? [])])
    for (const [number, version] of secret?.versions ?? []) {
      if (version.state !== 'destroyed') stored += 1
      const { status, data: read } = await kv.request('read', `data/${at}`, { version: number })
      assert.equal(status, version.state === 'here' ? 200 : 404)
      assert.equal(JSON.stringify(read?.data), JSON.stringify(version.state === 'here' ? version.data : null))
    }
  }
  assert.equal([...kv.storage.keys()].filter((key) => key.startsWith('versions/')).length, stored)
}
