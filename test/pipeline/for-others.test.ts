import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { callback, createGateway, type Gateway, type GatewayOptions, type ServerError, token } from 'portcullis'
import { createFakeServer, type FakeServer } from 'portcullis/testing'

const ROOT_TOKEN = 'root-of-the-fake'

/** A gateway for a program that asks for others, before a server on a real socket. */
async function open(
  t: TestContext,
  options: Partial<GatewayOptions> = {},
): Promise<{ readonly gateway: Gateway; readonly server: FakeServer; readonly entries: unknown[] }> {
  const server = createFakeServer({ rootToken: ROOT_TOKEN })
  t.after(() => server.close())
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/orders', { default_ttl: '1h', max_ttl: '24h' })
  const entries: unknown[] = []
  const gateway = await createGateway(
    {
      server: { address: await server.listen(), keepBodies: true, maxRetries: 0 },
      auth: token({ token: ROOT_TOKEN }),
      independentCallers: true,
      policies: [
        subject('orders', [{ path: 'database/creds/orders', operations: ['read'], effect: 'allow' }]),
        subject('operator', [{ path: 'sys/*', operations: ['*'], effect: 'allow' }]),
      ],
      audit: { devices: [callback('memory', (entry) => void entries.push(entry))] },
      ...options,
    },
    { environment: {} },
  )
  t.after(() => gateway.close())
  return { gateway, server, entries }
}

function subject(service: string, rules: readonly object[]): object {
  return {
    policy: `for-${service}`,
    subject: { properties: { service: { const: service } }, required: ['service'] },
    rules,
  }
}

test('independent callers are judged by their own attributes alone', async (t) => {
  const { gateway } = await open(t)
  const orders = gateway.as({ service: 'orders' })

  assert.equal((await orders.read('database/creds/orders')).status, 200)
  const denied = { code: 'ERR_PORTCULLIS_POLICY_DENIED' }
  await assert.rejects(gateway.as({ service: 'operator' }).read('database/creds/orders'), denied)
  await assert.rejects(gateway.read('database/creds/orders'), denied)
})

test('without independentCallers the gateway itself has to be allowed too', async (t) => {
  const { gateway } = await open(t, { independentCallers: false })
  await assert.rejects(gateway.as({ service: 'orders' }).read('database/creds/orders'), {
    code: 'ERR_PORTCULLIS_POLICY_DENIED',
  })
})

test('an independent caller may neither revoke what others use by a broad rule, nor replace policies', async (t) => {
  const { gateway } = await open(t)
  const { leaseId } = await gateway.as({ service: 'orders' }).read('database/creds/orders')
  const operator = gateway.as({ service: 'operator' })

  await assert.rejects(operator.write('sys/leases/revoke', { lease_id: leaseId }), /other callers share the lease/)
  await assert.rejects(operator.reloadPolicies([]), TypeError)
})

test('callers below an independent one stand below it', async (t) => {
  const { gateway } = await open(t)
  const below = gateway.as({ service: 'orders' }).as({ user: 'u-1' })
  assert.equal((await below.read('database/creds/orders')).status, 200)
  assert.throws(() => below.as({ service: 'operator' }), /set by the parent caller/)
})

test('with keepBodies answers and refusals have the bytes of the server, and show them nowhere', async (t) => {
  const { gateway } = await open(t)
  const answer = await gateway.as({ service: 'orders' }).read('database/creds/orders')
  const told = JSON.parse(Buffer.from(answer.body ?? []).toString('utf8'))
  assert.deepEqual(told.data, answer.data)
  assert.equal(told.lease_id, answer.leaseId)
  for (const shown of [inspect(answer, { depth: 9 }), JSON.stringify(answer)])
    assert.equal(shown.includes(told.data.password), false)

  const refusal: ServerError = await gateway
    .as({ service: 'operator' })
    .read('sys/nothing-here')
    .then(
      () => assert.fail('the server has no such path'),
      (error: ServerError) => error,
    )
  assert.ok(Array.isArray(JSON.parse(Buffer.from(refusal.serverBody() ?? []).toString('utf8')).errors))
  assert.equal(Object.keys(refusal).includes('serverBody'), false)
})

test('without keepBodies nothing is kept', async (t) => {
  const server = createFakeServer({ rootToken: ROOT_TOKEN })
  t.after(() => server.close())
  const { gateway } = await open(t, { server: { address: await server.listen() } })
  assert.equal((await gateway.as({ service: 'operator' }).read('sys/health')).body, undefined)
})

test('the state of the node is asked for without a token, so that it is told where nobody can log in', async (t) => {
  const { gateway } = await open(t, { auth: token({ tokenFile: '/nonexistent/token' }) })
  const { data, status } = await gateway.as({ service: 'operator' }).read('sys/health')
  assert.equal(status, 200)
  assert.equal(data.sealed, false)
})
