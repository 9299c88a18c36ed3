import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { seal } from '../../lib/model/sealed.ts'
import { findPlanted, plantSecrets, plantTokens } from '../../lib/testing/index.ts'

const SECRETS = plantSecrets(['password'])
const { password } = SECRETS

/** Where a secret can hide, each to be found. */
const HIDING_PLACES: Readonly<Record<string, () => unknown>> = {
  'a text': () => `user:${password}@host`,
  'a nested property': () => ({ a: [{ b: password }] }),
  'a property name': () => ({ [password]: 1 }),
  'a property that is not enumerable': () => Object.defineProperty({}, 'hidden', { value: password }),
  'a property keyed by a symbol': () => ({ [Symbol('s')]: password }),
  'the name of a symbol': () => ({ [Symbol(password)]: 1 }),
  'a getter': () => ({
    get late(): string {
      return password
    },
  }),
  'the message of an error': () => new Error(`bad password ${password}`),
  'the cause of an error': () => new Error('bad', { cause: new Error('worse', { cause: { password } }) }),
  'the stack of an error': () => Object.assign(new Error('bad'), { stack: `Error: ${password}` }),
  'an aggregate of errors': () => new AggregateError([new Error(password)]),
  'a value of a Map': () => new Map([['a', { password }]]),
  'a key of a Map': () => new Map([[{ password }, 1]]),
  'a Set': () => new Set([[password]]),
  headers: () => new Headers({ 'x-token': encodeURIComponent(password) }),
  'a Buffer': () => Buffer.from(`..${password}..`),
  'a Uint8Array': () => new TextEncoder().encode(password),
  'an ArrayBuffer': () => new TextEncoder().encode(password).buffer,
  'UTF-16 bytes': () => Buffer.from(password, 'utf16le'),
  base64: () => Buffer.from(password).toString('base64'),
  'the middle of base64': () => Buffer.from(`user:${password}:rest`).toString('base64'),
  base64url: () => Buffer.from(`1${password}`).toString('base64url'),
  hex: () => Buffer.from(password).toString('hex').toUpperCase(),
  'URL encoding': () => `/v1/x?p=${encodeURIComponent(password).toLowerCase()}`,
  'JSON text': () => JSON.stringify({ password }),
  'a toJSON': () => ({ toJSON: () => password }),
  'a custom inspect': () => ({ [inspect.custom]: () => password }),
  'a property of a function': () => Object.assign(() => {}, { password }),
  'a cycle': () => {
    const a: Record<string, unknown> = { password }
    a.self = a
    return a
  },
  'a closure that is shown as text': () => ({ toString: () => password }),
}

for (const [name, make] of Object.entries(HIDING_PLACES)) {
  test(`a secret is found in ${name}`, () => {
    const found = findPlanted(make(), SECRETS)
    assert.ok(found.length > 0)
    assert.ok(found.every((finding) => finding.name === 'password'))
  })
}

const CLEAN: Readonly<Record<string, () => unknown>> = {
  'a sealed value': () => ({ token: seal(password) }),
  'a private field': () =>
    new (class {
      readonly #password = password
      length(): number {
        return this.#password.length
      }
    })(),
  'other secrets': () => plantSecrets(['password', 'token']),
  'a throwing getter': () => ({
    get broken(): never {
      throw new Error('no')
    },
  }),
  nothing: () => undefined,
}

for (const [name, make] of Object.entries(CLEAN)) {
  test(`nothing is found in ${name}`, () => assert.deepEqual(findPlanted(make(), SECRETS), []))
}

test('findings tell where and in which form, and never the secret', () => {
  const found = findPlanted({ outer: [{ key: Buffer.from(password).toString('hex') }] }, SECRETS)
  assert.deepEqual(found[0], { name: 'password', where: '.outer[0].key', form: 'hex' })
  assert.ok(!JSON.stringify(findPlanted({ [password]: { x: password } }, SECRETS)).includes(password.slice(8, 20)))
})

test('secrets are new each time, and tokens can go into a header', () => {
  assert.notEqual(plantSecrets(['a']).a, plantSecrets(['a']).a)
  assert.match(plantTokens(['a']).a, /^[\w-]+$/)
  assert.ok(plantSecrets(['a']).a !== encodeURIComponent(plantSecrets(['a']).a))
})

test('a secret so short that it may be found by chance is refused', () => {
  assert.throws(() => findPlanted('', { pin: '1234' }), RangeError)
})

test('a generator is left as it was', () => {
  const numbers = [1, 2][Symbol.iterator]()
  findPlanted({ numbers }, SECRETS)
  assert.equal(numbers.next().value, 1)
})
