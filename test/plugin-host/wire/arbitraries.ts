import fc from 'fast-check'
import type {
  BackendAlias,
  BackendAuth,
  BackendError,
  BackendReply,
  BackendRequest,
  BackendResponse,
  BackendSecret,
} from '../../../lib/model/backend.ts'

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
}

/** Text that UTF-8 can carry, names such as `__proto__` among it. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', ''),
)
const texts = fc.array(text, { maxLength: 3 })
/** Whole milliseconds, up to 292 years. */
const ms = fc.oneof(fc.constantFrom(0, 1, 2_764_800_000, 9_000_000_000_000), fc.integer({ min: 0, max: 9e12 }))
const moment = fc.option(fc.integer({ min: 0, max: 253_402_300_799_000 }), { nil: undefined })
const json = fc.oneof(fc.constantFrom('null', '{}'), fc.json())
const dictionary = fc.array(fc.tuple(text, text), { maxLength: 3 }).map((entries) => Object.fromEntries(entries))
const header = fc.constantFrom('X-Forwarded-For', 'Accept', 'User-Agent', 'X-A-1')
const headers = fc.dictionary(header, texts, { maxKeys: 3, noNullPrototype: true })

const lease = { ttlMs: ms, maxTtlMs: ms, renewable: fc.boolean(), incrementMs: ms, issuedAtMs: moment }
const alias: fc.Arbitrary<BackendAlias> = record({ name: text, metadata: dictionary })
const secret: fc.Arbitrary<BackendSecret> = record({ ...lease, internalData: json, leaseId: text })
const auth: fc.Arbitrary<BackendAuth> = record({
  ...lease,
  internalData: json,
  displayName: text,
  policies: texts,
  metadata: dictionary,
  periodMs: ms,
  numUses: fc.maxSafeNat(),
  explicitMaxTtlMs: ms,
  alias: fc.option(alias, { nil: undefined }),
  groupAliases: fc.array(alias, { maxLength: 2 }),
  boundCidrs: texts,
  tokenType: fc.constantFrom('default', 'service', 'batch', 'default-service', 'default-batch'),
  noDefaultPolicy: fc.boolean(),
})

function present<T, K extends keyof T>(value: T, ...names: readonly K[]): T {
  const copy = { ...value }
  for (const name of names) if (copy[name] === undefined) delete copy[name]
  return copy
}

const operation = fc.constantFrom(
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
  'help',
  'renew',
  'revoke',
)

export const request: fc.Arbitrary<BackendRequest> = record({
  id: text,
  operation,
  path: text,
  data: json,
  secret: fc.option(secret, { nil: undefined }),
  auth: fc.option(auth, { nil: undefined }),
  headers: fc.option(
    headers.filter((each) => Object.keys(each).length > 0),
    { nil: undefined },
  ),
  clientToken: text,
  clientTokenAccessor: text,
  displayName: text,
  mountPoint: text,
  mountType: text,
  mountAccessor: text,
  entityId: text,
  unauthenticated: fc.boolean(),
  remoteAddress: text,
  wrapTtlMs: ms,
}).map((value) => present(value, 'secret', 'auth', 'headers') as BackendRequest)

const response: fc.Arbitrary<BackendResponse> = record({
  secret: fc.option(secret, { nil: undefined }),
  auth: fc.option(auth, { nil: undefined }),
  data: json,
  redirect: text,
  warnings: texts,
  wrapTtlMs: ms,
  headers,
}).map((value) => present(value, 'secret', 'auth') as BackendResponse)

/** Those whose words are fixed have them. */
export const error: fc.Arbitrary<BackendError> = fc.oneof(
  record({
    kind: fc.constantFrom('other', 'user', 'internal', 'bad-request'),
    message: text,
    status: fc.constant(0),
  }),
  record({ kind: fc.constant('coded' as const), message: text, status: fc.integer({ min: 400, max: 599 }) }),
  fc.constantFrom<BackendError>(
    { kind: 'unsupported-operation', message: 'unsupported operation', status: 0 },
    { kind: 'unsupported-path', message: 'unsupported path', status: 0 },
    { kind: 'invalid-request', message: 'invalid request', status: 0 },
    { kind: 'permission-denied', message: 'permission denied', status: 0 },
    { kind: 'needs-approval', message: 'request needs further approval', status: 0 },
    { kind: 'unrecoverable', message: 'unrecoverable error', status: 0 },
  ),
)

export const reply: fc.Arbitrary<BackendReply> = record({
  response: fc.option(response, { nil: undefined }),
  error: fc.option(error, { nil: undefined }),
}).map((value) => present(value, 'response', 'error') as BackendReply)
