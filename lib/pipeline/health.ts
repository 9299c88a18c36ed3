import { PortcullisError } from '../errors/index.ts'
import type { DeviceHealth, Health } from '../model/gateway.ts'
import { NO_QUERY } from '../model/request.ts'
import type { Transport } from '../ports/transport.ts'
import type { SessionState } from '../session/session.ts'

export interface HealthDeps {
  readonly transport: Transport
  readonly nextId: () => string
  readonly session: () => SessionState
  readonly devices: () => readonly DeviceHealth[]
  readonly cache: () => Health['cache']
}

/** How long a health check waits for the server. */
export const HEALTH_TIMEOUT_MS = 2_000

/**
 * What the gateway knows of itself and of the server.
 *
 * `sys/health` needs no token and is not in the server's own audit either; it is asked so that every state answers 200.
 */
export async function checkHealth(deps: HealthDeps, timeoutMs: number = HEALTH_TIMEOUT_MS): Promise<Health> {
  const server = await askServer(deps, timeoutMs)
  const session = deps.session()
  const audit = deps.devices()
  const reasons = [
    ...(server.why === undefined ? [] : [server.why]),
    ...(server.found.sealed === true ? ['the server is sealed'] : []),
    ...(session.state === 'ended' ? ['there is no live token'] : []),
  ]
  return { ok: reasons.length === 0, reasons, server: server.found, session, audit, cache: deps.cache() }
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
