import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { minting, type Opened, open, policy } from './support.ts'

const DB = 'database/creds/app'
const OK = answerWith({ status: 204 })
const RENEWED = answerWith({ leaseId: `${DB}/1`, leaseDurationMs: 1_000, renewable: true })
const FORMS: readonly (readonly [string, object | undefined])[] = [
  ['sys/leases/revoke', { lease_id: `${DB}/1` }],
  [`sys/leases/revoke/${DB}/1`, undefined],
  [`sys/leases/revoke-prefix/${DB}`, undefined],
  ['sys/leases/revoke-force/database', undefined],
  ['sys/leases/renew', { lease_id: `${DB}/1`, increment: 1 }],
]

/** A gateway whose caller `b` may do what `path` says, beside the program itself, which may do all. */
async function shared(t: TestContext, path: string): Promise<Opened> {
  const all = policy('all', [{ path: '*', operations: ['read', 'write'], effect: 'allow' }], subject('app'))
  const rules = [
    { path: DB, operations: ['read'], effect: 'allow' },
    { path, operations: ['write'], effect: 'allow' },
  ]
  const handlers = Object.fromEntries(FORMS.map(([form]) => [`write ${form}`, form.endsWith('renew') ? RENEWED : OK]))
  return open(t, {
    caller: { service: 'app' },
    policies: [all, policy('b', rules, subject('b'))],
    handlers: { [`read ${DB}`]: minting(600_000), 'write sys/leases/revoke': OK, ...handlers },
  })
}

const subject = (name: string): object =>
  name === 'app'
    ? { properties: { service: { const: name } }, required: ['service'] }
    : { properties: { user: { const: name } }, required: ['user'] }

for (const [form, data] of FORMS) {
  test(`a broad rule lets no caller touch a lease that others use: ${form}`, async (t) => {
    const { gateway, server, entries } = await shared(t, 'sys/*')
    await gateway.read(DB)
    const b = gateway.as({ user: 'b' })
    const refusal = { code: 'ERR_PORTCULLIS_POLICY_DENIED', decision: { reason: 'shared-lease', policy: 'b' } }
    await assert.rejects(b.write(form, data as never), (error: { code: string; decision: object }) => {
      assert.equal(error.code, refusal.code)
      assert.partialDeepStrictEqual(error.decision, refusal.decision)
      return true
    })
    assert.equal(server.count(`write ${form}`), 0)
    assert.equal(entries.at(-1)?.decision?.reason, 'shared-lease')
    assert.equal((await gateway.read(DB)).source, 'cache')
  })

  test(`a rule that names it does: ${form}`, async (t) => {
    const { gateway, server } = await shared(t, `${form.split('/').slice(0, 3).join('/')}*`)
    await gateway.read(DB)
    await gateway.as({ user: 'b' }).write(form, data as never)
    assert.equal(server.count(`write ${form}`), 1)
    assert.equal((await gateway.read(DB)).source, form.endsWith('renew') ? 'cache' : 'server')
  })

  test(`the program itself needs no such rule: ${form}`, async (t) => {
    const { gateway, server } = await shared(t, 'sys/*')
    await gateway.read(DB)
    await gateway.write(form, data as never)
    assert.equal(server.count(`write ${form}`), 1)
  })
}

test('a lease that this gateway does not keep is no concern of it', async (t) => {
  const { gateway, server } = await shared(t, 'sys/*')
  await gateway.read(DB)
  await gateway.as({ user: 'b' }).write('sys/leases/revoke', { lease_id: 'aws/creds/app/7' })
  assert.equal(server.count('write sys/leases/revoke'), 1)
})
