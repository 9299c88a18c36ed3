import type { TestContext } from 'node:test'
import { type Bao, startBao } from '../../support/bao.ts'
import type { Capability, World } from './generator.ts'

/** Policies that the token has, as many as a world may have. */
const NAMES = ['p0', 'p1', 'p2']
/** A kv store of version 1 in each namespace: it takes every name, and tells what is there from what is not. */
export const MOUNT = 'plain'
/** Paths in one call: the server takes no body of 1,000 texts. */
const PATHS_A_CALL = 400

/** A real server that judges by the policies of one world after the other. */
export interface PolicyServer {
  readonly bao: Bao
  /** Tokens by namespace: not of the root's, and with no policy but the world's. */
  readonly tokens: ReadonlyMap<string, string>
  /** Puts the policies of `world` in force. */
  load(world: World): Promise<void>
  /** What `sys/capabilities` says the token may do on each path; nothing where it says `deny`. */
  capabilities(namespace: string, paths: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<Capability>>>
}

export async function startPolicyServer(t: TestContext, namespaces: readonly string[]): Promise<PolicyServer> {
  const bao = await startBao(t)
  const tokens = new Map<string, string>()
  for (const namespace of namespaces) {
    if (namespace !== '') await bao.root('POST', `sys/namespaces/${namespace}`)
    await bao.root('POST', `sys/mounts/${MOUNT}`, { type: 'kv', options: { version: '1' } }, namespaced(namespace))
    const made = await bao.root(
      'POST',
      'auth/token/create',
      { policies: NAMES, no_default_policy: true },
      namespaced(namespace),
    )
    tokens.set(namespace, made.body.auth.client_token)
  }
  return {
    bao,
    tokens,
    async load({ policies, namespace }): Promise<void> {
      await Promise.all(
        NAMES.map((name, at) => {
          const rules = policies[at] ?? []
          const blocks = rules.map(({ pattern, capabilities }) => ({ [pattern]: { capabilities } }))
          const path = blocks.length === 0 ? {} : blocks
          return bao.root(
            'PUT',
            `sys/policies/acl/${name}`,
            { policy: JSON.stringify({ path }) },
            namespaced(namespace),
          )
        }),
      )
    },
    async capabilities(namespace, paths) {
      const found = new Map<string, ReadonlySet<Capability>>()
      const distinct = [...new Set(paths)]
      for (let at = 0; at < distinct.length; at += PATHS_A_CALL) {
        const asked = distinct.slice(at, at + PATHS_A_CALL)
        const token = tokens.get(namespace)
        const { body } = await bao.root('POST', 'sys/capabilities', { token, paths: asked }, namespaced(namespace))
        for (const path of asked) found.set(path, granted(path, body.data[path]))
      }
      return found
    },
  }
}

/** Headers for a request to `namespace`. */
export function namespaced(namespace: string): Readonly<Record<string, string>> {
  return namespace === '' ? {} : { 'x-vault-namespace': namespace }
}

function granted(path: string, capabilities: unknown): ReadonlySet<Capability> {
  if (!Array.isArray(capabilities)) throw new Error(`the server says nothing of ${JSON.stringify(path)}`)
  return new Set(capabilities.filter((name) => name !== 'deny'))
}
