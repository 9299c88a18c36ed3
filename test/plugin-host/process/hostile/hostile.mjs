// A plugin that misbehaves on purpose: argv[2] says how it starts, the path of a request what it does then.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { certificateField, createCertificate } from '../../../../lib/plugin-host/wire/certificate.ts'
import * as services from '../../../../lib/plugin-host/wire/gen/services.ts'
import { openChannel } from '../../../../lib/plugin-host/wire/grpc/channel.ts'
import { createGrpcServer } from '../../../../lib/plugin-host/wire/grpc/server.ts'

const [mode = 'good', detail = ''] = process.argv.slice(2)
const versions = (process.env.PLUGIN_PROTOCOL_VERSIONS ?? '').split(',')
const hostCert = process.env.PLUGIN_CLIENT_CERT ?? ''
const socket = join(process.env.PLUGIN_UNIX_SOCKET_DIR ?? '/nowhere', 'plugin1')
const forever = () => new Promise(() => setInterval(() => {}, 60_000))

if (mode === 'exit-0') process.exit(0)
if (mode === 'silent') await forever()
if (mode === 'garbage') await say('hello, I am a plugin')
if (mode === 'long-line') await say('x'.repeat(65 * 1024))
if (mode === 'no-newline') {
  writeSync(1, '1|5|unix')
  process.exit(3)
}
if (mode === 'ignore-sigterm') for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {})

const certificate = await createCertificate()
const field = certificateField(certificate)
if (mode === 'padded') await say(`1|${versions[0]}|unix|${socket}|grpc|${field}=`)
if (mode === 'version') await say(`1|${detail}|unix|${socket}|grpc|${field}`)
if (mode === 'no-certificate') await say(`1|${versions[0]}|unix|${socket}|grpc|`)
if (mode === 'elsewhere') await say(`1|${versions[0]}|unix|/tmp/elsewhere.sock|grpc|${field}`)
if (mode === 'linked') {
  symlinkSync(detail, socket)
  await say(`1|${versions[0]}|unix|${socket}|grpc|${field}`)
}
if (mode === 'nobody-listens') await say(`1|${versions[0]}|unix|${socket}|grpc|${field}`)

async function say(line) {
  writeSync(1, `${line}\n`)
  await forever()
}

const crashesIn = (name) => {
  if (mode === 'crash-in' && detail === name) process.exit(66)
}

const offers = new Map()
const waiting = new Map()
let storage
let fill

const tls = mode === 'other-certificate' ? await createCertificate() : certificate
const server = createGrpcServer({ tls: { ca: hostCert, cert: tls.certPem, key: tls.keyPem } })
const raw = { encode: (bytes, writer) => Object.assign(writer, { finish: () => bytes }), decode: (bytes) => bytes }

server.add(services.GRPCBrokerService, {
  // biome-ignore lint/correctness/useYield: a plugin has nothing to offer of its own.
  async *startStream(messages) {
    crashesIn('StartStream')
    for await (const { serviceId, address } of messages) {
      offers.set(serviceId, address)
      waiting.get(serviceId)?.()
    }
  },
})
server.add(services.GRPCControllerService, {
  shutdown: () => {
    crashesIn('Shutdown')
    if (mode !== 'ignore-sigterm') setTimeout(() => process.exit(0), 10)
    return {}
  },
})
server.add(services.PluginMultiplexingService, {
  multiplexingSupport: () => {
    crashesIn('MultiplexingSupport')
    return { supported: mode === 'shared' }
  },
})
server.add(services.PluginVersionService, { version: () => ({ pluginVersion: 'v6.6.6' }) })

async function dial(brokerId) {
  if (!offers.has(brokerId)) await new Promise((resolve) => waiting.set(brokerId, resolve))
  const own = { ca: hostCert, cert: certificate.certPem, key: certificate.keyPem }
  return openChannel({ path: offers.get(brokerId) }, { tls: own })
}

const stores = new Map()
server.add(services.BackendService, {
  setup: async ({ brokerId }, call) => {
    crashesIn('Setup')
    if (mode === 'hang-in' && detail === 'Setup') await forever()
    if (mode === 'refuse-set-up') return { err: `no, because of ${hostCert.length} secrets: s3cret` }
    storage = await dial(brokerId)
    stores.set(call.metadata('multiplex_id'), storage)
    return { err: '' }
  },
  type: () => {
    crashesIn('Type')
    return { type: mode === 'auth' ? 2 : 1 }
  },
  specialPaths: () => {
    crashesIn('SpecialPaths')
    return {
      paths: {
        root: ['root/*'],
        unauthenticated: ['login'],
        localStorage: [],
        sealWrapStorage: [],
        writeForwardedStorage: [],
        binary: [],
        limited: [],
        allowSnapshotRead: [],
      },
    }
  },
  initialize: () => {
    crashesIn('Initialize')
    return { err: undefined }
  },
  handleExistenceCheck: () => {
    crashesIn('HandleExistenceCheck')
    return { checkFound: true, exists: false, err: undefined }
  },
  invalidateKey: () => {
    crashesIn('InvalidateKey')
    return {}
  },
  cleanup: () => {
    crashesIn('Cleanup')
    return {}
  },
  handleRequest: async ({ request }, call) => {
    crashesIn('HandleRequest')
    const act = ACTS[request.path] ?? ACTS.echo
    return answer(await act(request, stores.get(call.metadata('multiplex_id')) ?? storage))
  },
})
// What is no message at all, for `nonsense`.
server.add(
  { nonsense: { ...services.BackendService.handleRequest, reply: raw } },
  mode === 'nonsense' ? { nonsense: () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x07]) } : {},
)

const answer = (value) => ({
  response: {
    secret: undefined,
    auth: undefined,
    data: typeof value === 'string' ? value : JSON.stringify(value),
    redirect: '',
    warnings: [],
    wrapInfo: undefined,
    headers: new Map(),
    mountType: '',
  },
  err: undefined,
  walIndex: undefined,
})

const ACTS = {
  echo: ({ operation, path }) => ({ operation, path, pid: process.pid, mode }),
  environment: () => ({ ...process.env }),
  crash: () => process.exit(66),
  panic: () => {
    writeSync(2, 'panic: runtime error\n\ngoroutine 1 [running]:\n')
    process.exit(2)
  },
  abort: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => forever(),
  big: () => `{"big":"${'x'.repeat(100 * 1024 * 1024)}"}`,
  eat: () => {
    fill = []
    for (;;) fill.push(Buffer.alloc(1024 * 1024, 1))
  },
  'bad-log': () => {
    writeSync(2, '{"@level":"info","@message":5}\n{"@level":7,"@timestamp":[],"@message":{"a":1}}\n')
    return {}
  },
  flood: () => {
    spawn('yes', [`{"@level":"error","@message":"${'flood'.repeat(10)}"}`], { stdio: ['ignore', 2, 2] })
    return {}
  },
  'flood-stdout': () => {
    spawn('yes', ['x'.repeat(100_000)], { stdio: ['ignore', 1, 2] })
    return {}
  },
  fork: () => ({ pid: spawn('sleep', ['1000'], { stdio: 'inherit', detached: true }).pid }),
  'fork-scrubbed': ({ data }) => ({
    pid: spawn('sleep', [String(JSON.parse(data).seconds ?? 1000)], { stdio: 'ignore', detached: true, env: {} }).pid,
  }),
  put: async ({ data }, store) => {
    const { key, value } = JSON.parse(data)
    return store.unary(services.StorageService.put, {
      entry: { key, value: Buffer.from(value), sealWrap: false },
      txn: '',
    })
  },
  get: async ({ data }, store) => {
    const { entry, err } = await store.unary(services.StorageService.get, { key: JSON.parse(data).key, txn: '' })
    return { value: entry === undefined ? null : Buffer.from(entry.value).toString(), err }
  },
  'put-large': async ({ data }, store) => {
    const entry = { key: 'large', value: Buffer.alloc(JSON.parse(data).bytes), sealWrap: false }
    return store.unary(services.StorageService.put, { entry, txn: '' })
  },
  /** By RPC on the sockets of others, by their files, by `/proc`. */
  steal: async ({ data }) => {
    const { files = [], folders = [], pids = [], sockets = [], writes = [] } = JSON.parse(data)
    const own = { ca: hostCert, cert: certificate.certPem, key: certificate.keyPem }
    const tried = {}
    for (const path of files) tried[path] = attempt(() => readFileSync(path, 'latin1'))
    for (const path of folders) tried[path] = attempt(() => readdirSync(path).join())
    for (const path of writes) tried[`write ${path}`] = attempt(() => writeFileSync(path, 'evil'))
    for (const pid of pids) {
      for (const file of ['environ', 'cmdline', 'maps']) {
        tried[`${pid} ${file}`] = attempt(() => readFileSync(`/proc/${pid}/${file}`, 'latin1').slice(0, 100_000))
      }
      tried[`kill ${pid}`] = attempt(() => String(process.kill(pid, 0)))
    }
    for (const path of sockets) {
      tried[path] = await openChannel({ path }, { tls: own, connectTimeoutMs: 2000 }).then(
        (channel) =>
          channel.unary(services.StorageService.get, { key: 'secret', txn: '' }, { timeoutMs: 2000 }).then(
            ({ entry }) => `GOT ${entry === undefined ? '' : Buffer.from(entry.value).toString()}`,
            (error) => `refused: ${error.message}`,
          ),
        (error) => `refused: ${error.message}`,
      )
    }
    return tried
  },
  hash: () => ({
    self: createHash('sha256').update(readFileSync(process.argv[1])).digest('hex'),
    path: process.argv[1],
  }),
}

function attempt(run) {
  try {
    return `GOT ${run()}`
  } catch (error) {
    return `refused: ${error.code}`
  }
}

const address = { path: socket }
await server.listen(address)
writeSync(1, `1|${versions.at(-1)}|unix|${address.path}|grpc|${field}\n`)
if (mode === 'two-lines') writeSync(1, `1|3|unix|/elsewhere|netrpc|\n${'y'.repeat(200_000)}\n`)
if (mode === 'close-output') process.stdout.destroy()
if (mode === 'exit-after-handshake') process.exit(0)
