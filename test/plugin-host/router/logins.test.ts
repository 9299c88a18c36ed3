import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callback, createGateway, type Gateway } from 'portcullis'
import type { BackendAuth, BackendReply } from '../../../lib/model/backend.ts'
import { type Sealed, seal, unseal } from '../../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../../lib/model/server-answer.ts'
import { assertEntry } from '../../support/entry-schema.ts'
import { authOf, type Script, said, secretOf } from './scripted-plugins.ts'
import { type World, world } from './world.ts'

const MINUTE = 60_000

interface Doorman extends Script {
  auth: BackendAuth
  renewal: BackendReply
}

/** An auth method that lets everyone in as `auth` says. */
function doorman(auth: Partial<BackendAuth> = {}): Doorman {
  return {
    type: 'auth',
    auth: authOf({ ttlMs: 10 * MINUTE, maxTtlMs: 30 * MINUTE, ...auth }),
    renewal: {},
    specialPaths: { unauthenticated: ['login'] },
    handle(request): BackendReply {
      if (request.operation === 'renew') return this.renewal
      if (request.path === 'login') return said(null, { auth: this.auth })
      return said({ path: request.path })
    },
  }
}

const KV: Script = { handle: ({ path }) => said({ path }, path === 'leased' ? { secret: secretOf() } : {}) }

function doors(t: TestContext, door: Doorman, options = {}): Promise<World> {
  return world(
    t,
    { door, kv: KV },
    {
      auths: { door: { type: 'door' } },
      mounts: { kv: { type: 'kv' }, tf: { type: 'kv', options: { leased_passthrough: 'true' } } },
      ...options,
    },
  )
}

async function logIn({ ask }: World): Promise<{ readonly token: Sealed<string>; readonly answer: ServerAnswer }> {
  const answer = await ask('write', 'auth/door/login', { token: 'none', data: { role: 'r' } })
  assert.ok(answer.auth)
  return { token: answer.auth.token, answer }
}

test('a login yields a token with what the plugin said, in the shape of the server', async (t) => {
  const it = await doors(t, doorman())
  const { token, answer } = await logIn(it)
  const { auth } = answer
  assert.match(unseal(token), /^s\.[A-Za-z0-9]{24}$/)
  assert.deepEqual(
    [auth?.policies, auth?.ttlMs, auth?.renewable, auth?.tokenType, auth?.orphan, auth?.numUses],
    [['default', 'p1', 'p2'], 10 * MINUTE, true, 'service', true, 0],
  )
  const { data } = await it.ask('read', 'auth/token/lookup-self', { token })
  const { accessor, entity_id, id, ...rest } = data ?? {}
  assert.equal(id, unseal(token))
  assert.match(String(entity_id), /^[0-9a-f-]{36}$/)
  assert.match(String(accessor), /^[A-Za-z0-9]{24}$/)
  assert.deepEqual(rest, {
    creation_time: 1767225600,
    creation_ttl: 600,
    display_name: 'door-alice',
    expire_time: '2026-01-01T00:10:00.000Z',
    explicit_max_ttl: 0,
    issue_time: '2026-01-01T00:00:00.000Z',
    meta: { role: 'r' },
    num_uses: 0,
    orphan: true,
    path: 'auth/door/login',
    policies: ['default', 'p1', 'p2'],
    renewable: true,
    ttl: 600,
    type: 'service',
  })
})

test('one holder is one entity, login after login and start after start', async (t) => {
  const it = await doors(t, doorman())
  const entityOf = async (): Promise<unknown> => {
    const { token } = await logIn(it)
    return (await it.ask('read', 'auth/token/lookup-self', { token })).data?.entity_id
  }
  const first = await entityOf()
  assert.equal(await entityOf(), first)
  await it.restart()
  assert.equal(await entityOf(), first)
})

test('the token of a login is stored as a hash, and nowhere in clear', async (t) => {
  const it = await doors(t, doorman())
  const { token } = await logIn(it)
  const texts: string[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const name of await it.store.list(folder)) {
      texts.push(name)
      if (name.endsWith('/')) await walk(folder + name)
      else texts.push(Buffer.from((await it.store.get(folder + name)) ?? []).toString())
    }
  }
  await walk('')
  assert.ok(texts.length > 10)
  for (const secret of [token, it.gateway, it.operator]) assert.ok(!texts.some((text) => text.includes(unseal(secret))))
})

for (const [what, auth, words] of [
  ['the policy root', { policies: ['Root'] }, '400: auth methods cannot create root tokens'],
  ['an alias without a name', { alias: { name: '', metadata: {} } }, '500: missing name in alias'],
  ['a negative TTL', { ttlMs: -1 }, '500: internal error'],
] as const) {
  test(`a login with ${what} is refused`, async (t) => {
    const it = await doors(t, doorman(auth))
    assert.equal(await it.refusal('write', 'auth/door/login', { token: 'none', data: {} }), words)
  })
}

test('the time of a token: period, uses, explicit max, and the type that the mount fixes', async (t) => {
  const door = doorman({ periodMs: 5 * MINUTE, numUses: 2 })
  const it = await doors(t, door)
  const { token, answer } = await logIn(it)
  assert.equal(answer.auth?.ttlMs, 5 * MINUTE)
  await it.ask('read', 'auth/token/lookup-self', { token })
  await it.ask('read', 'auth/token/lookup-self', { token })
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token }), '403: permission denied')
  door.auth = authOf({ ttlMs: 10 * MINUTE, explicitMaxTtlMs: MINUTE })
  assert.equal((await logIn(it)).answer.auth?.ttlMs, MINUTE)
  door.auth = authOf({ ttlMs: 10 * MINUTE, tokenType: 'batch', noDefaultPolicy: true })
  const batch = (await logIn(it)).answer.auth
  assert.ok(batch)
  assert.match(unseal(batch.token), /^b\./)
  assert.deepEqual(
    [batch.tokenType, unseal(batch.accessor), batch.renewable, batch.policies],
    ['batch', '', false, ['p1', 'p2']],
  )
  assert.equal(
    await it.refusal('write', 'auth/token/revoke-self', { token: batch.token, data: {} }),
    '400: batch tokens cannot be revoked',
  )
  await it.clock.advance(10 * MINUTE)
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token: batch.token }), '403: permission denied')
})

test('a batch token of this host lives on over a restart; one with a changed byte does not', async (t) => {
  const it = await doors(t, doorman({ tokenType: 'batch' }))
  const { token } = await logIn(it)
  await it.restart()
  assert.equal((await it.ask('read', 'auth/token/lookup-self', { token })).data?.type, 'batch')
  const value = unseal(token)
  const at = Math.floor(value.length / 2)
  const forged = seal(value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1))
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token: forged }), '403: permission denied')
})

test('a login is renewed through its plugin, which may refuse; the max counts from the login', async (t) => {
  const door = doorman()
  const it = await doors(t, door)
  const { token } = await logIn(it)
  await it.clock.advance(5 * MINUTE)
  const renewed = await it.ask('write', 'auth/token/renew-self', { token, data: { increment: '15m' } })
  assert.deepEqual([renewed.auth?.ttlMs, renewed.auth?.orphan], [15 * MINUTE, false])
  const [request] = it.plugins.of('renew')
  assert.deepEqual(
    [request?.path, request?.data, request?.auth?.incrementMs, request?.auth?.internalData],
    ['login', 'null', 15 * MINUTE, '{"role":"r"}'],
  )
  const capped = await it.ask('write', 'auth/token/renew-self', { token, data: { increment: 99_999 } })
  assert.equal(capped.auth?.ttlMs, 25 * MINUTE)
  assert.equal(capped.warnings.length, 1)
  door.renewal = said({ error: 'role is gone' })
  assert.equal(
    await it.refusal('write', 'auth/token/renew-self', { token, data: {} }),
    '400: failed to renew entry: role is gone',
  )
  await it.clock.advance(25 * MINUTE)
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token }), '403: permission denied')
  assert.ok(it.events.some(({ name, path }) => name === 'token-expired' && path === 'auth/door/login'))
})

test('accessors find, describe and revoke a token, for an operator alone', async (t) => {
  const it = await doors(t, doorman())
  const { token, answer } = await logIn(it)
  const accessor = unseal(answer.auth?.accessor ?? seal(''))
  const { operator } = it
  const seen = await it.ask('write', 'auth/token/lookup-accessor', { token: operator, data: { accessor } })
  assert.deepEqual([seen.data?.display_name, seen.data?.id], ['door-alice', ''])
  for (const path of ['lookup-accessor', 'revoke-accessor', 'create', 'lookup', 'renew', 'revoke', 'accessors'])
    assert.equal(
      await it.refusal('write', `auth/token/${path}`, { data: { accessor } }),
      '403: 1 error occurred:\n\t* permission denied\n\n',
      path,
    )
  assert.equal(
    (await it.ask('write', 'auth/token/revoke-accessor', { token: operator, data: { accessor } })).status,
    204,
  )
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token }), '403: permission denied')
  const gone = await it.ask('write', 'auth/token/revoke-accessor', { token: operator, data: { accessor } })
  assert.deepEqual([gone.status, gone.warnings], [200, ['No token found with this accessor']])
  assert.equal(
    await it.refusal('write', 'auth/token/lookup-accessor', { token: operator, data: { accessor: 'zz' } }),
    '400: 1 error occurred:\n\t* invalid accessor\n\n',
  )
})

test('an operator makes tokens that are callers, and go with their parent unless orphans', async (t) => {
  const it = await doors(t, doorman())
  const made = async (data: object): Promise<Sealed<string>> => {
    const { auth } = await it.ask('write', 'auth/token/create', { token: it.operator, data })
    assert.ok(auth)
    return auth.token
  }
  const child = await made({ policies: ['a'], ttl: '1h', display_name: 'Foo Bar', meta: { x: 'y' } })
  const orphan = await made({ policies: ['a'], no_parent: true })
  const { data } = await it.ask('read', 'auth/token/lookup-self', { token: child })
  assert.deepEqual(
    [data?.display_name, data?.policies, { ...(data?.meta as object) }, data?.ttl, data?.orphan],
    ['token-Foo-Bar', ['a', 'default'], { x: 'y' }, 3600, false],
  )
  assert.equal(
    await it.refusal('write', 'auth/token/create', { token: it.operator, data: { policies: ['root'] } }),
    '400: auth methods cannot create root tokens',
  )
  assert.equal(
    await it.refusal('read', 'sys/mounts', { token: child }),
    '403: 1 error occurred:\n\t* permission denied\n\n',
  )
  await it.ask('write', 'auth/token/revoke-self', { token: it.operator, data: {} })
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token: child }), '403: permission denied')
  assert.equal((await it.ask('read', 'auth/token/lookup-self', { token: orphan })).status, 200)
})

test('what a login gives may use no mount before a gateway has asked who holds it', async (t) => {
  const it = await doors(t, doorman())
  const { token } = await logIn(it)
  for (const path of ['kv/x', 'auth/door/x', 'nothing/x'])
    assert.equal(await it.refusal('read', path, { token }), '403: 1 error occurred:\n\t* permission denied\n\n', path)
  assert.deepEqual(
    (await it.ask('write', 'sys/capabilities-self', { token, data: { paths: ['kv/x'] } })).data?.capabilities,
    ['deny'],
  )
  assert.deepEqual(await it.host.describe(token), {
    mount: 'auth/door/',
    policies: ['default', 'p1', 'p2'],
    alias: 'alice',
    entity: (await it.ask('read', 'auth/token/lookup-self', { token })).data?.entity_id,
    metadata: { role: 'r' },
  })
  assert.deepEqual((await it.ask('read', 'kv/x', { token })).data, { path: 'x' })
  assert.equal(await it.host.describe(it.gateway), undefined)
  assert.equal(await it.host.describe(seal('s.nobody')), undefined)
})

/** A gateway over the host; policies decide by who holds the caller's token. */
async function gatewayOver(t: TestContext, it: World, entries: object[]): Promise<Gateway> {
  const gateway = await createGateway(
    {
      server: it.host,
      audit: { devices: [callback('test', (entry) => void entries.push(entry))] },
      caller: { service: 'shop' },
      policies: [
        {
          policy: 'shop',
          subject: { properties: { service: { const: 'shop' } }, required: ['service'] },
          rules: [{ path: '*', operations: ['*'], effect: 'allow' }],
        },
        {
          policy: 'holders',
          subject: {
            properties: {
              token: {
                type: 'object',
                properties: { policies: { type: 'array', contains: { const: 'p1' } } },
                required: ['policies'],
              },
            },
            required: ['token'],
          },
          rules: [{ path: 'kv/*', operations: ['read'], effect: 'allow' }],
        },
      ],
    },
    { clock: it.clock },
  )
  t.after(() => gateway.close())
  return gateway
}

test('a gateway over a host needs no auth, and reads through its mounts', async (t) => {
  const it = await doors(t, doorman())
  const gateway = await gatewayOver(t, it, [])
  assert.deepEqual((await gateway.read('kv/x')).data, { path: 'x' })
  await assert.rejects(gateway.read('sys/mounts'), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  const leased = await gateway.lease('tf/leased')
  assert.equal(it.host.operator.leases().length, 1)
  await leased.close()
  await it.clock.advance(0)
  assert.deepEqual(it.host.operator.leases(), [])
})

test('gateway policies decide by who holds the token, as the host knows it', async (t) => {
  const it = await doors(t, doorman())
  const entries: object[] = []
  const gateway = await gatewayOver(t, it, entries)
  const login = await gateway.login('auth/door/login', { role: 'r' })
  const token = login.auth?.token ?? ''
  const holder = gateway.as({ user: 'alice' }, { token })
  assert.deepEqual((await holder.read('kv/x')).data, { path: 'x' })
  await assert.rejects(holder.read('tf/x'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  // Below the holder, the same token.
  assert.deepEqual((await holder.as({ part: 'cart' }).read('kv/y')).data, { path: 'y' })
  const [last] = entries.slice(-1) as [{ readonly caller: { readonly token?: { readonly alias: string } } }]
  assert.equal(last.caller.token?.alias, 'alice')
  for (const entry of entries) assertEntry(entry)
  assert.ok(!JSON.stringify(entries).includes(token))
})

test('without a living token that the host knows there is no attribute, and nothing is allowed by it', async (t) => {
  const it = await doors(t, doorman({ policies: ['other'] }))
  const gateway = await gatewayOver(t, it, [])
  const { auth } = await gateway.login('auth/door/login', {})
  // The policy of the service binds all below it, but does not speak for who holds a token.
  await assert.rejects(gateway.as({}, { token: auth?.token ?? '' }).read('kv/x'), {
    code: 'ERR_PORTCULLIS_POLICY_DENIED',
  })
  await assert.rejects(gateway.as({}, { token: 's.nobody' }).read('kv/x'), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  assert.throws(() => gateway.as({ token: 'mine' }), TypeError)
})
