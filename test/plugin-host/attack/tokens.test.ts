import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { seal } from '../../../lib/model/sealed.ts'
import { createPluginHost } from '../../../lib/plugin-host/host.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { authOf, type Script, said } from '../router/scripted-plugins.ts'
import { type World, world } from '../router/world.ts'

async function copyOf(store: Store, into: Store = memory(), folder = ''): Promise<Store> {
  for (const name of await store.list(folder)) {
    if (name.endsWith('/')) await copyOf(store, into, folder + name)
    else await into.write([{ key: folder + name, value: await store.get(folder + name) }])
  }
  return into
}

async function created({ ask, operator }: World, data: object): Promise<ReturnType<typeof seal<string>>> {
  const { auth } = await ask('write', 'auth/token/create', { token: operator, data })
  return auth?.token as unknown as ReturnType<typeof seal<string>>
}

const kv: Script = { handle: () => said({ value: 1 }) }

test('a host that is killed while the last use of a token is served gives no second one', async (t) => {
  const stores: Store[] = []
  const spy: Script = {
    handle: async ({ operation }) => {
      if (operation === 'read') stores.push(await copyOf(it.store))
      return said({ value: 1 })
    },
  }
  const it: World = await world(t, { spy }, { mounts: { spy: { type: 'spy' } } })
  const token = await created(it, { num_uses: 1 })
  const described = await it.host.describe(token)
  assert.ok(described)
  await it.ask('read', 'spy/x', { token })
  const [storage] = stores as [Store]
  const after = await createPluginHost(
    { storage, periodic: false },
    { clock: it.clock, random: systemRandom, plugins: it.plugins, builtins: [] },
  )
  t.after(() => after.close())
  assert.equal(await after.describe(token), undefined)
})

test('a renewal gives a token no use back that was taken meanwhile', async (t) => {
  let hold: Promise<void> | undefined
  let written = 0
  const wrapStore = (store: Store): Store => ({
    get: (key) => store.get(key),
    list: (prefix, page) => store.list(prefix, page),
    close: () => store.close(),
    async write(changes): Promise<void> {
      // The second write of a renewal, after its own use was counted.
      if (changes.some(({ key }) => key.startsWith('core/token/')) && ++written === 2) await hold
      await store.write(changes)
    },
  })
  const it = await world(t, { kv }, { mounts: { kv: { type: 'kv' } } }, { wrapStore })
  const token = await created(it, { num_uses: 5, ttl: '1h' })
  await it.host.describe(token)
  await it.ask('write', 'auth/token/renew-self', { token })
  const release = Promise.withResolvers<void>()
  hold = release.promise
  written = 0
  // Three uses at once, one of them a renewal: of four left, one is left.
  const renewal = it.ask('write', 'auth/token/renew-self', { token })
  await it.clock.advance(0)
  await Promise.all([it.ask('read', 'kv/a', { token }), it.ask('read', 'kv/b', { token })])
  release.resolve()
  await renewal
  const { data } = await it.ask('read', 'auth/token/lookup-self', { token })
  assert.equal(data?.num_uses, -1)
})

test('names of built-in properties are no paths and no statuses', async (t) => {
  const odd: Script = { handle: ({ path }) => ({ error: { kind: 'other', message: path, status: 0 } }) }
  const it = await world(t, { odd }, { mounts: { odd: { type: 'odd' } } })
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.match(await it.refusal('write', `auth/token/${name}`, { token: it.operator, data: {} }), /^404: /, name)
    assert.match(await it.refusal('write', `auth/token/${name}`, { data: {} }), /^403: /, name)
    assert.match(await it.refusal('read', `odd/${name}`), /^500: /, name)
  }
})

test('a login that cannot be wrapped leaves no token behind', async (t) => {
  let fails = false
  const wrapStore = (store: Store): Store => ({
    get: (key) => store.get(key),
    list: (prefix, page) => store.list(prefix, page),
    close: () => store.close(),
    async write(changes): Promise<void> {
      if (fails && changes.some(({ key }) => key.startsWith('core/wrap'))) throw new Error('full')
      await store.write(changes)
    },
  })
  const door: Script = {
    type: 'auth',
    specialPaths: { unauthenticated: ['login'] },
    handle: () => said(null, { auth: authOf() }),
  }
  const it = await world(t, { door }, { auths: { door: { type: 'door' } } }, { wrapStore })
  const before = (await it.ask('list', 'auth/token/accessors', { token: it.operator })).data?.keys as unknown[]
  fails = true
  await assert.rejects(it.ask('write', 'auth/door/login', { token: 'none', data: {}, wrapTtlMs: 60_000 }))
  fails = false
  const { data } = await it.ask('list', 'auth/token/accessors', { token: it.operator })
  assert.deepEqual((data?.keys as unknown[] | undefined)?.length, before.length)
})

test('children go with their parent also where what belongs to it cannot be removed', async (t) => {
  let fails = false
  const wrapStore = (store: Store): Store => ({
    get: (key) => store.get(key),
    list(prefix, page): Promise<readonly string[]> {
      if (fails && prefix.startsWith('core/cubbyhole/')) return Promise.reject(new Error('broken'))
      return store.list(prefix, page)
    },
    close: () => store.close(),
    write: (changes) => store.write(changes),
  })
  const it = await world(t, { kv }, { mounts: { kv: { type: 'kv' } } }, { wrapStore })
  const parent = await it.host.operatorAuth().login({} as never)
  const { auth } = await it.ask('write', 'auth/token/create', { token: parent.grant.token, data: {} })
  const child = auth?.token as never
  assert.ok(await it.host.describe(child))
  fails = true
  await it.ask('write', 'auth/token/revoke-self', { token: parent.grant.token }).catch(() => undefined)
  assert.equal(await it.host.describe(child), undefined)
})

/** Answers to a login that no token may come of, or only a harmless one. */
test('what a login answers gives no more than a login may', async (t) => {
  let auth = authOf()
  const door: Script = {
    type: 'auth',
    specialPaths: { unauthenticated: ['*'] },
    handle: () => said(null, { auth }),
  }
  const it = await world(t, { door, kv }, { auths: { door: { type: 'door' } }, mounts: { kv: { type: 'kv' } } })
  const logIn = (more: Parameters<typeof authOf>[0]): Promise<string> => {
    auth = authOf(more)
    return it.refusal('write', 'auth/door/login', { token: 'none', data: {} })
  }
  for (const policies of [['root'], ['ROOT'], [' root '], ['x', 'Root\t']])
    assert.match(await logIn({ policies }), /^400: /, policies[0])
  assert.match(await logIn({ policies: Array.from({ length: 1001 }, (_, at) => `p${at}`) }), /^500/)
  assert.match(await logIn({ alias: { name: '', metadata: {} } }), /^500/)
  for (const more of [
    { ttlMs: -1 },
    { maxTtlMs: -1 },
    { periodMs: -1 },
    { explicitMaxTtlMs: -1 },
    { ttlMs: Number.NaN },
  ])
    assert.match(await logIn(more), /^500/)
  const negative = authOf({ numUses: -5 })
  auth = negative
  const refused = await it.refusal('write', 'auth/door/login', { token: 'none', data: {} })
  assert.match(refused, /^500/)
})

test('a token sees the mounts that it may use, and no others', async (t) => {
  const it = await world(t, { kv }, { mounts: { kv: { type: 'kv' } } })
  const token = await created(it, {})
  const seen = (): Promise<string> => it.refusal('read', 'sys/internal/ui/mounts/kv/x', { token })
  assert.match(await seen(), /^403: preflight capability check/)
  assert.match(await it.refusal('read', 'sys/internal/ui/mounts/kv/x', { token: 'none' }), /^403/)
  await it.host.describe(token)
  assert.match(await seen(), /^200/)
  assert.match(await it.refusal('read', 'sys/internal/ui/mounts', { token }), /^403/)
})
