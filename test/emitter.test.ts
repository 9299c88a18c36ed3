import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayEmitter } from '../lib/emitter.ts'
import { settle } from '../lib/testing/fake-clock.ts'

const EVENT = { path: 'kv/a', code: 'x' }

test('off() takes away one listener, and a stranger none', () => {
  const emitter = new GatewayEmitter()
  const heard: string[] = []
  const one = (): void => void heard.push('one')
  emitter.on('leaked', one)
  emitter.on('leaked', () => heard.push('two'))
  emitter.off('leaked', () => {})
  emitter.off('denied', one)
  emitter.emit('leaked', EVENT)
  emitter.off('leaked', one)
  emitter.emit('leaked', EVENT)
  assert.deepEqual(heard, ['one', 'two', 'two'])
})

test('a listener that throws is a warning, and the others hear the event', () => {
  const emitter = new GatewayEmitter()
  const heard: unknown[] = []
  emitter.on('warning', (event) => heard.push(event))
  emitter.on('leaked', () => {
    throw new Error('hunter2')
  })
  emitter.on('leaked', (event) => heard.push(event))
  emitter.emit('leaked', EVENT)
  assert.deepEqual(heard, [{ message: 'a listener threw', fields: { event: 'leaked' } }, EVENT])
})

test('a listener of two events that always throws is called once for each', () => {
  const emitter = new GatewayEmitter()
  let calls = 0
  const broken = (): void => {
    calls += 1
    throw new Error('broken')
  }
  emitter.on('leaked', broken)
  emitter.on('warning', broken)
  emitter.emit('leaked', EVENT)
  assert.equal(calls, 2)
})

test('a listener that rejects is a warning, no unhandled rejection', async () => {
  const emitter = new GatewayEmitter()
  const heard: unknown[] = []
  emitter.on('warning', (event) => heard.push(event.fields.event))
  emitter.on('leaked', async () => {
    throw new Error('broken')
  })
  emitter.emit('leaked', EVENT)
  await settle()
  assert.deepEqual(heard, ['leaked'])
})

test('what is no function is refused as a listener', () => {
  assert.throws(() => new GatewayEmitter().on('leaked', 'x' as never), TypeError)
})
