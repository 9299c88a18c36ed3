import type { Server } from '../server.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** More than this between two clocks breaks what has a short life: logins by JWT, certificates just made. Milliseconds. */
const CLOCK_MAX_MS = 5_000
/** Of the status that a health check gives. */
const STATES: Readonly<Record<number, readonly [Finding['level'], string]>> = {
  200: ['ok', 'active'],
  429: ['ok', 'a standby, which passes requests on'],
  472: ['warn', 'a disaster recovery secondary: it answers nothing but its own promotion'],
  473: ['ok', 'a performance standby'],
  501: ['fail', 'not initialised: run "operator init"'],
  503: ['fail', 'sealed: unseal it'],
}

/** Is it there, unsealed, and of our time? @throws {CommandError} it cannot be reached. */
export async function serverFindings(server: Server, nowMs: () => number): Promise<readonly Finding[]> {
  const before = nowMs()
  const { status, body, date } = await server.call('GET', 'sys/health', undefined, Object.keys(STATES).map(Number))
  const [level, message] = STATES[status] ?? (['fail', `it answers with status ${status}`] as const)
  const version = typeof body?.version === 'string' ? `, version ${body.version}` : ''
  return [{ level, what: 'server', message: message + version }, clockFinding(date, before, nowMs())]
}

/** A date has whole seconds, and was made between sending and receiving. */
function clockFinding(date: string | undefined, beforeMs: number, afterMs: number): Finding {
  const there = Date.parse(date ?? '')
  if (Number.isNaN(there)) return warn('clock', 'the server does not say what time it has')
  const aheadMs = Math.max(there - afterMs, beforeMs - there - 1000)
  if (aheadMs <= CLOCK_MAX_MS) return ok('clock', 'agrees with the server')
  return warn('clock', `differs from the server's by ${Math.round(aheadMs / 1000)} s: set both by NTP`)
}

/** What kind of token is it, and does it last? */
export async function tokenFindings(server: Server): Promise<readonly Finding[]> {
  const { status, body } = await server.call('GET', 'auth/token/lookup-self', undefined, [403])
  if (status === 403) return [fail('token', 'the server does not know it, or it may not look itself up')]
  const { ttl, renewable, policies } = body?.data ?? {}
  if (Array.isArray(policies) && policies.includes('root'))
    return [warn('token', 'it is a root token: use one with the rights of the service')]
  if (ttl === 0) return [warn('token', 'it never ends')]
  const life = `it lives for ${ttl} s more`
  return [
    renewable === true ? ok('token', `${life}, and can be renewed`) : warn('token', `${life}, and cannot be renewed`),
  ]
}
