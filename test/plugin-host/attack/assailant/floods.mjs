import { connect as connectPlain } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { StorageService } from '../../../../lib/plugin-host/wire/gen/services.ts'
import { encodeFrame } from '../../../../lib/plugin-host/wire/grpc/frames.ts'
import { headerBlock } from '../../../../lib/plugin-host/wire/http2/hpack-encoder.ts'

const KIND = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, window: 8, continuation: 9 }
const END_STREAM = 1
const END_HEADERS = 4
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const GET = headersOf('/pb.Storage/Get')
const PUT = headersOf('/pb.Storage/Put')
const INTERIM = headerBlock({ ':status': '103', link: '</a>' })
const ASKED = encodeFrame(StorageService.get.request, { key: 'k', txn: '' }, 1000)
const entry = { key: 'reset', value: Buffer.alloc(30_000, 'r'), sealWrap: false }
const WRITTEN = encodeFrame(StorageService.put.request, { entry, txn: '' }, 100_000)

/** Pieces of a flood, by kind: each is sent as soon as the socket takes it. `at` counts from 0. */
const PIECES = {
  settings: () => frame(KIND.settings, 0, 0, settings(1)),
  /** One frame that changes the windows of all streams 2,730 times. */
  windows: (at) => (at === 0 ? openStreams(900) : frame(KIND.settings, 0, 0, settings(2730))),
  /** The same with calls between that look like work. */
  'windows beside calls': (at) =>
    at === 0
      ? openStreams(900)
      : Buffer.concat([frame(KIND.settings, 0, 0, settings(2730)), call(1801 + 2 * at, GET, ASKED)]),
  pings: () => frame(KIND.ping, 0, 0, Buffer.alloc(8)),
  resets: (at) =>
    Buffer.concat([frame(KIND.headers, END_HEADERS, 2 * at + 1, GET), frame(KIND.reset, 0, 2 * at + 1, word(8))]),
  /** Writes that are given up as soon as they are made. */
  'reset writes': (at) =>
    Buffer.concat([
      frame(KIND.headers, END_HEADERS, 2 * at + 1, PUT),
      frame(KIND.data, 0, 2 * at + 1, WRITTEN.subarray(0, 16_000)),
      frame(KIND.data, END_STREAM, 2 * at + 1, WRITTEN.subarray(16_000)),
      frame(KIND.reset, 0, 2 * at + 1, word(8)),
    ]),
  'header lists': (at) => frame(KIND.headers, END_HEADERS, 2 * at + 1, bigHeaders(12_000)),
  'header lists without end': (at) =>
    at === 0 ? frame(KIND.headers, 0, 1, bigHeaders(12_000)) : frame(KIND.continuation, 0, 1, bigHeaders(12_000)),
  'empty continuations': (at) =>
    at === 0 ? frame(KIND.headers, 0, 1, GET) : frame(KIND.continuation, 0, 1, Buffer.alloc(0)),
  garbage: (at) => Buffer.alloc(16_384, at % 251),
}

/** Floods the host for `ms`, with a connection of its own. @returns what became of it. */
export async function flood(target, kind, ms) {
  const socket = await secured(target)
  if (socket === undefined) return { kind, refused: true }
  socket.resume()
  if (kind !== 'garbage') socket.write(Buffer.concat([PREFACE, frame(KIND.settings, 0, 0, Buffer.alloc(0))]))
  const end = performance.now() + ms
  let pieces = 0
  let bytes = 0
  while (performance.now() < end && !socket.destroyed) {
    const piece = PIECES[kind](pieces)
    pieces += 1
    bytes += piece.length
    if (!socket.write(piece)) await Promise.race([drained(socket), sleep(Math.max(1, end - performance.now()))])
  }
  const ended = socket.destroyed
  socket.destroy()
  return { kind, pieces, bytes, ended }
}

/** Pieces of a flood on the connection over which the host calls; its first stream is one that stays open. */
const BACK = {
  settings: PIECES.settings,
  windows: () => frame(KIND.settings, 0, 0, settings(2730)),
  pings: PIECES.pings,
  'interim answers': () => frame(KIND.headers, END_HEADERS, 1, INTERIM),
  'answers without end': (at) => frame(at === 0 ? KIND.headers : KIND.continuation, 0, 1, bigHeaders(12_000)),
  'messages without end': () => frame(KIND.data, 0, 1, Buffer.alloc(16_384)),
  'a window beyond all': () => frame(KIND.window, 0, 0, word(0x7fff_ffff)),
  pushes: () => frame(5, END_HEADERS, 1, Buffer.concat([word(2), GET])),
  'streams that there are not': () => frame(KIND.reset, 0, 2 ** 30 + 1, word(8)),
  garbage: PIECES.garbage,
}

/** Floods the host on its own connection, until `ms` have passed or it has hung up. */
export async function floodBack(socket, kind, ms) {
  const end = performance.now() + ms
  let pieces = 0
  for (; performance.now() < end && !socket.destroyed; pieces += 1) {
    if (!socket.write(BACK[kind](pieces))) await Promise.race([drained(socket), sleep(50)])
  }
  return { kind, pieces, ended: socket.destroyed }
}

/** Opens connections and sends nothing on them. @returns how many were taken. */
export async function hold(target, connections, isSecure) {
  const one = () => (isSecure ? secured(target) : plain(target))
  const sockets = await Promise.all(Array.from({ length: connections }, one))
  for (const socket of sockets) socket?.resume()
  await sleep(300)
  return { held: sockets.filter((socket) => socket !== undefined && !socket.destroyed).length }
}

function secured({ path, ca, cert, key }) {
  const socket = connect({ path, ca, cert, key, servername: 'localhost', ALPNProtocols: ['h2'] })
  return up(socket, 'secureConnect')
}

function plain({ path }) {
  return up(connectPlain({ path }), 'connect')
}

function up(socket, event) {
  return new Promise((resolve) => {
    socket.once(event, () => resolve(socket))
    socket.on('error', () => resolve(undefined))
    socket.once('close', () => resolve(undefined))
  })
}

function drained(socket) {
  return new Promise((resolve) => {
    socket.once('drain', resolve)
    socket.once('close', resolve)
  })
}

/** Calls that begin and do not go on. */
function openStreams(count) {
  const frames = Array.from({ length: count }, (_, at) => frame(KIND.headers, END_HEADERS, 2 * at + 1, GET))
  return Buffer.concat(frames)
}

function call(id, headers, message) {
  return Buffer.concat([frame(KIND.headers, END_HEADERS, id, headers), frame(KIND.data, END_STREAM, id, message)])
}

function headersOf(path) {
  return headerBlock({ ':method': 'POST', ':scheme': 'https', ':path': path, 'content-type': 'application/grpc' })
}

function bigHeaders(bytes) {
  return Buffer.concat([GET, ...Array.from({ length: Math.floor(bytes / 110) }, (_, at) => field(`x-${at}`))])
}

/** Not indexed, no Huffman code. */
function field(name) {
  const value = Buffer.alloc(100, 'v')
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), value])
}

function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function settings(count) {
  const payload = Buffer.alloc(6 * count)
  for (let at = 0; at < count; at += 1) {
    payload.writeUInt16BE(4, 6 * at)
    payload.writeUInt32BE(65_535 - (at % 2), 6 * at + 2)
  }
  return payload
}

function word(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
