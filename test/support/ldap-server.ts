import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** As much of an LDAP directory as password changes need: every bind and search is well, changes are kept. */
export interface LdapServer {
  /** `ldap://127.0.0.1:…` */
  readonly url: string
  /** Passwords that were set, with whose they are, in order. */
  readonly changes: (readonly [dn: string, password: string])[]
  /** Changes tried, refused ones included. */
  tried(): number
  /** Refuses every change from now on (unwillingToPerform), or none. */
  fail(isFailing: boolean): void
}

interface Element {
  readonly tag: number
  readonly value: Buffer
}

const [SEQUENCE, INTEGER, OCTETS, ENUM, SET] = [0x30, 0x02, 0x04, 0x0a, 0x31]
const [BIND, UNBIND, SEARCH, MODIFY] = [0x60, 0x42, 0x63, 0x66]
const UNWILLING = 53

export async function startLdapServer(t: TestContext): Promise<LdapServer> {
  const changes: (readonly [string, string])[] = []
  const sockets = new Set<Socket>()
  let [isFailing, tried] = [false, 0]
  const answers = (id: Element, asked: Element): readonly Buffer[] => {
    const reply = (tag: number, code = 0): Buffer => element(SEQUENCE, element(INTEGER, id.value), result(tag, code))
    const [first] = elementsOf(asked.value)
    if (asked.tag === BIND) return [reply(0x61)]
    if (asked.tag === SEARCH) {
      const entry = element(0x64, element(OCTETS, first?.value ?? Buffer.alloc(0)), element(SEQUENCE))
      return [element(SEQUENCE, element(INTEGER, id.value), entry), reply(0x65)]
    }
    if (asked.tag !== MODIFY) return []
    tried += 1
    if (isFailing) return [reply(0x67, UNWILLING)]
    const texts = textsOf(asked.value)
    const password = texts[texts.indexOf('userPassword') + 1] ?? ''
    changes.push([first?.value.toString() ?? '', password])
    return [reply(0x67)]
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    let bytes = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (part) => {
      bytes = Buffer.concat([bytes, part])
      for (let message = read(bytes, 0); message !== undefined; message = read(bytes, 0)) {
        bytes = bytes.subarray(message.end)
        const [id, asked] = elementsOf(message.value)
        if (id === undefined || asked === undefined || asked.tag === UNBIND) return void socket.end()
        for (const answer of answers(id, asked)) socket.write(answer)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    changes,
    tried: () => tried,
    fail: (next) => {
      isFailing = next
    },
  }
}

function result(tag: number, code: number): Buffer {
  return element(tag, element(ENUM, Buffer.from([code])), element(OCTETS), element(OCTETS))
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  const size = value.length < 128 ? [value.length] : [0x82, value.length >> 8, value.length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

/** The element at `at`; `undefined` where it is not all there. */
function read(bytes: Buffer, at: number): (Element & { readonly end: number }) | undefined {
  if (bytes.length < at + 2) return undefined
  const short = bytes[at + 1] ?? 0
  const more = short < 128 ? 0 : short & 127
  if (bytes.length < at + 2 + more) return undefined
  const size = more === 0 ? short : bytes.readUIntBE(at + 2, more)
  const start = at + 2 + more
  if (bytes.length < start + size) return undefined
  return { tag: bytes[at] ?? 0, value: bytes.subarray(start, start + size), end: start + size }
}

function elementsOf(bytes: Buffer): readonly Element[] {
  const found: Element[] = []
  for (let next = read(bytes, 0); next !== undefined; next = read(bytes, next.end)) found.push(next)
  return found
}

/** Every text in it, however deep. */
function textsOf(bytes: Buffer): readonly string[] {
  return elementsOf(bytes).flatMap(({ tag, value }) =>
    tag === OCTETS ? [value.toString()] : tag === SEQUENCE || tag === SET ? textsOf(value) : [],
  )
}
