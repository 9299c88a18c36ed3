import type { InspectedPath } from './plugins.ts'

const MAX_HELP = 64 * 1024
const MAX_PATHS = 2000
const MAX_TEXT = 512
/** HTTP methods of an OpenAPI document, and what they are here. */
const OPERATIONS: readonly (readonly [method: string, operation: string])[] = [
  ['get', 'read'],
  ['list', 'list'],
  ['post', 'write'],
  ['put', 'write'],
  ['patch', 'patch'],
  ['delete', 'delete'],
]

/** Help and paths out of the answer of a plugin to `help` of its root. @param data - Untrusted JSON text. */
export function pathsOfHelp(
  data: string,
  unauthenticated: readonly string[],
): { readonly help: string; readonly paths: readonly InspectedPath[] } {
  const answer = objectOf(JSON.parse(data))
  const paths = objectOf(objectOf(answer.openapi).paths)
  return {
    help: text(answer.help, MAX_HELP),
    paths: Object.entries(paths)
      .slice(0, MAX_PATHS)
      .map(([path, item]) => pathOf(path, objectOf(item), unauthenticated)),
  }
}

function pathOf(openApiPath: string, item: Readonly<Record<string, unknown>>, open: readonly string[]): InspectedPath {
  const path = text(openApiPath, MAX_TEXT).replace(/^\//, '')
  const operations = OPERATIONS.filter(([method]) => Object.hasOwn(item, method)).map(([, operation]) => operation)
  // Lists are told as a parameter of `get`.
  if (JSON.stringify(objectOf(item.get).parameters ?? []).includes('"list"')) operations.push('list')
  return {
    path,
    operations: [...new Set(operations)],
    summary: text(item.description, MAX_TEXT),
    unauthenticated: item['x-vault-unauthenticated'] === true || open.some((pattern) => covers(pattern, path)),
  }
}

/** Does a path of `unauthenticated` mean `path`? Exact, a prefix with `*`, one segment with `+`. */
function covers(pattern: string, path: string): boolean {
  const isPrefix = pattern.endsWith('*')
  const wanted = (isPrefix ? pattern.slice(0, -1) : pattern).split('/')
  const given = path.split('/')
  if (isPrefix ? given.length < wanted.length : given.length !== wanted.length) return false
  return wanted.every((segment, at) => {
    const isLast = isPrefix && at === wanted.length - 1
    return segment === '+' || (isLast ? (given[at] ?? '').startsWith(segment) : given[at] === segment)
  })
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function text(value: unknown, max: number): string {
  return typeof value === 'string' ? value.slice(0, max) : ''
}
