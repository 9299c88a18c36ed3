import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { realServersAbsent } from '../support/real-servers.ts'
import { compare } from './policy-semantics/compare.ts'
import { equivalent } from './policy-semantics/equivalent.ts'
import { type World, worlds } from './policy-semantics/generator.ts'
import { sendAll } from './policy-semantics/requests.ts'
import { MOUNT, startPolicyServer } from './policy-semantics/server.ts'

const skip = await realServersAbsent()

/** `PORTCULLIS_SEMANTICS_SEED=…` runs again what failed. */
const SEED = Number(process.env.PORTCULLIS_SEMANTICS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const NAMESPACES = ['', 'team-a']

test('100,000 pairs of policies and paths are decided as sys/capabilities says', { skip }, async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const server = await startPolicyServer(t, NAMESPACES)
  const total = { pairs: 0, granting: 0, fallbacks: 0 }

  const holds = async (world: World): Promise<void> => {
    await server.load(world)
    const paths = world.paths.map((path) => path.replace(/\/$/, ''))
    const said = await server.capabilities(world.namespace, [...paths, ...paths.map((path) => `${path}/`)])
    const { disagreements, ...counts } = await compare(world, said)
    assert.deepEqual(disagreements, [])
    for (const name of ['pairs', 'granting', 'fallbacks'] as const) total[name] += counts[name]
  }
  const size = { isTrimmed: true, paths: 400, namespaces: NAMESPACES, roots: ['a', 'b', 'ab'] }
  await fc.assert(fc.asyncProperty(worlds(size), holds), { seed: SEED, numRuns: 500 })

  t.diagnostic(`${total.pairs} pairs, ${total.granting} of which grant something; ${total.fallbacks} fall back`)
  assert.ok(total.pairs >= 100_000, String(total.pairs))
})

test('requests of all verbs are refused where the gateway refuses them', { skip }, async (t) => {
  t.diagnostic(`seed ${SEED}`)
  const server = await startPolicyServer(t, NAMESPACES)
  const total = { requests: 0, refused: 0, unjudged: 0, unforeseen: 0 }

  const holds = async (world: World): Promise<void> => {
    await server.load(world)
    const { disagreements, ...counts } = await sendAll(world, server)
    assert.deepEqual(disagreements, [])
    for (const name of ['requests', 'refused', 'unjudged', 'unforeseen'] as const) total[name] += counts[name]
  }
  const size = { isTrimmed: false, paths: 24, namespaces: NAMESPACES, roots: [MOUNT] }
  await fc.assert(fc.asyncProperty(worlds(size), holds), { seed: SEED, numRuns: 60 })

  const { requests, refused, unjudged, unforeseen } = total
  t.diagnostic(
    `${requests} requests, ${refused} refused, ${unjudged} not judged, ${unforeseen} writes refused for what only the server knows`,
  )
  assert.ok(requests - unjudged >= 1000 && refused >= 300 && requests - refused >= 300, JSON.stringify(total))
})

/** Patterns that the server takes by their letters, and a path that each of them grants there. */
const LETTERS: readonly (readonly [pattern: string, path: string])[] = [
  ['a/+b', 'a/+b'],
  ['a+', 'a+'],
  ['a/++', 'a/++'],
  ['a/*/b', 'a/*/b'],
  ['a**', 'a*b'],
  ['a//b', 'a//b'],
  ['a/../b', 'a/../b'],
  ['./a', './a'],
  ['/a', 'a'],
]

test('patterns that the server takes by their letters alone are refused here', { skip }, async (t) => {
  const server = await startPolicyServer(t, [''])
  for (const [pattern, path] of LETTERS) {
    const world: World = { namespace: '', policies: [[{ pattern, capabilities: ['read'] }]], paths: [] }
    await server.load(world)
    const others = ['a', 'a/xb', 'a/x', 'a/x/b', 'ax', 'a/b'].filter((other) => other !== path)
    const said = await server.capabilities('', [path, ...others])
    assert.deepEqual([...(said.get(path) ?? [])], ['read'], pattern)
    for (const other of others) assert.equal(said.get(other)?.size, 0, `${pattern} and ${other}`)
    await assert.rejects(equivalent(world), { code: 'ERR_PORTCULLIS_POLICY_INVALID' }, pattern)
  }
})
