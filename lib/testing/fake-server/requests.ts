import type { FakeRequest } from './exchange.ts'

/** A request that arrived, for a test to look at. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly namespace: string
  /** Without the values of tokens, so that a failed test prints none. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const SECRET_HEADERS: ReadonlySet<string> = new Set(['x-vault-token', 'authorization'])

/** `request` as a test sees it. */
export function seen(request: FakeRequest, showsTokens: boolean): SeenRequest {
  const { method, path, query, headers, body } = request
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    !showsTokens && SECRET_HEADERS.has(name) ? '[redacted]' : value,
  ])
  const namespace = headers['x-vault-namespace'] ?? ''
  return { method, path, query, namespace, headers: Object.fromEntries(shown), body }
}
