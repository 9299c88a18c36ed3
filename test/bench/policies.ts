import { type GatewayRequest, NO_QUERY } from '../../lib/model/request.ts'
import { createPolicyEngine, type PolicyDocument, type PolicyEngine } from '../../lib/policy/engine.ts'

/** Patterns of rules, and paths that are asked for; both by number. */
export interface Shape {
  readonly what: string
  readonly pattern: (at: number) => string
  readonly path: (at: number) => string
}

/** The fewest rules that others are compared with. */
export const FEW = 10

/** Rule sets as they are, and as they should not be. */
export const SHAPES: Readonly<Record<'exact' | 'plus' | 'prefix' | 'nested' | 'tree', Shape>> = {
  exact: {
    what: 'no wildcards',
    pattern: (at) => `kv/data/app-${at}`,
    path: (at) => `kv/data/app-${at}`,
  },
  plus: {
    what: 'all under one prefix, with a +',
    pattern: (at) => `kv/data/team-${at}/+/config`,
    path: (at) => `kv/data/team-${at % FEW}/${at}/config`,
  },
  prefix: {
    what: 'parts of one segment, with a *',
    pattern: (at) => `kv/data/team-${at}-*`,
    path: (at) => `kv/data/team-${at % FEW}-${at}`,
  },
  nested: {
    what: 'a*, aa*, aaa* … to 1,000 letters, then as many that end otherwise',
    pattern: (at) => `kv/${'a'.repeat((at % 1000) + 1)}${at < 1000 ? '' : `b${at}`}*`,
    path: (at) => `kv/${'a'.repeat(1000)}${at}`,
  },
  tree: {
    what: 'a or + at each of 14 depths, then z; asked for is what all but matches',
    pattern: (at) => `${Array.from({ length: 14 }, (_, bit) => ((at >> bit) & 1 ? '+' : 'a')).join('/')}/z`,
    path: (at) => `${'a/'.repeat(13)}${at}/y`,
  },
}

/** An engine for policies that bind every caller. */
export function engineOf(documents: readonly PolicyDocument[]): Promise<PolicyEngine> {
  return createPolicyEngine(documents, { namespace: '' })
}

/** Documents of a thousand rules each, one for each pattern. */
export function documentsOf(patterns: readonly string[]): readonly PolicyDocument[] {
  const starts = Array.from({ length: Math.ceil(patterns.length / 1000) }, (_, at) => at * 1000)
  return starts.map((start) => {
    const rules = patterns.slice(start, start + 1000).map((path) => ({ path, operations: ['read'], effect: 'allow' }))
    return { file: `p${start}.json`, document: { policy: `p${start}`, rules } }
  })
}

/** A read of `path`, as the gateway asks for it. */
export function readOf(path: string): GatewayRequest {
  // A rope of strings would be put together by whoever looks at it first, and that is not the engine's work.
  const flat = Buffer.from(path).toString()
  return {
    ...{ operation: 'read', path: flat, namespace: '', query: NO_QUERY },
    ...{ data: undefined, body: undefined, wrapTtlMs: 0 },
  }
}

/** `count` values, by number. */
export function numbered<T>(count: number, make: (at: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, at) => make(at))
}
