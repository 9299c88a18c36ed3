import { logs } from '@opentelemetry/api'
import { logs as oldLogs } from '@opentelemetry/api-logs'
import {
  type AuditDevice,
  type AuditDeviceOptions,
  type AuditEntry,
  type AuthMethod,
  type AwsOptions,
  appRole,
  type CustomLogin,
  callback,
  createGateway,
  type Emitter,
  file,
  type Gateway,
  type GatewayOptions,
  type Login,
  otel,
  type PasswordOptions,
  type ServerOptions,
  seal,
  type TokenGrant,
  type Transport,
  token,
  unseal,
} from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

const audit = { devices: [file('audit.jsonl'), otel()] }
const auth = token({ token: 'hvs.x' })

/** What `createGateway` takes. Only compiled. */
export async function accepted(transport: Transport): Promise<void> {
  const gateway = await createGateway({ auth, audit })
  await createGateway({ auth, audit, server: { address: 'https://vault:8200', namespaces: ['a'], proxy: false } })
  await createGateway({ auth, audit, server: transport, policies: [{ policy: 'a', rules: [] }] })
  await createGateway({ auth: appRole({ roleId: 'r', secretIdFile: 's' }), audit, policies: './policies' })
  await createGateway({ auth, audit, caller: { service: 'orders', tags: ['a'], canary: true, shard: 7 } })
  expectTypes<[Equal<typeof gateway, Gateway>]>()
}

/** What it refuses. */
export function refused(options: GatewayOptions, server: ServerOptions): void {
  // @ts-expect-error: nothing passes unrecorded
  void createGateway({ auth })
  // @ts-expect-error: a way to get a token is needed
  void createGateway({ audit })
  // @ts-expect-error: no such option
  void createGateway({ auth, audit, allowEverything: true })
  // @ts-expect-error: devices are a list
  void createGateway({ auth, audit: { devices: file('audit.jsonl') } })
  // @ts-expect-error: units live in names
  void createGateway({ auth, audit, server: { timeout: 5 } })
  // @ts-expect-error: a proxy is a URL or false
  void createGateway({ auth, audit, server: { proxy: true } })
  // @ts-expect-error: one of three words
  void createGateway({ auth, audit, server: { readAfterWrite: 'always' } })
  // @ts-expect-error: bytes, not text
  void createGateway({ auth, audit: { ...audit, key: 'secret' } })
  // @ts-expect-error: options are readonly
  options.maxInFlight = 1
  // @ts-expect-error: so are those of the server
  server.address = 'https://elsewhere'
  // @ts-expect-error: and lists in them
  server.namespaces?.push('a')
}

/** A login of the user's own: any object of this shape. */
export const ownMethod: AuthMethod = {
  method: 'jwt',
  async login({ send, readText }): Promise<Login> {
    const jwt = await readText('/var/run/secrets/token')
    const answer = await send({ operation: 'write', path: 'auth/jwt/login', data: { role: 'orders', jwt } })
    if (answer.auth === undefined) throw new Error('no token')
    return { grant: answer.auth, owned: true }
  },
}

/** A login function of the user's own: gives a token, or the answer of a login. */
export const ownLogins: readonly CustomLogin[] = [
  ({ send, variable }) => send({ operation: 'write', path: 'auth/x/login', data: { jwt: variable('JWT') ?? '' } }),
  async () => ({ token: seal('hvs.x'), ttlMs: 60_000, owned: true }),
  // @ts-expect-error: milliseconds are a number
  () => ({ token: 'hvs.x', ttlMs: '1h' }),
]

/** Keys as the provider of an AWS SDK gives them. */
export const ownKeys: AwsOptions = {
  credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b', expiration: new Date(0) }),
}

// @ts-expect-error: a user name is needed
export const noName: PasswordOptions = { password: 'x' }

/** A way of the user's own to the server: it alone opens the token. */
export const ownTransport: Pick<Transport, 'send'> = {
  async send(request, { signal, timeoutMs }) {
    const header = request.token === undefined ? '' : unseal(request.token)
    expectTypes<
      [Equal<typeof header, string>, Equal<typeof signal, AbortSignal | undefined>, Equal<typeof timeoutMs, number>]
    >()
    // @ts-expect-error: sealed until it is sent
    request.token satisfies string | undefined
    throw new Error('only compiled')
  },
}

/** A token that came by another way. */
export const ownGrant: Pick<TokenGrant, 'token' | 'accessor'> = { token: seal('hvs.x'), accessor: seal('') }

/** A device of the user's own. */
export const ownDevice: AuditDevice = {
  name: 'mine',
  async open(): Promise<void> {},
  write(records): void {
    for (const { entry } of records) {
      if (entry.type !== 'gap') expectTypes<[Equal<typeof entry, AuditEntry>]>()
    }
  },
  async close(): Promise<void> {},
}

/** The same as an option, with what is asked of it. */
export const ownDeviceOptions: AuditDeviceOptions = {
  device: ownDevice,
  required: true,
  timeoutMs: 1000,
  queueSize: 100,
}

/** A logger of either OpenTelemetry line is taken as it is. */
export const ownLoggers: readonly Emitter[] = [logs.getLogger('app'), oldLogs.getLogger('app')]
export const ownLogger: AuditDeviceOptions = otel({ logger: logs.getLogger('app'), name: 'own' })

/** A function as a device. */
export const ownFunction: AuditDeviceOptions = callback('mine', async (entry) => {
  expectTypes<[Equal<(typeof entry)['type'], 'request' | 'response' | 'event' | 'gap'>]>()
})

// @ts-expect-error: a token comes from somewhere
export const noLogin: AuthMethod = { method: 'jwt' }

// @ts-expect-error: a grant holds its token sealed, so that nothing can log it
export const bareToken: Login = { owned: true, grant: { token: 'hvs.x' } }
