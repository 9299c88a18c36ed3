import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { token } from '../../lib/session/auth/token.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { createFakeServer } from '../../lib/testing/fake-server.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'

test("a watch on the fake server of users' tests follows writes, deletions and a day of nothing", async (t) => {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'secret/data/flags', { data: { color: 'red' } })
  const made = server.root('POST', 'auth/token/create', { policies: ['root'] })
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth: token({ token: made.body.auth.client_token }),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('none', () => {})] },
    },
    { clock, random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  const flags = await gateway.watch('secret/data/flags')
  const events: string[] = []
  flags.on('changed', ({ version }) => void events.push(`changed ${version}`))
  flags.on('deleted', ({ version }) => void events.push(`deleted ${version}`))

  await clock.advance(86_400_000)
  server.root('POST', 'secret/data/flags', { data: { color: 'blue' } })
  await clock.advance(30_000)
  server.root('DELETE', 'secret/data/flags')
  await clock.advance(30_000)

  assert.deepEqual(events, ['changed 2', 'deleted 2'])
  assert.equal(flags.current().status, 404)
})
