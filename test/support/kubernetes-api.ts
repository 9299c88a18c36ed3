import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { BinaryReader } from '@bufbuild/protobuf/wire'

/** As much of the Kubernetes API as plugins need that make service accounts, roles, bindings and tokens. */
export interface KubernetesApi {
  readonly address: string
  /** `roles/name`, `rolebindings/name`, … of what there is, sorted. */
  objects(): readonly string[]
  /** `POST roles`, `DELETE roles/name`, … in the order they came. */
  readonly log: string[]
  /** Answers 500 to every request of which this is true, until told otherwise. */
  fail(which: (method: string, path: string) => boolean): void
  /** Requests of which this is true get no answer before {@link release}. */
  hold(which: (method: string, path: string) => boolean): void
  release(): void
}

/** A JSON Web Token without a signature that anyone checks; lives as long as `seconds`. */
function token(seconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = 1_767_225_600
  return `${part({ alg: 'RS256' })}.${part({ iat, exp: iat + seconds })}.${part({})}`
}

export async function startKubernetesApi(t: TestContext): Promise<KubernetesApi> {
  const there = new Set<string>()
  const log: string[] = []
  const held: (() => void)[] = []
  let isFailing = (_method: string, _path: string): boolean => false
  let isHeld = isFailing
  const server = createServer(async (request, response) => {
    const method = request.method ?? ''
    const path = (request.url ?? '').replace(/^.*\/(?:v1|namespaces\/[^/]*)\//, '').replace(/\?.*$/, '')
    const { apiVersion, kind, name, seconds } = await bodyOf(request)
    log.push(`${method} ${path}`)
    if (isHeld(method, path)) await new Promise<void>((resolve) => held.push(resolve))
    const write = (status: number, answer: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }
    const failed = { apiVersion: 'v1', kind: 'Status', status: 'Failure' }
    if (isFailing(method, path)) return write(500, { ...failed, code: 500, message: 'out of order' })
    if (method === 'DELETE') {
      if (there.delete(path)) return write(200, { apiVersion: 'v1', kind: 'Status', status: 'Success' })
      return write(404, { ...failed, code: 404, reason: 'NotFound' })
    }
    if (path.endsWith('/token')) {
      return write(201, {
        apiVersion,
        kind,
        status: { token: token(seconds), expirationTimestamp: '2026-01-01T01:00:00Z' },
      })
    }
    if (method !== 'POST') return write(404, { ...failed, code: 404, reason: 'NotFound' })
    there.add(`${path}/${name}`)
    return write(201, { apiVersion, kind, metadata: { name, uid: 'uid-1' } })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const release = (): void => {
    isHeld = () => false
    for (const go of held.splice(0)) go()
  }
  t.after(() => {
    release()
    server.closeAllConnections()
    server.close()
  })
  return {
    ...{ address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log, release },
    objects: () => [...there].sort(),
    fail: (which) => {
      isFailing = which
    },
    hold: (which) => {
      isHeld = which
    },
  }
}

/** What is sent: JSON, or the protobuf of Kubernetes, of which only names and times are read. */
async function bodyOf(request: IncomingMessage): Promise<Sent> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  const bytes = Buffer.concat(parts)
  if (bytes.subarray(0, MAGIC.length).equals(MAGIC)) return fromProtobuf(bytes.subarray(MAGIC.length))
  const { apiVersion = '', kind = '', metadata, spec } = JSON.parse(bytes.toString('utf8') || '{}')
  return { apiVersion, kind, name: metadata?.name ?? '', seconds: spec?.expirationSeconds ?? 3600 }
}

interface Sent {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  /** For which a token is asked. */
  readonly seconds: number
}

const MAGIC = Buffer.from('k8s\0')

function fromProtobuf(bytes: Buffer): Sent {
  const [type, raw] = [at(bytes, 1), at(bytes, 2)]
  return {
    apiVersion: at(type, 1).toString(),
    kind: at(type, 2).toString(),
    name: at(at(raw, 1), 1).toString(),
    seconds: numberAt(at(raw, 2), 4) || 3600,
  }
}

/** Bytes of the first field of that number; empty where there is none. */
function at(message: Buffer, field: number): Buffer {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === ((field << 3) | 2)) return Buffer.from(reader.bytes())
    reader.skip(tag & 7)
  }
  return Buffer.alloc(0)
}

function numberAt(message: Buffer, field: number): number {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === field << 3) return Number(reader.int64())
    reader.skip(tag & 7)
  }
  return 0
}
