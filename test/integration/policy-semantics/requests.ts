import type { Operation } from '../../../lib/model/operation.ts'
import { equivalent, grants } from './equivalent.ts'
import type { World } from './generator.ts'
import { MOUNT, namespaced, type PolicyServer } from './server.ts'

/** Ways to ask for an operation over HTTP. */
const VERBS: readonly (readonly [method: string, query: string, operation: Operation])[] = [
  ['GET', '', 'read'],
  ['LIST', '', 'list'],
  ['GET', '?list=true', 'list'],
  ['SCAN', '', 'scan'],
  ['GET', '?scan=true', 'scan'],
  ['POST', '', 'write'],
  ['PUT', '', 'write'],
  ['PATCH', '', 'patch'],
  ['DELETE', '', 'delete'],
]

/** Says that the server refused without having judged. */
const UNJUDGED = /^cannot write to a path ending in '\/'$/

/** What came of sending requests. */
export interface Sent {
  readonly requests: number
  readonly refused: number
  /** Refused by the server before it judged: writes to a path with a slash at its end. */
  readonly unjudged: number
  /** Writes that the gateway lets pass and the server refuses: only it knows create from update, and mounts from paths. */
  readonly unforeseen: number
  readonly disagreements: readonly string[]
}

/** Sends all verbs for all paths of `world` with the token that has its policies, and compares what the gateway says. */
export async function sendAll(world: World, server: PolicyServer): Promise<Sent> {
  const [allows, creates, updates] = await Promise.all([
    equivalent(world),
    grants(world, 'create', 'read'),
    grants(world, 'update', 'read'),
  ])
  const sent = { requests: 0, refused: 0, unjudged: 0, unforeseen: 0, disagreements: [] as string[] }
  const { bao } = server
  const headers = namespaced(world.namespace)
  const sendTo = async (path: string): Promise<void> => {
    for (const [method, query, operation] of VERBS) {
      const isWrite = operation === 'write'
      const isUpdate = isWrite && (await exists(server, world.namespace, path))
      const token = server.tokens.get(world.namespace)
      const type = operation === 'patch' ? { 'content-type': 'application/merge-patch+json' } : {}
      const body = isWrite || operation === 'patch' ? { a: 'b' } : undefined
      const answer = await bao.call(token, method, encoded(path) + query, body, { ...headers, ...type })
      sent.requests += 1
      if (UNJUDGED.test(String(answer.body?.errors?.[0]))) {
        sent.unjudged += 1
        continue
      }
      const isRefused = answer.status === 403
      if (isRefused) sent.refused += 1
      const isAllowed = allows(operation, path)
      // A write to a mount is judged under its name with a slash, since whether something is there is asked beforehand.
      const judged = isWrite && path === MOUNT ? `${path}/` : path
      const expected = isWrite ? (isUpdate ? updates : creates)(judged) : isAllowed
      if (isAllowed && isRefused) sent.unforeseen += 1
      if (expected === !isRefused && (isAllowed || isRefused || judged !== path)) continue
      const what = `${method} ${JSON.stringify(path)}${query}${isWrite ? (isUpdate ? ', update' : ', create') : ''}`
      sent.disagreements.push(`${what}: gateway ${isAllowed}, expected ${expected}, server ${answer.status}`)
    }
  }
  await Promise.all([...new Set(world.paths)].map(sendTo))
  return sent
}

/** Where no mount is, the server takes a write for an update. */
async function exists({ bao }: PolicyServer, namespace: string, path: string): Promise<boolean> {
  if (path === MOUNT) return false
  if (!path.startsWith(`${MOUNT}/`)) return true
  return (await bao.call(bao.rootToken, 'GET', encoded(path), undefined, namespaced(namespace))).status === 200
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
