import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findPlanted, type Planted, plantTokens } from 'portcullis/testing'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { npmInstall, pack, run, temporaryFolder } from '../support/pack.ts'
import { startSecretServer } from '../support/secret-server.ts'

const { token } = plantTokens(['token'])

// A second OpenTelemetry line beside the first is ERESOLVE in one root, and below the checkout the first would be found: hence a folder of its own.
test('governed reads of an application on the OpenTelemetry 2.x line, with the package as published', async (t) => {
  const { receiver, told } = await exported(t)
  const logs = receiver.logRecords()

  await t.test('the package uses the API of the application, which has no logs yet', () => {
    assert.deepEqual([told.hasOwnApi, told.hasLogs], [false, false])
  })

  await t.test('every audit entry arrives as one log record, through api-logs', () => {
    const arrived = logs.map(({ eventName, attributes }) => [eventName, attributes['portcullis.audit.sequence']])
    assert.ok(arrived.length > 0)
    assert.deepEqual(arrived, told.written)
    assert.deepEqual(told.warnings, [])
  })

  await t.test('log records of calls carry the trace of their caller', () => {
    const calls = logs.filter(({ attributes }) => attributes['portcullis.decision.reason'] !== 'own')
    assert.deepEqual(new Set(calls.map(({ traceId }) => traceId)), new Set([told.handler.traceId]))
  })

  await t.test('each call is one span below the span of its caller', () => {
    const calls = receiver.spans().filter(({ name }) => name === 'portcullis.request')
    assert.deepEqual(
      calls.map(({ parentSpanId, attributes }) => [
        parentSpanId,
        attributes['portcullis.source'] ?? attributes['error.type'],
      ]),
      [
        [told.handler.spanId, 'server'],
        [told.handler.spanId, 'cache'],
        [told.handler.spanId, 'ERR_PORTCULLIS_POLICY_DENIED'],
      ],
    )
  })

  await t.test('no planted secret is in any byte that was received', () => {
    assert.deepEqual(new Set(receiver.received.map(({ signal }) => signal)), new Set(['logs', 'traces']))
    assert.deepEqual(findPlanted(receiver.text(), { token, ...told.credentials }), [])
  })
})

/** What the application says of itself. */
interface Told {
  /** Event name and sequence of each entry that its required device was given. */
  readonly written: readonly (readonly [string, number])[]
  readonly warnings: readonly string[]
  readonly handler: { readonly traceId: string; readonly spanId: string }
  /** What the server made up for it. */
  readonly credentials: Planted
  /** Does our package have an API of its own, which would see none of the application's providers? */
  readonly hasOwnApi: boolean
  /** Does the API of the application have logs, as of 1.10? */
  readonly hasLogs: boolean
}

async function exported(t: TestContext): Promise<{ readonly receiver: OtlpReceiver; readonly told: Told }> {
  const folder = await installed(t)
  const receiver = await startOtlpReceiver(t)
  const address = await startSecretServer(t, token)
  const said = await run(process.execPath, ['app.mjs', address, receiver.address, token], folder)
  return { receiver, told: JSON.parse(said) }
}

/** A folder with the application, its locked SDK and our tarball. */
async function installed(t: TestContext): Promise<string> {
  const folder = temporaryFolder('otel-2')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const application = join(folder, 'application')
  cpSync(fileURLToPath(new URL('otel-2', import.meta.url)), application, { recursive: true })
  const { tarball } = await pack(folder)
  await run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], application)
  await npmInstall(application, ['--no-save', tarball])
  return application
}
