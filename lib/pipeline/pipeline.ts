import { GatewayError } from '../errors/index.ts'
import { isState } from '../errors/status.ts'
import { type Revocation, revocationOf } from '../lease/revocations.ts'
import { type Answer, SealedAnswer } from '../model/answer.ts'
import type { AuditEntry } from '../model/audit-entry.ts'
import type { Caller } from '../model/caller.ts'
import { type Decision, withShadowOf } from '../model/decision.ts'
import { EMPTY_ANSWER } from '../model/envelope.ts'
import type { CallOptions } from '../model/gateway.ts'
import { type GatewayRequest, NO_QUERY } from '../model/request.ts'
import type { PolicyEngine, Verdict } from '../policy/engine.ts'
import type { Limits } from '../policy/limits/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Span, Telemetry } from '../ports/telemetry.ts'
import type { Call, Identity } from './call.ts'
import type { CreateOnly } from './create-only.ts'
import { denial, limited, refusedDecision } from './denial.ts'
import type { Entries } from './entries.ts'
import type { Normalise, RawRequest } from './normalise.ts'
import { PATH_MAX_LENGTH } from './path.ts'
import { countDecision, type Refuse } from './refuse.ts'
import { parseTraceparent } from './traceparent.ts'

/** Who calls, with whose token. */
export interface Who {
  readonly caller: Caller
  readonly identity: Identity
}

/** What is special about a call. */
export interface Extras {
  /** Sent without a token: a login on behalf of the caller. */
  readonly isLogin?: boolean
  /** Asked once the request is allowed, before it is sent. @throws {PolicyDeniedError} */
  readonly check?: ((request: GatewayRequest) => Promise<void>) | undefined
  /** Nobody waits for it, so it belongs to no trace but its own. */
  readonly isBackground?: boolean
  /** Serves it, in place of what would by its operation. */
  readonly serve?: ((call: Call) => Promise<Answer>) | undefined
}

/** The path of one request: normalise, decide, record, cache, send, check, answer. */
export interface Pipeline {
  run(who: Who, raw: RawRequest, options: CallOptions, extras?: Extras): Promise<Answer>
  /** Takes no more calls, and resolves when those in flight have ended. */
  drain(): Promise<void>
  readonly inFlight: number
}

export interface PipelineDeps {
  readonly normalise: Normalise
  readonly policy: PolicyEngine
  readonly limits: Limits
  readonly refuse: Refuse
  /** Who calls, with what is known of the token's holder. Never rejects. */
  readonly known: (who: Who) => Who | Promise<Who>
  readonly createOnly: CreateOnly
  readonly entries: Entries
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly nextId: () => string
  /** Of calls that name none. */
  readonly namespace: string
  readonly maxInFlight: number
  /** For what may be shared: through cache and flights. */
  readonly serveShared: (call: Call) => Promise<Answer>
  /** For everything else: one exchange for one call. */
  readonly serveAlone: (call: Call) => Promise<Answer>
  /** For what ends leases or tokens: they are dropped here too. */
  readonly serveRevoking: (call: Call, revocation: Revocation) => Promise<Answer>
  /** Refuses what would end or change a lease under others. */
  readonly guardLease: (caller: Caller, request: GatewayRequest, verdict: Verdict) => Decision | undefined
  readonly mayShare: (request: GatewayRequest) => boolean
}

export function createPipeline(deps: PipelineDeps): Pipeline {
  return new RequestPipeline(deps)
}

class RequestPipeline implements Pipeline {
  readonly #deps: PipelineDeps
  #inFlight = 0
  #closing = false
  #drained: (() => void) | undefined

  constructor(deps: PipelineDeps) {
    this.#deps = deps
  }

  get inFlight(): number {
    return this.#inFlight
  }

  async run(who: Who, raw: RawRequest, options: CallOptions, extras: Extras = NO_EXTRAS): Promise<Answer> {
    this.#enter(options)
    const { telemetry, clock } = this.#deps
    const startedAtMs = clock.now()
    const isBackground = extras.isBackground === true
    const span = telemetry.span('portcullis.request', SPAN_ATTRIBUTES[raw.operation], isBackground)
    let error: unknown
    try {
      const known = this.#deps.known(who)
      const holder = known instanceof Promise ? await known : known
      const answer = await this.#serve(holder, raw, options, extras)
      span.set('portcullis.source', answer.source)
      return answer
    } catch (thrown) {
      error = thrown
      throw thrown
    } finally {
      endSpan(span, error)
      telemetry.duration((clock.now() - startedAtMs) / 1000, SPAN_ATTRIBUTES[raw.operation])
      this.#leave()
    }
  }

  async drain(): Promise<void> {
    this.#closing = true
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => {
      this.#drained = resolve
    })
  }

  #enter({ signal }: CallOptions): void {
    if (this.#closing) throw new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the gateway is closed')
    signal?.throwIfAborted()
    const { maxInFlight } = this.#deps
    if (this.#inFlight >= maxInFlight) {
      throw new GatewayError(
        'ERR_PORTCULLIS_GATEWAY_CAPACITY',
        `${maxInFlight} calls are in flight already (maxInFlight)`,
      )
    }
    this.#inFlight += 1
  }

  #leave(): void {
    this.#inFlight -= 1
    if (this.#inFlight === 0) this.#drained?.()
  }

  #serve(who: Who, raw: RawRequest, options: CallOptions, extras: Extras): Promise<Answer> {
    const { isLogin = false, isBackground = false, check, serve } = extras
    const { normalise, policy, mayShare, refuse, serveShared, serveAlone, nextId } = this.#deps
    const id = nextId()
    const trace = isBackground ? undefined : this.#trace(options)
    let request: GatewayRequest
    try {
      request = normalise(raw)
    } catch (error) {
      return refuse({ ...who, id, trace, request: asAsked(raw, this.#deps.namespace) }, error)
    }
    const { caller, identity } = who
    const verdict = policy.decide(caller, request)
    const { signal, timeoutMs } = options
    // The state of a node needs no token, and is asked for most where none can be had.
    const isBare = isLogin || (request.operation === 'read' && isState(request.path))
    const call: Call = { id, caller, identity, request, verdict, trace, isLogin: isBare, signal, timeoutMs }
    if (verdict.decision.effect === 'deny') return refuse(call, denial(verdict.decision, request))
    const guarded = this.#deps.guardLease(caller, request, verdict)
    if (guarded !== undefined) return refuse(call, denial(withShadowOf(guarded, verdict.decision), request))
    if (options.dryRun === true) return Promise.resolve(new SealedAnswer(EMPTY_ANSWER, DRY_RUN, verdict.decision))
    const limit = this.#deps.limits.access(caller, verdict)
    if (limit !== undefined) return refuse(call, limited(limit, verdict.decision, request))
    countDecision(this.#deps.telemetry, verdict.decision)
    if (check !== undefined) return this.#serveChecked(call, check, serve ?? serveAlone)
    if (verdict.createOnly && request.operation === 'write') return this.#serveCreateOnly(call)
    if (serve !== undefined) return serve(call)
    const revocation = revocationOf(request)
    if (revocation !== undefined) return this.#deps.serveRevoking(call, revocation)
    return mayShare(request) && !isLogin ? serveShared(call) : serveAlone(call)
  }

  async #serveChecked(
    call: Call,
    check: (request: GatewayRequest) => Promise<void>,
    serve: (call: Call) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      await check(call.request)
    } catch (error) {
      return this.#unsent(call, error)
    }
    return serve(call)
  }

  async #serveCreateOnly(call: Call): Promise<Answer> {
    let checked: GatewayRequest | Decision
    try {
      checked = await this.#deps.createOnly(call.request)
    } catch (error) {
      return this.#unsent(call, error)
    }
    if (!('effect' in checked)) return this.#deps.serveAlone({ ...call, request: checked })
    const { policy, rule } = call.verdict.decision
    return this.#unsent(call, denial(withShadowOf({ ...checked, policy, rule }, call.verdict.decision), call.request))
  }

  /** What had to be found out first refused the request, or could not be found out. */
  async #unsent(call: Call, error: unknown): Promise<never> {
    if (refusedDecision(error) !== undefined) return this.#deps.refuse(call, error)
    const { id, caller, identity, request, trace, verdict } = call
    const auth = identity.session.peek()?.audit
    const subject = { id, caller, decision: verdict.decision, request, auth, trace }
    throw await this.#deps.entries.failure(subject, 'request', error)
  }

  #trace(options: CallOptions): AuditEntry['trace'] {
    const active = this.#deps.telemetry.active()
    if (active !== undefined) return { trace_id: active.traceId, span_id: active.spanId }
    return options.traceparent === undefined ? undefined : parseTraceparent(options.traceparent)
  }
}

const NO_EXTRAS: Extras = Object.freeze({})
const DRY_RUN = Object.freeze({ source: 'dry-run', ageMs: 0, ttlMs: 0, verifiedMs: 0 } as const)

const SPAN_ATTRIBUTES = Object.freeze({
  read: Object.freeze({ 'portcullis.operation': 'read' }),
  list: Object.freeze({ 'portcullis.operation': 'list' }),
  scan: Object.freeze({ 'portcullis.operation': 'scan' }),
  write: Object.freeze({ 'portcullis.operation': 'write' }),
  patch: Object.freeze({ 'portcullis.operation': 'patch' }),
  delete: Object.freeze({ 'portcullis.operation': 'delete' }),
})

function endSpan(span: Span, error: unknown): void {
  if (error === undefined) span.end()
  else span.end((error as { code?: string }).code ?? 'aborted')
}

/** The request as it was asked, for the record of its refusal; nothing of it is sent. */
function asAsked(raw: RawRequest, namespace: string): GatewayRequest {
  return {
    operation: raw.operation,
    namespace: String(raw.namespace ?? namespace).slice(0, PATH_MAX_LENGTH),
    path: String(raw.path).slice(0, PATH_MAX_LENGTH),
    query: NO_QUERY,
    data: undefined,
    body: undefined,
    wrapTtlMs: 0,
  }
}
