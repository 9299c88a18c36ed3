import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { ExplainRequest, Explanation } from '../model/gateway.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import { checkNames } from '../options/check.ts'
import { createNormalise } from '../pipeline/normalise.ts'
import type { Clock } from '../ports/clock.ts'
import { createPolicyEngine, type PolicyDocument, type PolicyEngine } from './engine.ts'
import { explainAsked } from './explain-asked.ts'

/** A request as {@link PolicyTrial} takes it. */
export interface TrialRequest extends ExplainRequest {
  /** When it is made, in milliseconds since 1970; for rules with time windows. */
  readonly atMs: number
}

/** Policies that are tried out: what a gateway would say, where there is no server, and at any time. Takes up no limit. */
export interface PolicyTrial {
  /** Names of the policies, in the order given. */
  readonly policies: readonly string[]
  /** As `gateway.explain()`. @throws {TypeError|RangeError} for what is no request. */
  explain(caller: Caller, request: TrialRequest): Explanation
  /**
   * What the rules that allow `request` say of an answer with `data`: a denial, or `undefined` where it passes.
   *
   * @throws {TypeError} the request is not allowed, so there is no answer.
   */
  checkAnswer(caller: Caller, request: TrialRequest, data: JsonObject | undefined): Decision | undefined
}

/** How {@link createPolicyTrial} judges; as the gateway is set up. */
export interface PolicyTrialOptions {
  /** Of policies and requests that name none; canonical. Default: `''`, the root. */
  readonly namespace?: string
  /** Others that requests may name. Default: those that the policies name. */
  readonly namespaces?: readonly string[]
}

/**
 * A trial of `documents`, which decides as a gateway with these policies would.
 *
 * @throws {PolicyLoadError} as {@link createPolicyEngine}.
 *
 * @example
 * const trial = await createPolicyTrial([parsePolicyText('orders.json', text)])
 * trial.explain(createCaller({ service: 'orders' }), { operation: 'read', path: 'kv/data/a', atMs: Date.now() }).decision
 */
export async function createPolicyTrial(
  documents: readonly PolicyDocument[],
  options: PolicyTrialOptions = {},
): Promise<PolicyTrial> {
  checkNames('trial options', options, ['namespace', 'namespaces'])
  const { namespace = '', namespaces = documents.flatMap(namespaceOf) } = options
  const clock = new SetClock()
  const engine = await createPolicyEngine(documents, { namespace, clock })
  const normalise = createNormalise({ namespace, namespaces: [...new Set([namespace, ...namespaces])] })
  const asked = (request: TrialRequest): GatewayRequest => {
    clock.set(request.atMs)
    return normalise(request)
  }
  return {
    policies: engine.policies,
    explain: (caller, request) => explainAsked(engine, caller, () => asked(request)),
    checkAnswer: (caller, request, data) => answerChecked(engine, caller, asked(request), data),
  }
}

function answerChecked(
  engine: PolicyEngine,
  caller: Caller,
  request: GatewayRequest,
  data: JsonObject | undefined,
): Decision | undefined {
  const verdict = engine.decide(caller, request)
  if (verdict.decision.effect !== 'allow') throw new TypeError('the request is not allowed, so it has no answer')
  return engine.checkResponse(verdict, data)
}

function namespaceOf({ document }: PolicyDocument): readonly string[] {
  return isJsonObject(document) && typeof document.namespace === 'string' ? [document.namespace] : []
}

/** A clock that stands where it was set. */
class SetClock implements Clock {
  #wallMs = 1

  set(wallMs: number): void {
    if (!Number.isFinite(wallMs)) throw new RangeError(`the time of a request must be milliseconds, got ${wallMs}`)
    this.#wallMs = wallMs
  }

  now(): number {
    return Math.max(1, this.#wallMs)
  }

  wallTime(): number {
    return this.#wallMs
  }

  after(): { cancel(): void } {
    return { cancel: () => undefined }
  }
}
