import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Framing } from '../../../adapters/sidecar/front/framing.ts'

/** What comes of a stream that arrives in pieces which end at `cuts`. */
function through(text: string, cuts: readonly number[] = []): string {
  const framing = new Framing()
  const bytes = Buffer.from(text, 'latin1')
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  let out = ''
  let start = 0
  for (const end of ends) {
    for (const piece of framing.push(bytes.subarray(start, end))) out += piece.toString('latin1')
    start = end
  }
  return out + framing.end().toString('latin1')
}

const GET = 'GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
const LIST = 'LIST /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
const REPORT = 'REPORT /v1/a HTTP/1.1\r\nHost: x\r\n\r\n'
const post = (body: string): string => `POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const chunked = (...chunks: readonly string[]): string => {
  const sent = chunks.map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`).join('')
  return `PUT /v1/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${sent}0\r\nTrailer: LIST /\r\n\r\n`
}

const TABLE: readonly (readonly [statement: string, sent: string, passed: string])[] = [
  ['a LIST becomes its stand-in', LIST, REPORT],
  ['a SCAN becomes its stand-in', LIST.replace('LIST', 'SCAN'), REPORT.replace('REPORT', 'SEARCH')],
  ['the second and the third of a connection too', GET + LIST + LIST, GET + REPORT + REPORT],
  ['behind a body, which stays', post(LIST) + LIST, post(LIST) + REPORT],
  ['behind a body in chunks, with trailers', chunked(LIST, 'x', LIST) + LIST, chunked(LIST, 'x', LIST) + REPORT],
  ['behind an empty body', post('') + LIST, post('') + REPORT],
  ['behind line breaks between requests', `${GET}\r\n\r\n${LIST}`, `${GET}\r\n\r\n${REPORT}`],
  ['a stand-in that a client sends is no LIST', REPORT, REPORT.replace('REPORT', 'TRACE')],
  ['LIST in a target or a header stays', GET.replace('/v1/a', '/v1/LIST'), GET.replace('/v1/a', '/v1/LIST')],
  ['verbs that only begin alike stay', LIST.replace('LIST', 'LISTEN'), LIST.replace('LIST', 'LISTEN')],
  ['a verb that does not end passes', 'LIS', 'LIS'],
]

for (const [statement, sent, passed] of TABLE) {
  test(`${statement}, however the bytes arrive`, () => {
    assert.equal(through(sent), passed)
    assert.equal(
      through(
        sent,
        [...sent].map((_, at) => at),
      ),
      passed,
    )
    fc.assert(
      fc.property(fc.array(fc.nat(sent.length)), (cuts) => through(sent, cuts) === passed),
      { numRuns: 50 },
    )
  })
}

test('what is not understood passes as it is', () => {
  const both = 'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc'
  for (const odd of [both, 'POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc', both.replace('chunked', 'gzip')])
    assert.equal(through(odd + LIST), odd + LIST)
})

test('any stream that needs no other verb passes byte for byte', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 40 }).map(post),
    fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 4 }).map((chunks) => chunked(...chunks)),
    fc.constant(GET),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.array(fc.nat(2_000)), (parts, cuts) => {
      const plain = parts.map((text) => Buffer.from(text, 'latin1').toString('latin1')).join('')
      return through(plain, cuts) === plain
    }),
    { numRuns: 200 },
  )
})
