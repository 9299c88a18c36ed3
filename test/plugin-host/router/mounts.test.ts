import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILTIN_VERSION } from '../../../lib/plugin-host/router/builtins.ts'
import { SYSTEM_TTL_MS } from '../../../lib/plugin-host/router/duration.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { authOf, type Script, said, secretOf } from './scripted-plugins.ts'
import { SHA, type World, world } from './world.ts'

const KV: Script = {
  version: 'v1.2.3',
  async handle({ operation, path, data }, { storage }) {
    if (operation === 'update') await storage.write([{ key: path, value: Buffer.from(data) }])
    if (operation !== 'read') return {}
    const value = await storage.get(path)
    return value === undefined ? {} : said(JSON.parse(Buffer.from(value).toString()))
  },
}
const DENIED = '403: 1 error occurred:\n\t* permission denied\n\n'

async function as(
  it: World,
  ...[operation, path, data]: Parameters<World['ask']> extends [infer O, infer P, unknown?] ? [O, P, object?] : never
): Promise<string> {
  return it.refusal(operation, path, { token: it.operator, ...(data === undefined ? {} : { data }) })
}

test('what is registered, mounted and run is the operator alone', async (t) => {
  const it = await world(t, { kv: KV }, { mounts: { kv: { type: 'kv' } } })
  const paths = [
    'sys/plugins/catalog',
    'sys/plugins/catalog/secret/kv',
    'sys/plugins/pins',
    'sys/mounts',
    'sys/mounts/kv',
    'sys/mounts/kv/tune',
    'sys/auth',
    'sys/internal/ui/mounts',
    'sys/leases',
    'sys/nonesuch',
    'sys/policies/acl/x',
    'sys/raw/x',
  ]
  for (const path of paths) assert.equal(await it.refusal('read', path), DENIED, path)
  for (const path of [
    'sys/plugins/catalog/secret/evil',
    'sys/plugins/reload/backend',
    'sys/mounts/x',
    'sys/remount',
    'sys/leases/revoke-prefix/kv',
    'sys/leases/revoke-force/kv',
    'sys/revoke-prefix/kv',
    'auth/token/create',
  ])
    assert.equal(await it.refusal('write', path, { data: { command: '/bin/sh', sha256: SHA } }), DENIED, path)
  assert.equal(await it.refusal('delete', 'sys/mounts/kv'), DENIED)
  assert.equal(await it.refusal('list', 'sys/leases/lookup'), DENIED)
  for (const path of paths)
    assert.equal(await it.refusal('read', path, { token: 'none' }), '403: permission denied', path)
})

test('a mount has the shape of the server, and tells which plugin serves a path', async (t) => {
  const it = await world(t, { kv: KV })
  const { operator: token } = it
  await it.ask('write', 'sys/mounts/a/b', {
    token,
    data: {
      type: 'kv',
      description: 'd',
      options: { version: '2' },
      config: { default_lease_ttl: '1h', max_lease_ttl: 7200 },
    },
  })
  const { accessor, uuid, ...rest } = (await it.ask('read', 'sys/mounts/a/b', { token })).data ?? {}
  assert.match(String(accessor), /^kv_[0-9a-f]{8}$/)
  assert.match(String(uuid), /^[0-9a-f-]{36}$/)
  const shape = {
    config: { default_lease_ttl: 3600, force_no_cache: false, max_lease_ttl: 7200 },
    description: 'd',
    external_entropy_access: false,
    local: false,
    options: { version: '2' },
    plugin_version: 'v1.2.3',
    running_plugin_version: 'v1.2.3',
    running_sha256: SHA,
    seal_wrap: false,
    type: 'kv',
  }
  assert.deepEqual(JSON.parse(JSON.stringify(rest)), shape)
  assert.deepEqual(Object.keys((await it.ask('read', 'sys/mounts', { token })).data ?? {}), ['a/b/'])
  const seen = await it.ask('read', 'sys/internal/ui/mounts/a/b/x/y')
  assert.deepEqual(
    [seen.data?.path, seen.data?.type, JSON.parse(JSON.stringify(seen.data?.options))],
    ['a/b/', 'kv', { version: '2' }],
  )
  assert.match(await it.refusal('read', 'sys/internal/ui/mounts/zz'), /^403: preflight/)
})

test('what cannot be mounted is refused in the words of the server', async (t) => {
  const it = await world(t, { kv: KV, broken: { handle: () => ({}) } }, { mounts: { kv: { type: 'kv' } } })
  const table: readonly (readonly [path: string, data: object, words: string])[] = [
    ['kv', { type: 'kv' }, '400: path is already in use at kv/'],
    ['kv/inner', { type: 'kv' }, '400: path is already in use at kv/'],
    ['x', { type: 'nonesuch' }, '400: plugin not found in the catalog: nonesuch'],
    ['x', {}, '400: backend type must be specified as a string'],
    ['sys/foo', { type: 'kv' }, '400: cannot mount "sys/foo/"'],
    ['auth/foo', { type: 'kv' }, '400: cannot mount "auth/foo/"'],
    ['cubbyhole', { type: 'kv' }, '400: cannot mount "cubbyhole/"'],
    [
      'x',
      { type: 'broken', options: { version: '2' } },
      '400: secrets engine "broken" does not allow setting a version',
    ],
    [
      'x',
      { type: 'kv', config: { default_lease_ttl: '3h', max_lease_ttl: '2h' } },
      '400: given default lease TTL greater than given max lease TTL',
    ],
    [
      'x',
      { type: 'kv', config: { plugin_version: 'v9.9.9' } },
      '400: plugin not found in the catalog: kv, version=v9.9.9',
    ],
  ]
  for (const [path, data, words] of table) assert.equal(await as(it, 'write', `sys/mounts/${path}`, data), words)
  assert.equal(await as(it, 'read', 'sys/mounts/none'), '400: No secret engine mount at none/')
  assert.equal(await as(it, 'read', 'sys/auth/none'), '400: No auth engine at none/')
  assert.equal(await as(it, 'read', 'sys/mounts/none/tune'), '400: cannot fetch sysview for path "none/"')
  assert.equal(
    await as(it, 'write', 'sys/mounts/none/tune', {}),
    '400: tune of path "none/" failed: no mount entry found',
  )
  assert.equal(await as(it, 'write', 'sys/remount', { from: 'none', to: 'x' }), '400: no matching mount at "none/"')
  assert.equal(await as(it, 'delete', 'sys/mounts/none'), '204, not refused')
})

test('two mounts of one plugin share nothing; a mount that goes takes its storage along', async (t) => {
  const it = await world(t, { kv: KV }, { mounts: { a: { type: 'kv' }, b: { type: 'kv' } } })
  await it.ask('write', 'a/x', { data: { of: 'a' } })
  assert.equal(await it.refusal('read', 'b/x'), '404: ')
  assert.equal((await it.store.list('logical/')).length, 1)
  await it.host.operator.unmount('a')
  assert.deepEqual(await it.store.list('logical/'), [])
  assert.match(await it.refusal('read', 'a/x'), /^404: no handler for route "a\/x"/)
  await it.host.operator.mount('a', { type: 'kv' })
  assert.equal(await it.refusal('read', 'a/x'), '404: ')
})

test('a mount keeps its place in the storage and its ids over tune, move, reload and restart', async (t) => {
  const it = await world(t, { kv: KV }, { mounts: { a: { type: 'kv' } } })
  await it.ask('write', 'a/x', { data: { n: 1 } })
  await it.host.operator.tune('a', { description: 'new', options: { version: '2' }, maxLeaseTtlMs: 60_000 })
  await it.host.operator.reload('a')
  await it.host.operator.remount('a', 'moved/here')
  await it.restart()
  assert.deepEqual((await it.ask('read', 'moved/here/x')).data, { n: 1 })
  assert.equal(new Set(it.plugins.facts.map(({ backendUuid }) => backendUuid)).size, 2)
  const there = it.plugins.facts.filter(({ path }) => path === 'moved/here/').at(-1)
  assert.deepEqual({ ...there?.options }, { version: '2' })
  const tuned = await it.ask('read', 'sys/mounts/moved/here/tune', { token: it.operator })
  assert.deepEqual([tuned.data?.max_lease_ttl, tuned.data?.default_lease_ttl, tuned.data?.description], [60, 60, 'new'])
})

test('a reload waits for calls in flight, and ends the process in between', async (t) => {
  let release = (): void => undefined
  const slow: Script = {
    handle: ({ path }) =>
      path === 'slow' ? new Promise((resolve) => (release = () => resolve(said({ done: true })))) : said({}),
  }
  const it = await world(t, { slow }, { mounts: { s: { type: 'slow' } } })
  const answer = it.ask('read', 's/slow')
  await it.clock.advance(0)
  const reload = it.host.operator.reload('s')
  await it.clock.advance(0)
  const later = it.ask('read', 's/x')
  await it.clock.advance(0)
  assert.deepEqual(it.plugins.log, ['open s/'])
  release()
  assert.deepEqual((await answer).data, { done: true })
  await reload
  await later
  assert.deepEqual(it.plugins.log, ['open s/', 'close s/', 'open s/'])
})

test('a reload does not wait for ever for a plugin that hangs', async (t) => {
  const hung: Script = { handle: () => new Promise(() => undefined) }
  const it = await world(t, { hung }, { mounts: { h: { type: 'hung' } } })
  void it.ask('read', 'h/x').catch(() => undefined)
  await it.clock.advance(0)
  const reload = it.host.operator.reload('h')
  await it.clock.advance(10_000)
  await reload
  assert.deepEqual(it.plugins.log, ['open h/', 'close h/', 'open h/'])
  // The call that hangs would keep the host from its end.
  it.host = { ...it.host, close: async () => undefined }
})

test('versions: the unversioned entry, else the highest; upgrade, roll back, and a pin over all', async (t) => {
  const plain: Script = { handle: () => said({}) }
  const it = await world(t, { p: plain }, { plugins: [] })
  const { operator } = it.host
  const spec = (version: string) => ({ name: 'p', type: 'secret', command: '/p', sha256: SHA, version }) as const
  for (const version of ['1.2.0', 'v1.10.0', 'v1.10.0-rc.1']) await operator.register(spec(version))
  await operator.mount('p', { type: 'p' })
  assert.equal(it.plugins.log.at(-1), 'open p/ v1.10.0')
  assert.equal(await operator.upgrade('p', 'v1.2.0'), 'v1.10.0')
  assert.equal(it.plugins.log.at(-1), 'open p/ v1.2.0')
  assert.equal(await operator.upgrade('p', 'v1.10.0'), 'v1.2.0')
  await operator.pin('secret', 'p', 'v1.10.0-rc.1')
  await operator.reload('p')
  assert.equal(it.plugins.log.at(-1), 'open p/ v1.10.0-rc.1')
  await assert.rejects(operator.unregister('secret', 'p', 'v1.10.0-rc.1'), { code: 'ERR_PORTCULLIS_PLUGIN_INVALID' })
  await operator.unpin('secret', 'p')
  await it.restart()
  await it.ask('read', 'p/x')
  assert.equal(it.plugins.log.at(-1), 'open p/ v1.10.0')
  assert.deepEqual(
    (await it.ask('read', 'sys/plugins/catalog/secret/p', { token: it.operator, query: { version: 'v1.2.0' } })).data,
    {
      ...{
        args: null,
        builtin: false,
        command: '/p',
        declarative: false,
        name: 'p',
        oci: false,
        sha256: SHA,
        version: 'v1.2.0',
      },
    },
  )
})

test('the catalog in the shapes of the server; an environment is never told', async (t) => {
  const it = await world(
    t,
    { mock: { version: 'v0.0.0+mock', handle: () => ({}) }, door: { type: 'auth', handle: () => ({}) } },
    { plugins: [] },
  )
  const { operator: token } = it
  const body = { command: '/m', sha256: SHA, env: ['SECRET=hunter2'], args: ['-a', 'x,y'] }
  await it.ask('write', 'sys/plugins/catalog/secret/mock', { token, data: body })
  await it.ask('write', 'sys/plugins/catalog/auth/door', { token, data: { command: '/d --flag v', sha_256: SHA } })
  assert.equal(await as(it, 'read', 'sys/plugins/catalog/secret/mock'), '404: ')
  const mock = await it.ask('read', 'sys/plugins/catalog/secret/mock', { token, query: { version: 'v0.0.0+mock' } })
  assert.deepEqual([mock.data?.args, mock.data?.version], [['-a', 'x,y'], 'v0.0.0+mock'])
  assert.ok(!JSON.stringify(mock).includes('hunter2'))
  assert.deepEqual((await it.ask('read', 'sys/plugins/catalog/auth/door', { token })).data?.args, ['--flag', 'v'])
  assert.deepEqual((await it.ask('list', 'sys/plugins/catalog/secret', { token })).data, { keys: ['database', 'mock'] })
  assert.equal(
    await as(it, 'read', 'sys/plugins/catalog/secret'),
    '405: 1 error occurred:\n\t* unsupported operation\n\n',
  )
  assert.deepEqual((await it.ask('read', 'sys/plugins/catalog', { token })).data, {
    ...{ auth: ['door'], database: [], secret: ['database', 'mock'] },
    detailed: [
      { builtin: false, name: 'door', sha256: SHA, type: 'auth', version: '' },
      { builtin: true, deprecation_status: 'supported', name: 'database', type: 'secret', version: BUILTIN_VERSION },
      { builtin: false, name: 'mock', sha256: SHA, type: 'secret', version: 'v0.0.0+mock' },
    ],
  })
  const bad: readonly (readonly [object, string])[] = [
    [{ command: '/m', sha256: '00' }, '400: Decoded SHA-256 value is not 32 bytes'],
    [{ command: '/m' }, '400: missing SHA-256 value'],
    [{ sha256: SHA }, '400: missing command value'],
    [
      { command: '/m', sha256: SHA, version: '1.x' },
      '400: version "1.x" is not a valid semantic version: malformed version: 1.x',
    ],
    [
      { command: '/m', sha256: SHA, version: 'v9.0.0' },
      '400: plugin version mismatch: mock reported version (v0.0.0+mock) did not match requested version (v9.0.0)',
    ],
    [{ command: '/m a', sha256: SHA, args: ['b'] }, '400: must not specify args in command and args field'],
  ]
  for (const [data, words] of bad) assert.equal(await as(it, 'write', 'sys/plugins/catalog/secret/mock', data), words)
  assert.equal(
    await as(it, 'write', 'sys/plugins/catalog/secret/door', { command: '/d', sha256: SHA }),
    '400: plugin door is of type auth, not secret',
  )
  await it.ask('write', 'sys/plugins/pins/auth/door', { token, data: { version: '' } })
  assert.deepEqual((await it.ask('read', 'sys/plugins/pins', { token })).data, {
    pinned_versions: [{ name: 'door', type: 'auth', version: '' }],
  })
  await it.ask('delete', 'sys/plugins/pins/auth/door', { token })
  assert.equal(await as(it, 'read', 'sys/plugins/pins/auth/door'), '404: ')
})

test('an auth mount that goes takes the tokens of its logins along', async (t) => {
  const door: Script = {
    type: 'auth',
    specialPaths: { unauthenticated: ['login'] },
    handle: () => said(null, { auth: authOf() }),
  }
  const it = await world(t, { door }, { auths: { door: { type: 'door' } } })
  const { auth } = await it.ask('write', 'auth/door/login', { token: 'none', data: {} })
  assert.ok(auth)
  await it.ask('delete', 'sys/auth/door', { token: it.operator })
  assert.equal(await it.refusal('read', 'auth/token/lookup-self', { token: auth.token }), '403: permission denied')
})

test('an unmount revokes leases first, stays half way where it cannot, and goes on after a restart', async (t) => {
  let fails = true
  const tf: Script = {
    handle: ({ operation }) =>
      operation === 'read'
        ? said({}, { secret: secretOf() })
        : operation === 'revoke' && fails
          ? { error: { kind: 'other', message: 'no', status: 0 } }
          : {},
  }
  const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
  await it.ask('read', 'tf/creds')
  await assert.rejects(it.host.operator.unmount('tf'), { code: 'ERR_PORTCULLIS_PLUGIN_INVALID' })
  assert.deepEqual(it.plugins.of('rollback').length, 1)
  assert.match(await it.refusal('read', 'tf/creds'), /^404: no handler/)
  assert.equal(it.host.operator.leases().length, 1)
  fails = false
  await it.restart()
  assert.deepEqual([it.host.operator.leases(), it.host.operator.mounts().secret], [[], {}])
})

test('health, seal and leader need no token', async (t) => {
  const it = await world(t, {})
  const health = await it.ask('read', 'sys/health', { token: 'none' })
  assert.deepEqual([health.data?.initialized, health.data?.sealed, health.data?.standby], [true, false, false])
  assert.equal((await it.ask('read', 'sys/seal-status', { token: 'none' })).data?.sealed, false)
  assert.deepEqual((await it.ask('read', 'sys/leader', { token: 'none' })).data, { ha_enabled: false })
})

test('capabilities are what the host allows', async (t) => {
  const it = await world(
    t,
    { r: { specialPaths: { root: ['conf*'] }, handle: () => said({}) } },
    { mounts: { r: { type: 'r' } } },
  )
  const paths = ['r/x', 'r/config', 'none/x', 'sys/mounts', 'auth/token/lookup-self']
  const { data } = await it.ask('write', 'sys/capabilities-self', { data: { paths } })
  const all = ['create', 'delete', 'list', 'patch', 'read', 'scan', 'update']
  assert.deepEqual(
    paths.map((path) => data?.[path]),
    [all, ['deny'], ['deny'], ['deny'], ['create', 'read', 'update']],
  )
  assert.deepEqual(
    (await it.ask('write', 'sys/capabilities-self', { token: it.operator, data: { path: 'sys/mounts' } })).data
      ?.capabilities,
    ['root'],
  )
})

test('a cubbyhole is seen by its token alone, and goes with it', async (t) => {
  const it = await world(t, {})
  await it.ask('write', 'cubbyhole/a/b', { data: { x: 1 } })
  assert.deepEqual((await it.ask('read', 'cubbyhole/a/b')).data, { x: 1 })
  assert.deepEqual((await it.ask('list', 'cubbyhole')).data, { keys: ['a/'] })
  assert.equal(await it.refusal('read', 'cubbyhole/a/b', { token: it.operator }), '404: ')
  await it.ask('write', 'auth/token/revoke-self', { data: {} })
  await it.clock.advance(0)
  assert.deepEqual(await it.store.list('core/cubbyhole/'), [])
})

test('every mount gets its turn about once a minute, never two at once, and failures are told', async (t) => {
  let isStuck = false
  const busy: Script = {
    handle: ({ operation }) =>
      operation === 'rollback' && isStuck
        ? new Promise(() => undefined)
        : { error: { kind: 'other', message: 'x', status: 0 } },
  }
  const it = await world(t, { busy, kv: KV }, { periodic: true, mounts: { b: { type: 'busy' }, kv: { type: 'kv' } } })
  await it.clock.advance(67_000)
  assert.deepEqual(
    it.plugins
      .of('rollback')
      .map(({ mountPoint, path, data }) => `${mountPoint} ${path} ${data}`)
      .sort(),
    ['b/  null', 'kv/  null'],
  )
  assert.deepEqual(
    it.events.filter(({ name }) => name === 'rollback-failed').map(({ path, code }) => [path, code]),
    [['b/', 'other']],
  )
  isStuck = true
  await it.clock.advance(600_000)
  const countOf = (path: string): number =>
    it.plugins.of('rollback').filter(({ mountPoint }) => mountPoint === path).length
  assert.equal(countOf('b/'), 2)
  assert.ok(countOf('kv/') >= 9 && countOf('kv/') <= 12, `${countOf('kv/')}`)
  assert.equal(SYSTEM_TTL_MS, 2_764_800_000)
})

test('password policies are kept, told and used by plugins', async (t) => {
  const asks: Script = {
    async handle({ path }, { view }) {
      return said({ password: await view.password(path) })
    },
  }
  const it = await world(t, { asks }, { mounts: { p: { type: 'asks' } } })
  const { operator: token } = it
  const policy = 'length = 30\nrule "charset" { charset = "ab" min-chars = 1 }'
  assert.equal((await it.ask('write', 'sys/policies/password/two', { token, data: { policy } })).status, 204)
  assert.match(String((await it.ask('read', 'p/two')).data?.password), /^[ab]{30}$/)
  await it.restart()
  assert.deepEqual((await it.ask('read', 'sys/policies/password/two', { token })).data, { policy })
  assert.deepEqual((await it.ask('list', 'sys/policies/password', { token })).data, { keys: ['two'] })
  const made = await it.ask('read', 'sys/policies/password/two/generate', { token })
  assert.match(String(made.data?.password), /^[ab]{30}$/)
  assert.match(await as(it, 'write', 'sys/policies/password/bad', { policy: 'length = 1' }), /^400: /)
  await it.ask('delete', 'sys/policies/password/two', { token })
  assert.equal(await as(it, 'read', 'sys/policies/password/two'), '404: ')
  await assert.rejects(it.ask('read', 'p/two'), { code: 'ERR_PORTCULLIS_PLUGIN_UNKNOWN' })
})

test('a root key in the environment goes with no plugin that could read it there', async (t) => {
  const exposed = (store: Store): Store =>
    Object.assign(Object.create(null), {
      get: store.get.bind(store),
      list: store.list.bind(store),
      write: store.write.bind(store),
      close: store.close.bind(store),
      rootKeyKind: 'environment',
    })
  const it = await world(t, { kv: KV }, { plugins: [] }, { wrapStore: exposed })
  const plugin = { name: 'kv', type: 'secret', command: '/kv', sha256: SHA } as const
  await assert.rejects(it.host.operator.register(plugin), { code: 'ERR_PORTCULLIS_PLUGIN_ISOLATION' })
  await it.host.operator.register({ ...plugin, isolation: 'sandbox' })
  await it.host.operator.mount('kv', { type: 'kv' })
})

test('of many who mount at one path at once one gets it', async (t) => {
  const it = await world(t, { kv: KV })
  const outcomes = await Promise.allSettled(
    ['a', 'a', 'a/b', 'a'].map((path) => it.host.operator.mount(path, { type: 'kv' })),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal((await it.store.list('core/mount/')).length, 1)
})
