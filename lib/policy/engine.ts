import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { Explanation } from '../model/gateway.ts'
import type { JsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import { checkNames } from '../options/check.ts'
import type { Clock } from '../ports/clock.ts'
import { type LoadedPolicies, loadPolicies, namespaceProblem } from './load.ts'
import type { RulePromise } from './promises.ts'
import { PolicyRuling, type Ruling, UNRESTRICTED } from './ruling.ts'
import type { SchemaCompiler } from './schema-compiler.ts'
import { Shadow } from './shadow.ts'
import { denied, type PolicyDocument, type RuleVerdict, type Verdict } from './verdict.ts'

export type { RulePromise } from './promises.ts'
export type { CacheGrant, PolicyDocument, Verdict } from './verdict.ts'

/** Decides requests by the policies it was made with. Holds no time, asks nobody; synchronous. */
export interface PolicyEngine {
  /**
   * The verdict on `request`: every caller of the chain must allow; the first refusal, root first, is the verdict.
   *
   * The identical object for a repeated request whose data, query and wrap TTL the rules do not ask about.
   */
  decide(caller: Caller, request: GatewayRequest): Verdict
  /** A denial where `data` fails a response schema of the rules that allowed; else `undefined`. */
  checkResponse(verdict: Verdict, data: JsonObject | undefined): Decision | undefined
  /** The decision with its reasons; never a value. */
  explain(caller: Caller, request: GatewayRequest): Explanation
  /** What the rules that bind a caller itself, and not only those above it, allow it: for the server to keep. */
  promises(caller: Caller): readonly RulePromise[]
  /** Names of the policies, in the order given. */
  readonly policies: readonly string[]
}

/** How {@link createPolicyEngine} judges. */
export interface PolicyEngineOptions {
  /** Of policies that name none; canonical, `''` for the root. */
  readonly namespace: string
  /** DANGEROUS: lets everything through. Only where no policy is enforced: those of mode shadow may be there. Default: false. */
  readonly unrestricted?: boolean
  /** Its wall clock tells time windows; without one, rules with `when` allow nothing, and deny always. */
  readonly clock?: Pick<Clock, 'wallTime'>
  /** Checks of the documents' schemas that were generated beforehand. Default: they are generated here, with ajv. */
  readonly compiler?: SchemaCompiler
}

/**
 * An engine for `documents`; all of them, or none.
 *
 * Without documents everything is denied. Schemas are compiled here, so that deciding never does.
 *
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: the first fault, by file and JSON pointer.
 * @throws {TypeError} for wrong options, and for `unrestricted` together with policies that are enforced.
 *
 * @example
 * const rules = [{ path: 'kv/data/orders', operations: ['read'], effect: 'allow' }]
 * const engine = await createPolicyEngine([{ file: 'orders', document: { policy: 'orders', rules } }], { namespace: '' })
 */
export async function createPolicyEngine(
  documents: readonly PolicyDocument[],
  options: PolicyEngineOptions,
): Promise<PolicyEngine> {
  checkNames('policy options', options, ['namespace', 'unrestricted', 'clock', 'compiler'])
  if (typeof options.namespace !== 'string') throw new TypeError('namespace must be a string')
  const problem = namespaceProblem(options.namespace)
  if (problem !== undefined) throw new TypeError(`namespace is not canonical: ${problem}`)
  const loaded = await loadPolicies(documents, options.namespace, options.compiler)
  if (options.unrestricted !== true) return new RuleEngine(new PolicyRuling(loaded.sets), loaded, options.clock)
  if (loaded.sets.length > 0) {
    throw new TypeError(
      'unrestricted lets everything through, so it cannot be combined with policies but those of mode "shadow": leave one out',
    )
  }
  return new RuleEngine(UNRESTRICTED, loaded, options.clock)
}

class RuleEngine implements PolicyEngine {
  readonly policies: readonly string[]
  readonly #ruling: Ruling
  readonly #shadow: Shadow | undefined
  /** `undefined` where no rule asks for the time. */
  readonly #clock: PolicyEngineOptions['clock']

  constructor(ruling: Ruling, { policies, together, isTimed }: LoadedPolicies, clock: PolicyEngineOptions['clock']) {
    this.policies = Object.freeze(policies)
    this.#ruling = ruling
    this.#shadow = together === undefined ? undefined : new Shadow(together)
    this.#clock = isTimed ? clock : undefined
  }

  decide(caller: Caller, request: GatewayRequest): Verdict {
    const nowMs = this.#nowMs()
    const verdict = this.#ruling.decide(caller, request, nowMs)
    return this.#shadow === undefined ? verdict : this.#shadow.beside(verdict, caller, request, nowMs)
  }

  checkResponse(verdict: Verdict, data: JsonObject | undefined): Decision | undefined {
    if (!verdict.checksResponse) return undefined
    const { responses } = verdict as Partial<RuleVerdict>
    if (responses === undefined) throw new TypeError('the verdict is not one that a policy engine made')
    for (const { policy, rule, check } of responses) {
      const failure = check(data ?? {})
      if (failure === undefined) continue
      const { pointer, keyword, hint } = failure
      const message = `the answer's data${pointer} ${hint} (${keyword})`
      return denied({ reason: 'response-schema', policy, rule, message, pointer, keyword }).decision
    }
    return undefined
  }

  explain(caller: Caller, request: GatewayRequest): Explanation {
    const nowMs = this.#nowMs()
    const explanation = this.#ruling.explain(caller, request, nowMs)
    if (this.#shadow === undefined) return explanation
    const verdict = this.#ruling.decide(caller, request, nowMs)
    const { decision } = this.#shadow.beside(verdict, caller, request, nowMs)
    return Object.freeze({ ...explanation, decision, shadow: this.#shadow.explain(caller, request, nowMs) })
  }

  promises(caller: Caller): readonly RulePromise[] {
    return this.#ruling.promises(caller)
  }

  /** Read once a decision, so that no window shuts between two of its rules. */
  #nowMs(): number {
    return this.#clock === undefined ? Number.NaN : this.#clock.wallTime()
  }
}
