import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Gateway, token, type Watch } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { allowing, openGateway, secretFile, startAuditedBao, temporaryFolder } from './real.ts'

const skip = await realServersAbsent()
const PATH = 'secret/data/flags'
const EVERY = { everyMs: 1_000 }
/** Far above what a look takes, also on a loaded machine. */
const LIMIT_MS = 20_000

/** Resolves with the next event of that name. */
function next(watch: Watch, event: 'changed' | 'deleted' | 'refused' | 'failing'): Promise<object> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`no ${event} within ${LIMIT_MS} ms`)), LIMIT_MS)
    const listener = (facts: object): void => {
      clearTimeout(limit)
      watch.off(event, listener)
      resolve(facts)
    }
    watch.on(event, listener)
  })
}

function color({ data }: { readonly data: object }): unknown {
  return (data as { readonly data: { readonly color: string } | null }).data?.color
}

test('the versions of a secret are followed: written, deleted, undeleted, destroyed, removed', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const { gateway, entries } = await openGateway(t, bao, { policies: [allowing(['secret/data/*'])] })
  const flags = await gateway.watch(PATH, EVERY)
  assert.deepEqual([flags.version, color(flags.current())], [1, 'red'])

  const changed = next(flags, 'changed')
  await bao.root('POST', PATH, { data: { color: 'blue' } })
  assert.deepEqual(await changed, { version: 2, previousVersion: 1 })
  assert.equal(color(flags.current()), 'blue')

  const deleted = next(flags, 'deleted')
  await bao.root('DELETE', PATH)
  assert.deepEqual(await deleted, { version: 2 })
  assert.deepEqual([flags.current().status, color(flags.current())], [404, undefined])

  const undeleted = next(flags, 'changed')
  await bao.root('POST', 'secret/undelete/flags', { versions: [2] })
  assert.deepEqual(await undeleted, { version: 2, previousVersion: 2 })
  assert.equal(color(flags.current()), 'blue')

  const destroyed = next(flags, 'deleted')
  await bao.root('POST', 'secret/destroy/flags', { versions: [2] })
  assert.deepEqual(await destroyed, { version: 2 })

  const written = next(flags, 'changed')
  await bao.root('POST', PATH, { data: { color: 'green' } })
  assert.deepEqual(await written, { version: 3, previousVersion: 2 })

  const removed = next(flags, 'deleted')
  await bao.root('DELETE', 'secret/metadata/flags')
  await removed
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })

  const anew = next(flags, 'changed')
  await bao.root('POST', PATH, { data: { color: 'white' } })
  assert.deepEqual(await anew, { version: 1, previousVersion: 3 })
  const text = JSON.stringify(entries())
  for (const value of ['red', 'blue', 'green', 'white']) assert.equal(text.includes(`"${value}"`), false)
})

test('a right that the server takes away withdraws the value, and one it gives brings it back', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const grant = (path: string): Promise<unknown> =>
    bao.root('PUT', 'sys/policies/acl/flags', { policy: `path "${path}" { capabilities = ["read"] }` })
  await grant(PATH)
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['flags'] })
  const { gateway } = await openGateway(t, bao, { auth: token({ token: body.auth.client_token }) })
  const flags = await gateway.watch(PATH, EVERY)

  const refused = next(flags, 'refused')
  await grant('secret/data/other')
  assert.deepEqual(await refused, { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })

  const back = next(flags, 'changed')
  await grant(PATH)
  await back
  assert.equal(color(flags.current()), 'red')
})

test('while the server is away the last value is served as stale, and the watch comes back with it', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const way = await startWay(t, bao.address)
  const { gateway } = await openGateway(t, bao, { server: { address: way.address, maxRetries: 0 } })
  const flags = await gateway.watch(PATH, EVERY)

  const failing = next(flags, 'failing')
  await way.close()
  assert.deepEqual(await failing, { code: 'ERR_PORTCULLIS_SERVER_UNREACHABLE' })
  const stale = flags.current()
  assert.deepEqual([stale.source, color(stale)], ['stale', 'red'])
  await wait(300)
  assert.ok(flags.current().verifiedMs >= stale.verifiedMs + 290, 'and its age grows')

  await bao.root('POST', PATH, { data: { color: 'blue' } })
  const changed = next(flags, 'changed')
  await way.open()
  assert.deepEqual(await changed, { version: 2, previousVersion: 1 })
  assert.deepEqual([flags.current().source, color(flags.current())], ['cache', 'blue'])
})

test('many watches of a path are one request a look at the server', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const { gateway, entries } = await openGateway(t, bao)
  const scopes = Array.from({ length: 20 }, (_, i) => gateway.as({ component: `c${i}` }))
  const watches = await Promise.all(scopes.flatMap((scope) => [scope.watch(PATH, EVERY), scope.watch(PATH, EVERY)]))
  const reads = (): number => bao.requestsOn(PATH).filter(({ request }) => request.operation === 'read').length
  assert.equal(reads(), 1)
  await bao.root('POST', PATH, { data: { color: 'blue' } })
  const seen = watches.map((watch) => next(watch, 'changed'))
  await Promise.all(seen)
  await gateway.close()
  // How many looks went by is the machine's affair: each was recorded for 20 callers, and sent once.
  const recorded = entries().filter(({ type, request }) => type === 'response' && request.path === PATH)
  assert.equal(recorded.length, reads() * 20)
})

test('what cannot be watched is refused at once: KV v1, another engine, another name, no right', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
  await bao.root('POST', 'old/data/flags', { color: 'red' })
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  const { gateway } = await openGateway(t, bao)
  const code = (path: string): Promise<string> => gateway.watch(path).then(String, (error) => error.code)
  assert.equal(await code('old/data/flags'), 'ERR_PORTCULLIS_WATCH_UNSUPPORTED')
  assert.equal(await code('transit/data/flags'), 'ERR_PORTCULLIS_WATCH_UNSUPPORTED')
  assert.equal(await code('secret/flags'), 'ERR_PORTCULLIS_WATCH_UNSUPPORTED')
  assert.equal(await code('secret/data/missing'), 'ERR_PORTCULLIS_SERVER_NOT_FOUND')
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['default'] })
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const visitor: Gateway = gateway.as({ user: 'u' }, { token: body.auth.client_token })
  await assert.rejects(visitor.watch(PATH), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
})

test('a watch does not keep the process alive', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', PATH, { data: { color: 'red' } })
  const script = `
    const { createGateway, file, token } = await import('portcullis')
    const gateway = await createGateway({
      server: { address: process.argv[1] },
      auth: token({ tokenFile: process.argv[2] }),
      dangerouslyAllowEverything: true,
      audit: { devices: [file(process.argv[3])] },
    })
    const flags = await gateway.watch('${PATH}', { everyMs: 1_000 })
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    console.log('version', flags.version)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['-C', 'portcullis-source', '--input-type=module', '-e', script],
      ...[bao.address, secretFile(t, bao.rootToken), join(temporaryFolder(t), 'audit.jsonl')],
    ],
    { cwd: new URL('../..', import.meta.url), timeout: 30_000 },
  )
  assert.equal(stdout, 'version 1\n')
})

/** A way to the server that can be cut: no connection is taken, those that are open end. */
interface Way {
  readonly address: string
  open(): Promise<void>
  close(): Promise<void>
}

async function startWay(t: TestContext, address: string): Promise<Way> {
  const { hostname, port } = new URL(address)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => {
    const upstream = keep(connect(Number(port), hostname))
    keep(socket).pipe(upstream).pipe(socket)
  })
  const listen = (at: number): Promise<void> => new Promise((resolve) => server.listen(at, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(0)
  t.after(close)
  const own = (server.address() as AddressInfo).port
  return { address: `http://127.0.0.1:${own}`, open: () => listen(own), close }
}
