import type { Operation } from '../../../lib/model/operation.ts'
import { createPolicyEngine, type PolicyEngine } from '../../../lib/policy/engine.ts'
import { ANYONE, request } from '../../policy/support.ts'
import type { Capability, World } from './generator.ts'

/** Does the gateway let the request pass, by the policies of a world? */
export type Allows = (operation: Operation, path: string) => boolean

/** The gateway policies that say what the world's server policies say, one for each. */
export async function equivalent(world: World): Promise<Allows> {
  return allows(world, await engineOf(world, (capabilities) => capabilities))
}

/**
 * Whether a path grants a capability, where the gateway has no operation for it alone: asked for as reading what the
 * capability is granted on. Which rule wins is then as for a read.
 */
export async function grants(
  world: World,
  capability: Capability,
  as: 'read' | 'list',
): Promise<(path: string) => boolean> {
  // What grants something else still wins on its path; `sudo` is carried and grants nothing.
  const engine = await engineOf(world, (capabilities) => (capabilities.includes(capability) ? [as] : ['sudo']))
  const allowed = allows(world, engine)
  return (path) => allowed(as, path)
}

function allows({ namespace }: World, engine: PolicyEngine): Allows {
  return (operation, path) => engine.decide(ANYONE, request(operation, path, { namespace })).decision.effect === 'allow'
}

function engineOf(
  { policies, namespace }: World,
  operations: (capabilities: readonly string[]) => readonly string[],
): Promise<PolicyEngine> {
  const documents = policies.map((rules, at) => ({
    policy: `p${at}`,
    rules: rules.map(({ pattern, capabilities }) =>
      capabilities.includes('deny')
        ? { path: pattern, operations: ['*'], effect: 'deny' }
        : { path: pattern, operations: operations(capabilities), effect: 'allow' },
    ),
  }))
  return createPolicyEngine(
    documents.map((document, at) => ({ file: `p${at}.json`, document })),
    { namespace },
  )
}
