import type { Audit } from '../audit/audit.ts'
import { PortcullisError } from '../errors/index.ts'
import type { Health } from '../model/gateway.ts'
import { NO_QUERY } from '../model/request.ts'
import type { Transport } from '../ports/transport.ts'
import type { SessionState } from '../session/session.ts'
import type { Entries } from './entries.ts'

export interface HealthDeps {
  readonly transport: Transport
  readonly nextId: () => string
  readonly session: () => SessionState
  readonly audit: Pick<Audit, 'counters' | 'failing'>
  readonly cache: () => Health['cache']
  readonly entries: Pick<Entries, 'event'>
}

/** How long a health check waits for the server. */
export const HEALTH_TIMEOUT_MS = 2_000

/**
 * What the gateway knows of itself and of the server.
 *
 * `sys/health` needs no token and is not in the server's own audit either; it is asked so that every state answers 200.
 */
export async function checkHealth(deps: HealthDeps, timeoutMs: number = HEALTH_TIMEOUT_MS): Promise<Health> {
  const [server, failing] = await Promise.all([askServer(deps, timeoutMs), failingDevices(deps)])
  const session = deps.session()
  const reasons = [
    ...(server.why === undefined ? [] : [server.why]),
    ...(server.found.sealed === true ? ['the server is sealed'] : []),
    ...(session.state === 'ended' ? ['there is no live token'] : []),
    ...failing.map((name) => `the required audit device ${name} takes no entries`),
  ]
  return {
    ok: reasons.length === 0,
    reasons,
    server: server.found,
    session,
    audit: deps.audit.counters(),
    cache: deps.cache(),
  }
}

/**
 * Required devices that take nothing. They are given an entry first: without requests, which a health that is not ok
 * keeps away, nobody would ever see that they work again.
 */
async function failingDevices({ audit, entries, nextId }: HealthDeps): Promise<readonly string[]> {
  const devices = audit.failing()
  if (devices.length === 0) return devices
  try {
    await entries.event(nextId(), { name: 'audit.tried', detail: { devices } })
  } catch {
    // Counted, and said by the device itself.
  }
  return audit.failing()
}

const ANY_STATE = Object.freeze({
  standbyok: 'true',
  perfstandbyok: 'true',
  sealedcode: '200',
  uninitcode: '200',
  drsecondarycode: '200',
})

async function askServer(
  { transport, nextId }: HealthDeps,
  timeoutMs: number,
): Promise<{ readonly found: Health['server']; readonly why?: string }> {
  const request = {
    operation: 'read',
    namespace: '',
    path: 'sys/health',
    query: { ...NO_QUERY, ...ANY_STATE },
    body: undefined,
    wrapTtlMs: 0,
    token: undefined,
    requestId: nextId(),
    repeatable: true,
  } as const
  try {
    const { data } = await transport.send(request, { timeoutMs })
    const version = typeof data?.version === 'string' ? { version: data.version } : {}
    return { found: { reachable: true, sealed: data?.sealed === true, standby: data?.standby === true, ...version } }
  } catch (error) {
    const why = error instanceof PortcullisError ? `${error.code}: ${error.message}` : 'the health check failed'
    return { found: { reachable: false }, why }
  }
}
