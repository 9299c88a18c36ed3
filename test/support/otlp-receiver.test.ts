import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOtlpReceiver } from './otlp-receiver.ts'

const LOGS = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          scope: { name: 'portcullis' },
          logRecords: [{ eventName: 'e', attributes: [{ key: 'n', value: { intValue: '7' } }] }],
        },
      ],
    },
  ],
}

async function post(url: string, body: object): Promise<number> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  await response.arrayBuffer()
  return response.status
}

test('the receiver keeps what came, as bytes and as records', async (t) => {
  const receiver = await startOtlpReceiver(t)
  const reached = receiver.until(() => receiver.logRecords().length === 1)
  assert.equal(await post(`${receiver.address}/v1/logs`, LOGS), 200)
  await reached
  assert.deepEqual(receiver.logRecords()[0]?.attributes, { n: 7 })
  assert.equal(receiver.logRecords()[0]?.scope, 'portcullis')
  assert.equal(receiver.text(), JSON.stringify(LOGS))
})

test('a receiver told to answer 503 keeps no record of what it refused', async (t) => {
  const receiver = await startOtlpReceiver(t)
  receiver.behave(503)
  assert.equal(await post(`${receiver.address}/v1/logs`, LOGS), 503)
  await receiver.until(() => receiver.received.length === 1)
  assert.deepEqual(receiver.logRecords(), [])
})

test('a receiver told to hang answers nothing, and stops all the same', async (t) => {
  const receiver = await startOtlpReceiver(t)
  receiver.behave('hang')
  const waiting = post(`${receiver.address}/v1/logs`, LOGS)
  const cut = assert.rejects(waiting)
  await receiver.until(() => receiver.received.length === 1)
  await receiver.stop()
  await cut
})
