import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { createConnection, createServer as createSocketServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConnectionError } from '../../../../lib/plugin-host/wire/http2/frame.ts'
import { HpackDecoder } from '../../../../lib/plugin-host/wire/http2/hpack-decoder.ts'
import { headerBlock } from '../../../../lib/plugin-host/wire/http2/hpack-encoder.ts'
import { scratch } from '../grpc/peers.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const decoder = (): HpackDecoder => new HpackDecoder(65_536)

test('the examples of RFC 7541, appendix C.4 and C.6, are read', () => {
  const requests = decoder()
  const start = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com']
  assert.deepEqual(requests.decode(hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), start)
  assert.deepEqual(requests.decode(hex('8286 84be 5886 a8eb 1064 9cbf')), [...start, 'cache-control', 'no-cache'])
  assert.deepEqual(requests.decode(hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')), [
    ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
    ...['custom-key', 'custom-value'],
  ])
  const answers = decoder()
  const date = 'Mon, 21 Oct 2013 20:13:21 GMT'
  const first = hex(
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
  )
  const fields = [':status', '302', 'cache-control', 'private', 'date', date, 'location', 'https://www.example.com']
  assert.deepEqual(answers.decode(first), fields)
  assert.deepEqual(answers.decode(hex('4883 640e ffc1 c0bf')), [
    ...[':status', '307', 'cache-control', 'private', 'date', date, 'location', 'https://www.example.com'],
  ])
})

test('what we write we read, whatever the letters', () => {
  const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
  const name = fc.stringMatching(/^[a-z][a-z-]{0,200}$/)
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key }), (fields) => {
      assert.deepEqual(decoder().decode(headerBlock(Object.fromEntries(fields))), fields.flat())
    }),
  )
  const long = { path: 'x'.repeat(20_000) }
  assert.deepEqual(decoder().decode(headerBlock(long)), ['path', long.path])
})

test('any bytes are fields or an error of the connection, and never more than was allowed', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (blocks) => {
      const bounded = new HpackDecoder(500)
      try {
        for (const block of blocks) assert.ok(bounded.decode(Buffer.from(block)).join('').length <= 500)
      } catch (error) {
        assert.ok(error instanceof ConnectionError, String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('blocks that break the rules are refused', () => {
  const cases = {
    'index 0': '80',
    'an index that nothing stands at': 'be',
    'a number without end': 'ffffffffffffff',
    'a text that is cut short': '000561',
    'a table larger than agreed upon': '3fe2ff01',
    'padding of a packed text that is not all ones': '00 81 00 00',
    'a whole byte of padding': '00 82 1fff 00',
    'the end of text within a text': '00 84 ffffffff 00',
  }
  for (const [what, bytes] of Object.entries(cases))
    assert.throws(() => decoder().decode(hex(bytes)), { name: 'ConnectionError', code: 9 }, what)
})

test('a small block that names a large field again and again is refused', () => {
  const bounded = decoder()
  const large = Buffer.concat([hex('4001 61'), hex('7f 80 1e'), Buffer.alloc(3_967, 'v')])
  assert.equal(bounded.decode(large).length, 2)
  assert.throws(() => bounded.decode(Buffer.alloc(20, 0xbe)), { name: 'ConnectionError', code: 11 })
})

test('what an encoder of its own table and packing sends is read over many blocks', async (t) => {
  // Node's own client, whose encoder has a table that it evicts from, sends to a bare socket that only listens.
  const path = join(scratch(t), 's')
  const frames: Buffer[] = []
  const raw = createSocketServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => frames.push(chunk))
    socket.write(hex('000000 04 00 00000000'))
  })
  await new Promise<void>((resolve) => raw.listen(path, resolve))
  t.after(() => raw.close())
  const session = connectHttp2('http://localhost', { createConnection: () => createConnection(path) })
  session.on('error', () => {})
  t.after(() => session.destroy())
  const sent: string[][] = []
  for (let at = 0; at < 200; at += 1) {
    const value = `${at}-${'é~{}|<>'.repeat(at % 40)}`
    sent.push(['x-one', value, 'x-two', String(at % 3)])
    const stream = session.request({ ':path': `/${at}`, 'x-one': value, 'x-two': String(at % 3) })
    stream.on('error', () => {})
  }
  const read = (): readonly (readonly string[])[] => {
    const bytes = Buffer.concat(frames)
    const table = decoder()
    const found: string[][] = []
    for (let at = 24; at + 9 <= bytes.length && at + 9 + bytes.readUIntBE(at, 3) <= bytes.length; ) {
      const length = bytes.readUIntBE(at, 3)
      if (bytes[at + 3] === 1) {
        const isPrioritised = ((bytes[at + 4] ?? 0) & 0x20) !== 0
        const fields = table.decode(bytes.subarray(at + 9 + (isPrioritised ? 5 : 0), at + 9 + length))
        found.push(fields.slice(fields.indexOf('x-one')))
      }
      at += 9 + length
    }
    return found
  }
  for (let tries = 0; read().length < 200 && tries < 500; tries += 1) await new Promise((next) => setTimeout(next, 10))
  const latin = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
  const got = read()
  assert.equal(got.length, 200)
  assert.deepEqual(
    got,
    sent.map((fields) => fields.map((text) => (got[1]?.[1]?.includes('Ã') ? latin(text) : text))),
  )
})
