import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { NewUser, UpdateUser } from '../../../lib/model/database.ts'
import type { JsonObject } from '../../../lib/model/json.ts'
import { errorFromWire, errorToWire } from '../../../lib/plugin-host/wire/backend-error.ts'
import {
  newUserFromWire,
  newUserToWire,
  updateUserFromWire,
  updateUserToWire,
} from '../../../lib/plugin-host/wire/database.ts'
import {
  HandleRequestReply,
  Paths,
  Request,
  Response,
  Secret,
  SetupArgs,
} from '../../../lib/plugin-host/wire/gen/backend.ts'
import { NewUserRequest, UpdateUserRequest } from '../../../lib/plugin-host/wire/gen/database.ts'
import { Struct } from '../../../lib/plugin-host/wire/gen/google/protobuf/struct.ts'
import { StoragePutArgs } from '../../../lib/plugin-host/wire/gen/storage.ts'
import { canonicalHeader } from '../../../lib/plugin-host/wire/headers.ts'
import {
  existenceFromWire,
  existenceToWire,
  replyFromWire,
  replyToWire,
  specialPathsFromWire,
  specialPathsToWire,
} from '../../../lib/plugin-host/wire/reply.ts'
import { requestFromWire, requestToWire } from '../../../lib/plugin-host/wire/request.ts'
import { setupFromWire, setupToWire } from '../../../lib/plugin-host/wire/setup.ts'
import { changeFromWire, entryFromWire, entryToWire, putToWire } from '../../../lib/plugin-host/wire/storage.ts'
import { structFromWire, structToWire } from '../../../lib/plugin-host/wire/struct.ts'
import {
  entityFromWire,
  entityToWire,
  environmentToWire,
  wrapFromWire,
  wrapToWire,
} from '../../../lib/plugin-host/wire/system-view.ts'
import {
  countFromWire,
  momentFromWire,
  momentToWire,
  msFromWire,
  msToWire,
} from '../../../lib/plugin-host/wire/units.ts'
import * as arbitrary from './arbitraries.ts'

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array<ArrayBuffer> }
  decode(bytes: Uint8Array): T
}

/** A message with these fields, and the others as they are where a peer leaves them out. */
function having<T extends object>(codec: Codec<T>, fields: Partial<T>): T {
  return { ...codec.decode(new Uint8Array(0)), ...fields }
}

/** Through bytes, as a peer would see it. */
function sent<T>(codec: Codec<T>, message: T): T {
  return codec.decode(codec.encode(message).finish())
}

test('a request comes back as it was', () => {
  fc.assert(
    fc.property(arbitrary.request, (request) => {
      assert.deepEqual(requestFromWire(sent(Request, requestToWire(request))), request)
    }),
  )
})

test('a reply comes back as it was', () => {
  fc.assert(
    fc.property(arbitrary.reply, (reply) => {
      assert.deepEqual(replyFromWire(sent(HandleRequestReply, replyToWire(reply))), reply)
    }),
  )
})

test('what Go insists on is always there: JSON text, and moments beside leases and wrappings', () => {
  const [request] = fc.sample(arbitrary.request, { numRuns: 1, seed: 1 })
  assert.ok(request)
  const lease = { ttlMs: 0, maxTtlMs: 0, renewable: false, incrementMs: 0, issuedAtMs: undefined }
  const secret = { ...lease, internalData: '', leaseId: '' }
  const wire = requestToWire({ ...request, data: '', secret })
  assert.equal(wire.data, 'null')
  assert.equal(wire.secret?.internalData, 'null')
  assert.deepEqual(wire.secret?.leaseOptions?.issueTime, { seconds: -62135596800n, nanos: 0 })
  const response = { secret, data: '', redirect: '', warnings: [], wrapTtlMs: 1, headers: {} }
  const answer = replyToWire({ response }).response
  assert.equal(answer?.data, 'null')
  assert.deepEqual(answer?.wrapInfo?.creationTime, { seconds: -62135596800n, nanos: 0 })
  assert.equal(
    replyFromWire({ response: having(Response, {}), err: undefined, walIndex: undefined }).response?.data,
    'null',
  )
  assert.equal(environmentToWire('1.21.4').pluginEnvironment?.vaultVersion, '1.21.4')
})

test('an operation that we do not know is told apart, not passed on', () => {
  for (const operation of ['resolve-path', 'rotate', 'recover', 'header', '', '__proto__'])
    assert.equal(requestFromWire(having(Request, { operation })), undefined)
})

test('kinds of errors keep their numbers, and the fixed texts win over a plugin’s own', () => {
  fc.assert(fc.property(arbitrary.error, (error) => assert.deepEqual(errorFromWire(errorToWire(error)), error)))
  const fixed = Array.from({ length: 12 }, (_, errType) => errorFromWire({ errType, errMsg: 'own', errCode: 403n }))
  assert.deepEqual(
    fixed.map(({ kind, message, status }) => [kind, message, status]),
    [
      ['other', 'own', 0],
      ['user', 'own', 0],
      ['internal', 'own', 0],
      ['coded', 'own', 403],
      ['bad-request', 'own', 0],
      ['unsupported-operation', 'unsupported operation', 0],
      ['unsupported-path', 'unsupported path', 0],
      ['invalid-request', 'invalid request', 0],
      ['permission-denied', 'permission denied', 0],
      ['needs-approval', 'request needs further approval', 0],
      ['unrecoverable', 'unrecoverable error', 0],
      ['other', 'own', 0],
    ],
  )
  for (const errCode of [0n, 200n, -1n, 2n ** 63n - 1n])
    assert.equal(errorFromWire({ errType: 3, errMsg: '', errCode }).status, 500)
})

test('times keep every nanosecond that was given, sign included, and end where the wire does', () => {
  assert.equal(msToWire(2_764_800_000), 2_764_800_000_000_000n)
  assert.equal(msToWire(Infinity), 2n ** 63n - 1n)
  assert.equal(msToWire(Number.NaN), 0n)
  assert.equal(msToWire(1.5), 1_500_000n)
  assert.equal(msFromWire(1n), 1e-6)
  assert.equal(msFromWire(-5_000_000n), -5)
  assert.equal(msFromWire(9_007_199_254_740_993_000_000n), 9_007_199_254_740_992)
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (ns) => {
      const ms = msFromWire(ns)
      assert.ok(Number.isFinite(ms))
      assert.equal(ms === 0, ns === 0n)
      assert.equal(Math.sign(ms), ns === 0n ? 0 : ns > 0n ? 1 : -1)
      assert.ok(Math.abs(countFromWire(ns)) <= Number.MAX_SAFE_INTEGER)
    }),
  )
})

test('moments outside of the calendar are none', () => {
  const moments = fc.record({
    seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    nanos: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  })
  fc.assert(
    fc.property(moments, (moment) => {
      const atMs = momentFromWire(moment)
      if (atMs !== undefined) assert.doesNotThrow(() => new Date(atMs).toISOString())
    }),
  )
  assert.equal(momentFromWire({ seconds: 1n, nanos: 1_000_000_000 }), undefined)
  for (const atMs of [-1, 0, 1, 1_767_225_600_123]) assert.equal(momentFromWire(momentToWire(atMs)), atMs)
  for (const atMs of [Infinity, 1e300]) assert.equal(momentToWire(atMs).seconds, 253_402_300_799n)
  assert.equal(momentFromWire(momentToWire(undefined)), undefined)
})

test('a lease without its moment, a negative one, and a huge one are read', () => {
  const secret = {
    leaseOptions: { TTL: -1n, MaxTTL: 2n ** 63n - 1n, renewable: true, increment: 0n, issueTime: undefined },
  }
  const { response } = replyFromWire(
    sent(
      HandleRequestReply,
      having(HandleRequestReply, { response: having(Response, { secret: having(Secret, secret) }) }),
    ),
  )
  assert.deepEqual(response?.secret, {
    ttlMs: -1e-6,
    maxTtlMs: Number(2n ** 63n - 1n) / 1e6,
    renewable: true,
    incrementMs: 0,
    issuedAtMs: undefined,
    internalData: 'null',
    leaseId: '',
  })
})

test('text that is no UTF-8 is read as replacement characters', () => {
  // Field 3 (data), 3 bytes.
  const response = Response.decode(Uint8Array.of(0x1a, 3, 0xff, 0x61, 0xc0))
  assert.equal(response.data, '\ufffda\ufffd')
})

test('bytes that are no message throw, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const codec of [HandleRequestReply, Request, Struct, UpdateUserRequest]) {
        try {
          codec.decode(bytes)
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }
    }),
    { numRuns: 2_000 },
  )
  const nested = Buffer.concat([...Array(5_000)].flatMap((_, at) => [Buffer.from([0x0a]), varint(40 + at)]))
  assert.throws(() => Struct.decode(nested))
})

test('names of headers are those that Go looks up', () => {
  const cases = {
    'x-forwarded-for': 'X-Forwarded-For',
    'USER-AGENT': 'User-Agent',
    'x--a': 'X--A',
    'a b': 'a b',
    '': '',
    'x_y-z9a': 'X_y-Z9a',
    'sec-ch-ua': 'Sec-Ch-Ua',
  }
  for (const [name, canonical] of Object.entries(cases)) assert.equal(canonicalHeader(name), canonical)
})

test('special paths, existence, set-up, wrapping and entities come back as they were', () => {
  const paths = { root: ['a'], unauthenticated: ['b/*'], localStorage: ['c/'], sealWrapStorage: ['d'] }
  assert.deepEqual(specialPathsFromWire(sent(Paths, specialPathsToWire(paths))), paths)
  assert.deepEqual(specialPathsFromWire(undefined).root, [])
  const existence = { checked: true, exists: false, error: { kind: 'coded', message: 'm', status: 418 } } as const
  assert.deepEqual(existenceFromWire(existenceToWire(existence)), existence)
  assert.deepEqual(existenceFromWire(existenceToWire({ checked: false, exists: true })), {
    checked: false,
    exists: true,
  })
  const mount = {
    type: 'auth',
    pluginName: 'jwt',
    pluginVersion: 'v1.0.0',
    backendUuid: 'u',
    options: JSON.parse('{"version":"2","__proto__":"x"}'),
  } as const
  const args = sent(SetupArgs, setupToWire(mount, 7))
  assert.equal(args.brokerId, 7)
  assert.deepEqual(setupFromWire(args), mount)
  const wrap = { token: 't', accessor: 'a', ttlMs: 60_000, createdAtMs: 1_700_000_000_000, creationPath: 'p' }
  assert.deepEqual(wrapFromWire(wrapToWire(wrap)), wrap)
  const aliases = [{ name: 'n', metadata: { k: 'v' }, mountAccessor: 'jwt_1', mountType: 'jwt' }]
  const entity = { id: 'e', name: 'n', metadata: { a: 'b' }, aliases }
  assert.deepEqual(entityFromWire(entityToWire(entity)), entity)
})

test('a stored value is a copy of its own', () => {
  const bytes = StoragePutArgs.encode(putToWire('a/b', Uint8Array.of(1, 2))).finish()
  const change = changeFromWire(StoragePutArgs.decode(bytes))
  bytes.fill(0)
  assert.deepEqual(change, { key: 'a/b', value: Uint8Array.of(1, 2) })
  assert.equal(change?.value?.buffer.byteLength, 2)
  assert.equal(changeFromWire(having(StoragePutArgs, {})), undefined)
  assert.equal(entryFromWire(entryToWire('k', undefined)), undefined)
  assert.deepEqual(entryFromWire(entryToWire('k', Uint8Array.of())), Uint8Array.of())
})

test('JSON objects come back as they were, and what JSON cannot say is null', () => {
  const objects = fc.dictionary(arbitrary.text, fc.jsonValue({ maxDepth: 6 }), { noNullPrototype: true })
  fc.assert(
    fc.property(objects, (value) => {
      const object = JSON.parse(JSON.stringify(value)) as JsonObject
      assert.deepEqual(structFromWire(sent(Struct, structToWire(object))), object)
    }),
  )
  const number = (value: number): unknown =>
    structFromWire(sent(Struct, { fields: new Map([['n', { kind: { $case: 'numberValue', value } }]]) })).n
  assert.deepEqual([Number.NaN, Infinity, -Infinity, 1.5].map(number), [null, null, null, 1.5])
  assert.deepEqual(structFromWire({ fields: new Map([['x', { kind: undefined }]]) }), { x: null })
  assert.deepEqual(structFromWire(undefined), {})
  let deep: JsonObject = {}
  for (let depth = 0; depth < 40; depth += 1) deep = { deep }
  assert.throws(() => structToWire(deep), RangeError)
})

test('users to make and to change come back as they were', () => {
  const user: NewUser = {
    displayName: 'token',
    roleName: 'app',
    credentialType: 'rsa_private_key',
    password: '',
    publicKey: '-----BEGIN PUBLIC KEY-----\n',
    subject: '',
    expiresAtMs: 1_800_000_000_123,
    statements: ['CREATE'],
    rollbackStatements: [],
  }
  assert.deepEqual(newUserFromWire(sent(NewUserRequest, newUserToWire(user))), user)
  const endless = newUserFromWire({ ...newUserToWire(user), expiration: undefined })
  assert.equal(endless?.expiresAtMs, Infinity)
  assert.equal(newUserFromWire({ ...newUserToWire(user), usernameConfig: undefined }), undefined)
  assert.equal(newUserFromWire({ ...newUserToWire(user), credentialType: 3 }), undefined)

  const changes: readonly UpdateUser[] = [
    { username: 'u', credentialType: 'password' },
    { username: 'u', credentialType: 'password', password: { value: 'p', statements: ['ALTER'] } },
    { username: 'u', credentialType: 'rsa_private_key', publicKey: { value: 'k', statements: [] } },
    { username: 'u', credentialType: 'client_certificate', expiration: { atMs: 5_000, statements: ['A', 'B'] } },
  ]
  for (const change of changes)
    assert.deepEqual(updateUserFromWire(sent(UpdateUserRequest, updateUserToWire(change))), change)
  assert.equal(updateUserFromWire(having(UpdateUserRequest, { credentialType: -1 })), undefined)
})

function varint(value: number): Buffer {
  return Buffer.from(value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >>> 7])
}
