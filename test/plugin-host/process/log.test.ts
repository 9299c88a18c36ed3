import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Lines } from '../../../lib/plugin-host/process/lines.ts'
import { type PluginLogEntry, parseLogLine } from '../../../lib/plugin-host/process/log-entry.ts'
import { readLog } from '../../../lib/plugin-host/process/log-stream.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

const read = (line: string): PluginLogEntry | undefined => parseLogLine('p', line)

test('a line of hclog is an entry with its fields', () => {
  const line =
    '{"@level":"warn","@message":"slow","@timestamp":"2026-01-01T00:00:00.000000Z","ms":12,"ok":false,"x":"y"}'
  assert.deepEqual(read(line), { plugin: 'p', level: 'warn', message: 'slow', fields: { ms: 12, ok: false, x: 'y' } })
})

for (const [what, line] of [
  ['a message that is a number, which ends a whole Go host', '{"@level":"info","@message":5}'],
  ['a level that is an object', '{"@level":{"toString":1},"@message":"x"}'],
  ['a time that is a list', '{"@timestamp":[],"@level":null,"@message":null}'],
  ['a key of the prototype', '{"__proto__":{"a":1},"constructor":1,"@level":"__proto__"}'],
  ['brackets without end', `{"a":${'['.repeat(16_000)}`],
  ['deep brackets', `{"a":${'['.repeat(8000)}${']'.repeat(8000)}}`],
  ['binary', '\u0000\u0001{\ufffd'],
] as const) {
  test(`nothing is taken for what it should be: ${what}`, () => {
    const entry = read(line)
    assert.ok(['debug', 'info'].includes(entry?.level ?? ''))
    assert.equal(typeof entry?.message, 'string')
    assert.ok(Object.values(entry?.fields ?? {}).every((value) => typeof value !== 'object'))
  })
}

test('text has the level that it begins with; a panic is an error; the rest is for debugging', () => {
  assert.deepEqual(
    ['[WARN]  a', 'panic: b', 'fatal error: c', 'd', '{"e'].map((line) => [read(line)?.level, read(line)?.message]),
    [
      ['warn', 'a'],
      ['error', 'panic: b'],
      ['error', 'fatal error: c'],
      ['debug', 'd'],
      ['debug', '{"e'],
    ],
  )
})

test('values are bounded in number and length, and cannot forge lines', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, 'v'.repeat(5000)]))
  const entry = read(JSON.stringify({ '@level': 'info', '@message': 'a\nb\u001b[2J', ...many }))
  assert.equal(entry?.message, 'a b [2J')
  assert.equal(Object.keys(entry?.fields ?? {}).length, 16)
  assert.ok(JSON.stringify(entry).length < 20_000)
})

test('a line longer than the bound is given once, cut, and the next is whole', () => {
  const lines: [string, boolean][] = []
  const cut = new Lines(4, (line, isCut) => lines.push([line, isCut]))
  for (const chunk of ['ab', 'cdef', 'gh\ni', 'j\n\n', '\nklmn\no']) cut.push(Buffer.from(chunk))
  cut.end()
  assert.deepEqual(lines, [
    ['abcd', true],
    ['ij', false],
    ['klmn', false],
    ['o', false],
  ])
})

test('a flood is read at the pace of the host: the stream stands until the window is over, lines are counted', async () => {
  const clock = new FakeClock()
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 })
  const entries: PluginLogEntry[] = []
  readLog(stream, 'p', clock, (entry) => entries.push(entry))
  for (let at = 0; at < 64; at++) stream.write('x\n'.repeat(8 * 1024))
  await turn()
  assert.equal(entries.length, 1000)
  assert.ok(stream.readableLength >= 512 * 1024, `${stream.readableLength} bytes wait`)
  for (let at = 0; at < 20; at++) await clock.advance(100)
  assert.equal(stream.readableLength, 0)
  const dropped = entries.filter(({ message }) => message.includes('dropped'))
  assert.ok(dropped.length > 0 && entries.length < 2000)
})

test('a listener that throws is not told of, and hears the next line', async () => {
  const stream = new PassThrough()
  const heard: string[] = []
  readLog(stream, 'p', new FakeClock(), ({ message }) => {
    heard.push(message)
    throw new Error('no')
  })
  stream.end('a\nb\nc')
  await turn()
  await turn()
  assert.deepEqual(heard, ['a', 'b', 'c'])
})
