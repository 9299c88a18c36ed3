import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../../../lib/model/json.ts'
import { createPluginHost, memory } from '../../../../lib/plugin-host/index.ts'
import { hostPeer } from '../../../plugin-host/equivalence/host-peer.ts'
import { rig } from '../../../plugin-host/process/plugins-for-test.ts'
import { type Bao, startBao } from '../../../support/bao.ts'
import { startBaoWithPlugins } from '../../../support/bao-plugins.ts'
import { realServersAbsent } from '../../../support/real-servers.ts'
import { DIFFERENCES, IN_HOST } from './differences.ts'
import { type Peer, type PeerAnswer, type Played, play } from './peer.ts'
import { REQUESTS, type Step } from './requests.ts'

const skip = await realServersAbsent()
const PLUGIN = 'our-transit'

function peerAt(bao: Bao, mount: string): Peer {
  return async (method, path, body) => {
    const answer = await bao.call(bao.rootToken, method, `${mount}/${path}`, body)
    const { data, errors, warnings } = answer.body ?? {}
    return { status: answer.status, data, errors, warnings }
  }
}

/** Our transit in our host, in a process of its own. */
async function hostedPeer(t: TestContext): Promise<Peer> {
  const mounts = { transit: { type: 'transit' } }
  const host = await createPluginHost({ storage: memory(), mounts }, { plugins: rig(t).plugins })
  t.after(() => host.close())
  const { grant } = await host.auth().login({} as Parameters<ReturnType<typeof host.auth>['login']>[0])
  const peer = hostPeer(host, grant.token)
  return async (method, path, body) => {
    const operation = OPERATIONS[method as keyof typeof OPERATIONS]
    const request = { operation, path: `transit/${decodeURIComponent(path)}`, query: {}, body: body as JsonObject }
    const answer = await peer.send(request)
    return { data: undefined, errors: undefined, warnings: undefined, ...answer.body, status: answer.status }
  }
}

const OPERATIONS = { GET: 'read', LIST: 'list', POST: 'write', PUT: 'write', DELETE: 'delete', PATCH: 'patch' } as const

function nameOf({ method, path, body }: Step): string {
  return `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`.slice(0, 150)
}

/** What is absent, null or empty is nothing. */
function filled(answer: PeerAnswer | undefined): object {
  const parts = Object.entries(answer ?? {})
  return Object.fromEntries(parts.filter(([, part]) => part !== undefined && part !== null && !isEmpty(part)))
}

function isEmpty(part: unknown): boolean {
  return Array.isArray(part) && part.length === 0
}

function differing(
  theirs: readonly Played[],
  ours: readonly Played[],
  known: ReadonlyMap<string, string>,
): readonly string[] {
  const found = new Set<string>()
  for (const [at, { step, answer }] of theirs.entries()) {
    const own = ours[at]?.answer
    if (!isDeepStrictEqual(filled(own), filled(answer))) {
      found.add(nameOf(step))
      if (!known.has(nameOf(step)))
        process.stderr.write(`${nameOf(step)}\n  server: ${JSON.stringify(answer)}\n  ours:   ${JSON.stringify(own)}\n`)
    }
  }
  return [...found].sort()
}

test('our transit in our host answers as the server’s own does, but where it is said', { skip }, async (t) => {
  const bao = await startBao(t)
  await bao.root('POST', 'sys/mounts/theirs', { type: 'transit' })
  const known = new Map([...DIFFERENCES, ...IN_HOST])
  const [theirs, ours] = [await play(peerAt(bao, 'theirs'), REQUESTS), await play(await hostedPeer(t), REQUESTS)]
  assert.deepEqual(differing(theirs, ours, known), [...known.keys()].sort())
})

test('our transit in a real OpenBao answers as its own does, but where it is said', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const { bao, register } = await startBaoWithPlugins(t)
  await register('secret', PLUGIN, 'test/plugin/builtin/served-transit.ts')
  await bao.root('POST', 'sys/mounts/theirs', { type: 'transit' })
  await bao.root('POST', 'sys/mounts/ours', { type: PLUGIN })
  const [theirs, ours] = [await play(peerAt(bao, 'theirs'), REQUESTS), await play(peerAt(bao, 'ours'), REQUESTS)]
  t.diagnostic(`${REQUESTS.length} requests, ${DIFFERENCES.size} listed differences`)
  assert.ok(REQUESTS.length >= 400)
  assert.deepEqual(differing(theirs, ours, DIFFERENCES), [...DIFFERENCES.keys()].sort())
})
