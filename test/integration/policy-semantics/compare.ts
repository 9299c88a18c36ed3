import type { Operation } from '../../../lib/model/operation.ts'
import { equivalent, grants } from './equivalent.ts'
import { CAPABILITIES, type Capability, type World } from './generator.ts'

/** What `sys/capabilities` says of paths; each of them with and without a slash at its end. */
export type Said = ReadonlyMap<string, ReadonlySet<Capability>>

/** What came of comparing the gateway's decisions with it. */
export interface Compared {
  /** Paths of which everything was compared. */
  readonly pairs: number
  /** Of these, how many grant something. */
  readonly granting: number
  /** Operations on a path with a slash at its end of which `sys/capabilities` tells what a listing would find. */
  readonly fallbacks: number
  readonly disagreements: readonly string[]
}

type Operations = readonly (readonly [operation: Operation, needs: readonly Capability[]])[]

/** An operation, and the capabilities of which one is enough. Which of create and update a write is, only the server knows. */
const LISTING: Operations = [
  ['list', ['list']],
  ['scan', ['scan']],
]
const OTHERS: Operations = [
  ['read', ['read']],
  ['write', ['create', 'update']],
  ['patch', ['patch']],
  ['delete', ['delete']],
]

/** Compares all that the gateway decides for the paths of `world` with what the server said. */
export async function compare(world: World, said: Said): Promise<Compared> {
  const [decided, ofBare, ofSlashed] = await Promise.all([
    equivalent(world),
    lookUps(world, 'read'),
    lookUps(world, 'list'),
  ])
  const disagreements: string[] = []
  const check = (path: string, what: string, ours: boolean, needs: readonly Capability[]): boolean => {
    const theirs = needs.some((capability) => said.get(path)?.has(capability) === true)
    if (ours !== theirs) disagreements.push(`${what} ${JSON.stringify(path)}: gateway ${ours}, server ${theirs}`)
    return ours
  }
  let fallbacks = 0
  for (const path of said.keys()) {
    const isSlashed = path.endsWith('/')
    for (const [capability, granted] of isSlashed ? ofSlashed : ofBare) {
      check(path, capability, granted(path), [capability])
    }
    for (const [operation, needs] of isSlashed ? LISTING : OTHERS)
      check(path, operation, decided(operation, path), needs)
    if (!isSlashed) {
      for (const [operation, needs] of LISTING) check(`${path}/`, operation, decided(operation, path), needs)
      continue
    }
    // A read of `a/` does not fall back to what is said of `a`; `sys/capabilities` always does. Real requests tell who is right.
    for (const [operation, needs] of OTHERS) {
      if (decided(operation, path) !== needs.some((capability) => said.get(path)?.has(capability))) fallbacks += 1
    }
  }
  const granting = [...said.values()].filter(({ size }) => size > 0).length
  return { pairs: said.size, granting, fallbacks, disagreements }
}

/** For each capability, whether a path grants it. */
async function lookUps(
  world: World,
  as: 'read' | 'list',
): Promise<readonly (readonly [Capability, (path: string) => boolean])[]> {
  return Promise.all(CAPABILITIES.map(async (name) => [name, await grants(world, name, as)] as const))
}
