import type { Capability } from '../../model/preflight.ts'

/** Capabilities at a path of a server policy. */
export interface AclPath {
  readonly path: string
  readonly capabilities: readonly Capability[]
}

const ORDER: readonly Capability[] = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo']

/** A server policy in HCL: each path once, in order, with all that is granted there. */
export function printAcl(paths: readonly AclPath[]): string {
  const byPath = new Map<string, Set<Capability>>()
  for (const { path, capabilities } of paths) {
    const all = byPath.get(path) ?? new Set()
    for (const capability of capabilities) all.add(capability)
    byPath.set(path, all)
  }
  return [...byPath]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, all]) => {
      const names = ORDER.filter((name) => all.has(name)).map((name) => JSON.stringify(name))
      return `path ${quoted(path)} {\n  capabilities = [${names.join(', ')}]\n}\n`
    })
    .join('\n')
}

/** A string of HCL; a `$` before a brace would begin an expression, whose braces have to close. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/\$(?=\{)/g, '\\u0024')
}
