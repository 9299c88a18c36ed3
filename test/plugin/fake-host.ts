import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Plugin } from 'portcullis/plugin'
import { createMemoryHost, type MemoryHost } from 'portcullis/plugin/testing'
import { readLaunchEnvironment } from '../../lib/plugin/serve/environment.ts'
import { createLog } from '../../lib/plugin/serve/log.ts'
import { type PluginProcess, startPluginProcess } from '../../lib/plugin/serve/plugin-process.ts'
import { certificateOfField, createCertificate } from '../../lib/plugin-host/wire/certificate.ts'
import type { Request } from '../../lib/plugin-host/wire/gen/backend.ts'
import type { ConnInfo } from '../../lib/plugin-host/wire/gen/plugin.ts'
import {
  BackendService,
  GRPCBrokerService,
  StorageService,
  SystemViewService,
} from '../../lib/plugin-host/wire/gen/services.ts'
import { type Channel, type DuplexCall, openChannel } from '../../lib/plugin-host/wire/grpc/channel.ts'
import type { MutualTls } from '../../lib/plugin-host/wire/grpc/connect.ts'
import { createGrpcServer } from '../../lib/plugin-host/wire/grpc/server.ts'
import { requestToWire } from '../../lib/plugin-host/wire/request.ts'

export const BACKEND_COOKIE = '6669da05-b1c8-4f49-97d9-c8e5bed98e20'
export const DATABASE_COOKIE = '926a0820-aea2-be28-51d6-83cdf00e8edb'

/** How the little host starts its plugin. */
export interface FakeHostOptions {
  readonly tls?: boolean
  readonly multiplexing?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Answers OpenBao's storage calls too. */
  readonly isOpenBao?: boolean
}

/** A host on real sockets, with no more than a plugin needs; the plugin is in this process. */
export interface FakeHost {
  readonly running: PluginProcess
  readonly channel: Channel
  readonly memory: MemoryHost
  readonly lines: string[]
  readonly broker: DuplexCall<ConnInfo, ConnInfo>
  /** Sets a mount up; answers what the plugin said. */
  setup(id: string, config?: Readonly<Record<string, string>>): Promise<string>
  handle(
    id: string,
    request: Partial<Request>,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<{ readonly status: string; readonly data: unknown }>
}

/** Starts `plugins` and connects to them, for the time of `t`. */
export async function startFakeHost(
  t: TestContext,
  plugins: readonly Plugin[],
  options: FakeHostOptions = {},
): Promise<FakeHost> {
  const folder = mkdtempSync(join(tmpdir(), 'fake-host-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const lines: string[] = []
  const own = options.tls === false ? undefined : await createCertificate()
  const isDatabase = plugins.every(({ type }) => type === 'database')
  const launch = readLaunchEnvironment({
    ...(isDatabase ? { VAULT_DATABASE_PLUGIN: DATABASE_COOKIE } : { VAULT_BACKEND_PLUGIN: BACKEND_COOKIE }),
    PLUGIN_PROTOCOL_VERSIONS: isDatabase ? '5,6' : '5',
    PLUGIN_UNIX_SOCKET_DIR: folder,
    ...(own === undefined ? {} : { PLUGIN_CLIENT_CERT: own.certPem }),
    ...options.env,
  })
  const isMultiplexing = options.multiplexing ?? true
  const log = createLog('test', (line) => void lines.push(line))
  const running = await startPluginProcess({ plugins, launch, isMultiplexing, log })
  t.after(() => running.close())
  const certificate = certificateOfField(running.line.split('|')[5] ?? '')
  const tls = own && { ca: certificate ?? '', cert: own.certPem, key: own.keyPem }
  const channel = await openChannel(running.address, tls === undefined ? {} : { tls })
  t.after(() => channel.close())
  const broker = channel.duplex(GRPCBrokerService.startStream)
  void drain(broker.messages)
  const memory = createMemoryHost()
  let nextId = 1
  return {
    running,
    channel,
    memory,
    lines,
    broker,
    async setup(id, config = {}) {
      const brokerId = nextId
      nextId += 1
      const address = await serveHost(t, join(folder, `host${brokerId}`), memory, tls, options.isOpenBao ?? true)
      await broker.send({ serviceId: brokerId, network: 'unix', address, knock: undefined })
      const args = { brokerId, Config: new Map(Object.entries(config)), backendUUID: `uuid-${id}` }
      return (await channel.unary(BackendService.setup, args, metadata(id))).err
    },
    async handle(id, request, options = {}) {
      const args = { storageId: 0, request: { ...EMPTY, ...request } }
      const { response, err } = await channel.unary(BackendService.handleRequest, args, {
        ...metadata(id),
        ...options,
      })
      return {
        status: err === undefined ? 'ok' : `${err.errType} ${err.errMsg}`,
        data: response === undefined ? undefined : JSON.parse(response.data),
      }
    },
  }
}

export function metadata(id: string): { readonly metadata: Readonly<Record<string, string>> } {
  return { metadata: id === '' ? {} : { multiplex_id: id } }
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {}
}

const EMPTY: Request = requestToWire({
  id: 'r1',
  operation: 'read',
  path: '',
  data: 'null',
  clientToken: '',
  clientTokenAccessor: '',
  displayName: '',
  mountPoint: 'test/',
  mountType: '',
  mountAccessor: '',
  entityId: '',
  unauthenticated: false,
  remoteAddress: '10.0.0.1',
  wrapTtlMs: 0,
})

async function serveHost(
  t: TestContext,
  path: string,
  { storage, system }: MemoryHost,
  tls: MutualTls | undefined,
  isOpenBao: boolean,
): Promise<string> {
  const server = createGrpcServer(tls === undefined ? {} : { tls })
  t.after(() => server.close(0))
  const told = async <T extends object>(work: () => Promise<T>): Promise<T & { err: string }> => ({
    err: '',
    ...(await work()),
  })
  server.add(StorageService, {
    get: async ({ key, txn }) => {
      const value = await storage.get(key, txn)
      return { entry: value === undefined ? undefined : { key, value, sealWrap: false }, err: '' }
    },
    put: async ({ entry, txn }) => {
      assert.ok(entry !== undefined)
      if (entry.key === 'readonly') return { err: 'cannot write to readonly storage', walIndex: undefined }
      await storage.put(entry.key, entry.value, entry.sealWrap, txn)
      return { err: '', walIndex: undefined }
    },
    delete: async ({ key, txn }) => {
      await storage.delete(key, txn)
      return { err: '', walIndex: undefined }
    },
    list: ({ prefix, txn }) =>
      told(async () => ({ keys: [...(await storage.list(prefix, { after: '', limit: Infinity }, txn))] })),
    ...(isOpenBao
      ? {
          listPage: ({ prefix, after, limit, txn }) =>
            told(async () => ({ keys: [...(await storage.list(prefix, { after, limit }, txn))] })),
          isTransactional: () => ({ transactional: true }),
          beginTx: async () => ({ txn: (await storage.begin()) ?? '', err: '' }),
          commit: ({ txn }) => told(async () => ({ done: await storage.commit(txn) })),
          rollback: ({ txn }) => told(async () => ({ done: await storage.rollback(txn) })),
        }
      : {}),
  })
  server.add(SystemViewService, {
    // 120 days in nanoseconds: more than a number holds.
    maxLeaseTtl: () => ({ TTL: 10_368_000_000_000_000n }),
    defaultLeaseTtl: async () => ({ TTL: BigInt(await system.defaultLeaseTtlMs()) * 1_000_000n }),
  })
  await server.listen({ path })
  return path
}
