import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bao } from '../../../support/bao.ts'
import { realServersAbsent } from '../../../support/real-servers.ts'
import { startBaoWith } from '../bao-with-plugin.ts'
import { DIFFERENCES } from './differences.ts'
import { type Peer, type Played, play } from './peer.ts'
import { REQUESTS, type Step } from './requests.ts'

const skip = await realServersAbsent()
const PLUGIN = { name: 'our-transit', type: 'secret', file: './served-transit.ts' } as const

function peerAt(bao: Bao, mount: string): Peer {
  return async (method, path, body) => {
    const answer = await bao.call(bao.rootToken, method, `${mount}/${path}`, body)
    const { data, errors, warnings } = answer.body ?? {}
    return { status: answer.status, data, errors, warnings }
  }
}

function nameOf({ method, path, body }: Step): string {
  return `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`
}

function differing(theirs: readonly Played[], ours: readonly Played[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const [at, { step, answer }] of theirs.entries()) {
    const own = ours[at]?.answer
    try {
      assert.deepEqual(own, answer)
    } catch {
      found.add(nameOf(step))
      if (!DIFFERENCES.has(nameOf(step)))
        process.stderr.write(`${nameOf(step)}\n  server: ${JSON.stringify(answer)}\n  ours:   ${JSON.stringify(own)}\n`)
    }
  }
  return found
}

test('our transit answers as the server’s own does, but where it is said', { skip, timeout: 300_000 }, async (t) => {
  const bao = await startBaoWith(t, PLUGIN)
  await bao.root('POST', 'sys/mounts/theirs', { type: 'transit' })
  await bao.root('POST', 'sys/mounts/ours', { type: PLUGIN.name })
  const [theirs, ours] = [await play(peerAt(bao, 'theirs'), REQUESTS), await play(peerAt(bao, 'ours'), REQUESTS)]
  t.diagnostic(`${REQUESTS.length} requests, ${DIFFERENCES.size} listed differences`)
  assert.ok(REQUESTS.length >= 400)
  assert.deepEqual([...differing(theirs, ours)].sort(), [...DIFFERENCES.keys()].sort())
})
