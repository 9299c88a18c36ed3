// A plugin that attacks what its host serves to it: the path of a request says how.
import { existsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Server } from 'node:tls'
import { certificateField, createCertificate } from '../../../../lib/plugin-host/wire/certificate.ts'
import * as services from '../../../../lib/plugin-host/wire/gen/services.ts'
import { openChannel } from '../../../../lib/plugin-host/wire/grpc/channel.ts'
import { createGrpcServer } from '../../../../lib/plugin-host/wire/grpc/server.ts'
import { flood, floodBack, hold } from './floods.mjs'

const hostCert = process.env.PLUGIN_CLIENT_CERT ?? ''
const path = join(process.env.PLUGIN_UNIX_SOCKET_DIR ?? '/nowhere', 'plugin1')
const certificate = await createCertificate()
const own = { ca: hostCert, cert: certificate.certPem, key: certificate.keyPem }
/** Over which the host calls, to write on them what no server would. */
const sockets = []
const { emit } = Server.prototype
Server.prototype.emit = function (name, ...rest) {
  if (name === 'secureConnection') sockets.push(rest[0])
  return emit.call(this, name, ...rest)
}
const server = createGrpcServer({ tls: own })
const offered = Promise.withResolvers()
let storage

server.add(services.GRPCBrokerService, {
  // biome-ignore lint/correctness/useYield: a plugin has nothing to offer of its own.
  async *startStream(messages) {
    for await (const { address } of messages) offered.resolve(address)
  },
})
server.add(services.GRPCControllerService, {
  shutdown: () => {
    setTimeout(() => process.exit(0), 10)
    return {}
  },
})
server.add(services.BackendService, {
  setup: async () => {
    storage = await openChannel({ path: await offered.promise }, { tls: own })
    return { err: '' }
  },
  type: () => ({ type: 1 }),
  specialPaths: () => ({ paths: undefined }),
  initialize: () => ({ err: undefined }),
  cleanup: () => ({}),
  handleRequest: async ({ request }) => {
    const asked = JSON.parse(request.data) ?? {}
    return answer(await ACTS[request.path](asked))
  },
})

let isReading = false
const { get, put, delete: remove, list, listPage, beginTx, rollback } = services.StorageService

const ACTS = {
  socket: async () => ({ path: await offered.promise }),
  put: ({ key, text }) => storage.unary(put, entryOf(key, Buffer.from(text))),
  list: async ({ prefix, page, inTransaction }) => {
    const { txn } = inTransaction ? await storage.unary(beginTx, {}) : { txn: '' }
    const once = (after) =>
      page === undefined
        ? storage.unary(list, { prefix, txn }, LONG)
        : storage.unary(listPage, { prefix, after, limit: page, txn }, LONG)
    let names = 0
    let pages = 0
    let last = ''
    try {
      for (;;) {
        const { keys, err } = await once(last)
        if (err !== '') return { err, names, pages }
        names += keys.length
        pages += 1
        last = keys.at(-1) ?? last
        if (page === undefined || keys.length < page) return { err: '', names, pages, last }
      }
    } finally {
      if (txn !== '') await storage.unary(rollback, { txn })
    }
  },
  /** So many calls at once; how many ended how. */
  gets: ({ count, key }) => counted(count, () => storage.unary(get, { key, txn: '' }, LONG)),
  lists: ({ count, prefix }) => counted(count, () => storage.unary(list, { prefix, txn: '' }, LONG)),
  puts: ({ count, keys = count, bytes }) => {
    const value = Buffer.alloc(bytes, 'x')
    return counted(count, (at) => storage.unary(put, entryOf(`put/${at % keys}`, value), LONG))
  },
  /** Deletes in one transaction what was put, and lists what that leaves. */
  'delete and list': async ({ keys, prefix }) => {
    const { txn } = await storage.unary(beginTx, {})
    await Promise.all(keys.map((key) => storage.unary(remove, { key, txn }, LONG)))
    const { keys: left, err } = await storage.unary(list, { prefix, txn }, LONG)
    await storage.unary(rollback, { txn })
    return { left: left.length, err }
  },
  /** Reads one after the other until it is told to stop. */
  'read on': async ({ key }) => {
    const told = { calls: 0, longestMs: 0 }
    for (isReading = true; isReading; told.calls += 1) {
      const sinceMs = performance.now()
      await storage.unary(get, { key, txn: '' }, LONG)
      told.longestMs = Math.max(told.longestMs, Math.round(performance.now() - sinceMs))
    }
    return told
  },
  stop: () => {
    isReading = false
    return {}
  },
  flood: async ({ kind, connections = 1, ms }) => {
    const target = { path: await offered.promise, ...own }
    return Promise.all(Array.from({ length: connections }, () => flood(target, kind, ms)))
  },
  'flood back': ({ kind, ms }) => floodBack(sockets.at(-1), kind, ms),
  hold: async ({ connections, isSecure }) => hold({ path: await offered.promise, ...own }, connections, isSecure),
}

const LONG = { timeoutMs: 120_000 }

function entryOf(key, value) {
  return { entry: { key, value, sealWrap: false }, txn: '' }
}

async function counted(count, call) {
  const ends = {}
  const one = async (at) => {
    const end = await call(at).then(
      ({ err = '' }) => err || 'ok',
      (error) => `status ${error.code}`,
    )
    ends[end] = (ends[end] ?? 0) + 1
  }
  await Promise.all(Array.from({ length: count }, (_, at) => one(at)))
  return ends
}

function answer(value) {
  const none = { secret: undefined, auth: undefined, wrapInfo: undefined }
  const response = { ...none, data: JSON.stringify(value), redirect: '', warnings: [], headers: new Map() }
  return { response: { ...response, mountType: '' }, err: undefined, walIndex: undefined }
}

// Hangs before its handshake as long as such a file is there.
while (existsSync(process.env.HANGS_BY ?? '')) await new Promise((resolve) => setTimeout(resolve, 50))
await server.listen({ path })
writeSync(1, `1|5|unix|${path}|grpc|${certificateField(certificate)}\n`)
