import { PortcullisError } from '../errors/index.ts'
import { type GatewayRequest, NO_QUERY } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import { OWN_CALLER } from '../options/caller.ts'
import type { OwnCall, OwnExchange } from '../ports/auth-method.ts'
import type { SpanName, Telemetry } from '../ports/telemetry.ts'
import type { Transport } from '../ports/transport.ts'
import type { Entries, EntrySubject } from './entries.ts'
import { OWN_DECISION } from './own-decision.ts'

export interface OwnExchangeDeps {
  readonly transport: Transport
  readonly entries: Entries
  readonly telemetry: Telemetry
  readonly nextId: () => string
  readonly namespace: string
  readonly timeoutMs: number
  /** A token that nobody was given could not be revoked. */
  readonly onLeak: (path: string, code: string) => void
}

/** Calls that nobody asked for but the gateway: logins, look-ups, revocations. Judged by no caller's policy, always recorded. */
export function createOwnExchange(deps: OwnExchangeDeps): OwnExchange {
  const { telemetry } = deps
  return async (call) => {
    const name = spanOf(call)
    if (name === undefined) return send(deps, call)
    const span = telemetry.span(name, {}, true)
    try {
      const answer = await send(deps, call)
      span.end()
      return answer
    } catch (error) {
      span.end(codeOf(error))
      throw error
    }
  }
}

/**
 * What is worth a span: calls that change something at the server. Of no caller's trace, since they serve many.
 * Look-ups are counted instead: there is one every few seconds for each lease in use.
 */
function spanOf({ operation, path, token }: OwnCall): SpanName | undefined {
  const fixed = SPANS.get(path)
  if (fixed !== undefined || operation !== 'write' || token !== undefined) return fixed
  return /^auth\/.+\/login(?:\/|$)/.test(path) ? 'portcullis.session.login' : undefined
}

const SPANS: ReadonlyMap<string, SpanName> = new Map([
  ['auth/token/renew-self', 'portcullis.session.renew'],
  ['sys/leases/renew', 'portcullis.lease.renew'],
  ['sys/leases/revoke', 'portcullis.lease.revoke'],
])

async function send(deps: OwnExchangeDeps, call: OwnCall): Promise<ServerAnswer> {
  const { transport, entries, telemetry } = deps
  const subject = {
    id: deps.nextId(),
    caller: OWN_CALLER,
    decision: OWN_DECISION,
    request: ownRequest(call, deps),
    auth: undefined,
    trace: undefined,
  }
  await entries.request(subject)
  const sent = { ...subject.request, token: call.token, requestId: subject.id, repeatable: isRepeatable(call) }
  let answer: ServerAnswer
  try {
    answer = await telemetry.suppressed(() => transport.send(sent, { timeoutMs: call.timeoutMs ?? deps.timeoutMs }))
  } catch (error) {
    throw await entries.failure(subject, 'response', error)
  }
  try {
    await entries.response(subject satisfies EntrySubject, entries.answered(answer, 'server', subject.request))
  } catch (error) {
    await endToken(answer, call, deps)
    throw error
  }
  return answer
}

/** A login that could not be recorded gives nobody its token, so the token must not live on. */
async function endToken({ auth }: ServerAnswer, call: OwnCall, deps: OwnExchangeDeps): Promise<void> {
  if (auth === undefined || auth.mfaRequired) return
  try {
    await send(deps, { operation: 'write', path: 'auth/token/revoke-self', token: auth.token })
  } catch (error) {
    deps.onLeak(call.path, codeOf(error))
  }
}

function codeOf(error: unknown): string {
  return error instanceof PortcullisError ? error.code : 'unknown'
}

function ownRequest(call: OwnCall, deps: OwnExchangeDeps): GatewayRequest {
  return {
    operation: call.operation,
    namespace: call.namespace ?? deps.namespace,
    path: call.path,
    query: NO_QUERY,
    data: call.data,
    body: call.data === undefined ? undefined : JSON.stringify(call.data),
    wrapTtlMs: 0,
  }
}

/** Look-ups change nothing; a login or an unwrap must not happen twice. */
function isRepeatable(call: OwnCall): boolean {
  return call.operation === 'read' || call.path === 'sys/capabilities-self' || call.path === 'sys/leases/lookup'
}
