import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Answer } from '../../lib/model/answer.ts'
import { findPlanted, plantSecrets, plantTokens } from '../../lib/testing/planted-secrets.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, counting, type Handler, open, tokenGrant } from './support.ts'

const secrets = { ...plantSecrets(['password', 'sent']), ...plantTokens(['token', 'leaseId', 'wrapping', 'issued']) }
const DB = 'database/creds/app'

function auth() {
  return { ...counting(), login: async () => ({ grant: tokenGrant(secrets.token), owned: true }) }
}

const ANSWER = answerWith({
  leaseId: `${DB}/${secrets.leaseId}`,
  leaseDurationMs: 60_000,
  data: { password: secrets.password },
})

/** An answer without its `data`, `leaseId`, `auth` and `wrapped`, which are there to be read. */
function shown(answer: Answer<unknown>): readonly unknown[] {
  return [
    JSON.stringify(answer),
    inspect(answer, { depth: Infinity, showHidden: true }),
    String(answer),
    answer.decision,
  ]
}

test('answers, entries and events show no secret', async (t) => {
  const { gateway, entries, events } = await open(t, {
    auth: auth(),
    dangerouslyAllowEverything: true,
    handlers: {
      [`read ${DB}`]: ANSWER,
      'write kv/a': answerWith({ status: 204 }),
      'write auth/userpass/login/bob': answerWith({ auth: tokenGrant(secrets.issued) }),
      'write sys/wrapping/lookup': answerWith({ data: { creation_path: 'kv/a' } }),
      'write sys/wrapping/unwrap': answerWith({ data: { password: secrets.password } }),
    },
  })
  const answers = [
    await gateway.read(DB),
    await gateway.read(DB),
    await gateway.write('kv/a', { sent: secrets.sent }, { query: { q: secrets.sent } }),
    await gateway.login('auth/userpass/login/bob', { password: secrets.sent }),
    await gateway.unwrap(secrets.wrapping, { creationPath: 'kv/a' }),
  ]
  assert.equal(answers[1]?.source, 'cache')
  const health = await gateway.health()
  assert.deepEqual(findPlanted([answers.flatMap(shown), entries, events, health, inspect(gateway)], secrets), [])
})

test('errors show no secret, whatever failed', async (t) => {
  const { gateway, events } = await open(t, {
    auth: auth(),
    policies: [
      {
        policy: 'p',
        rules: [
          {
            path: 'kv/a',
            operations: ['write'],
            effect: 'allow',
            request: { properties: { a: { const: 'x' } }, additionalProperties: false },
          },
          { path: 'kv/b', operations: ['write'], effect: 'allow' },
          { path: DB, operations: ['read'], effect: 'allow', response: { required: ['other'] } },
        ],
      },
    ],
    handlers: {
      [`read ${DB}`]: ANSWER,
      'write kv/b': refuse(400, { errors: [`bad value ${secrets.sent}`] }) as Handler,
    },
  })
  const errors = await Promise.all(
    [
      () => gateway.write('kv/a', { a: secrets.sent }),
      () => gateway.write('kv/a', { [secrets.sent]: 1 }),
      () => gateway.write('kv/a', { a: 'x' }, { query: { q: secrets.sent } }),
      () => gateway.write('kv/b', { a: secrets.sent }),
      () => gateway.write('kv/b', { a: secrets.sent, b: 1n }),
      () => gateway.read(DB),
      () => gateway.unwrap(secrets.wrapping),
      () => gateway.login('auth/userpass/login/bob', { password: secrets.sent }),
      async () => gateway.as({}, { token: `${secrets.token}\n` }),
    ].map((call) =>
      call().then(
        () => assert.fail('it passed'),
        (error: unknown) => error,
      ),
    ),
  )
  // Names of fields stay readable in audit entries, as in the server's own, so a secret as a name is looked for elsewhere.
  assert.deepEqual(findPlanted([errors, events], secrets), [])
})

test('what lru-cache publishes on its diagnostics channels shows no secret', async (t) => {
  const published: unknown[] = []
  const listen = (message: unknown): void =>
    void published.push(inspect(message, { depth: 9, showHidden: true }), message)
  const names = ['lru-cache:metrics', 'start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((name) =>
    name.includes(':') ? name : `tracing:lru-cache:${name}`,
  )
  for (const name of names) diagnostics.subscribe(name, listen)
  t.after(() => {
    for (const name of names) diagnostics.unsubscribe(name, listen)
  })
  const { gateway } = await open(t, {
    auth: auth(),
    policies: [allow(DB, ['read'])],
    handlers: { [`read ${DB}`]: ANSWER },
  })
  await gateway.read(DB)
  await gateway.read(DB)
  assert.deepEqual(findPlanted(published, secrets), [])
  assert.ok(published.length > 0, 'nothing was published: the names of the channels have changed')
})

test('two readers of one lease cannot change what the other sees', async (t) => {
  const { gateway } = await open(t, { policies: [allow(DB, ['read'])], handlers: { [`read ${DB}`]: ANSWER } })
  const { data } = await gateway.read<{ password: string }>(DB)
  assert.throws(() => {
    data.password = 'changed'
  }, TypeError)
  assert.equal((await gateway.read(DB)).data.password, secrets.password)
})
